//! All that the assistant says. What the tenant's people wrote (titles, values) is on one line, short and
//! without characters that could make it look like something else. Pure.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::step::Doing;
use crate::ai::{
    ToolError,
    catalogue::{Entry, Input, Kind, Subject, fill::range_of},
};

/// Longest title, in characters.
const TITLE: usize = 120;
/// Longest value or name of an input.
const VALUE: usize = 80;
/// Longest description in a list.
const ABOUT: usize = 100;
/// Most values of an enum that are named.
const VALUES: usize = 12;

/// A question begins with one of these, and nothing else does.
const WHICH: &str = "Which one do you mean?";
const WHICH_AGAIN: &str = "That is none of them. Which one do you mean?";
const MISSING: &str = "Before I can ";
const MISSING_AGAIN: &str = "I could not use that. Before I can ";

pub(super) const HELLO: &str = "Hello. Tell me what you would like to see or do, in a few words.";
pub(super) const HELP: &str =
    "Tell me what you would like to see or do, with what it needs, such as “last month”.";
pub(super) const CANCELLED: &str = "All right. Nothing was done.";
pub(super) const CONSENT: &str = "Words alone approve nothing. If a proposal is open, approve, reject or test it there; else tell me what you would like to do.";
/// For who may run nothing.
pub(in super::super) const NO_RIGHTS: &str =
    "You may run neither saved queries nor workflows here, so there is nothing that I can do for you.";

/// Whether a text of the assistant is a question that the next message may answer.
pub(super) fn is_question(text: &str) -> bool {
    text.lines()
        .any(|line| [WHICH, WHICH_AGAIN, MISSING, MISSING_AGAIN].iter().any(|begin| line.starts_with(begin)))
}

/// A text of the tenant: harmless, on one line.
pub(super) fn line(text: &str, most: usize) -> String {
    let shown = |c: char| match c {
        '“' | '”' => '"',
        '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        c if c.is_whitespace() => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    };
    let text = text.trim();
    let mut out: String = text.chars().take(most).map(shown).collect();
    if text.chars().nth(most).is_some() {
        out.push('…');
    }
    out
}

/// A title in quotes.
pub(in super::super) fn title(entry: &Entry) -> String {
    format!("“{}”", line(&entry.title, TITLE))
}

fn kind(entry: &Entry) -> &'static str {
    match entry.subject {
        Subject::Query(_) => "query",
        Subject::Workflow(_) => "workflow",
    }
}

fn verb(entry: &Entry) -> &'static str {
    match entry.subject {
        Subject::Query(_) => "run",
        Subject::Workflow(_) => "start",
    }
}

fn one(entry: &Entry) -> String {
    let about = entry.about.as_deref().filter(|about| !about.trim().is_empty());
    let about = about.map(|about| format!(": {}", line(about, ABOUT))).unwrap_or_default();
    format!("{} ({}){about}", line(&entry.title, TITLE), kind(entry))
}

fn numbered(entries: &[Arc<Entry>]) -> String {
    (1..).zip(entries).map(|(at, entry)| format!("\n{at}. {}", one(entry))).collect()
}

pub(super) fn which(entries: &[Arc<Entry>], more: bool) -> String {
    let more = if more { "\nThere are more: say another word of its name." } else { "" };
    format!("{WHICH}{}{more}", numbered(entries))
}

pub(super) fn which_again(entries: &[Arc<Entry>]) -> String {
    format!("{WHICH_AGAIN}{}", numbered(entries))
}

/// A list of what there is.
pub(in super::super) fn list(first: &str, entries: &[Arc<Entry>], more: bool) -> String {
    if entries.is_empty() {
        return format!("{first}\nThere is nothing here yet: neither saved queries nor workflows.");
    }
    let all: String = entries.iter().map(|entry| format!("\n- {}", one(entry))).collect();
    format!("{first}\nThere is:{all}{}", if more { "\n- and more" } else { "" })
}

/// Nothing fits; `near` has some of the words, else `some` is there.
pub(in super::super) fn nothing(near: &[Arc<Entry>], some: &[Arc<Entry>]) -> String {
    let list = |entries: &[Arc<Entry>]| {
        entries.iter().map(|entry| format!("\n- {}", one(entry))).collect::<String>()
    };
    if !near.is_empty() {
        return format!(
            "I found nothing that fits. The nearest is:{}\nSay its name if you mean it.",
            list(near)
        );
    }
    if some.is_empty() {
        return "I found nothing that fits. There is nothing here yet: neither saved queries nor workflows."
            .to_owned();
    }
    format!("I found nothing that fits. There is, for example:{}\nSay “help” for more.", list(some))
}

/// Asks for an input.
pub(super) fn missing(
    entry: &Entry,
    input: &Input,
    is_range: bool,
    between: &[String],
    again: bool,
) -> String {
    let begin = if again { MISSING_AGAIN } else { MISSING };
    let name = format!("“{}”", line(input.name(), VALUE));
    let what = if is_range {
        let names = range_of(entry).map(|(start, stop)| {
            format!(" (“{}” and “{}”)", line(start.name(), VALUE), line(stop.name(), VALUE))
        });
        format!("I need a time{}, such as “last month” or “1 May to 3 June”.", names.unwrap_or_default())
    } else if !between.is_empty() {
        let list: Vec<String> =
            between.iter().take(VALUES).map(|one| format!("“{}”", line(one, VALUE))).collect();
        format!("I need {name} for certain: is it {}?", list.join(" or "))
    } else if !input.values.is_empty() {
        let list: Vec<String> =
            input.values.iter().take(VALUES).map(|choice| line(&choice.label, VALUE)).collect();
        let more = if input.values.len() > VALUES { ", …" } else { "" };
        format!("I need {name}: one of {}{more}.", list.join(", "))
    } else {
        match input.kind {
            Kind::Text => format!("I need {name}."),
            Kind::Number => format!("I need {name}: a number."),
            Kind::Boolean => format!("I need {name}: yes or no."),
            Kind::Date => format!("I need {name}: a day, such as “yesterday” or 2026-11-25."),
            Kind::Structure => format!("I need {name}."),
        }
    };
    let skip = match (input.required, is_range) {
        (true, _) => "",
        (false, true) => " Say “any time” for all.",
        (false, false) => " Say “skip” to leave it out.",
    };
    format!("{begin}{} {}, {what}{skip}", verb(entry), title(entry))
}

/// It takes what nobody says in words.
pub(super) fn cannot(entry: &Entry, input: &Input) -> String {
    format!(
        "{} takes an object or a list for “{}”, which cannot be said in words. Run it by its own page or by REST.",
        title(entry),
        line(input.name(), VALUE)
    )
}

pub(super) fn takes_no_time(entry: &Entry) -> String {
    format!("{} takes no time, so it would answer the same again.", title(entry))
}

/// What was run, with what: `“Sales”, 2026-10-01 to 2026-10-31`.
pub(in super::super) fn with(doing: &Doing) -> String {
    let mut text = title(&doing.entry);
    if let Some(range) = &doing.range {
        text.push_str(&format!(", {range}"));
    }
    let inputs = inputs(doing);
    if !inputs.is_empty() {
        text.push_str(&format!(" ({inputs})"));
    }
    text
}

fn inputs(doing: &Doing) -> String {
    let of_range = range_of(&doing.entry).filter(|_| doing.range.is_some());
    let told = |key: &str| of_range.is_some_and(|(start, stop)| start.key == key || stop.key == key);
    let name = |key: &str| {
        let input = doing.entry.inputs.iter().find(|input| input.key == key);
        line(input.map_or(key, Input::name), VALUE)
    };
    let given: Map<String, Value> = doing
        .inputs
        .iter()
        .filter(|(key, value)| !told(key) && !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let list: Vec<String> =
        given.iter().map(|(key, value)| format!("{}: {}", name(key), line(&plain(value), VALUE))).collect();
    list.join(", ")
}

/// The answer of something that was run.
pub(in super::super) fn ran(doing: &Doing, output: &str) -> String {
    let note = note(doing);
    format!("{}. {output}{note}", with(doing)).trim_end().to_owned()
}

/// What was said and did nothing.
fn note(doing: &Doing) -> String {
    let mut text = String::new();
    if let Some(time) = &doing.unused_time {
        text.push_str(&format!("\nIt takes no time, so “{}” was not used.", line(time, VALUE)));
    }
    if !doing.unused.is_empty() {
        let list: Vec<String> = doing.unused.iter().map(|word| format!("“{}”", line(word, VALUE))).collect();
        text.push_str(&format!("\nNot used: {}.", list.join(", ")));
    }
    text
}

/// A proposal in words; `summary` is the desk's.
pub(in super::super) fn proposed(summary: &str, doing: Option<&Doing>) -> String {
    let note = doing.map(note).unwrap_or_default();
    format!("I can {summary}.{note}\nApprove it, reject it, or test it first.")
}

/// A call that came to nothing.
pub(in super::super) fn refused(what: &str, error: &ToolError) -> String {
    match error {
        ToolError::NeedsConsent => {
            format!("{what} needs the consent of a person, and cannot be proposed now.")
        }
        ToolError::Denied(_) | ToolError::NotFound(_) => format!("I cannot do that: {error}."),
        ToolError::Invalid(words) => format!("{what} cannot be run with that: {}.", line(words, 300)),
        ToolError::Failed { message, .. } => {
            format!("{what} failed: {}.", line(message, 300).trim_end_matches('.'))
        }
    }
}
