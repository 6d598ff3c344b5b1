//! Times into dates: the two ends of a range, or one day. Pure.
//!
//! Which input begins and which ends a range, their keys say, else their labels: from, start, since, after; to, end,
//! until, before. The end is the day behind the last, as `at < {{to}}` takes it, unless the statement says
//! otherwise (`<=`, `BETWEEN`), or, where there is none, the key or label: "through", "inclusive", "last day".
//! "behind", "before" and "exclusive" in them outweigh that.

use jiff::{ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::Value;

use super::When;
use crate::ai::catalogue::{Form, Input, Kind, words::spoken};

/// What an input is to a range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Start,
    Stop,
}

const STARTS: &[&str] = &[
    "from",
    "start",
    "starts",
    "starting",
    "since",
    "after",
    "begin",
    "begins",
    "beginning",
    "first",
    "min",
    "earliest",
];
const STOPS: &[&str] = &[
    "to", "end", "ends", "ending", "until", "till", "before", "through", "thru", "last", "max", "latest",
    "behind",
];

fn says(text: &str, words: &[&str]) -> bool {
    spoken(text).split(' ').any(|word| words.contains(&word))
}

/// Which end an input is, if it is one.
pub(super) fn end_of(input: &Input) -> Option<End> {
    let of = |text: &str| match (says(text, STARTS), says(text, STOPS)) {
        (true, false) => Some(End::Start),
        (false, true) => Some(End::Stop),
        _ => None,
    };
    of(&input.key).or_else(|| of(input.label.as_deref()?))
}

/// The one pair of inputs that a range fills: its beginning and its end.
pub(super) fn pair(inputs: &[Input]) -> Option<(&Input, &Input)> {
    let of = |end| {
        let mut found = inputs.iter().filter(|input| input.kind == Kind::Date && end_of(input) == Some(end));
        found.next().filter(|_| found.next().is_none())
    };
    of(End::Start).zip(of(End::Stop)).filter(|(start, stop)| start.form == stop.form)
}

/// Whether the end of a range is the last that is meant.
fn includes(input: &Input) -> bool {
    input.includes.unwrap_or_else(|| {
        let texts = [Some(input.key.as_str()), input.label.as_deref()];
        let any = |words: &[&str]| texts.iter().flatten().any(|text| says(text, words));
        let last = texts.iter().flatten().any(|text| spoken(text).contains("last day"));
        (last || any(&["through", "thru", "inclusive", "including", "included"]))
            && !any(&["behind", "before", "exclusive", "excluding"])
    })
}

/// The values of both ends of a range. An end that was left open has none.
pub(super) fn both(
    (start, stop): (&Input, &Input),
    when: &When,
    zone: &TimeZone,
) -> Option<(Option<Value>, Option<Value>)> {
    match when {
        When::Instants { from, to } => {
            let at = |time: &jiff::Timestamp| stamp(&time.to_zoned(zone.clone()));
            (start.form == Form::Time).then(|| (Some(at(from)), Some(at(to))))
        }
        When::Days { from, to } => {
            let from = match from {
                Some(from) => Some(day(start, *from, zone)?),
                None => None,
            };
            let to = match to {
                Some(to) => Some(day(stop, behind(stop, *to)?, zone)?),
                None => None,
            };
            Some((from, to))
        }
    }
}

/// The end as its input takes it.
fn behind(stop: &Input, to: Date) -> Option<Date> {
    if !includes(stop) {
        return Some(to);
    }
    match stop.form {
        Form::Day => to.yesterday().ok(),
        Form::Month => to.checked_sub(1.month()).ok(),
        // Between two instants is none.
        Form::Time => Some(to),
    }
}

/// The value of a date that stands alone. What was asked for is taken word for word.
pub(super) fn alone(input: &Input, when: &When, today: Date, zone: &TimeZone, asked: bool) -> Option<Value> {
    let When::Days { from, to } = when else { return None };
    if input.form == Form::Month {
        let (from, to) = (*from.as_ref()?, *to.as_ref()?);
        let is_month = from.day() == 1 && from.checked_add(1.month()).ok() == Some(to);
        return is_month.then(|| month(from));
    }
    if let (Some(one), true) = (when.day(), asked || end_of(input).is_none()) {
        return day(input, one, zone);
    }
    match end_of(input) {
        // "since Monday", "last 7 days": until now, as an input that has no end means it.
        Some(End::Start) if to.is_none_or(|to| to > today) => day(input, (*from)?, zone),
        Some(End::Stop) if from.is_none() => day(input, behind(input, (*to)?)?, zone),
        _ => None,
    }
}

fn day(input: &Input, date: Date, zone: &TimeZone) -> Option<Value> {
    match input.form {
        Form::Day => Some(Value::String(date.to_string())),
        Form::Month => (date.day() == 1).then(|| month(date)),
        // Where the clocks skip midnight, the day begins when they go on.
        Form::Time => Some(stamp(&date.to_zoned(zone.clone()).ok()?)),
    }
}

fn month(date: Date) -> Value {
    Value::String(format!("{:04}-{:02}", date.year(), date.month()))
}

fn stamp(time: &jiff::Zoned) -> Value {
    Value::String(time.timestamp().display_with_offset(time.offset()).to_string())
}
