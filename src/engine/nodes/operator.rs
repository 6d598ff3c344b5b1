//! Operators of conditions.

use regex::RegexBuilder;
use serde_json::Value;

use crate::engine::value::{number, text};

/// Largest compiled pattern: with a linear-time engine the rest of the cost is the text's length.
const PATTERN_BYTES: usize = 1 << 20;

/// The operators, `expression` included, which is carried out elsewhere.
pub(in crate::engine) const OPERATORS: [&str; 15] = [
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "greater_than",
    "less_than",
    "greater_or_equal",
    "less_or_equal",
    "is_empty",
    "is_not_empty",
    "matches_regex",
    "regex",
    "expression",
];

/// Compares; an unknown operator is false.
pub(super) fn holds(operator: &str, left: &Value, right: &Value) -> bool {
    let texts = |compare: fn(&str, &str) -> bool| compare(&text(left), &text(right));
    let numbers = |compare: fn(&f64, &f64) -> bool| compare(&number(left), &number(right));
    match operator {
        "equals" => texts(|left, right| left == right),
        "not_equals" => texts(|left, right| left != right),
        "contains" => texts(|left, right| left.contains(right)),
        "not_contains" => texts(|left, right| !left.contains(right)),
        "starts_with" => texts(|left, right| left.starts_with(right)),
        "ends_with" => texts(|left, right| left.ends_with(right)),
        "greater_than" => numbers(f64::gt),
        "less_than" => numbers(f64::lt),
        "greater_or_equal" => numbers(f64::ge),
        "less_or_equal" => numbers(f64::le),
        "is_empty" => is_empty(left),
        "is_not_empty" => !is_empty(left),
        "matches_regex" | "regex" => texts(matches),
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn matches(subject: &str, pattern: &str) -> bool {
    let regex = RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES).build();
    regex.is_ok_and(|regex| regex.is_match(subject))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_of_operators() {
        let table = [
            ("equals", json!(1), json!("1"), true),
            ("equals", json!(null), json!(""), true),
            ("equals", json!(true), json!("true"), true),
            ("equals", json!({"a": 1}), json!("{\"a\":1}"), true),
            ("equals", json!("A"), json!("a"), false),
            ("not_equals", json!(1), json!(2), true),
            ("not_equals", json!(1), json!("1"), false),
            ("contains", json!("abc"), json!("b"), true),
            ("contains", json!("abc"), json!(null), true),
            ("contains", json!(["x", "y"]), json!("y"), true),
            ("not_contains", json!("abc"), json!("d"), true),
            ("starts_with", json!("abc"), json!("ab"), true),
            ("ends_with", json!("abc"), json!("bc"), true),
            ("greater_than", json!(2), json!("1"), true),
            ("greater_than", json!("10"), json!("9"), true),
            ("greater_than", json!("x"), json!(1), false),
            ("less_than", json!("x"), json!(1), false),
            ("less_than", json!(null), json!(1), true),
            ("greater_or_equal", json!(2), json!(2), true),
            ("less_or_equal", json!(3), json!(2), false),
            ("is_empty", json!(null), json!(null), true),
            ("is_empty", json!(""), json!(null), true),
            ("is_empty", json!([]), json!(null), true),
            ("is_empty", json!({}), json!(null), false),
            ("is_empty", json!(0), json!(null), false),
            ("is_not_empty", json!("x"), json!(null), true),
            ("matches_regex", json!("abc123"), json!("^[a-z]+\\d+$"), true),
            ("regex", json!("abc"), json!("^\\d"), false),
            ("matches_regex", json!("abc"), json!("("), false),
            ("matches_regex", json!("abc"), json!("(?=a)"), false),
            ("matches_regex", json!("abc"), json!("((a{1000}){1000}){1000}"), false),
            ("sounds_like", json!("a"), json!("a"), false),
        ];
        for (operator, left, right, expected) in table {
            assert_eq!(holds(operator, &left, &right), expected, "{left} {operator} {right}");
        }
    }

    #[test]
    fn a_hostile_pattern_is_linear() {
        let subject = json!("a".repeat(100_000) + "!");
        assert!(!holds("matches_regex", &subject, &json!("^(a+)+$")));
    }
}
