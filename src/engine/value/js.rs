//! JavaScript's ideas of text, number and truth, for values that are JSON.

use std::borrow::Cow;

use serde_json::{Number, Value};

/// Text form: null is empty, objects and arrays are compact JSON (the reference's
/// `[object Object]` helps nobody).
pub(in crate::engine) fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) => Cow::Borrowed(text),
        Value::Bool(true) => Cow::Borrowed("true"),
        Value::Bool(false) => Cow::Borrowed("false"),
        Value::Number(number) => Cow::Owned(number_text(number)),
        Value::Array(_) | Value::Object(_) => Cow::Owned(value.to_string()),
    }
}

fn number_text(number: &Number) -> String {
    if number.is_i64() || number.is_u64() {
        return number.to_string();
    }
    number.as_f64().map_or_else(|| number.to_string(), float_text)
}

/// `Number.prototype.toString`: the shortest digits, plain from 1e-6 to below 1e21.
fn float_text(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let shortest = format!("{value:e}");
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest.as_str(), "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-6..21).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{}", exponent.abs())
}

/// `Number(value)`.
pub(in crate::engine) fn number(value: &Value) -> f64 {
    match value {
        Value::Null | Value::Bool(false) => 0.0,
        Value::Bool(true) => 1.0,
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) => text_number(text),
        Value::Array(items) => match items.as_slice() {
            [] => 0.0,
            [one] => text_number(&text(one)),
            _ => f64::NAN,
        },
        Value::Object(_) => f64::NAN,
    }
}

fn text_number(text: &str) -> f64 {
    let text = text.trim();
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).map_or(f64::NAN, |n| n as f64);
    match text {
        "" => return 0.0,
        "Infinity" | "+Infinity" => return f64::INFINITY,
        "-Infinity" => return f64::NEG_INFINITY,
        _ => {}
    }
    if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0b").or_else(|| text.strip_prefix("0B")) {
        return radix(digits, 2);
    }
    if let Some(digits) = text.strip_prefix("0o").or_else(|| text.strip_prefix("0O")) {
        return radix(digits, 8);
    }
    // Rust also reads words ("inf", "nan"), which JavaScript does not.
    if text.contains(|c: char| c.is_ascii_alphabetic() && c != 'e' && c != 'E') {
        return f64::NAN;
    }
    text.parse().unwrap_or(f64::NAN)
}

/// A number as JSON: whole ones without a point; `None` when it is not finite.
pub(in crate::engine) fn number_value(number: f64) -> Option<Value> {
    const SAFE: f64 = 9_007_199_254_740_991.0;
    if number.fract() == 0.0 && number.abs() <= SAFE {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within 53 bits")]
        return Some(Value::from(number as i64));
    }
    Number::from_f64(number).map(Value::Number)
}

/// `Boolean(value)`.
pub(in crate::engine) fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// `^[a-zA-Z_][a-zA-Z0-9_]*$`
pub(in crate::engine) fn is_identifier(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_are_those_of_javascript() {
        let cases = [
            (json!(null), ""),
            (json!(true), "true"),
            (json!(1), "1"),
            (json!(1.0), "1"),
            (json!(-0.0), "0"),
            (json!(0.1), "0.1"),
            (json!(1e21), "1e+21"),
            (json!(1.5e300), "1.5e+300"),
            (json!(1e20), "100000000000000000000"),
            (json!(1e-6), "0.000001"),
            (json!(1e-7), "1e-7"),
            (json!(123_456_789.125), "123456789.125"),
            (json!([1, "a"]), "[1,\"a\"]"),
            (json!({"a": null}), "{\"a\":null}"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(&value), expected);
        }
    }

    #[test]
    fn numbers_are_those_of_javascript() {
        let cases = [
            (json!(null), 0.0),
            (json!(""), 0.0),
            (json!(" 12 "), 12.0),
            (json!("0x1f"), 31.0),
            (json!("0b11"), 3.0),
            (json!("1e3"), 1000.0),
            (json!(".5"), 0.5),
            (json!("Infinity"), f64::INFINITY),
            (json!([]), 0.0),
            (json!(["7"]), 7.0),
            (json!(true), 1.0),
        ];
        for (value, expected) in cases {
            assert_eq!(number(&value), expected, "{value}");
        }
        for value in
            [json!("inf"), json!("nan"), json!("1 2"), json!("12px"), json!([1, 2]), json!({}), json!("0x")]
        {
            assert!(number(&value).is_nan(), "{value}");
        }
    }
}
