//! One walk over a JSON text that serde_json has called valid or will: depth, keys, surrogates,
//! placeholders. It builds nothing, so the text may be as hostile as it likes.

use std::borrow::Cow;

use super::Violation;

/// What a walk found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Walk {
    /// Numbers of the attachments that placeholders name, in order; `None` for a placeholder whose
    /// number is none.
    pub placeholders: Vec<Option<usize>>,
    /// Where `\u` escapes of lone surrogates begin.
    pub surrogates: Vec<usize>,
}

/// An object that is open: what is known of it as a placeholder.
#[derive(Default, Clone, Copy)]
struct Open {
    object: bool,
    placeholder: bool,
    number: Option<usize>,
}

/// Walks over `text`. Errors by depth (arrays and objects, the outermost counts) and number of keys;
/// whether the text is JSON at all is somebody else's question.
pub(super) fn walk(text: &str, max_depth: usize, max_keys: usize) -> Result<Walk, Violation> {
    let bytes = text.as_bytes();
    let mut found = Walk::default();
    let mut open: Vec<Open> = Vec::new();
    let mut keys = 0;
    let mut key: &[u8] = b"";
    let mut last: &[u8] = b"";
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string(bytes, at + 1, &mut found.surrogates);
                last = bytes.get(at + 1..end).unwrap_or_default();
                at = end;
            }
            b'[' | b'{' => {
                if open.len() >= max_depth {
                    return Err(Violation::TooDeep);
                }
                open.push(Open { object: byte == b'{', ..Open::default() });
            }
            b']' | b'}' => {
                if let Some(Open { placeholder: true, number, .. }) = open.pop() {
                    found.placeholders.push(number);
                }
            }
            b':' => {
                keys += 1;
                if keys > max_keys {
                    return Err(Violation::TooManyKeys);
                }
                key = last;
            }
            b',' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => {
                let end = bytes
                    .iter()
                    .skip(at)
                    .position(|b| !matches!(b, b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'+' | b'-' | b'.'))
                    .map_or(bytes.len(), |length| at + length);
                let end = end.max(at + 1);
                if let (Some(current), Some(value)) = (open.last_mut(), text.get(at..end)) {
                    if current.object && key == b"_placeholder" && value == "true" {
                        current.placeholder = true;
                    } else if current.object && key == b"num" {
                        current.number = value.parse().ok();
                    }
                }
                key = b"";
                at = end - 1;
            }
        }
        at += 1;
    }
    Ok(found)
}

/// The end of a string (the place of its closing quote) that begins at `at`.
fn string(bytes: &[u8], mut at: usize, surrogates: &mut Vec<usize>) -> usize {
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at,
            b'\\' if bytes.get(at + 1) == Some(&b'u') => {
                match unit(bytes, at) {
                    Some(0xd800..=0xdbff) if matches!(unit(bytes, at + 6), Some(0xdc00..=0xdfff)) => at += 6,
                    Some(0xd800..=0xdfff) => surrogates.push(at),
                    _ => {}
                }
                at += 2;
            }
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// The UTF-16 unit of a `\uXXXX` at `at`.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// The text with U+FFFD in place of its lone surrogates.
pub(super) fn repaired<'a>(text: &'a str, surrogates: &[usize]) -> Cow<'a, str> {
    if surrogates.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for &at in surrogates {
        out.push_str(text.get(from..at).unwrap_or_default());
        out.push_str("\\ufffd");
        from = at + 6;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_keys() {
        assert!(walk("[[[]]]", 3, 0).is_ok());
        assert_eq!(walk("[[[]]]", 2, 0), Err(Violation::TooDeep));
        assert_eq!(walk(r#"["[[[[",{"a":1}]"#, 2, 0), Err(Violation::TooManyKeys));
        assert!(walk(r#"["[[[[\"[:",{"a":":"}]"#, 2, 1).is_ok());
    }

    #[test]
    fn placeholders_are_objects_that_say_so() {
        let found = |text| walk(text, 64, 100).unwrap().placeholders;
        assert_eq!(
            found(r#"["x",{"_placeholder":true,"num":1},{"num":0,"_placeholder":true}]"#),
            [Some(1), Some(0)]
        );
        assert_eq!(found(r#"{"_placeholder":true}"#), [None]);
        assert_eq!(found(r#"{"_placeholder":true,"num":"0"}"#), [None]);
        assert_eq!(found(r#"{"_placeholder":true,"num":-1}"#), [None]);
        assert_eq!(found(r#"{"_placeholder":true,"num":1.5}"#), [None]);
        assert_eq!(found(r#"["_placeholder",true,{"_placeholder":false,"num":0}]"#), []);
        assert_eq!(found(r#"[{"a":{"_placeholder":true,"num":0}}]"#), [Some(0)]);
    }

    #[test]
    fn lone_surrogates_are_repaired_pairs_are_not() {
        let repair = |text: &str| repaired(text, &walk(text, 64, 100).unwrap().surrogates).into_owned();
        assert_eq!(repair(r#""\ud800""#), r#""\ufffd""#);
        assert_eq!(repair(r#""\ud83d\ude00""#), r#""\ud83d\ude00""#);
        assert_eq!(repair(r#""\ude00\ud83d""#), r#""\ufffd\ufffd""#);
        assert_eq!(repair(r#""\ud83d\ud83d\ude00x""#), r#""\ufffd\ud83d\ude00x""#);
        assert_eq!(repair(r#""\\ud800""#), r#""\\ud800""#);
    }
}
