//! One query on a file; it blocks its thread.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use rusqlite::{ErrorCode, types::ValueRef};
use serde_json::{Value, json};

use super::guard::open;
use crate::{
    datasource::{
        Error, Reason,
        sql::{Ask, Rows, Table, big, real},
    },
    engine::InputProblem,
};

/// Instructions between two looks at whether anybody waits.
const STEP: i32 = 1000;

/// Stops a query when it is dropped: its caller went away, or its time is over.
#[derive(Debug, Default)]
pub(in crate::datasource) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// What the query looks at.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }
}

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Runs it.
pub(in crate::datasource) fn run(file: &Path, ask: &Ask<'_>, stop: Arc<AtomicBool>) -> Result<Table, Error> {
    let failed = |error: rusqlite::Error| failure(&error, ask);
    let read_only = ask.statement.read_only;
    let connection = open(file, read_only, ask.limits.bytes).map_err(failed)?;
    if !read_only {
        // What is not committed at the end is rolled back when the file is closed.
        connection.execute_batch("BEGIN IMMEDIATE").map_err(failed)?;
    }
    connection.progress_handler(STEP, Some(move || stop.load(Relaxed))).map_err(failed)?;
    let mut statement = connection.prepare(&ask.statement.text).map_err(failed)?;
    if read_only && !statement.readonly() {
        let message = "the query writes, but it is saved as one that only reads (readOnly)";
        return Err(Error::failed(Reason::ReadOnly, message));
    }
    bind(&mut statement, ask)?;
    let mut rows = Rows::new(ask.limits);
    rows.columns(statement.column_names());
    let count = statement.column_count();
    ask.sent.going();
    // Its time is over: that is all that is known of it.
    let ended = |error: rusqlite::Error| match failure(&error, ask) {
        Error::Timeout(limit) => Error::Timeout(limit),
        other => undone(ask, other),
    };
    let mut answer = statement.raw_query();
    while let Some(row) = answer.next().map_err(ended)? {
        let values = (0..count).map(|index| row.get_ref(index).map_or(Value::Null, value));
        if !rows.push(values).map_err(|error| undone(ask, error))? {
            break;
        }
    }
    drop(answer);
    drop(statement);
    if read_only {
        return Ok(rows.finish(None));
    }
    let (changes, id) = (connection.changes(), connection.last_insert_rowid());
    connection.execute_batch("COMMIT").map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            ended(error)
        }
        _ => failed(error),
    })?;
    let mut out = rows.finish(Some(changes));
    if ask.statement.first == "INSERT" || ask.statement.first == "REPLACE" {
        out.insert_id = Some(big(i128::from(id), false));
    }
    Ok(out)
}

/// The transaction ends without its commit.
fn undone(ask: &Ask<'_>, error: Error) -> Error {
    ask.sent.undone();
    error
}

/// Arrays and objects are JSON texts, for `json_each({{name}})`.
fn bind(statement: &mut rusqlite::Statement<'_>, ask: &Ask<'_>) -> Result<(), Error> {
    use rusqlite::types::Value as Bound;
    for (index, name) in ask.statement.params.iter().enumerate() {
        let wrong = |message: &str| {
            Error::Inputs(vec![InputProblem { key: name.clone(), message: message.to_owned() }])
        };
        let bound = match ask.inputs.get(name).unwrap_or(&Value::Null) {
            Value::Null => Bound::Null,
            Value::Bool(truth) => Bound::Integer(i64::from(*truth)),
            Value::Number(number) => match number.as_i64() {
                Some(number) => Bound::Integer(number),
                // It would be rounded, and nobody would notice.
                None if number.is_u64() => {
                    return Err(wrong("is larger than SQLite's whole numbers; send it as a text"));
                }
                None => Bound::Real(number.as_f64().unwrap_or_default()),
            },
            Value::String(text) => Bound::Text(text.clone()),
            other => Bound::Text(other.to_string()),
        };
        statement.raw_bind_parameter(index + 1, bound).map_err(|error| {
            let message = match error {
                rusqlite::Error::SqliteFailure(error, _) if error.code == ErrorCode::TooBig => "is too long",
                _ => "cannot be bound",
            };
            wrong(message)
        })?;
    }
    Ok(())
}

fn value(raw: ValueRef<'_>) -> Value {
    match raw {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => big(i128::from(number), false),
        ValueRef::Real(number) => real(number),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::from(text),
            Err(_) => Value::from(BASE64.encode(bytes)),
        },
        ValueRef::Blob(bytes) => Value::from(BASE64.encode(bytes)),
    }
}

fn failure(error: &rusqlite::Error, ask: &Ask<'_>) -> Error {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(error, message) => (Some(error.code), message.clone()),
        rusqlite::Error::SqlInputError { error, msg, .. } => (Some(error.code), Some(msg.clone())),
        _ => (None, None),
    };
    let message = message.unwrap_or_else(|| "the statement cannot be run".to_owned());
    match code {
        Some(ErrorCode::OperationInterrupted) => Error::Timeout(ask.timeout),
        Some(ErrorCode::ReadOnly) => Error::failed(
            Reason::ReadOnly,
            "the query writes, but it is saved as one that only reads (readOnly)",
        ),
        Some(ErrorCode::TooBig) => ask.limits.too_large(),
        Some(ErrorCode::AuthorizationForStatementDenied) if ask.statement.read_only => Error::failed(
            Reason::ReadOnly,
            "the statement writes, or does what a query may not; it is saved as one that only reads (readOnly)",
        ),
        Some(ErrorCode::AuthorizationForStatementDenied) => {
            let message =
                format!("the statement does what a query may not: {}", ask.secrets.clean(&message, &[]));
            Error::failed(Reason::Statement, message)
        }
        Some(ErrorCode::CannotOpen | ErrorCode::NotADatabase | ErrorCode::SystemIoFailure) => {
            Error::failed(Reason::Unreachable, "the file of the data source cannot be read as a database")
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::failed(Reason::Unreachable, "the file of the data source is locked by another writer")
        }
        _ => Error::failed(Reason::Statement, ask.secrets.clean(&message, &[])),
    }
}

/// What a test of a source answers.
pub(in crate::datasource) fn test(file: &Path) -> Result<Value, Error> {
    let unreadable =
        |_| Error::failed(Reason::Unreachable, "the file of the data source cannot be read as a database");
    let connection = open(file, true, 1 << 20).map_err(unreadable)?;
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_master", [], |row| row.get(0))
        .map_err(unreadable)?;
    Ok(json!({ "server": format!("SQLite {}", rusqlite::version()), "objects": tables }))
}
