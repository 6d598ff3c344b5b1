//! Inputs as parameters: each is bound as the text form of the type that the server says it has.

use std::{error::Error as StdError, fmt};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use bytes::{BufMut, BytesMut};
use serde_json::Value;
use tokio_postgres::types::{Format, IsNull, Kind, ToSql, Type, to_sql_checked};

use crate::{
    datasource::{Error, sql::text_of},
    engine::InputProblem,
};

/// One bound value. It never prints: the driver writes its parameters to the log at level debug.
pub(super) struct Param(Option<String>);

impl fmt::Debug for Param {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "***" } else { "null" })
    }
}

impl ToSql for Param {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match &self.0 {
            Some(text) => {
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            }
            None => Ok(IsNull::Yes),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }
    to_sql_checked!();
}

/// The inputs of a statement, in the order of its parameters.
pub(super) fn bind(
    names: &[String],
    types: &[Type],
    inputs: &serde_json::Map<String, Value>,
) -> Result<Vec<Param>, Error> {
    let mut problems = Vec::new();
    let mut out = Vec::new();
    for (name, kind) in names.iter().zip(types) {
        match text(kind, inputs.get(name).unwrap_or(&Value::Null)) {
            Ok(text) => out.push(Param(text)),
            Err(message) => problems.push(InputProblem { key: name.clone(), message }),
        }
    }
    if problems.is_empty() { Ok(out) } else { Err(Error::Inputs(problems)) }
}

fn text(kind: &Type, value: &Value) -> Result<Option<String>, String> {
    let kind = match kind.kind() {
        Kind::Domain(inner) => inner,
        _ => kind,
    };
    let text = match value {
        Value::Null => return Ok(None),
        _ if *kind == Type::JSON || *kind == Type::JSONB => value.to_string(),
        Value::Array(items) => match kind.kind() {
            Kind::Array(member) => list(member, items)?,
            _ => value.to_string(),
        },
        Value::String(text) if *kind == Type::BYTEA => bytes(text)?,
        _ if matches!(kind.kind(), Kind::Array(_)) && !value.is_string() => {
            return Err("must be an array".to_owned());
        }
        other => text_of(other),
    };
    if text.contains('\0') {
        return Err("must not contain a NUL character".to_owned());
    }
    Ok(Some(text))
}

/// The form in which bytes go out is the one in which they come in.
fn bytes(text: &str) -> Result<String, String> {
    let bytes = BASE64.decode(text).map_err(|_| "must be bytes in base64".to_owned())?;
    Ok(format!("\\x{}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

/// `{"a","b",NULL}`.
fn list(member: &Type, items: &[Value]) -> Result<String, String> {
    let mut out = String::from("{");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        match item {
            Value::Null => out.push_str("NULL"),
            Value::Array(inner) if *member != Type::JSON && *member != Type::JSONB => {
                out.push_str(&list(member, inner)?);
            }
            _ => {
                let text = text(member, item)?.unwrap_or_default();
                out.push('"');
                for c in text.chars() {
                    if c == '"' || c == '\\' {
                        out.push('\\');
                    }
                    out.push(c);
                }
                out.push('"');
            }
        }
    }
    out.push('}');
    Ok(out)
}
