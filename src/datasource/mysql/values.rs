//! Values of MySQL and MariaDB as JSON, and inputs as theirs.

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use mysql_async::{
    Column, Value as Raw,
    consts::{ColumnFlags, ColumnType},
};
use serde_json::{Map, Value};

use crate::{
    datasource::{
        Error,
        sql::{big, exact, real},
    },
    engine::InputProblem,
};

/// The character set that means bytes.
const BINARY: u16 = 63;

/// The inputs of a statement, in the order of its parameters. Arrays and objects are JSON texts.
pub(super) fn bind(names: &[String], inputs: &Map<String, Value>) -> Result<Vec<Raw>, Error> {
    let one = |name: &String| match inputs.get(name).unwrap_or(&Value::Null) {
        Value::Null => Ok(Raw::NULL),
        Value::Bool(truth) => Ok(Raw::Int(i64::from(*truth))),
        Value::Number(number) => Ok(match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Raw::Int(number),
            (_, Some(number)) => Raw::UInt(number),
            _ => Raw::Double(number.as_f64().unwrap_or_default()),
        }),
        Value::String(text) if text.contains('\0') => {
            let message = "must not contain a NUL character".to_owned();
            Err(Error::Inputs(vec![InputProblem { key: name.clone(), message }]))
        }
        Value::String(text) => Ok(Raw::Bytes(text.clone().into_bytes())),
        other => Ok(Raw::Bytes(other.to_string().into_bytes())),
    };
    names.iter().map(one).collect()
}

/// A value of a column as JSON.
pub(super) fn value(column: &Column, raw: &Raw, exact_as_text: bool) -> Value {
    use ColumnType as T;
    let kind = column.column_type();
    match raw {
        Raw::NULL => Value::Null,
        Raw::Int(number) => big(i128::from(*number), exact_as_text && kind == T::MYSQL_TYPE_LONGLONG),
        Raw::UInt(number) => big(i128::from(*number), exact_as_text && kind == T::MYSQL_TYPE_LONGLONG),
        // By its decimal form: 0.1 stays 0.1.
        Raw::Float(number) => real(number.to_string().parse().unwrap_or_default()),
        Raw::Double(number) => real(*number),
        Raw::Date(year, month, day, hour, minute, second, micros) => {
            let mut text = format!("{year:04}-{month:02}-{day:02}");
            if kind != T::MYSQL_TYPE_DATE && kind != T::MYSQL_TYPE_NEWDATE {
                text.push_str(&format!("T{hour:02}:{minute:02}:{second:02}"));
                fraction(&mut text, *micros);
                if matches!(kind, T::MYSQL_TYPE_TIMESTAMP | T::MYSQL_TYPE_TIMESTAMP2) && *year > 0 {
                    text.push('Z');
                }
            }
            Value::from(text)
        }
        Raw::Time(negative, days, hours, minutes, seconds, micros) => {
            let sign = if *negative { "-" } else { "" };
            let hours = u64::from(*days) * 24 + u64::from(*hours);
            let mut text = format!("{sign}{hours:02}:{minutes:02}:{seconds:02}");
            fraction(&mut text, *micros);
            Value::from(text)
        }
        Raw::Bytes(bytes) => of_bytes(column, bytes, exact_as_text),
    }
}

fn of_bytes(column: &Column, bytes: &[u8], exact_as_text: bool) -> Value {
    use ColumnType as T;
    let text = || String::from_utf8_lossy(bytes).into_owned();
    match column.column_type() {
        T::MYSQL_TYPE_DECIMAL | T::MYSQL_TYPE_NEWDECIMAL => exact(&text(), exact_as_text),
        T::MYSQL_TYPE_JSON => serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(text())),
        T::MYSQL_TYPE_BIT => {
            let number = bytes.iter().fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
            big(i128::from(number), false)
        }
        T::MYSQL_TYPE_GEOMETRY => Value::from(BASE64.encode(bytes)),
        T::MYSQL_TYPE_ENUM | T::MYSQL_TYPE_SET => Value::from(text()),
        _ if column.character_set() == BINARY && column.flags().contains(ColumnFlags::BINARY_FLAG) => {
            Value::from(BASE64.encode(bytes))
        }
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => Value::from(text),
            Err(_) => Value::from(BASE64.encode(bytes)),
        },
    }
}

/// `.5`, or nothing.
fn fraction(out: &mut String, micros: u32) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        out.push('.');
        out.push_str(digits.trim_end_matches('0'));
    }
}
