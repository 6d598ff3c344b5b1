//! The JSON text of a result, made fit for the hub's parser.

/// Longest result in bytes of JSON (`contract.md` 5.5).
pub(super) const LONGEST: usize = 1024 * 1024;
/// Deepest nesting; the hub's parser stops at 128.
const DEEPEST: usize = 100;

/// Checks length and depth, and replaces halves of surrogate pairs, which JavaScript has and JSON of
/// others has not. The text is QuickJS's own, so it is JSON; the error is for the script's author.
pub(super) fn check(json: String) -> Result<String, String> {
    if json.len() > LONGEST {
        return Err(format!("the result has {} bytes of JSON, at most {LONGEST} are allowed", json.len()));
    }
    let mut halves = Vec::new();
    let (mut depth, mut in_text) = (0_usize, false);
    let mut bytes = json.bytes().enumerate().peekable();
    let mut high = None;
    while let Some((at, byte)) = bytes.next() {
        let mut unit = None;
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text && bytes.next().is_some_and(|(_, escaped)| escaped == b'u') => {
                unit = json.get(at + 2..at + 6).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            }
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Err(format!("the result is nested deeper than {DEEPEST} levels"));
        }
        if unit.is_some() {
            bytes.nth(3);
        }
        match (high.take(), unit) {
            (Some(_), Some(0xDC00..=0xDFFF)) => {}
            (before, unit) => {
                halves.extend(before);
                match unit {
                    Some(0xD800..=0xDBFF) => high = Some(at),
                    Some(0xDC00..=0xDFFF) => halves.push(at),
                    _ => {}
                }
            }
        }
    }
    halves.extend(high);
    if halves.is_empty() {
        return Ok(json);
    }
    let mut mended = String::with_capacity(json.len());
    let mut from = 0;
    for at in halves {
        mended.push_str(json.get(from..at).unwrap_or_default());
        mended.push_str("\\ufffd");
        from = at + 6;
    }
    mended.push_str(json.get(from..).unwrap_or_default());
    Ok(mended)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn checked(json: &str) -> Value {
        serde_json::from_str(&check(json.to_owned()).unwrap()).unwrap()
    }

    #[test]
    fn halves_of_surrogates_become_the_replacement_character() {
        assert_eq!(checked(r#""\ud800""#), "\u{fffd}");
        assert_eq!(
            checked(r#"{"\udc00x":["\ud800\ud800\udc00","\ud83d\ude00"]}"#)["\u{fffd}x"][0],
            "\u{fffd}\u{10000}"
        );
        assert_eq!(checked(r#""\ud83d\ude00""#), "😀");
        assert_eq!(checked(r#""\\ud800""#), "\\ud800");
        assert_eq!(checked(r#""a\ud800\n\"\\""#), "a\u{fffd}\n\"\\");
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_told() {
        let nest = |n: usize| "[".repeat(n) + &"]".repeat(n);
        assert!(check(nest(100)).is_ok());
        assert!(check(nest(101)).is_err());
        assert!(check(format!("\"{}\"", "[".repeat(5000))).is_ok());
        assert!(check("1".repeat(LONGEST + 1)).is_err());
    }
}
