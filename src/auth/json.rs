//! Strict JSON from outside: no duplicate keys, bounded depth and number of keys. Pure.
//!
//! `serde_json` keeps the last of two equal keys; another reader on the way may have believed the
//! first (`faults.md` A7, A57). Used for tokens and for the bodies of REST.

use std::{collections::HashSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Bounds of a document.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Deepest nesting.
    pub depth: usize,
    /// Most members and elements of the whole document.
    pub entries: usize,
}

impl Limits {
    /// For the parts of a token, which are a few kilobytes.
    pub const TOKEN: Limits = Limits { depth: 16, entries: 1000 };
}

/// Parses a whole document. The error's text names the place, never the content.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Value, serde_json::Error> {
    let mut left = limits.entries;
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: limits.depth, left: &mut left }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

struct Strict<'l> {
    depth: usize,
    left: &'l mut usize,
}

impl Strict<'_> {
    fn deeper<E: serde::de::Error>(&self) -> Result<usize, E> {
        self.depth.checked_sub(1).ok_or_else(|| E::custom("too deeply nested"))
    }
    fn count<E: serde::de::Error>(&mut self) -> Result<(), E> {
        *self.left = self.left.checked_sub(1).ok_or_else(|| E::custom("too many members"))?;
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }
    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        let depth = self.deeper()?;
        while let Some(value) = seq.next_element_seed(Strict { depth, left: self.left })? {
            self.count()?;
            list.push(value);
        }
        Ok(Value::Array(list))
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<Value, A::Error> {
        let depth = self.deeper()?;
        let mut seen = HashSet::new();
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("duplicate key"));
            }
            self.count()?;
            let value = entries.next_value_seed(Strict { depth, left: self.left })?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Limits = Limits { depth: 3, entries: 8 };

    #[test]
    fn documents_are_parsed_or_refused() {
        for (text, good) in [
            (r#"{"a":1,"b":[true,null,-2,0.5,"x"]}"#, true),
            (r#"{"a":1,"a":1}"#, false),
            (r#"{"a":1,"\u0061":1}"#, false),
            (r#"[{"x":{"a":1,"a":2}}]"#, false),
            ("[[[]]]", true),
            ("[[[[]]]]", false),
            ("[1,2,3,4,5,6,7]", true),
            ("[1,2,3,4,5,6,7,8,9]", false),
            ("{} {}", false),
            ("1e400", false),
            ("\u{feff}{}", false),
            ("", false),
        ] {
            assert_eq!(parse(text.as_bytes(), SMALL).is_ok(), good, "{text}");
        }
    }

    #[test]
    fn a_value_is_the_same_as_by_the_lenient_parser() {
        let text = r#"{"a":[1,2.5,-3,"é\n",{"b":null}],"c":18446744073709551615}"#;
        let strict = parse(text.as_bytes(), Limits::TOKEN).unwrap();
        assert_eq!(strict, serde_json::from_str::<Value>(text).unwrap());
    }
}
