//! A message as it is read: its times, quoted strings and numbers, each with its place. Pure.

use std::ops::Range;

use jiff::Zoned;

use super::{Number, Span, numbers, quoted, spans};
use crate::ai::catalogue::words;

/// So much of a message is read; a longer one is no request.
const READ: usize = 4096;

/// What a person said.
#[derive(Debug, Clone)]
pub struct Message {
    /// The words, without space around them.
    pub text: String,
    /// When, where the tenant is.
    pub at: Zoned,
    /// Times, none of them within quotes.
    pub spans: Vec<Span>,
    /// Strings within quotes, and where they are, without the quotes.
    pub quotes: Vec<(Range<usize>, String)>,
    /// Numbers, none of them within quotes.
    pub numbers: Vec<Number>,
}

impl Message {
    /// Reads it.
    pub fn read(text: &str, at: &Zoned) -> Self {
        let text = text.trim();
        let mut end = text.len().min(READ);
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let text = text[..end].to_owned();
        let quotes: Vec<(Range<usize>, String)> = quoted(&text)
            .into_iter()
            .map(|inside| {
                let from = inside.as_ptr().addr() - text.as_ptr().addr();
                (from..from + inside.len(), inside.trim().to_owned())
            })
            .collect();
        let open = without(&text, quotes.iter().map(|(at, _)| at));
        let (spans, numbers) = (spans(&open, at), numbers(&open));
        Self { text, at: at.clone(), spans, quotes, numbers }
    }

    /// The text with what is at some places replaced by spaces: every other place stays.
    pub fn without<'a>(&self, places: impl Iterator<Item = &'a Range<usize>>) -> String {
        without(&self.text, places)
    }

    /// Words that say what is looked for: not those of a time or within quotes, unless there are no others.
    pub fn telling(&self) -> Vec<String> {
        let inside = self.quotes.iter().map(|(at, _)| at).chain(self.spans.iter().map(|span| &span.at));
        let found = words::telling(&self.without(inside));
        if found.is_empty() { words::telling(&self.text) } else { found }
    }

    /// Whether it says nothing but times.
    pub fn is_bare_time(&self) -> bool {
        !self.spans.is_empty()
            && words::telling(&self.without(self.spans.iter().map(|span| &span.at))).is_empty()
    }
}

fn without<'a>(text: &str, places: impl Iterator<Item = &'a Range<usize>>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for place in places {
        if let Some(inside) = bytes.get_mut(place.clone()) {
            inside.fill(b' ');
        }
    }
    // Places are between characters, so this never has anything to replace.
    String::from_utf8_lossy(&bytes).into_owned()
}
