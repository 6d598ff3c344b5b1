//! Which entry a request means: one, several equally, or none. Pure.

use std::{cmp::Reverse, collections::HashSet, sync::Arc};

use crate::ai::catalogue::{
    Entry, Hit, Kind,
    fill::Message,
    words::{self, spoken, stem},
};

/// A score that is so much better decides between two that fit equally well otherwise.
const FAR_BETTER: f64 = 1.5;

/// Words of what is to happen with an entry: none has to be in it.
const DOING: &[&str] = &[
    "run", "start", "display", "print", "fetch", "find", "search", "open", "execute", "launch", "begin",
    "trigger", "query", "workflow", "table", "data", "number", "numbers", "figures",
];

/// What fits.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fit {
    /// This one.
    One(Arc<Entry>),
    /// Each of these as well as the others, the best score first.
    Several(Vec<Arc<Entry>>),
    /// None. These have some of the words.
    None(Vec<Arc<Entry>>),
}

/// How well one fits.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub entry: Arc<Entry>,
    score: f64,
    value: usize,
    /// Words of its title that were said.
    pub titled: usize,
    /// All of its title was said.
    pub whole: bool,
    convinces: bool,
}

/// The entries that convince, the best first. One does when a word of its title was said and half of all telling
/// words are in it, or most of them are.
pub(super) fn judged(hits: &[Hit], message: &Message) -> Vec<Judged> {
    let said = message.telling();
    let mut all: Vec<Judged> =
        hits.iter().map(|hit| judge(hit, &said, message)).filter(|one| one.convinces).collect();
    // The order of the hits, by score and id, stays among equals.
    all.sort_by_key(|one| Reverse(one.value));
    all
}

/// What fits a request.
pub(super) fn fit(hits: &[Hit], message: &Message) -> Fit {
    let all = judged(hits, message);
    let Some(best) = all.first() else {
        return Fit::None(hits.iter().map(|hit| Arc::clone(&hit.entry)).collect());
    };
    let equal: Vec<&Judged> = all.iter().filter(|one| one.value == best.value).collect();
    match equal.as_slice() {
        [one] => Fit::One(Arc::clone(&one.entry)),
        [one, other, ..] if one.score > 0.0 && one.score >= FAR_BETTER * other.score => {
            Fit::One(Arc::clone(&one.entry))
        }
        several => Fit::Several(several.iter().map(|one| Arc::clone(&one.entry)).collect()),
    }
}

fn judge(hit: &Hit, said: &[String], message: &Message) -> Judged {
    let entry = &hit.entry;
    let title = words::telling(&spoken(&entry.title));
    let texts = entry.words();
    let others = [&texts.about, &texts.inputs, &texts.columns, &texts.source];
    let in_title: HashSet<&str> = title.iter().map(|word| stem(word)).collect();
    let elsewhere: HashSet<&str> = others.iter().flat_map(|text| text.split_whitespace()).map(stem).collect();
    let is_in_title = |word: &String| in_title.contains(stem(word));
    let is_elsewhere = |word: &String| !is_in_title(word) && elsewhere.contains(stem(word));
    let titled = said.iter().filter(|word| is_in_title(word)).count();
    let others = said.iter().filter(|word| is_elsewhere(word)).count();
    // It was found by a word at least, in a form that only the index knows.
    let covered = (titled + others).max(1);
    let takes_names = entry.inputs.iter().any(|input| input.kind == Kind::Text && input.values.is_empty());
    let names = if takes_names { names(&message.text) } else { Vec::new() };
    let is_value = |word: &str| is_aside(word) || names.iter().any(|name| name == word);
    let missed =
        said.iter().filter(|word| !is_in_title(word) && !is_elsewhere(word) && !is_value(word)).count();
    let missed = missed.min(said.len() - covered.min(said.len()));
    let whole = !title.is_empty() && titled == title.len();
    let takes_times = entry.inputs.iter().any(|input| input.kind == Kind::Date);
    let timely = !message.spans.is_empty() && takes_times;
    let value = 4 * titled + 2 * (covered - titled) + if whole { 3 } else { 0 } + if timely { 2 } else { 0 };
    let convinces = match missed {
        0 => true,
        missed => titled > 0 && covered >= missed || covered > missed && covered > 1,
    };
    Judged { entry: Arc::clone(entry), score: hit.score, value, titled, whole, convinces }
}

/// Whether a word may be said of any entry: a number, or what is to be done.
pub(super) fn is_aside(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit()) || DOING.contains(&word)
}

/// Words with a capital, but for the first: names of things, small.
fn names(text: &str) -> Vec<String> {
    let all = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).skip(1);
    all.filter(|word| word.starts_with(char::is_uppercase)).map(str::to_lowercase).collect()
}
