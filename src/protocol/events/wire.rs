//! Values as the wire writes them, and their schemas.

use std::borrow::Cow;

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::error::{Class, TABLE};

/// A JSON object.
pub type Object = Map<String, Value>;

/// A time as the contract writes it: ISO 8601, UTC, milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WireTime(pub Timestamp);

impl std::fmt::Display for WireTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::clock::to_wire(self.0))
    }
}

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Timestamp::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for WireTime {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "ISO 8601, UTC, milliseconds.",
            "type": "string",
            "format": "date-time",
        })
    }
}

/// Schema of an id: any string (`contract.md` 2); nobody may insist on uuids.
pub(super) struct AnyId;

impl JsonSchema for AnyId {
    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Any string of 1 to 128 characters without control characters.",
            "type": "string",
            "minLength": 1,
            "maxLength": 128,
        })
    }
}

/// Schema of an id that may come as a number.
pub(super) struct TextOrNumber;

impl JsonSchema for TextOrNumber {
    fn schema_name() -> Cow<'static, str> {
        "IdOrNumber".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "An id; a number is compared as its text.",
            "type": ["string", "number"],
            "minLength": 1,
            "maxLength": 128,
        })
    }
}

/// Schema of a place in a stream.
pub(super) struct Place;

impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Seq".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Place of a row in its run: from 1, rising, not dense for a watcher.",
            "type": "integer",
            "minimum": 0,
            "maximum": 9_007_199_254_740_991_u64,
        })
    }
}

/// Schema of a code: the table of `error`.
pub(super) struct AnyCode;

impl JsonSchema for AnyCode {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut codes: Vec<&str> = Vec::new();
        for row in TABLE {
            if !codes.contains(&row.text) {
                codes.push(row.text);
            }
        }
        let retry: Vec<&str> =
            TABLE.iter().filter(|row| row.class == Class::Unavailable).map(|row| row.text).collect();
        json_schema!({
            "description": format!("Stable; messages may change. A later try may help with {}.", retry.join(", ")),
            "type": "string",
            "enum": codes,
        })
    }
}
