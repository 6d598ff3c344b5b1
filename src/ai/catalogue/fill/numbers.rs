//! Numbers in a sentence. Pure; one pass, whatever the text.

use std::ops::Range;

/// Longest number that is read; a longer run of digits is no number of anybody's.
const LONGEST: usize = 32;

/// A number that stands alone: `5`, `1,000.50`, `-3`, `3 percent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// Where, in bytes.
    pub at: Range<usize>,
    /// Digits with a point at most: as JSON writes it.
    pub digits: String,
    /// A percent sign or word follows.
    pub percent: bool,
}

/// All of them, in order. What is part of a word, a date or an id is none.
pub fn numbers(text: &str) -> Vec<Number> {
    let mut found = Vec::new();
    let mut start = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let at = start;
        start += word.len();
        let left = word.trim_start_matches(['#', '(', '[', '$', '€', '£', '=', '<', '>']);
        let skipped = word.len() - left.len();
        let bare = left.trim_end().trim_end_matches([')', ']', '.', ',', ';', ':', '?', '!']);
        let (bare, sign) = match bare.strip_suffix('%') {
            Some(bare) => (bare, true),
            None => (bare, false),
        };
        let Some(digits) = digits(bare) else { continue };
        let from = at + skipped;
        let percent = sign || follows_percent(&text[start..]);
        found.push(Number { at: from..from + bare.len(), digits, percent });
    }
    found
}

fn follows_percent(rest: &str) -> bool {
    let next = rest.split_whitespace().next().unwrap_or("");
    let next = next.trim_end_matches(['.', ',', ';', '?', '!']);
    next == "%" || next.eq_ignore_ascii_case("percent")
}

fn digits(word: &str) -> Option<String> {
    if word.is_empty() || word.len() > LONGEST {
        return None;
    }
    let (minus, body) = match word.strip_prefix('-') {
        Some(body) => ("-", body),
        None => ("", word),
    };
    let (whole, fraction) = match body.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (body, None),
    };
    if fraction.is_some_and(|part| !all_digits(part)) {
        return None;
    }
    let mut groups = whole.split(',');
    let first = groups.next().filter(|group| all_digits(group))?;
    let rest: Vec<&str> = groups.collect();
    if !rest.is_empty()
        && (first.len() > 3 || rest.iter().any(|group| group.len() != 3 || !all_digits(group)))
    {
        return None;
    }
    let joined = format!("{first}{}", rest.concat());
    let whole = joined.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match fraction {
        Some(part) => format!("{minus}{whole}.{part}"),
        None => format!("{minus}{whole}"),
    })
}

fn all_digits(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::numbers;

    #[test]
    fn numbers_are_found_where_they_stand_alone() {
        let table: &[(&str, &[(&str, bool)])] = &[
            ("top 5", &[("5", false)]),
            ("more than 1,000.50", &[("1000.50", false)]),
            ("3 percent", &[("3", true)]),
            ("3% of it", &[("3", true)]),
            ("grew 2.5 %.", &[("2.5", true)]),
            ("between 10 and 20?", &[("10", false), ("20", false)]),
            ("below -3", &[("-3", false)]),
            ("$1,250,000!", &[("1250000", false)]),
            ("(007)", &[("7", false)]),
            ("0.0", &[("0.0", false)]),
            ("amount >=12", &[("12", false)]),
            ("order #42", &[("42", false)]),
            ("1,00", &[]),
            ("1234,567", &[]),
            ("2026-11-25", &[]),
            ("Q3 a1 1b", &[]),
            ("1.2.3 and 5.", &[("5", false)]),
            ("1; DROP TABLE sales; -- 2", &[("1", false), ("2", false)]),
            ("{{7}} ${7}", &[]),
            ("١٢٣ ٥ ５", &[]),
            ("🙂5🙂 \u{202e}5", &[]),
            ("- . , % -. ,,, .5", &[]),
            ("", &[]),
        ];
        for (text, wanted) in table {
            let found = numbers(text);
            let found: Vec<(&str, bool)> = found.iter().map(|n| (n.digits.as_str(), n.percent)).collect();
            assert_eq!(found, *wanted, "{text}");
        }
    }

    #[test]
    fn the_place_is_the_number_alone() {
        for text in ["top (5).", "a\u{a0}5 percent", "é 5%", "x\n5\n"] {
            for number in numbers(text) {
                assert_eq!(&text[number.at.clone()], "5", "{text}");
            }
            assert_eq!(numbers(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn a_wall_of_digits_is_no_number() {
        assert!(numbers(&"9".repeat(32 * 1024)).is_empty());
        assert_eq!(numbers(&"9 ".repeat(16 * 1024)).len(), 16 * 1024);
        assert!(numbers(&"%".repeat(32 * 1024)).is_empty());
    }
}
