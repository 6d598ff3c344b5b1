//! What is no request for an entry: a greeting, a list of all, the end of a question, a run by its id. Pure.

use crate::ids::RunId;

/// Most words of what is recognised as a whole.
const MOST: usize = 6;

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Intent {
    /// A greeting or thanks.
    Hello,
    /// What is there?
    List,
    /// Whatever was asked is to be forgotten.
    Cancel,
    /// A word of consent in plain text, which is none.
    Consent,
    /// Where is this run?
    Look(RunId),
    /// Something else.
    Request,
}

const GREETINGS: &[&str] = &[
    "hello",
    "hi",
    "hey",
    "good",
    "morning",
    "afternoon",
    "evening",
    "day",
    "there",
    "thanks",
    "thank",
    "you",
    "very",
    "much",
    "bye",
    "goodbye",
    "welcome",
];
const LISTS: &[&str] = &[
    "help",
    "help me",
    "please help",
    "list",
    "list all",
    "list everything",
    "show all",
    "show everything",
    "show me everything",
    "show me all",
    "show me what you have",
    "what can you do",
    "what can i do",
    "what can i ask",
    "what can i ask you",
    "what do you know",
    "what do you have",
    "what is there",
    "what s there",
    "what is here",
    "menu",
    "commands",
];
const CANCELS: &[&str] = &[
    "cancel",
    "cancel it",
    "cancel that",
    "never mind",
    "nevermind",
    "forget it",
    "forget that",
    "stop",
    "abort",
    "leave it",
    "no thanks",
    "no thank you",
    "nothing",
    "none",
    "none of them",
    "none of these",
    "neither",
];
const CONSENTS: &[&str] = &[
    "approve",
    "approved",
    "i approve",
    "approve it",
    "i approve it",
    "ok",
    "okay",
    "do it",
    "go ahead",
    "go",
    "yes please",
    "yes do it",
    "reject",
    "i reject",
    "reject it",
    "i reject it",
    "test",
    "test it",
    "confirm",
    "i confirm",
    "confirmed",
    "yes i approve",
];

pub(super) fn intent(text: &str) -> Intent {
    if let Some(run) = run(text) {
        return Intent::Look(run);
    }
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(MOST + 1)
        .map(str::to_lowercase)
        .collect();
    // What is not to be done is not looked for, lest it be proposed.
    if let [first, rest @ ..] = words.as_slice()
        && (matches!(first.as_str(), "never" | "dont")
            || matches!(
                (first.as_str(), rest.first().map(String::as_str)),
                ("do", Some("not")) | ("don", Some("t"))
            ))
    {
        return Intent::Cancel;
    }
    if words.is_empty() && text.contains('?') {
        return Intent::List;
    }
    if words.is_empty() || words.len() > MOST {
        return Intent::Request;
    }
    let said = words.join(" ");
    let is = |list: &[&str]| list.contains(&said.trim_end_matches(" please"));
    match () {
        () if is(LISTS) => Intent::List,
        () if is(CANCELS) => Intent::Cancel,
        () if is(CONSENTS) || list_has(CONSENTS, &said) => Intent::Consent,
        () if words.iter().all(|word| GREETINGS.contains(&word.as_str())) => Intent::Hello,
        () => Intent::Request,
    }
}

fn list_has(list: &[&str], said: &str) -> bool {
    list.contains(&said)
}

/// The run of "how is run <id>", "status of <id>", or of an id alone.
fn run(text: &str) -> Option<RunId> {
    let words =
        text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).filter(|word| !word.is_empty());
    let (mut id, mut named, mut count) = (None, false, 0);
    for word in words.take(4 * MOST) {
        count += 1;
        named |= ["run", "status", "state", "instance", "execution"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name));
        if word.len() == 36 && uuid::Uuid::parse_str(word).is_ok() && id.replace(word).is_some() {
            return None;
        }
    }
    id.filter(|_| named || count == 1).and_then(|id| RunId::parse(&id.to_ascii_lowercase()).ok())
}
