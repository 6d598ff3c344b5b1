//! Words of a sentence as times are written in. Pure.

use std::ops::Range;

/// Longest word that can be part of a time.
const LONGEST: usize = 24;

/// A word, small; empty when it is too long to be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub at: Range<usize>,
    pub word: String,
}

/// All of them, in order. `2026-11-01` and `01/05/2026` are one each, a dash between spaces is one.
pub(super) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut begun: Option<usize> = None;
    for (at, letter) in text.char_indices().chain([(text.len(), ' ')]) {
        let inside = letter.is_alphanumeric() || matches!(letter, '-' | '/' | '.' | ':' | '_' | '{' | '}');
        match begun {
            None if inside => begun = Some(at),
            Some(from) if !inside => {
                push(&mut found, text, from..at);
                begun = None;
            }
            _ => {}
        }
        if matches!(letter, '–' | '—') {
            found.push(Token { at: at..at + letter.len_utf8(), word: "-".to_owned() });
        }
    }
    found
}

fn push(found: &mut Vec<Token>, text: &str, at: Range<usize>) {
    let run = &text[at.clone()];
    let ends: &[char] = &['-', '.', ':', '/'];
    let left = run.trim_start_matches(ends);
    let bare = left.trim_end_matches(ends);
    if bare.is_empty() {
        if run == "-" {
            found.push(Token { at, word: "-".to_owned() });
        }
        return;
    }
    let from = at.start + (run.len() - left.len());
    let word = if bare.len() <= LONGEST { bare.to_lowercase() } else { String::new() };
    found.push(Token { at: from..from + bare.len(), word });
}
