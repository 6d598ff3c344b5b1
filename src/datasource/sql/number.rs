//! Numbers of databases as JSON: a reader keeps 53 bits, so what needs more is a text.

use serde_json::{Number, Value};

/// The largest whole number that every reader of JSON keeps.
const WHOLE: i128 = 1 << 53;
/// So many decimal digits survive a double.
const DIGITS: usize = 15;

/// A whole number.
pub(in crate::datasource) fn big(number: i128, as_text: bool) -> Value {
    if !as_text && number.abs() <= WHOLE {
        i64::try_from(number).map_or_else(|_| Value::String(number.to_string()), Value::from)
    } else {
        Value::String(number.to_string())
    }
}

/// A binary number.
pub(in crate::datasource) fn real(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => Value::from("NaN"),
        None if number > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
    }
}

/// A decimal number in its text form, like `-12.50`; what is none (`NaN`) stays a text.
pub(in crate::datasource) fn exact(text: &str, as_text: bool) -> Value {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = !whole.is_empty() && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    if as_text || !plain {
        return Value::from(text);
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty()
        && let Ok(number) = text.split('.').next().unwrap_or(text).parse::<i128>()
    {
        return if number.abs() <= WHOLE { big(number, false) } else { Value::from(text) };
    }
    let significant = format!("{whole}{fraction}").trim_start_matches('0').len();
    let number = text.parse::<f64>().ok().filter(|_| significant <= DIGITS).and_then(Number::from_f64);
    number.map_or_else(|| Value::from(text), Value::Number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_double_keeps_is_a_number() {
        for (text, value) in [
            ("0", json!(0)),
            ("12.50", json!(12.5)),
            ("-0.1", json!(-0.1)),
            ("100.00", json!(100)),
            ("9007199254740992", json!(9_007_199_254_740_992_i64)),
            ("9007199254740993", json!("9007199254740993")),
            ("9007199254740993.00", json!("9007199254740993.00")),
            ("0.000000000000001", json!(0.000_000_000_000_001)),
            ("123456789012345.6", json!("123456789012345.6")),
            ("0.1234567890123456", json!("0.1234567890123456")),
            ("0.00000000000000000001", json!(1e-20)),
            ("NaN", json!("NaN")),
            ("Infinity", json!("Infinity")),
        ] {
            assert_eq!(exact(text, false), value, "{text}");
            assert_eq!(exact(text, true), json!(text));
        }
        assert_eq!(big(-(1 << 53), false), json!(-9_007_199_254_740_992_i64));
        assert_eq!(big(i128::from(u64::MAX), false), json!("18446744073709551615"));
        assert_eq!(big(7, true), json!("7"));
        assert_eq!(real(f64::NEG_INFINITY), json!("-Infinity"));
        assert_eq!(real(f64::NAN), json!("NaN"));
        assert_eq!(real(0.1), json!(0.1));
    }

    proptest! {
        /// Whatever becomes a number is written back as the digits it came with.
        #[test]
        fn no_digit_is_lost(whole in "(0|[1-9][0-9]{0,17})", fraction in "[0-9]{0,17}", minus: bool) {
            let text = format!("{}{whole}.{fraction}5", if minus { "-" } else { "" });
            match exact(&text, false) {
                Value::String(kept) => prop_assert_eq!(kept, text),
                Value::Number(number) => {
                    let shown = number.as_f64().map(|number| format!("{number}"));
                    prop_assert_eq!(shown, Some(text));
                }
                other => prop_assert!(false, "{}", other),
            }
        }
    }
}
