//! Whether the end of a range is the last day that is meant, or the day behind it, as far as a statement says it.
//! Pure.

/// Longest statement that is read.
const LONGEST: usize = 64 * 1024;

/// `at <= {{to}}` and `BETWEEN … AND {{to}}` take the last day, `at < {{to}}` the day behind it.
pub(super) fn includes(statement: &str, key: &str) -> Option<bool> {
    if statement.len() > LONGEST {
        return None;
    }
    let mut rest = 0;
    while let Some(open) = statement.get(rest..)?.find("{{") {
        let from = rest + open;
        let inside = statement.get(from + 2..)?;
        let end = inside.find("}}")?;
        rest = from + 2 + end + 2;
        let name = inside.get(..end)?.trim();
        if name.rsplit('.').next() != Some(key) {
            continue;
        }
        let before = bare(statement.get(..from)?);
        if before.ends_with("<=") {
            return Some(true);
        }
        if before.ends_with('<') {
            return Some(false);
        }
        let words: Vec<&str> =
            before.rsplit(char::is_whitespace).filter(|word| !word.is_empty()).take(6).collect();
        if words.first().is_some_and(|word| word.eq_ignore_ascii_case("and"))
            && words.iter().any(|word| word.eq_ignore_ascii_case("between"))
        {
            return Some(true);
        }
    }
    None
}

/// Without quotes, brackets and the name of a function around what follows: `date({{to}})`.
fn bare(before: &str) -> &str {
    let quotes: &[char] = &['\'', '"'];
    let trimmed = before.trim_end().trim_end_matches(quotes).trim_end();
    match trimmed.strip_suffix('(') {
        Some(open) => open.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_').trim_end(),
        None => trimmed,
    }
}

#[cfg(test)]
mod tests {
    use super::includes;

    #[test]
    fn what_a_statement_says_of_its_end() {
        for (statement, wanted) in [
            ("SELECT 1 FROM t WHERE at >= {{from}} AND at < {{to}}", Some(false)),
            ("SELECT 1 FROM t WHERE at >= {{from}} AND at <= {{ to }}", Some(true)),
            ("WHERE at<'{{to}}'", Some(false)),
            ("WHERE date(at) <= date( {{ctx.to}} )", Some(true)),
            ("WHERE at BETWEEN {{from}} AND {{to}}", Some(true)),
            ("WHERE at > {{from}} and {{to}} > at", None),
            ("WHERE at < {{until}}", None),
            ("WHERE {{to", None),
            ("{{to}}", None),
            ("", None),
            ("ö{{ü}}<{{to}}", Some(false)),
        ] {
            assert_eq!(includes(statement, "to"), wanted, "{statement}");
        }
        assert_eq!(includes(&"{{".repeat(30_000), "to"), None);
        assert_eq!(includes(&"{{x}}".repeat(30_000), "to"), None);
    }
}
