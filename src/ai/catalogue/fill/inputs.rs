//! What a message says goes to the inputs that it fits. Pure.

use std::ops::Range;

use serde_json::{Map, Value};

use super::{
    Message, When, days, named,
    texts::{self, Word},
    yes_no,
};
use crate::ai::catalogue::{Choice, Entry, Input, Kind};

/// Longest text of an input.
const LONGEST: usize = 1024;

/// What was filled.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filled {
    /// Values by key.
    pub values: Map<String, Value>,
    /// What was said of an input and could mean more than one thing.
    pub unclear: Vec<Unclear>,
    /// The days of the pair, in words: both are meant.
    pub range: Option<String>,
    /// A time was said, and nothing takes it.
    pub unused_time: Option<String>,
}

/// An input of which something was said that could mean more than one thing, or nothing that it takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unclear {
    /// Which.
    pub key: String,
    /// What it could be; empty: who is asked knows.
    pub between: Vec<String>,
}

/// The pair of inputs that a range fills, if an entry has one: their keys.
pub fn range_of(entry: &Entry) -> Option<(&Input, &Input)> {
    days::pair(&entry.inputs)
}

/// Fills what is not in `have`. `asked` is the input that the person was asked for, if this is an answer.
pub fn fill(entry: &Entry, message: &Message, have: &Map<String, Value>, asked: Option<&str>) -> Filled {
    let mut filling = Filling { entry, message, have, asked, filled: Filled::default(), used: Vec::new() };
    filling.numbers_by_name();
    filling.dates();
    filling.enums();
    filling.last_number();
    filling.booleans();
    filling.texts();
    filling.filled
}

struct Filling<'a> {
    entry: &'a Entry,
    message: &'a Message,
    have: &'a Map<String, Value>,
    asked: Option<&'a str>,
    filled: Filled,
    /// Places of the message that were taken.
    used: Vec<Range<usize>>,
}

impl<'a> Filling<'a> {
    fn open(&self, input: &Input) -> bool {
        !self.have.contains_key(&input.key) && !self.filled.values.contains_key(&input.key)
    }

    fn of(&self, kind: Kind) -> Vec<&'a Input> {
        let plain = |input: &&Input| input.kind == kind && input.values.is_empty() && self.open(input);
        self.entry.inputs.iter().filter(plain).collect()
    }

    fn is_asked(&self, input: &Input) -> bool {
        self.asked == Some(input.key.as_str())
    }

    fn put(&mut self, input: &Input, value: Value, place: Option<Range<usize>>) {
        self.filled.values.insert(input.key.clone(), value);
        self.used.extend(place);
    }

    fn unclear(&mut self, input: &Input, between: Vec<String>) {
        self.filled.unclear.push(Unclear { key: input.key.clone(), between });
    }

    fn is_used(&self, place: &Range<usize>) -> bool {
        self.used.iter().any(|used| used.start < place.end && place.start < used.end)
    }

    /// Numbers that are left, with their values.
    fn numbers(&self) -> Vec<(Range<usize>, Value)> {
        let takes_times = self.entry.inputs.iter().any(|input| input.kind == Kind::Date);
        let free = |place: &Range<usize>| {
            let of_time = self.message.spans.iter().any(|span| {
                // A number alone may be a year and may be none.
                span.at.start <= place.start && place.end <= span.at.end && span.at != *place
            });
            !(self.is_used(place) || takes_times && of_time)
        };
        let all = self.message.numbers.iter().filter(|number| free(&number.at));
        all.filter_map(|number| Some((number.at.clone(), exact(&number.digits)?))).collect()
    }

    fn numbers_by_name(&mut self) {
        let text = self.message.without(self.message.quotes.iter().map(|(at, _)| at));
        let all = texts::words(&text);
        for input in self.of(Kind::Number) {
            let numbers = self.numbers();
            let names = texts::names(&input.key, input.label.as_deref());
            let number = |word: &Word<'_>| numbers.iter().find(|(at, _)| overlap(at, &word.at));
            let mut found = texts::given(&all, &names, |word| number(word).is_some());
            // Between two names, a number belongs to the one before it.
            found.dedup_by_key(|word| word.at.start);
            match found.as_slice() {
                [word] => {
                    if let Some((place, value)) = number(word).cloned() {
                        self.put(input, value, Some(place));
                    }
                }
                [] => {}
                several => {
                    let between = several.iter().map(|word| word.text.to_owned()).collect();
                    self.unclear(input, between);
                }
            }
        }
    }

    fn dates(&mut self) {
        let dates = self.of(Kind::Date);
        let spans: Vec<_> = self.message.spans.iter().filter(|span| !self.is_used(&span.at)).collect();
        let words = |at: &Range<usize>| self.message.text.get(at.clone()).unwrap_or_default().to_owned();
        if dates.is_empty() {
            let takes_times = self.entry.inputs.iter().any(|input| input.kind == Kind::Date);
            let time = spans.iter().find(|span| words(&span.at).chars().any(char::is_alphabetic));
            self.filled.unused_time = time.filter(|_| !takes_times).map(|span| words(&span.at));
            return;
        }
        let (zone, today) = (self.message.at.time_zone(), self.message.at.date());
        let pair = days::pair(&self.entry.inputs).filter(|(start, stop)| self.open(start) && self.open(stop));
        match (spans.as_slice(), pair, dates.as_slice()) {
            ([], _, _) => {}
            ([span], Some((start, stop)), _) => match days::both((start, stop), &span.when, zone) {
                Some((from, to)) => {
                    if from.is_some() && to.is_some() {
                        self.filled.range = Some(in_words(&span.when));
                    }
                    self.used.push(span.at.clone());
                    for (input, value) in [(start, from), (stop, to)] {
                        if let Some(value) = value {
                            self.put(input, value, None);
                        }
                    }
                }
                None => self.unclear(start, Vec::new()),
            },
            ([span], None, [input]) => {
                match days::alone(input, &span.when, today, zone, self.is_asked(input)) {
                    Some(value) => self.put(input, value, Some(span.at.clone())),
                    None => self.unclear(input, Vec::new()),
                }
            }
            (_, _, [input, ..]) => {
                let input = dates.iter().find(|input| self.is_asked(input)).unwrap_or(input);
                let asked = self.is_asked(input);
                match spans.as_slice() {
                    [span] if asked => match days::alone(input, &span.when, today, zone, true) {
                        Some(value) => self.put(input, value, Some(span.at.clone())),
                        None => self.unclear(input, Vec::new()),
                    },
                    _ => {
                        let between = spans.iter().map(|span| words(&span.at)).collect();
                        self.unclear(input, between);
                    }
                }
            }
            (_, _, []) => {}
        }
    }

    fn enums(&mut self) {
        let text = self.message.without(self.used.iter());
        let inputs: Vec<&Input> =
            self.entry.inputs.iter().filter(|input| !input.values.is_empty() && self.open(input)).collect();
        for input in inputs {
            match &*choices(&text, &input.values) {
                [] => {}
                [one] => self.put(input, one.value.clone(), None),
                several => {
                    let between = several.iter().map(|choice| choice.label.clone()).collect();
                    self.unclear(input, between);
                }
            }
        }
    }

    /// The only number that is left, for the only input that needs one.
    fn last_number(&mut self) {
        let numbers = self.numbers();
        let open = self.of(Kind::Number);
        let asked = open.iter().find(|input| self.is_asked(input));
        let Some(input) = asked.or_else(|| only(&open)) else { return };
        match numbers.as_slice() {
            [(place, value)] => self.put(input, value.clone(), Some(place.clone())),
            [] => {}
            several => {
                let between = several.iter().map(|(_, value)| value.to_string()).collect();
                self.unclear(input, between);
            }
        }
    }

    fn booleans(&mut self) {
        let text = self.message.without(self.used.iter());
        let all = texts::words(&text);
        for input in self.of(Kind::Boolean) {
            if self.is_asked(input)
                && let Some(yes) = yes_no(&self.message.text)
            {
                self.put(input, Value::Bool(yes), None);
                continue;
            }
            let names = texts::names(&input.key, input.label.as_deref());
            let behind = texts::behind(&all, &names);
            let Some(after) = behind.first() else { continue };
            let not = |word: &Word<'_>| {
                matches!(
                    word.small.as_str(),
                    "no" | "not"
                        | "without"
                        | "exclude"
                        | "excluding"
                        | "except"
                        | "don't"
                        | "dont"
                        | "don’t"
                        | "never"
                )
            };
            let length = names.iter().map(Vec::len).max().unwrap_or(1);
            let before = all.iter().take(*after).rev().take(length + 2).any(not);
            let said = all.get(*after).map(|word| word.small.as_str());
            let value = !before && !matches!(said, Some("no" | "false" | "off"));
            self.put(input, Value::Bool(value), None);
        }
    }

    fn texts(&mut self) {
        let quotes: Vec<&(Range<usize>, String)> =
            self.message.quotes.iter().filter(|(place, _)| !self.is_used(place)).collect();
        let text = self.message.without(self.used.iter().chain(quotes.iter().map(|(place, _)| place)));
        let all = texts::words(&text);
        for input in self.of(Kind::Text) {
            let names = texts::names(&input.key, input.label.as_deref());
            let found = texts::told(&all, &names, &text);
            if let [place] = found.as_slice()
                && !self.is_used(place)
            {
                let words = text.get(place.clone()).unwrap_or_default();
                let span = self.message.spans.iter().find(|span| overlap(&span.at, place));
                match span.map(|span| (&span.at, &span.when)) {
                    // "since March 2026" for a text that is a day by its default.
                    Some((at, When::Days { from: Some(day), .. })) if has_day(input) => {
                        self.filled.unused_time = None;
                        self.put(input, Value::String(day.to_string()), Some(at.clone()));
                    }
                    _ => self.put(input, Value::String(words.to_owned()), Some(place.clone())),
                }
            }
        }
        let open = self.of(Kind::Text);
        let asked = open.iter().find(|input| self.is_asked(input));
        let Some(input) = asked.or_else(|| only(&open)) else { return };
        match quotes.as_slice() {
            [(_, words)] => return self.put(input, Value::String(words.clone()), None),
            [] => {}
            several => {
                let between = several.iter().map(|(_, words)| words.clone()).collect();
                return self.unclear(input, between);
            }
        }
        if self.is_asked(input) && self.filled.values.is_empty() && self.message.text.len() <= LONGEST {
            // The whole answer is what was asked for.
            return self.put(input, Value::String(self.message.text.clone()), None);
        }
        let known = self.known();
        let free: Vec<Range<usize>> =
            texts::things(&all, &known, &text).into_iter().filter(|place| !self.is_used(place)).collect();
        match free.as_slice() {
            [place] => {
                let words = text.get(place.clone()).unwrap_or_default().to_owned();
                self.put(input, Value::String(words), Some(place.clone()));
            }
            [] => {}
            several => {
                let between =
                    several.iter().filter_map(|place| text.get(place.clone())).map(str::to_owned).collect();
                self.unclear(input, between);
            }
        }
    }

    /// Words that name the entry or its inputs, or a value that was taken.
    fn known(&self) -> Vec<String> {
        let mut texts = vec![self.entry.title.clone()];
        for input in &self.entry.inputs {
            texts.push(input.key.clone());
            texts.extend(input.label.clone());
            let taken = self.filled.values.get(&input.key);
            texts.extend(
                input
                    .values
                    .iter()
                    .filter(|choice| Some(&choice.value) == taken)
                    .map(|choice| choice.label.clone()),
            );
        }
        let spoken: Vec<String> =
            texts.iter().map(|text| crate::ai::catalogue::words::spoken(text)).collect();
        spoken.iter().flat_map(|text| text.split_whitespace()).map(str::to_owned).collect()
    }
}

/// The one input that what stands alone is meant for: no other could take it, or no other must be given.
fn only<'a, 'b>(open: &'b [&'a Input]) -> Option<&'b &'a Input> {
    match open {
        [one] => one.is_needed().then_some(one),
        several => {
            let mut required = several.iter().filter(|input| input.required);
            required.next().filter(|_| required.next().is_none())
        }
    }
}

/// The values of an enum that a text names; of "North" and "North America" the longer.
fn choices<'a>(text: &str, values: &'a [Choice]) -> Vec<&'a Choice> {
    let labels: Vec<String> = values.iter().map(|choice| choice.label.clone()).collect();
    let mut said: Vec<String> = named(text, &labels).into_iter().map(str::to_lowercase).collect();
    if said.is_empty() {
        let plain =
            |choice: &Choice| choice.value.as_str().map_or_else(|| choice.value.to_string(), str::to_owned);
        let plain: Vec<String> = values.iter().map(plain).collect();
        let found = named(text, &plain);
        let all = values.iter().zip(&plain);
        return all.filter(|(_, plain)| found.contains(&plain.as_str())).map(|(choice, _)| choice).collect();
    }
    let all = said.clone();
    said.retain(|one| !all.iter().any(|other| other.len() > one.len() && other.contains(one.as_str())));
    values.iter().filter(|choice| said.contains(&choice.label.to_lowercase())).collect()
}

/// A number as JSON has it, if it is the same there.
fn exact(digits: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(digits).ok()?;
    let many = digits.bytes().filter(u8::is_ascii_digit).count();
    (value.is_i64() || value.is_u64() || many <= 15).then_some(value)
}

/// Whether its default is a day: what is given is one too, whatever its definition says.
fn has_day(input: &Input) -> bool {
    let default = input.default.as_ref().and_then(Value::as_str);
    default.is_some_and(|day| day.len() == 10 && day.parse::<jiff::civil::Date>().is_ok())
}

fn overlap(one: &Range<usize>, other: &Range<usize>) -> bool {
    one.start < other.end && other.start < one.end
}

/// A range as people say it: both days are in it.
fn in_words(when: &When) -> String {
    match when {
        When::Days { from: Some(from), to: Some(to) } => match (when.day(), to.yesterday()) {
            (Some(day), _) => day.to_string(),
            (None, Ok(last)) => format!("{from} to {last}"),
            (None, Err(_)) => format!("from {from}"),
        },
        When::Days { .. } => String::new(),
        When::Instants { from, to } => format!("{from} to {to}"),
    }
}
