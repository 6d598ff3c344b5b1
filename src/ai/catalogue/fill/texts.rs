//! What follows a name in a sentence: "order 7", "product: Mug", "for category tea"; and names of things. Pure.

use std::ops::Range;

use crate::ai::catalogue::words::{is_empty, spoken, stem};

/// Most words between a name and its number: "price is set to 1250".
const BETWEEN: usize = 2;

/// A word with its place.
#[derive(Debug, Clone)]
pub(super) struct Word<'a> {
    pub at: Range<usize>,
    /// As it was written.
    pub text: &'a str,
    pub small: String,
    /// A comma, a colon or the like stands before it.
    pub apart: bool,
    /// A colon or an equals sign stands before it.
    pub is_told: bool,
}

/// All words of a text, in order.
pub(super) fn words(text: &str) -> Vec<Word<'_>> {
    let (mut found, mut begun, mut last) = (Vec::new(), None, 0);
    let inside = |c: char| {
        c.is_alphanumeric() || matches!(c, '\'' | '’' | '-' | '_' | '&' | '.' | '\u{300}'..='\u{36f}')
    };
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        match begun {
            None if inside(letter) => begun = Some(at),
            Some(from) if !inside(letter) => {
                let run = &text[from..at];
                let bare = run.trim_end_matches(['.', '\'', '’', '-', '&']);
                if !bare.is_empty() {
                    let gap = &text[last..from];
                    found.push(Word {
                        at: from..from + bare.len(),
                        text: bare,
                        small: bare.to_lowercase(),
                        apart: gap.contains([',', ';', ':', '=', '(', ')', '!', '?', '\n', '.']),
                        is_told: gap.contains([':', '=']),
                    });
                    last = from + bare.len();
                }
                begun = None;
            }
            _ => {}
        }
    }
    found
}

/// The words that name something: "order no" of `orderNo`, without those that every name may have.
pub(super) fn names(key: &str, label: Option<&str>) -> Vec<Vec<String>> {
    let mut names: Vec<Vec<String>> = Vec::new();
    for text in [Some(key), label].into_iter().flatten() {
        let all: Vec<String> = spoken(text).split_whitespace().map(str::to_owned).collect();
        let short: Vec<String> = all
            .iter()
            .filter(|word| {
                !matches!(word.as_str(), "id" | "no" | "number" | "name" | "the" | "of" | "in" | "new")
            })
            .cloned()
            .collect();
        for name in [all, short] {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
    }
    // People say it in other words.
    if names
        .iter()
        .any(|name| name.len() == 1 && matches!(name[0].as_str(), "limit" | "top" | "rows" | "count" | "max"))
    {
        names.extend(["limit", "top", "first", "most"].map(|word| vec![word.to_owned()]));
    }
    names
}

/// How many words of a name begin here; none: it does not.
fn begins(words: &[Word<'_>], at: usize, name: &[String]) -> Option<usize> {
    let run = words.get(at..at + name.len())?;
    run.iter().zip(name).all(|(word, wanted)| stem(&word.small) == stem(wanted)).then_some(name.len())
}

/// Places behind each mention of a name.
pub(super) fn behind(words: &[Word<'_>], names: &[Vec<String>]) -> Vec<usize> {
    let mut found = Vec::new();
    for at in 0..words.len() {
        if let Some(length) = names.iter().filter_map(|name| begins(words, at, name)).max() {
            found.push(at + length);
        }
    }
    found
}

/// The word that a name is given: "limit 5", "limit is 5", "price to 1250", "7 days" for `days`.
pub(super) fn given<'a, 'w>(
    all: &'a [Word<'w>],
    names: &[Vec<String>],
    fits: impl Fn(&Word<'w>) -> bool,
) -> Vec<&'a Word<'w>> {
    let mut found: Vec<&Word<'w>> = Vec::new();
    for after in behind(all, names) {
        let small = |word: &Word<'_>| {
            matches!(
                word.small.as_str(),
                "is" | "to" | "of" | "at" | "no" | "number" | "nr" | "be" | "set" | "equals" | "id"
            )
        };
        let between = all.iter().skip(after).take(BETWEEN).take_while(|word| small(word)).count();
        if let Some(word) = all.get(after + between).filter(|word| fits(word)) {
            found.push(word);
        }
    }
    for at in 0..all.len() {
        let name = names.iter().find_map(|name| begins(all, at, name).filter(|_| at > 0));
        if let (Some(_), Some(before)) = (name, all.get(at.wrapping_sub(1)))
            && fits(before)
        {
            found.push(before);
        }
    }
    found.sort_by_key(|word| word.at.start);
    found.dedup_by_key(|word| word.at.start);
    found
}

/// A text that follows a name, when it is written as one: "product: mug", "product is mug", "for category tea",
/// "product Mug".
pub(super) fn told(all: &[Word<'_>], names: &[Vec<String>], text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in 0..all.len() {
        let Some(length) = names.iter().filter_map(|name| begins(all, at, name)).max() else { continue };
        let next = at + length;
        let Some(word) = all.get(next) else { continue };
        let said = matches!(word.small.as_str(), "is" | "equals");
        let next = next + usize::from(said);
        let Some(word) = all.get(next).filter(|word| !is_empty(&word.small)) else { continue };
        let led = at > 0 && matches!(all[at - 1].small.as_str(), "for" | "of" | "in" | "with" | "by");
        if said || word.is_told || led && !word.apart || is_name(word) && !word.apart {
            found.push(run(all, next, text));
        }
    }
    found
}

/// Names of things: from a word with a capital to the next that says nothing. Neither the first word of the text
/// nor one of `known`.
pub(super) fn things(all: &[Word<'_>], known: &[String], text: &str) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), 1);
    // An answer may be a name alone.
    if all.len() == 1 {
        at = 0;
    }
    while at < all.len() {
        let word = &all[at];
        let taken = is_empty(&word.small) || known.iter().any(|known| stem(known) == stem(&word.small));
        if taken || !is_name(word) || word.text.chars().all(|c| c.is_ascii_digit() || c == '.') {
            at += 1;
            continue;
        }
        let place = run(all, at, text);
        at += all[at..].iter().take_while(|word| word.at.start < place.end).count().max(1);
        found.push(place);
    }
    found
}

/// Words from there that belong together: until one that says nothing, a number, or a mark.
fn run(all: &[Word<'_>], at: usize, text: &str) -> Range<usize> {
    let from = all[at].at.clone();
    let mut end = from.end;
    for word in &all[at + 1..] {
        let gap = text.get(end..word.at.start).unwrap_or("");
        let number = word.text.starts_with(|c: char| c.is_ascii_digit());
        if word.apart || number || is_empty(&word.small) || gap.len() > 1 {
            break;
        }
        end = word.at.end;
    }
    from.start..end
}

fn is_name(word: &Word<'_>) -> bool {
    word.text.starts_with(|c: char| c.is_uppercase() || c.is_numeric())
}
