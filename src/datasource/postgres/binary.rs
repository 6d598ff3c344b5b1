//! Values in PostgreSQL's binary form as JSON. What is not known here is asked for as text (`run`).

use std::net::IpAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::Value;
use tokio_postgres::types::{FromSql, Kind, Type};

use super::{
    nested,
    times::{clock, date, interval, timestamp, zone},
};
use crate::datasource::sql::{big, exact, real};

/// A value as it came.
pub(super) struct Raw<'a>(pub Option<&'a [u8]>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw)))
    }
    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }
    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Types of the catalogue that are read here.
const SIMPLE: &[Type] = &[
    Type::BOOL,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::OID,
    Type::XID,
    Type::CID,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::MONEY,
    Type::CHAR,
    Type::TEXT,
    Type::VARCHAR,
    Type::BPCHAR,
    Type::NAME,
    Type::UNKNOWN,
    Type::XML,
    Type::CSTRING,
    Type::UUID,
    Type::JSON,
    Type::JSONB,
    Type::BYTEA,
    Type::DATE,
    Type::TIME,
    Type::TIMETZ,
    Type::TIMESTAMP,
    Type::TIMESTAMPTZ,
    Type::INTERVAL,
    Type::INET,
    Type::CIDR,
    Type::MACADDR,
    Type::MACADDR8,
    Type::BIT,
    Type::VARBIT,
    Type::VOID,
    Type::RECORD,
];

/// Whether [`value`] can read the type.
pub(super) fn is_known(kind: &Type) -> bool {
    match kind.kind() {
        Kind::Enum(_) => true,
        Kind::Domain(inner) | Kind::Array(inner) | Kind::Range(inner) | Kind::Multirange(inner) => {
            is_known(inner)
        }
        Kind::Composite(fields) => fields.iter().all(|field| is_known(field.type_())),
        _ => SIMPLE.contains(kind) || kind.name() == "citext",
    }
}

/// A value as JSON. What cannot be read is its text, if it is one, else base64.
pub(super) fn value(kind: &Type, raw: Option<&[u8]>, exact_as_text: bool) -> Value {
    let Some(raw) = raw else { return Value::Null };
    read(kind, raw, exact_as_text).unwrap_or_else(|| match std::str::from_utf8(raw) {
        Ok(text) if !text.chars().any(char::is_control) => Value::from(text),
        _ => Value::from(BASE64.encode(raw)),
    })
}

fn read(kind: &Type, raw: &[u8], exact_as_text: bool) -> Option<Value> {
    match kind.kind() {
        Kind::Domain(inner) => return read(inner, raw, exact_as_text),
        Kind::Array(member) => return nested::array(member, raw, exact_as_text),
        Kind::Range(member) => return nested::range(member, raw).map(Value::from),
        Kind::Multirange(member) => return nested::multirange(member, raw).map(Value::from),
        Kind::Composite(fields) => return nested::composite(fields, raw, exact_as_text),
        _ => {}
    }
    Some(match *kind {
        Type::BOOL => Value::from(*raw.first()? != 0),
        Type::INT2 => Value::from(i16::from_be_bytes(raw.try_into().ok()?)),
        Type::INT4 => Value::from(i32::from_be_bytes(raw.try_into().ok()?)),
        Type::INT8 => big(i64::from_be_bytes(raw.try_into().ok()?).into(), exact_as_text),
        Type::OID | Type::XID | Type::CID => Value::from(u32::from_be_bytes(raw.try_into().ok()?)),
        // By its decimal form: 0.1 stays 0.1.
        Type::FLOAT4 => real(f32::from_be_bytes(raw.try_into().ok()?).to_string().parse().ok()?),
        Type::FLOAT8 => real(f64::from_be_bytes(raw.try_into().ok()?)),
        Type::NUMERIC => exact(&numeric(raw)?, exact_as_text),
        Type::MONEY => Value::from(money(i64::from_be_bytes(raw.try_into().ok()?))),
        Type::CHAR => Value::from(char::from(*raw.first()?).to_string()),
        Type::UUID => Value::from(uuid::Uuid::from_slice(raw).ok()?.to_string()),
        Type::JSON => serde_json::from_slice(raw).ok()?,
        Type::JSONB => serde_json::from_slice(raw.strip_prefix(&[1])?).ok()?,
        Type::BYTEA => Value::from(BASE64.encode(raw)),
        Type::DATE => date(i32::from_be_bytes(raw.try_into().ok()?)),
        Type::TIME => Value::from(clock(i64::from_be_bytes(raw.try_into().ok()?))),
        Type::TIMETZ => {
            let (micros, west) = raw.split_first_chunk::<8>()?;
            let west = zone(i32::from_be_bytes(west.try_into().ok()?));
            Value::from(format!("{}{west}", clock(i64::from_be_bytes(*micros))))
        }
        Type::TIMESTAMP => timestamp(i64::from_be_bytes(raw.try_into().ok()?), ""),
        Type::TIMESTAMPTZ => timestamp(i64::from_be_bytes(raw.try_into().ok()?), "Z"),
        Type::INTERVAL => {
            let (micros, rest) = raw.split_first_chunk::<8>()?;
            let (days, months) = rest.split_first_chunk::<4>()?;
            let months = i32::from_be_bytes(months.try_into().ok()?);
            Value::from(interval(months, i32::from_be_bytes(*days), i64::from_be_bytes(*micros)))
        }
        Type::INET | Type::CIDR => Value::from(network(raw)?),
        Type::MACADDR | Type::MACADDR8 => {
            Value::from(raw.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"))
        }
        Type::BIT | Type::VARBIT => Value::from(bits(raw)?),
        Type::VOID => Value::Null,
        Type::RECORD => nested::record(raw, exact_as_text)?,
        _ => Value::from(std::str::from_utf8(raw).ok().filter(|_| is_known(kind))?),
    })
}

/// Groups of four decimal digits, with the place of the point.
fn numeric(raw: &[u8]) -> Option<String> {
    let mut words = raw.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    let (count, weight, sign, scale) = (words.next()?, words.next()?, words.next()?, words.next()?);
    match sign.cast_unsigned() {
        0x0000 | 0x4000 => {}
        0xC000 => return Some("NaN".to_owned()),
        0xD000 => return Some("Infinity".to_owned()),
        0xF000 => return Some("-Infinity".to_owned()),
        _ => return None,
    }
    let digits: Vec<i16> = words.take(usize::try_from(count).ok()?).collect();
    let group =
        |index: i32| usize::try_from(index).ok().and_then(|index| digits.get(index)).copied().unwrap_or(0);
    let mut out = String::new();
    if sign != 0 {
        out.push('-');
    }
    let weight = i32::from(weight);
    if weight < 0 {
        out.push('0');
    }
    for index in 0..=weight {
        let digits = group(index);
        if index == 0 { out.push_str(&digits.to_string()) } else { out.push_str(&format!("{digits:04}")) }
    }
    let scale = usize::try_from(scale).ok()?;
    if scale > 0 {
        out.push('.');
        let mut fraction = String::new();
        let mut index = weight + 1;
        while fraction.len() < scale {
            fraction.push_str(&format!("{:04}", group(index)));
            index += 1;
        }
        out.push_str(fraction.get(..scale)?);
    }
    Some(out)
}

/// Hundredths, as in all but a few currencies.
fn money(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let number = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", number / 100, number % 100)
}

/// `192.168.0.0/16`; a whole address has no length behind it.
fn network(raw: &[u8]) -> Option<String> {
    let [_, length, is_cidr, _, address @ ..] = raw else { return None };
    let address: IpAddr = match address.len() {
        4 => <[u8; 4]>::try_from(address).ok()?.into(),
        16 => <[u8; 16]>::try_from(address).ok()?.into(),
        _ => return None,
    };
    let whole = if address.is_ipv4() { 32 } else { 128 };
    if *is_cidr == 0 && *length == whole {
        Some(address.to_string())
    } else {
        Some(format!("{address}/{length}"))
    }
}

fn bits(raw: &[u8]) -> Option<String> {
    let (length, bytes) = raw.split_first_chunk::<4>()?;
    let length = usize::try_from(i32::from_be_bytes(*length)).ok()?;
    let all: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    all.get(..length).map(str::to_owned)
}
