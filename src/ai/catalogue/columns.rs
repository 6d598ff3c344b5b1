//! The result columns that a `SELECT` names, as far as its text says: aliases and plain columns of its first
//! list. Only to be found by: nothing depends on them. Pure.

/// Longest statement that is read.
const LONGEST: usize = 64 * 1024;

/// Names, in order. Empty for what is no `SELECT`.
pub(super) fn of(statement: &str) -> Vec<String> {
    if statement.len() > LONGEST {
        return Vec::new();
    }
    let (mut names, mut last, mut open, mut depth) = (Vec::new(), None, false, 0_u32);
    for token in tokens(statement) {
        match token {
            Token::Open => depth += 1,
            Token::Close => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            Token::Word(word) if !open => open = word.eq_ignore_ascii_case("select"),
            Token::Word(word) if word.eq_ignore_ascii_case("from") => break,
            Token::Word(word) | Token::Name(word) if open => last = Some(word),
            Token::Comma if open => names.extend(last.take()),
            Token::Word(_) | Token::Name(_) | Token::Comma | Token::Dot => {}
            // `count(*)`, `'text'` and `1` have no name; what follows may.
            Token::Other => last = None,
        }
        if matches!(token, Token::Close) && depth == 0 {
            last = None;
        }
    }
    names.extend(last);
    let plain =
        |name: &&str| !["distinct", "all", "end", "null"].iter().any(|word| name.eq_ignore_ascii_case(word));
    names.into_iter().filter(plain).map(str::to_owned).collect()
}

#[derive(Clone, Copy)]
enum Token<'a> {
    Word(&'a str),
    /// In quotes of a name.
    Name(&'a str),
    Open,
    Close,
    Comma,
    Dot,
    Other,
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = rest.trim_start();
            let first = rest.chars().next()?;
            if let Some(after) = rest.strip_prefix("--") {
                rest = after.split_once('\n').map_or("", |(_, after)| after);
                continue;
            }
            if let Some(after) = rest.strip_prefix("/*") {
                rest = after.split_once("*/").map_or("", |(_, after)| after);
                continue;
            }
            let (token, length) = match first {
                '(' => (Token::Open, 1),
                ')' => (Token::Close, 1),
                ',' => (Token::Comma, 1),
                '.' => (Token::Dot, 1),
                '\'' | '"' | '`' => {
                    let inside = &rest[1..];
                    let end = inside.find(first).unwrap_or(inside.len());
                    let token = if first == '\'' { Token::Other } else { Token::Name(&inside[..end]) };
                    (token, (end + 2).min(rest.len()))
                }
                letter if letter.is_alphabetic() || letter == '_' => {
                    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                    (Token::Word(&rest[..end]), end)
                }
                other => (Token::Other, other.len_utf8()),
            };
            rest = &rest[length..];
            return Some(token);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn the_names_of_a_list() {
        let table: &[(&str, &[&str])] = &[
            ("SELECT a, t.b, count(*) AS n FROM t", &["a", "b", "n"]),
            ("select substr(o.at, 1, 7) AS month, sum(o.cents) total from orders o, x", &["month", "total"]),
            ("WITH x AS (SELECT inner FROM t) SELECT outer_one FROM x", &["outer_one"]),
            ("SELECT DISTINCT \"Order no\", `b` FROM t", &["Order no", "b"]),
            ("SELECT * FROM t", &[]),
            ("SELECT count(*), 'text, from' FROM t", &[]),
            ("SELECT a -- b, c\n, /* d, */ e FROM t", &["a", "e"]),
            ("SELECT CASE WHEN a THEN 1 ELSE 2 END AS kind FROM t", &["kind"]),
            ("INSERT INTO t VALUES (1)", &[]),
            ("SELECT 1", &[]),
            ("SELECT 'open", &[]),
            ("SELECT \"ö", &["ö"]),
            ("", &[]),
        ];
        for (statement, wanted) in table {
            assert_eq!(of(statement), *wanted, "{statement}");
        }
        assert!(of(&"(".repeat(1_000_000)).is_empty());
    }
}
