//! One message after the other: what it comes to where a talk is. Pure.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    fit::{Fit, fit, is_aside, judged},
    intent::{Intent, intent},
    pick::{numbered, pick},
    say,
};
use crate::{
    ai::catalogue::{
        Entry, Hit, Input, Kind,
        fill::{Filled, Message, Unclear, fill, named, range_of, yes_no},
        words::{self, stem},
    },
    ids::RunId,
};

/// Most entries of a question.
const ASKED: usize = 8;
/// Most words that are named as unused.
const UNUSED: usize = 4;
/// Most words of an answer that says something else than was asked: what is longer is a request.
const ANSWER: usize = 2;
/// Words that a request begins with, where an answer would be a name.
const VERBS: &[&str] = &[
    "show", "list", "run", "start", "get", "give", "find", "what", "how", "which", "set", "make", "let",
    "please", "can", "could", "i", "tell", "refund", "search", "when", "who", "where",
];

/// Where a talk is.
#[derive(Debug, Clone, Default)]
pub(in super::super) enum State {
    /// Nothing is open.
    #[default]
    Idle,
    /// It was asked which of these is meant.
    Which {
        /// Which.
        entries: Vec<Arc<Entry>>,
        /// What was asked for.
        request: Box<Message>,
    },
    /// It was asked for an input.
    Missing {
        /// What is to be done.
        doing: Doing,
        /// The key of the input.
        asked: String,
        /// What it could be.
        between: Vec<String>,
    },
    /// This was answered.
    Done(Doing),
}

/// Something to be done.
#[derive(Debug, Clone)]
pub(in super::super) struct Doing {
    /// What.
    pub entry: Arc<Entry>,
    /// With what.
    pub inputs: Map<String, Value>,
    /// The days of its pair, in words.
    pub range: Option<String>,
    /// A time that it does not take.
    pub unused_time: Option<String>,
    /// Words of the request that are neither of the entry nor of an input.
    pub unused: Vec<String>,
}

/// What is answered.
#[derive(Debug, Clone)]
pub(in super::super) enum Reply {
    /// These words.
    Words(String),
    /// All that there is, behind these words.
    List(&'static str),
    /// Nothing fits; these have some of the words.
    Nothing(Vec<Arc<Entry>>),
    /// It is done, or proposed.
    Do(Doing),
    /// Where a run is.
    Look(RunId),
}

/// Whether what there is has to be searched for this message.
pub(in super::super) fn wants(state: &State, message: &Message) -> bool {
    if is_known(message) != Intent::Request {
        return false;
    }
    match state {
        State::Idle => true,
        State::Done(_) => !message.is_bare_time(),
        State::Which { entries, .. } => pick(entries, &message.text).is_none(),
        State::Missing { doing, .. } => !left(&doing.entry, message).is_empty(),
    }
}

/// What a message comes to, and where the talk is then. `hits` is empty when none were wanted.
pub(in super::super) fn step(state: State, message: &Message, hits: &[Hit]) -> (State, Reply) {
    match is_known(message) {
        Intent::Hello => return (state, Reply::List(say::HELLO)),
        Intent::List => return (state, Reply::List(say::HELP)),
        Intent::Cancel => return (State::Idle, Reply::Words(say::CANCELLED.to_owned())),
        Intent::Consent => return (state, Reply::Words(say::CONSENT.to_owned())),
        Intent::Look(run) => return (State::Idle, Reply::Look(run)),
        Intent::Request => {}
    }
    match state {
        // To what was asked before there is nothing to say yes to: a proposal takes no words.
        State::Idle | State::Done(_) if yes_no(&message.text).is_some() => {
            (state, Reply::Words(say::CONSENT.to_owned()))
        }
        State::Which { .. } if yes_no(&message.text) == Some(false) => {
            (State::Idle, Reply::Words(say::CANCELLED.to_owned()))
        }
        State::Idle => request(message, hits),
        State::Done(doing) if message.is_bare_time() => again(doing, message),
        State::Done(_) => request(message, hits),
        State::Which { entries, request: asked } => which(entries, asked, message, hits),
        State::Missing { doing, asked, between } => missing(doing, &asked, &between, message, hits),
    }
}

/// What is within quotes is meant as it is.
fn is_known(message: &Message) -> Intent {
    if message.quotes.is_empty() { intent(&message.text) } else { Intent::Request }
}

fn request(message: &Message, hits: &[Hit]) -> (State, Reply) {
    match fit(hits, message) {
        Fit::One(entry) => begin(entry, message),
        Fit::Several(mut entries) => {
            let more = entries.len() > ASKED;
            entries.truncate(ASKED);
            let words = say::which(&entries, more);
            (State::Which { entries, request: Box::new(message.clone()) }, Reply::Words(words))
        }
        Fit::None(near) => (State::Idle, Reply::Nothing(near)),
    }
}

fn begin(entry: Arc<Entry>, message: &Message) -> (State, Reply) {
    let filled = fill(&entry, message, &Map::new(), None);
    let unused = unused(&entry, message, &filled);
    settle(Doing { entry, inputs: Map::new(), range: None, unused_time: None, unused }, filled, false)
}

/// The same for another time.
fn again(doing: Doing, message: &Message) -> (State, Reply) {
    let filled = fill(&doing.entry, message, &Map::new(), None);
    let doing = Doing { unused: Vec::new(), ..doing };
    if filled.values.is_empty() && filled.unclear.is_empty() {
        let words = say::takes_no_time(&doing.entry);
        return (State::Done(doing), Reply::Words(words));
    }
    settle(doing, filled, false)
}

fn which(entries: Vec<Arc<Entry>>, asked: Box<Message>, message: &Message, hits: &[Hit]) -> (State, Reply) {
    if let Some(entry) = pick(&entries, &message.text).and_then(|at| entries.get(at)) {
        let entry = Arc::clone(entry);
        if numbered(&message.text).is_some() {
            return begin(entry, &asked);
        }
        // "The parcel, of order 7": its words may have more of what is needed.
        let before = fill(&entry, &asked, &Map::new(), None);
        let mut filled = fill(&entry, message, &before.values, None);
        let (values, range, unused_time) = (before.values, before.range, before.unused_time);
        for (key, value) in values {
            filled.values.entry(key).or_insert(value);
        }
        filled.range = filled.range.or(range);
        filled.unused_time = filled.unused_time.or(unused_time);
        filled.unclear.extend(before.unclear);
        filled.unclear.retain(|unclear| !filled.values.contains_key(&unclear.key));
        let unused = unused(&entry, &asked, &filled);
        let doing = Doing { entry, inputs: Map::new(), range: None, unused_time: None, unused };
        return settle(doing, filled, false);
    }
    // A number that is not in the list, or nothing that fits: the same question.
    let is_short = message.telling().len() <= ANSWER;
    if numbered(&message.text).is_some() || is_short && matches!(fit(hits, message), Fit::None(_)) {
        let words = say::which_again(&entries);
        return (State::Which { entries, request: asked }, Reply::Words(words));
    }
    request(message, hits)
}

fn missing(doing: Doing, asked: &str, between: &[String], message: &Message, hits: &[Hit]) -> (State, Reply) {
    let entry = Arc::clone(&doing.entry);
    let input = entry.inputs.iter().find(|input| input.key == asked);
    let is_text = input.is_some_and(|input| input.kind == Kind::Text && input.values.is_empty());
    if is_anew(&entry, message, hits, is_text) {
        return request(message, hits);
    }
    let mut filled = fill(&entry, message, &doing.inputs, Some(asked));
    if let Some(input) = input
        && is_left_out(input, &filled, &message.text)
    {
        let pair = range_of(&entry).filter(|(start, _)| start.key == asked);
        let keys =
            pair.map_or_else(|| vec![asked], |(start, stop)| vec![start.key.as_str(), stop.key.as_str()]);
        let open = keys.into_iter().filter(|key| !doing.inputs.contains_key(*key));
        let values = open.map(|key| (key.to_owned(), Value::Null)).collect();
        return settle(doing, Filled { values, ..Filled::default() }, false);
    }
    if !filled.values.contains_key(asked)
        && let (Some(input), [one]) = (input, &*named(&message.text, between))
        && input.kind == Kind::Text
    {
        filled.values.insert(asked.to_owned(), Value::String((*one).to_owned()));
        filled.unclear.retain(|unclear| unclear.key != asked);
    }
    let is_filled = !filled.values.is_empty();
    if !is_filled && filled.unclear.is_empty() && left(&entry, message).len() > ANSWER {
        return request(message, hits);
    }
    settle(doing, filled, !is_filled)
}

/// Whether an answer is none, but a request for something else.
fn is_anew(entry: &Entry, message: &Message, hits: &[Hit], is_text: bool) -> bool {
    let left = left(entry, message);
    let all = judged(hits, message);
    let Some(best) = all.first().filter(|best| best.entry.subject != entry.subject) else { return false };
    let first = message.text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    let asks = best.whole && left.len() > 1 || VERBS.contains(&first.as_str());
    !left.is_empty() && best.titled > 0 && (!is_text || asks)
}

/// What was said that is no word of the entry.
fn left(entry: &Entry, message: &Message) -> Vec<String> {
    let texts = entry.words();
    let own = [&texts.title, &texts.inputs];
    let has = |word: &str| own.iter().any(|text| text.split_whitespace().any(|one| stem(one) == stem(word)));
    let places = message.spans.iter().map(|span| &span.at).chain(message.quotes.iter().map(|(at, _)| at));
    let said = words::telling(&message.without(places));
    said.into_iter().filter(|word| !has(word) && !word.bytes().all(|byte| byte.is_ascii_digit())).collect()
}

/// What was said and plays no part: who asked is told.
fn unused(entry: &Entry, message: &Message, filled: &Filled) -> Vec<String> {
    let texts = entry.words();
    let own = [&texts.about, &texts.columns, &texts.source];
    let values = filled.values.values().map(|value| value.to_string().to_lowercase());
    let between = filled.unclear.iter().flat_map(|unclear| &unclear.between).map(|one| one.to_lowercase());
    let taken: Vec<String> = values.chain(between).collect();
    let mut left = left(entry, message);
    left.retain(|word| {
        let has = own.iter().any(|text| text.split_whitespace().any(|one| stem(one) == stem(word)));
        !has && !is_aside(word) && !taken.iter().any(|value| value.contains(word.as_str()))
    });
    left.truncate(UNUSED);
    left
}

/// Whether the answer is that there is none: an input that need not be given is left out.
fn is_left_out(input: &Input, filled: &Filled, text: &str) -> bool {
    let said: Vec<String> = words::all(text).take(5).collect();
    let said = said.join(" ");
    let is_any = match input.kind {
        // Any other word may be meant.
        Kind::Text if input.values.is_empty() => said == "skip",
        _ => matches!(
            said.as_str(),
            "skip"
                | "skip it"
                | "any"
                | "any time"
                | "anytime"
                | "all"
                | "all time"
                | "always"
                | "everything"
                | "no matter"
        ),
    };
    let is_text = input.kind == Kind::Text && input.values.is_empty();
    is_any && !input.required && (is_text || !filled.values.contains_key(&input.key))
}

/// Asks for what is missing, or does it. `again` is true when an answer said nothing that could be used.
fn settle(mut doing: Doing, filled: Filled, again: bool) -> (State, Reply) {
    let Filled { values, unclear, range, unused_time } = filled;
    let entry = Arc::clone(&doing.entry);
    doing.inputs.extend(values);
    doing.range = range.or(doing.range);
    doing.unused_time = unused_time;
    let open = |input: &Input| !doing.inputs.contains_key(&input.key);
    if let Some(input) = entry.inputs.iter().find(|input| input.kind == Kind::Structure && input.required) {
        return (State::Idle, Reply::Words(say::cannot(&entry, input)));
    }
    let mut asks = unclear.into_iter().filter(|unclear| !doing.inputs.contains_key(&unclear.key));
    let asked = asks.next().or_else(|| {
        let needed = |input: &&Input| input.is_needed() && input.kind != Kind::Structure && open(input);
        let input = entry.inputs.iter().find(needed)?;
        Some(Unclear { key: input.key.clone(), between: Vec::new() })
    });
    let Some(Unclear { key, between }) = asked else { return (State::Done(doing.clone()), Reply::Do(doing)) };
    let Some(input) = entry.inputs.iter().find(|input| input.key == key) else {
        return (State::Idle, Reply::Nothing(Vec::new()));
    };
    let is_range =
        range_of(&entry).is_some_and(|(start, stop)| start.key == key && open(start) && open(stop));
    let words = say::missing(&entry, input, is_range, &between, again);
    (State::Missing { doing, asked: key, between }, Reply::Words(words))
}
