//! What tools say to people: short, on one line, and never a word that came out of a database. Pure.

use serde_json::{Map, Value};

use super::cells::{line, whole};

/// Longest title of a query, workflow or source, in bytes.
const TITLE: usize = 200;
/// Longest value of an input.
const INPUT: usize = 80;
/// Longest list of inputs.
const INPUTS: usize = 600;
/// Longest statement in a summary.
const STATEMENT: usize = 1000;
/// Longest message of an error.
const ERROR: usize = 300;

/// A name that somebody gave to something.
pub(super) fn named(title: &str) -> String {
    format!("“{}”", line(title, TITLE))
}

/// ` with month = "2026-10"`; nothing without inputs. Those that are null are left out.
pub(super) fn with_inputs(inputs: &Map<String, Value>) -> String {
    let mut list = String::new();
    for (key, value) in inputs.iter().filter(|(_, value)| !value.is_null()) {
        let one = format!("{} = {}", line(key, INPUT), line(&whole(value).to_string(), INPUT));
        if list.len() + one.len() > INPUTS {
            list.push_str(", …");
            break;
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.push_str(&one);
    }
    if list.is_empty() { list } else { format!(" with {list}") }
}

/// A statement on one line.
pub(super) fn statement(statement: &str) -> String {
    line(statement, STATEMENT)
}

/// An error's words: a database may have put a row's text into them.
pub(super) fn error(message: &str) -> String {
    line(message, ERROR)
}

/// `3 rows.`
pub(super) fn rows(count: usize, truncated: bool) -> String {
    match (count, truncated) {
        (0, false) => "No rows.".to_owned(),
        (1, false) => "1 row.".to_owned(),
        (count, false) => format!("{count} rows."),
        (0, true) => "The rows are too large to be shown here.".to_owned(),
        (1, true) => "The first row; there are more.".to_owned(),
        (count, true) => format!("The first {count} rows; there are more."),
    }
}

/// `1 row was changed.`
pub(super) fn changed(count: u64) -> String {
    match count {
        1 => "1 row was changed.".to_owned(),
        count => format!("{count} rows were changed."),
    }
}

/// Where a run is.
pub(super) fn state(status: &str) -> &'static str {
    match status {
        "PENDING" => "waits for a place among the active runs",
        "RUNNING" => "is running",
        "COMPLETED" => "has completed",
        "FAILED" => "has failed",
        "CANCELLED" => "was cancelled",
        _ => "is in a state that this hub does not know",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn inputs_are_named_on_one_line_and_bounded() {
        let inputs = json!({ "month": "2026-10\n\u{202e}", "n": 3, "none": null });
        let words = with_inputs(inputs.as_object().unwrap());
        assert!(
            words.starts_with(" with ") && !words.contains(['\n', '\u{202e}']) && !words.contains("none"),
            "{words}"
        );
        assert!(words.contains(r#"month = "2026-10"#) && words.contains("n = 3"), "{words}");
        assert_eq!(with_inputs(&Map::new()), "");
        let many: Map<String, Value> =
            (0..100).map(|at| (format!("key{at}"), json!("x".repeat(200)))).collect();
        let words = with_inputs(&many);
        assert!(words.len() < 700 && words.ends_with('…'), "{words}");
    }

    #[test]
    fn a_title_cannot_leave_its_quotes_for_another_line() {
        assert_eq!(named("Sales\u{202e}\r\nApproved"), "“Sales\u{fffd}␍ Approved”");
        assert!(named(&"x".repeat(500)).len() < 210);
    }
}
