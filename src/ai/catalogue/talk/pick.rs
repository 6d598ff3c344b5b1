//! Which of several an answer means: its number, its place in the list, or words that only it has. Pure.

use std::sync::Arc;

use crate::ai::catalogue::{
    Entry,
    words::{self, spoken, stem},
};

const PLACES: [&str; 8] = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];
/// Words around a number.
const AROUND: &[&str] =
    &["the", "number", "no", "nr", "option", "one", "please", "take", "i", "mean", "entry"];

/// Its place, from 0.
pub(super) fn pick(entries: &[Arc<Entry>], text: &str) -> Option<usize> {
    numbered(text).filter(|at| *at < entries.len()).or_else(|| titled(entries, text))
}

/// "2", "the second", "number 2, please": where it is in a list.
pub(super) fn numbered(text: &str) -> Option<usize> {
    let said: Vec<String> = words::all(text).take(8).collect();
    let mut left = said.iter().filter(|word| !AROUND.contains(&word.as_str()));
    let word = match left.next() {
        // "one", "the one": only as a number.
        None => return (said == ["one"]).then_some(0),
        Some(word) => word,
    };
    if left.next().is_some() {
        return None;
    }
    if let Some(at) = PLACES.iter().position(|place| place == word) {
        return Some(at);
    }
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let end = &word[digits.len()..];
    let number: usize = digits.parse().ok().filter(|_| matches!(end, "" | "st" | "nd" | "rd" | "th"))?;
    number.checked_sub(1)
}

/// The only one whose title has all that was said.
fn titled(entries: &[Arc<Entry>], text: &str) -> Option<usize> {
    let said = words::telling(text);
    if said.is_empty() {
        return None;
    }
    let titles: Vec<Vec<String>> =
        entries.iter().map(|entry| words::telling(&spoken(&entry.title))).collect();
    let has = |title: &[String], word: &String| title.iter().any(|one| stem(one) == stem(word));
    let only = |fits: &dyn Fn(&[String]) -> bool| {
        let mut found = titles.iter().enumerate().filter(|(_, title)| fits(title)).map(|(at, _)| at);
        found.next().filter(|_| found.next().is_none())
    };
    // Its whole title, before a longer one that has the same words and more.
    only(&|title| title.len() == said.len() && said.iter().all(|word| has(title, word)))
        .or_else(|| only(&|title| said.iter().all(|word| has(title, word))))
}
