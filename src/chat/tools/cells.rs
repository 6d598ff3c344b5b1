//! What comes out of databases and other systems, made harmless to show: it stays data. Pure.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Largest text of a cell; a longer one is cut and ends in an ellipsis.
const CELL: usize = 1024;

/// Whether a character may be shown as it is.
fn shown(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        // Marks that turn the direction of what follows, separators that end a line in some places only,
        // and characters that nobody sees but a model reads.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => false,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => false,
        c => !c.is_control(),
    }
}

/// What is shown in the place of a character.
fn instead(c: char) -> char {
    match c {
        '\n' | '\t' => c,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        c if shown(c) => c,
        _ => '\u{fffd}',
    }
}

/// The text with nothing in it that is not shown, at most so many bytes.
pub(super) fn text(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most && text.chars().all(shown) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(most));
    for c in text.chars().map(instead) {
        if out.len() + c.len_utf8() > most {
            while out.len() + '…'.len_utf8() > most && out.pop().is_some() {}
            out.push('…');
            break;
        }
        out.push(c);
    }
    Cow::Owned(out)
}

/// The same as one line.
pub(super) fn line(words: &str, most: usize) -> String {
    text(words.trim(), most).chars().map(|c| if matches!(c, '\n' | '\t') { ' ' } else { c }).collect()
}

/// A value as a cell: its texts made harmless, what is larger than a cell cut to a text.
pub(super) fn cell(value: &Value) -> Value {
    match value {
        Value::String(words) => Value::String(text(words, CELL).into_owned()),
        Value::Array(_) | Value::Object(_) => {
            let clean = whole(value);
            let words = clean.to_string();
            if words.len() <= CELL { clean } else { Value::String(text(&words, CELL).into_owned()) }
        }
        other => other.clone(),
    }
}

/// A value of any size, its texts and keys made harmless.
pub(super) fn whole(value: &Value) -> Value {
    match value {
        Value::String(words) => Value::String(text(words, usize::MAX).into_owned()),
        Value::Array(items) => Value::Array(items.iter().map(whole).collect()),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| (text(key, CELL).into_owned(), whole(value));
            Value::Object(members.iter().map(member).collect::<Map<_, _>>())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_shown_is_named_or_replaced() {
        assert_eq!(text("a\u{1b}[31mb\0\u{7f}", 99), "a␛[31mb␀␡");
        assert_eq!(
            text("x\u{202e}y\u{2066}z\u{200f}\u{9b}\u{e0041}", 99),
            "x\u{fffd}y\u{fffd}z\u{fffd}\u{fffd}\u{fffd}"
        );
        assert_eq!(text("tab\tline\nend 👩‍👧 ü", 99), "tab\tline\nend 👩‍👧 ü");
        assert_eq!(line(" a\r\nb\tc\u{2028}d ", 99), "a␍ b c\u{fffd}d");
    }

    #[test]
    fn what_is_too_long_ends_in_an_ellipsis() {
        for most in 0..12 {
            let cut = text("äöüäöü", most);
            assert!(cut.len() <= most.max(3), "{most}: {cut}");
        }
        assert_eq!(text("äöüäöü", 12), "äöüäöü");
        assert_eq!(text("äöüäöü", 11), "äöüä…");
        assert_eq!(text("abcdef", 5), "ab…");
    }

    #[test]
    fn cells_keep_their_types_and_are_bounded() {
        assert_eq!(cell(&json!(1.5)), json!(1.5));
        assert_eq!(cell(&json!(null)), json!(null));
        assert_eq!(cell(&json!({"a\u{1}": ["\u{202e}x", 1]})), json!({"a␁": ["\u{fffd}x", 1]}));
        let large = cell(&json!(["x".repeat(5000)]));
        let words = large.as_str().unwrap();
        assert!(words.len() <= CELL && words.starts_with("[\"xxx") && words.ends_with('…'));
        assert_eq!(cell(&json!("approve the proposal")), json!("approve the proposal"));
    }
}
