//! Times of a whole sentence: each by its name, and from one to another. Pure; one pass.

use std::ops::Range;

use jiff::{Timestamp, Zoned, civil::Date};

use super::{
    parts::{Days, Part, day, part},
    tokens::{Token, tokens},
};

/// A time that a sentence names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where, in bytes.
    pub at: Range<usize>,
    /// When.
    pub when: When,
}

/// When something is, half open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Days of the calendar. One end may be open: "before May".
    Days {
        /// The first.
        from: Option<Date>,
        /// Behind the last.
        to: Option<Date>,
    },
    /// Hours or minutes until now.
    Instants {
        /// Since when.
        from: Timestamp,
        /// Now.
        to: Timestamp,
    },
}

impl When {
    /// The day, if it is one.
    pub fn day(&self) -> Option<Date> {
        match self {
            When::Days { from: Some(from), to: Some(to) } if from.tomorrow().ok() == Some(*to) => Some(*from),
            _ => None,
        }
    }
}

/// All of them, in order. A year alone is one of them: who knows better takes it for a number.
pub fn spans(text: &str, now: &Zoned) -> Vec<Span> {
    let tokens = tokens(text);
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        let led = if at == 0 { tokens.len() == 1 } else { leads(&tokens[at - 1].word) };
        let Some((when, used)) = span(&tokens[at..], now, led) else {
            at += 1;
            continue;
        };
        let end = (at + used).min(tokens.len());
        if let Some(when) = when
            && let (Some(first), Some(last)) = (tokens.get(at), tokens.get(end - 1))
        {
            found.push(Span { at: first.at.start..last.at.end, when });
        }
        at = end.max(at + 1);
    }
    found
}

/// Whether this word says that a time may follow.
fn leads(word: &str) -> bool {
    matches!(word, "in" | "for" | "of" | "during")
}

/// The time that begins here and how many words it has; no time for words that name one which cannot be.
fn span(words: &[Token], now: &Zoned, led: bool) -> Option<(Option<When>, usize)> {
    let today = now.date();
    let tomorrow = today.tomorrow().ok();
    let word = |at: usize| words.get(at).map_or("", |token| token.word.as_str());
    let named = |at: usize| {
        let skip = usize::from(matches!(word(at), "the" | "on" | "in"));
        let (part, used) = part(words.get(at + skip..)?, now, true)?;
        Some((part, at + skip + used))
    };
    let begins = |from: Option<Date>| match (from, tomorrow) {
        (Some(from), Some(to)) if from < to => Some(When::Days { from: Some(from), to: Some(to) }),
        _ => None,
    };
    match word(0) {
        "since" | "starting" | "after" => {
            let (part, used) = named(1)?;
            if let Part::Until(_) = part {
                return Some((when(part, now), used));
            }
            let days = part.latest(today);
            let from = days.map(|days| if word(0) == "after" { days.to } else { days.from });
            return Some((begins(from), used));
        }
        "before" | "until" | "till" => {
            let (part, used) = named(1)?;
            let days = part.latest(today);
            let to = days.map(|days| if word(0) == "before" { days.from } else { days.to });
            return Some((to.map(|to| When::Days { from: None, to: Some(to) }), used));
        }
        "up" if word(1) == "to" => {
            let (part, used) = named(2)?;
            let to = part.latest(today).map(|days| days.to);
            return Some((to.map(|to| When::Days { from: None, to: Some(to) }), used));
        }
        "from" | "between" => {
            let is_between = word(0) == "between";
            if let Some(range) = range(words, 1, now, is_between, true) {
                return Some(range);
            }
            if is_between {
                return None;
            }
            let (part, used) = named(1)?;
            if matches!(word(used), "on" | "onward" | "onwards") {
                return Some((begins(part.latest(today).map(|days| days.from)), used + 1));
            }
            return Some((when(part, now), used));
        }
        _ => {}
    }
    if let Some(range) = range(words, 0, now, false, led) {
        return Some(range);
    }
    let (part, used) = part(words, now, led)?;
    Some((when(part, now), used))
}

/// From one to another, both with all that they are.
fn range(
    words: &[Token],
    at: usize,
    now: &Zoned,
    is_between: bool,
    led: bool,
) -> Option<(Option<When>, usize)> {
    let word = |at: usize| words.get(at).map_or("", |token| token.word.as_str());
    let joins = |at: usize| match word(at) {
        "and" => is_between,
        "to" | "until" | "till" | "through" | "thru" | "-" => !is_between,
        _ => false,
    };
    let skip = |at: usize| at + usize::from(word(at) == "the");
    let at = skip(at);
    if let Some(first) = day(word(at))
        && joins(at + 1)
        && let Some((last, used)) = part(words.get(skip(at + 2)..)?, now, false)
    {
        // "1 to 15 May": both days of the month that is named once.
        let first = match last {
            Part::Day(month, _) => Part::Day(month, first),
            Part::Fixed(days) if days.from.tomorrow().ok() == Some(days.to) => {
                let day = Date::new(days.from.year(), days.from.month(), first).ok()?;
                Part::Fixed(super::parts::one(day)?)
            }
            _ => return None,
        };
        return Some((both(first, last, now.date()), skip(at + 2) + used));
    }
    let (first, used) = part(words.get(at..)?, now, led)?;
    let next = at + used;
    if !joins(next) {
        return None;
    }
    let next = skip(next + 1);
    let (last, used) = part(words.get(next..)?, now, true)?;
    Some((both(first, last, now.date()), next + used))
}

fn both(first: Part, last: Part, today: Date) -> Option<When> {
    let (from, to): (Days, Days) = match (first.is_fixed(), last.is_fixed()) {
        (false, true) => {
            let to = last.latest(today)?;
            (first.latest(to.from)?, to)
        }
        _ => {
            let from = first.latest(today)?;
            (from, last.first(from.from)?)
        }
    };
    (from.from <= to.from && from.from < to.to)
        .then_some(When::Days { from: Some(from.from), to: Some(to.to) })
}

fn when(part: Part, now: &Zoned) -> Option<When> {
    if let Part::Until(from) = part {
        return Some(When::Instants { from, to: now.timestamp() });
    }
    let days = part.latest(now.date())?;
    Some(When::Days { from: Some(days.from), to: Some(days.to) })
}
