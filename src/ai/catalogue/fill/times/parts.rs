//! One time by its name: a day, a week, a month, a quarter, a year, or some of them until now. Pure.

use jiff::{
    SignedDuration, Timestamp, ToSpan as _, Zoned,
    civil::{Date, Weekday},
};

use super::tokens::Token;

/// Most of a unit that somebody counts: "last 400 days".
const MOST: i64 = 4000;

/// Days `[from, to)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub from: Date,
    pub to: Date,
}

/// What was named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// These days.
    Fixed(Days),
    /// A month of a year that was not said.
    Month(i8),
    /// A day of such a month.
    Day(i8, i8),
    /// A quarter.
    Quarter(i8),
    /// Hours and minutes until now.
    Until(Timestamp),
    /// A day that no year has.
    Never,
}

impl Part {
    /// The latest that has begun on that day.
    pub fn latest(self, day: Date) -> Option<Days> {
        if let Part::Fixed(days) = self {
            return Some(days);
        }
        // Eight years have a 29 February among them.
        (0..=8).find_map(|back| self.of(day.year() - back).filter(|days| days.from <= day))
    }

    /// The first that does not begin before that day.
    pub fn first(self, day: Date) -> Option<Days> {
        if let Part::Fixed(days) = self {
            return Some(days);
        }
        (0..=8).find_map(|on| self.of(day.year() + on).filter(|days| days.from >= day))
    }

    pub fn is_fixed(self) -> bool {
        matches!(self, Part::Fixed(_))
    }

    fn of(self, year: i16) -> Option<Days> {
        match self {
            Part::Fixed(days) => Some(days),
            Part::Month(month) => months(Date::new(year, month, 1).ok()?, 1),
            Part::Day(month, day) => one(Date::new(year, month, day).ok()?),
            Part::Quarter(quarter) => months(Date::new(year, quarter * 3 - 2, 1).ok()?, 3),
            Part::Until(_) | Part::Never => None,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

pub(super) fn one(day: Date) -> Option<Days> {
    Some(Days { from: day, to: day.tomorrow().ok()? })
}

fn months(from: Date, count: i64) -> Option<Days> {
    Some(Days { from, to: from.checked_add(count.months()).ok()? })
}

/// The time that begins at this word, and how many words it has. `led` is true when a word before it says that a
/// time follows: "may" alone is a month then.
pub(super) fn part(words: &[Token], now: &Zoned, led: bool) -> Option<(Part, usize)> {
    let today = now.date();
    let word = |at: usize| words.get(at).map_or("", |token| token.word.as_str());
    let fixed = |days: Option<Days>, used: usize| Some((Part::Fixed(days?), used));
    let first = word(0);
    match first {
        "today" => return fixed(one(today), 1),
        "yesterday" => return fixed(one(today.yesterday().ok()?), 1),
        "tomorrow" => return fixed(one(today.tomorrow().ok()?), 1),
        "ytd" => return fixed(to_date(Unit::Year, today), 1),
        "mtd" => return fixed(to_date(Unit::Month, today), 1),
        "day" if word(1) == "before" && word(2) == "yesterday" => {
            return fixed(one(today.checked_sub(2.days()).ok()?), 3);
        }
        "year" | "month" if word(1) == "to" && word(2) == "date" => {
            return fixed(to_date(unit(first)?, today), 3);
        }
        "this" | "current" | "last" | "previous" | "past" | "next" | "coming" => {
            return relative(first, words, now);
        }
        _ => {}
    }
    if let Some(count) = count(first)
        && let Some(unit) = unit(word(1))
        && word(2) == "ago"
    {
        return fixed(ago(unit, count, today), 3);
    }
    if let Some(day) = weekday(first) {
        let back = i64::from(today.weekday().since(day));
        return fixed(one(today.checked_sub(back.days()).ok()?), 1);
    }
    iso(first).map(|days| (Part::Fixed(days), 1)).or_else(|| calendar(words, led))
}

/// "this month", "last 7 days", "last Friday", "next March".
fn relative(first: &str, words: &[Token], now: &Zoned) -> Option<(Part, usize)> {
    let today = now.date();
    let word = |at: usize| words.get(at).map_or("", |token| token.word.as_str());
    let (back, this) = (matches!(first, "last" | "previous" | "past"), matches!(first, "this" | "current"));
    if let Some(unit) = unit(word(1)) {
        let days = match first {
            "past" => until_today(unit, 1, today),
            _ if this => whole(unit, 0, today),
            _ if back => whole(unit, -1, today),
            "next" => whole(unit, 1, today),
            _ => None,
        };
        return Some((Part::Fixed(days?), 2));
    }
    if let Some(day) = weekday(word(1)) {
        let monday = whole(Unit::Week, 0, today)?.from;
        let day = if this {
            monday.checked_add(i64::from(day.to_monday_zero_offset()).days()).ok()?
        } else if back {
            today
                .yesterday()
                .ok()?
                .checked_sub(i64::from(today.yesterday().ok()?.weekday().since(day)).days())
                .ok()?
        } else {
            today
                .tomorrow()
                .ok()?
                .checked_add(i64::from(today.tomorrow().ok()?.weekday().until(day)).days())
                .ok()?
        };
        return Some((Part::Fixed(one(day)?), 2));
    }
    if let Some(month) = month(word(1)) {
        let named = Part::Month(month);
        let days = if this {
            named.of(today.year())?
        } else if back {
            // One that is over.
            named.latest(today.first_of_month().yesterday().ok()?)?
        } else {
            named.first(today.tomorrow().ok()?)?
        };
        return Some((Part::Fixed(days), 2));
    }
    let (count, unit) = (count(word(1))?, unit(word(2))?);
    if this {
        return None;
    }
    if matches!(unit, Unit::Hour | Unit::Minute) {
        let length = if unit == Unit::Hour {
            SignedDuration::from_hours(count)
        } else {
            SignedDuration::from_mins(count)
        };
        let since = now.timestamp().checked_sub(length).ok()?;
        return back.then_some((Part::Until(since), 3));
    }
    let days = if back {
        until_today(unit, count, today)?
    } else {
        Days { from: today, to: later(today, unit, count)? }
    };
    Some((Part::Fixed(days), 3))
}

/// "Q3 2026", "third quarter", "1 May", "May 1st, 2026", "March of 2026", "2025".
fn calendar(words: &[Token], led: bool) -> Option<(Part, usize)> {
    let word = |at: usize| words.get(at).map_or("", |token| token.word.as_str());
    // A year, perhaps behind "of".
    let year_at = |at: usize| {
        let of = usize::from(word(at) == "of");
        year(word(at + of)).map(|year| (year, at + of + 1))
    };
    let of_year = |part: Part, at: usize| match year_at(at) {
        Some((year, used)) => Some((part.of(year).map_or(Part::Never, Part::Fixed), used)),
        None => Some((part, at)),
    };
    let first = word(0);
    if let Some(quarter) = quarter(first) {
        return of_year(Part::Quarter(quarter), 1);
    }
    if let Some(n) = ordinal(first).filter(|n| word(1) == "quarter" && *n <= 4) {
        return of_year(Part::Quarter(n), 2);
    }
    if let Some(day) = day(first) {
        let of = usize::from(word(1) == "of");
        if let Some(month) = month(word(1 + of)) {
            let part = if exists(month, day) { Part::Day(month, day) } else { Part::Never };
            return of_year(part, 2 + of);
        }
    }
    if let Some(named) = month(first) {
        if let Some(day) = day(word(1)).filter(|day| exists(named, *day)) {
            return of_year(Part::Day(named, day), 2);
        }
        let alone = led || !(first.len() == 3 || first == "march" || first == "sept");
        return (alone || year_at(1).is_some()).then(|| of_year(Part::Month(named), 1))?;
    }
    let year = year(first)?;
    if let Some(quarter) = quarter(word(1)) {
        return Some((Part::Fixed(Part::Quarter(quarter).of(year)?), 2));
    }
    Some((Part::Fixed(months(Date::new(year, 1, 1).ok()?, 12)?), 1))
}

/// Whether there is such a day in some year.
fn exists(month: i8, day: i8) -> bool {
    Date::new(2024, month, day).is_ok()
}

/// A whole unit, so many after the one that is now.
fn whole(unit: Unit, after: i64, today: Date) -> Option<Days> {
    let (from, count) = match unit {
        Unit::Minute | Unit::Hour => return None,
        Unit::Day => return one(today.checked_add(after.days()).ok()?),
        Unit::Week => {
            let monday = today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days()).ok()?;
            let from = monday.checked_add((7 * after).days()).ok()?;
            return Some(Days { from, to: from.checked_add(7.days()).ok()? });
        }
        Unit::Month => (today.first_of_month(), 1),
        Unit::Quarter => (Date::new(today.year(), (today.month() - 1) / 3 * 3 + 1, 1).ok()?, 3),
        Unit::Year => (today.first_of_year(), 12),
    };
    months(from.checked_add((count * after).months()).ok()?, count)
}

/// From the beginning of the unit to the end of today.
fn to_date(unit: Unit, today: Date) -> Option<Days> {
    Some(Days { from: whole(unit, 0, today)?.from, to: today.tomorrow().ok()? })
}

/// So many units that end with today.
fn until_today(unit: Unit, count: i64, today: Date) -> Option<Days> {
    let to = today.tomorrow().ok()?;
    Some(Days { from: earlier(to, unit, count)?, to })
}

fn ago(unit: Unit, count: i64, today: Date) -> Option<Days> {
    one(earlier(today, unit, count)?)
}

fn earlier(day: Date, unit: Unit, count: i64) -> Option<Date> {
    later(day, unit, -count)
}

fn later(day: Date, unit: Unit, count: i64) -> Option<Date> {
    let length = match unit {
        Unit::Minute | Unit::Hour => return None,
        Unit::Day => count.days(),
        Unit::Week => (7 * count).days(),
        Unit::Month => count.months(),
        Unit::Quarter => (3 * count).months(),
        Unit::Year => (12 * count).months(),
    };
    day.checked_add(length).ok()
}

/// `2026-11-01` or `2026-11`.
fn iso(word: &str) -> Option<Days> {
    let shape: String = word.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match shape.as_str() {
        "0000-00-00" => one(word.parse().ok()?),
        "0000-00" => months(format!("{word}-01").parse().ok()?, 1),
        _ => None,
    }
}

/// A year that somebody has data of.
fn year(word: &str) -> Option<i16> {
    let digits = word.len() == 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|year| digits && (1990..=2100).contains(year))
}

fn quarter(word: &str) -> Option<i8> {
    match word {
        "q1" => Some(1),
        "q2" => Some(2),
        "q3" => Some(3),
        "q4" => Some(4),
        _ => None,
    }
}

fn ordinal(word: &str) -> Option<i8> {
    let names = ["first", "second", "third", "fourth"];
    names.iter().position(|name| *name == word).and_then(|at| i8::try_from(at + 1).ok())
}

/// A day of a month: `1`, `1st`, `31`.
pub(super) fn day(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let end = &word[digits.len()..];
    let fits = matches!(end, "" | "st" | "nd" | "rd" | "th") && (1..=2).contains(&digits.len());
    digits.parse().ok().filter(|day| fits && (1..=31).contains(day))
}

fn count(word: &str) -> Option<i64> {
    let names =
        ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"];
    if matches!(word, "a" | "an") {
        return Some(1);
    }
    let named = names.iter().position(|name| *name == word).and_then(|at| i64::try_from(at + 1).ok());
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    named.or_else(|| word.parse().ok().filter(|count| digits && (1..=MOST).contains(count)))
}

fn unit(word: &str) -> Option<Unit> {
    Some(match word {
        "minute" | "minutes" => Unit::Minute,
        "hour" | "hours" => Unit::Hour,
        "day" | "days" => Unit::Day,
        "week" | "weeks" => Unit::Week,
        "month" | "months" => Unit::Month,
        "quarter" | "quarters" => Unit::Quarter,
        "year" | "years" => Unit::Year,
        _ => return None,
    })
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" => Weekday::Monday,
        "tuesday" => Weekday::Tuesday,
        "wednesday" => Weekday::Wednesday,
        "thursday" => Weekday::Thursday,
        "friday" => Weekday::Friday,
        "saturday" => Weekday::Saturday,
        "sunday" => Weekday::Sunday,
        _ => return None,
    })
}

fn month(word: &str) -> Option<i8> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    if word.len() < 3 || !word.is_ascii() {
        return None;
    }
    let at = NAMES
        .iter()
        .position(|name| *name == word || word == &name[..3] || (word == "sept" && name.starts_with(word)))?;
    i8::try_from(at + 1).ok()
}
