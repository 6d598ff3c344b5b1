//! Values that hold values: arrays, records, ranges.

use serde_json::{Map, Value};
use tokio_postgres::types::{Field, Type};

use super::binary::value;

/// A reader of big-endian words.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn int(&mut self) -> Option<i32> {
        let (word, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        Some(i32::from_be_bytes(*word))
    }
    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.int()?).ok()
    }
    /// A value with its length before it; -1 is null.
    fn item(&mut self) -> Option<Option<&'a [u8]>> {
        let length = self.int()?;
        let Ok(length) = usize::try_from(length) else { return Some(None) };
        let (item, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(Some(item))
    }
}

/// Nested as the dimensions say.
pub(super) fn array(member: &Type, raw: &[u8], exact: bool) -> Option<Value> {
    let mut reader = Reader(raw);
    let (dimensions, _nulls, _kind) = (reader.count()?, reader.int()?, reader.int()?);
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        lengths.push(reader.count()?);
        reader.int()?;
    }
    if lengths.is_empty() {
        return Some(Value::Array(Vec::new()));
    }
    level(&mut reader, &lengths, member, exact)
}

fn level(reader: &mut Reader<'_>, lengths: &[usize], member: &Type, exact: bool) -> Option<Value> {
    let (length, inner) = lengths.split_first()?;
    let mut out = Vec::new();
    for _ in 0..*length {
        out.push(if inner.is_empty() {
            value(member, reader.item()?, exact)
        } else {
            level(reader, inner, member, exact)?
        });
    }
    Some(Value::Array(out))
}

/// An object by the names of the fields.
pub(super) fn composite(fields: &[Field], raw: &[u8], exact: bool) -> Option<Value> {
    let mut reader = Reader(raw);
    let count = reader.count()?;
    let mut out = Map::new();
    for field in fields.iter().take(count) {
        reader.int()?;
        out.insert(field.name().to_owned(), value(field.type_(), reader.item()?, exact));
    }
    Some(Value::Object(out))
}

/// A record without names.
pub(super) fn record(raw: &[u8], exact: bool) -> Option<Value> {
    let mut reader = Reader(raw);
    let mut out = Vec::new();
    for _ in 0..reader.count()? {
        let kind = u32::from_be_bytes(reader.int()?.to_be_bytes());
        let kind = Type::from_oid(kind).unwrap_or(Type::UNKNOWN);
        out.push(value(&kind, reader.item()?, exact));
    }
    Some(Value::Array(out))
}

const EMPTY: u8 = 1;
const LOWER_IN: u8 = 2;
const UPPER_IN: u8 = 4;
const LOWER_NONE: u8 = 8;
const UPPER_NONE: u8 = 16;

/// `[1,10)`, `empty`.
pub(super) fn range(member: &Type, raw: &[u8]) -> Option<String> {
    let (flags, rest) = raw.split_first()?;
    if flags & EMPTY != 0 {
        return Some("empty".to_owned());
    }
    let mut reader = Reader(rest);
    let mut bound = |none: u8| -> Option<String> {
        if flags & none != 0 {
            return Some(String::new());
        }
        Some(match value(member, reader.item()?, true) {
            Value::String(text) => text,
            other => other.to_string(),
        })
    };
    let (lower, upper) = (bound(LOWER_NONE)?, bound(UPPER_NONE)?);
    let open = if flags & LOWER_IN != 0 { '[' } else { '(' };
    let close = if flags & UPPER_IN != 0 { ']' } else { ')' };
    Some(format!("{open}{lower},{upper}{close}"))
}

/// `{[1,3),[5,7)}`. The member is the range's type, or what it ranges over, as the server says.
pub(super) fn multirange(member: &Type, raw: &[u8]) -> Option<String> {
    use tokio_postgres::types::Kind;
    let element = match member.kind() {
        Kind::Range(element) => element,
        _ => member,
    };
    let mut reader = Reader(raw);
    let mut out = Vec::new();
    for _ in 0..reader.count()? {
        out.push(range(element, reader.item()??)?);
    }
    Some(format!("{{{}}}", out.join(",")))
}
