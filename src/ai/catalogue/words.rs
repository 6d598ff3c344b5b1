//! Words of a request and of an entry. Pure.

/// Most words of a request that are looked for.
const MOST: usize = 32;
/// Longest word; a longer one is nobody's.
const LONGEST: usize = 64;

/// Words that say nothing of what is looked for.
const EMPTY: &[&str] = &[
    "a", "about", "all", "am", "an", "and", "any", "are", "as", "at", "be", "been", "by", "can", "could",
    "did", "do", "does", "for", "from", "get", "give", "had", "has", "have", "help", "hello", "hey", "hi",
    "how", "i", "if", "in", "into", "is", "it", "its", "just", "let", "like", "list", "look", "many", "may",
    "me", "much", "my", "need", "now", "of", "on", "one", "or", "our", "per", "please", "see", "should",
    "show", "so", "some", "tell", "than", "thank", "thanks", "that", "the", "their", "them", "then", "there",
    "these", "they", "this", "those", "to", "us", "want", "was", "we", "were", "what", "whats", "when",
    "where", "which", "who", "will", "with", "would", "you", "your",
];

/// Every word, small, in order.
pub(super) fn all(text: &str) -> impl Iterator<Item = String> + '_ {
    // Marks above a letter belong to it.
    text.split(|letter: char| !letter.is_alphanumeric() && !('\u{300}'..='\u{36f}').contains(&letter))
        .filter(|word| !word.is_empty() && word.len() <= LONGEST)
        .map(str::to_lowercase)
}

/// The words of a request that can be looked for, each once, in order.
pub(super) fn telling(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for word in all(text) {
        if out.len() == MOST {
            break;
        }
        // `what's` leaves an `s`.
        let word = base(word);
        if word.len() > 1 && !EMPTY.contains(&word.as_str()) && !out.contains(&word) {
            out.push(word);
        }
    }
    out
}

/// Whether a word, small, says nothing of what is looked for.
pub(super) fn is_empty(word: &str) -> bool {
    EMPTY.contains(&word)
}

/// `monthly` is looked for as `month`, as are its like: no stemmer knows them.
fn base(word: String) -> String {
    let known = [
        ("daily", "day"),
        ("weekly", "week"),
        ("monthly", "month"),
        ("quarterly", "quarter"),
        ("yearly", "year"),
    ];
    known.into_iter().find(|(long, _)| *long == word).map_or(word, |(_, short)| short.to_owned())
}

/// The words of a text or of a name, as they are looked for: `orderDate` and `order_date` are two each.
pub(super) fn spoken(text: &str) -> String {
    let mut split = String::with_capacity(text.len() + 8);
    let mut small = false;
    for letter in text.chars() {
        if small && letter.is_uppercase() {
            split.push(' ');
        }
        small = letter.is_lowercase();
        split.push(letter);
    }
    all(&split).map(base).collect::<Vec<_>>().join(" ")
}

/// The part of a word that its forms share: `sales` and `sale`.
pub(super) fn stem(word: &str) -> &str {
    let shorter =
        |end: &str, least: usize| word.strip_suffix(end).filter(|stem| stem.chars().count() >= least);
    if let Some(stem) = shorter("ies", 3).or_else(|| shorter("y", 3)) {
        return stem;
    }
    let stem = shorter("ing", 4).or_else(|| shorter("es", 3)).or_else(|| shorter("ed", 3)).unwrap_or(word);
    let stem = stem.strip_suffix('s').filter(|stem| stem.chars().count() >= 3).unwrap_or(stem);
    stem.strip_suffix('e').filter(|stem| stem.chars().count() >= 3).unwrap_or(stem)
}

/// The beginning of a text, at most so many bytes, on one line.
pub(super) fn snippet(text: &str, most: usize) -> String {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_tell() {
        let table: &[(&str, &[&str])] = &[
            ("Show me the sales, please!", &["sales"]),
            ("What's in stock? STOCK", &["stock"]),
            ("\"orders\" OR title:x*", &["orders", "title"]),
            ("cafe\u{301} und Ärzte", &["cafe\u{301}", "und", "ärzte"]),
            ("show me all of it", &[]),
            ("the monthly months", &["month", "months"]),
            ("\0 🙂 \u{202e}", &[]),
        ];
        for (text, wanted) in table {
            assert_eq!(telling(text), *wanted, "{text}");
        }
        assert!(telling(&"9".repeat(40_000)).is_empty());
        let many: String = (0..100).map(|n| format!("w{n} ")).collect();
        assert_eq!(telling(&many).len(), MOST);
    }

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for (one, other) in [
            ("sales", "sale"),
            ("months", "month"),
            ("category", "categories"),
            ("orders", "ordered"),
            ("box", "boxes"),
            ("report", "reporting"),
            ("day", "days"),
        ] {
            assert_eq!(stem(one), stem(other), "{one} {other}");
        }
        assert_ne!(stem("order"), stem("border"));
    }

    #[test]
    fn names_are_words() {
        for (name, wanted) in [
            ("orderDate", "order date"),
            ("order_date.v2", "order date v2"),
            ("Daily SALES", "day sales"),
            ("ÄrzteÄ", "ärzte ä"),
        ] {
            assert_eq!(spoken(name), wanted, "{name}");
        }
    }

    #[test]
    fn a_snippet_ends_between_letters() {
        assert_eq!(snippet("ä\n b", 3), "ä");
        assert_eq!(snippet("äää", 3), "ä");
        assert_eq!(snippet("a", 9), "a");
    }
}
