//! What a sentence says word for word: quoted strings, yes and no, values of an enum. Pure.

/// Longest quoted string that is read.
const LONGEST: usize = 1024;

/// Strings between `"…"` or `“…”`, in order, without the quotes. A single quote is an apostrophe too often.
pub fn quoted(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    for (at, letter) in text.char_indices() {
        match open {
            Some((from, end)) if letter == end => {
                let inside = &text[from..at];
                if !inside.trim().is_empty() && inside.len() <= LONGEST {
                    found.push(inside);
                }
                open = None;
            }
            Some(_) => {}
            None => {
                open = match letter {
                    '"' => Some((at + 1, '"')),
                    '“' => Some((at + letter.len_utf8(), '”')),
                    _ => None,
                };
            }
        }
    }
    found
}

/// Yes or no, if the whole text says one of them: an answer to a question, never a guess within a sentence.
pub fn yes_no(text: &str) -> Option<bool> {
    let text = text.trim().trim_end_matches(['.', '!', ',']).to_ascii_lowercase();
    match text.as_str() {
        "yes" | "y" | "true" | "on" => Some(true),
        "no" | "n" | "false" | "off" => Some(false),
        _ => None,
    }
}

/// The values of an enum that the text names, as the enum writes them and in its order: whole words, any
/// case, `_` and `-` as spaces, or a simple plural. Two of them are for the caller to ask about.
pub fn named<'a>(text: &str, values: &'a [String]) -> Vec<&'a str> {
    let said = words(text);
    values
        .iter()
        .filter(|value| {
            let wanted = words(value);
            !wanted.is_empty() && said.windows(wanted.len()).any(|run| same(run, &wanted))
        })
        .map(String::as_str)
        .collect()
}

fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn same(run: &[String], wanted: &[String]) -> bool {
    let last = wanted.len() - 1;
    run[..last] == wanted[..last] && (run[last] == wanted[last] || plural(&run[last], &wanted[last]))
}

/// `region` and `regions`, `box` and `boxes`, `country` and `countries`, either way round.
fn plural(one: &str, other: &str) -> bool {
    let many = |few: &str, many: &str| {
        few.chars().count() > 2
            && few.chars().all(char::is_alphabetic)
            && (many.strip_suffix('s') == Some(few)
                || many.strip_suffix("es") == Some(few)
                || (few.ends_with('y') && many.strip_suffix("ies") == few.strip_suffix('y')))
    };
    many(one, other) || many(other, one)
}

#[cfg(test)]
mod tests {
    use super::{named, quoted, yes_no};

    #[test]
    fn quoted_strings() {
        let table: &[(&str, &[&str])] = &[
            (r#"orders of "Smith & Sons""#, &["Smith & Sons"]),
            ("find “Zoë” and \"b\"", &["Zoë", "b"]),
            (r#"he said "never"#, &[]),
            (r#""" " ""#, &[]),
            ("it's the customer's", &[]),
            (r#""'; DROP TABLE x; --""#, &["'; DROP TABLE x; --"]),
            ("\"\u{202e}abc🙂\"", &["\u{202e}abc🙂"]),
        ];
        for (text, wanted) in table {
            assert_eq!(quoted(text), *wanted, "{text}");
        }
        assert!(quoted(&format!("\"{}\"", "9".repeat(32 * 1024))).is_empty());
    }

    #[test]
    fn yes_and_no_are_whole_answers() {
        for (text, wanted) in [
            ("Yes!", Some(true)),
            (" no. ", Some(false)),
            ("TRUE", Some(true)),
            ("no idea", None),
            ("", None),
        ] {
            assert_eq!(yes_no(text), wanted, "{text}");
        }
    }

    #[test]
    fn names_of_enums() {
        let values: Vec<String> =
            ["EMEA", "north_america", "Country", "box", "in", "Ärzte", "--"].map(String::from).to_vec();
        let table: &[(&str, &[&str])] = &[
            ("sales in emea", &["EMEA", "in"]),
            ("North America, please", &["north_america"]),
            ("all countries and boxes", &["Country", "box"]),
            ("ins and outs", &[]),
            ("ÄRZTE", &["Ärzte"]),
            ("boxing emeaX", &[]),
            ("north of america", &[]),
            ("🙂 \u{202e} {{box}}", &["box"]),
            ("", &[]),
        ];
        for (text, wanted) in table {
            assert_eq!(named(text, &values), *wanted, "{text}");
        }
        assert!(named(&"9".repeat(32 * 1024), &values).is_empty());
    }
}
