//! One query on a connection.

use std::sync::Arc;

use mysql_async::{Column, Conn, Error as Driver, Params, prelude::Queryable};
use serde_json::{Value, json};

use super::{
    connect::Link,
    values::{bind, value},
};
use crate::datasource::{
    Error, Reason,
    sql::{Ask, Failed, Rows, Table},
};

/// Runs it. After an answer the session is reset; after a failure too, unless the connection is to
/// be given up: then it stays at work, and is killed when it is dropped.
pub(in crate::datasource) async fn run(link: &mut Link, ask: &Ask<'_>) -> Result<Table, Failed> {
    let is_mariadb = link.is_mariadb();
    let conn = link.work().map_err(Failed::abandoned)?;
    let outcome = carry_out(conn, is_mariadb, ask).await;
    if outcome.as_ref().is_err_and(|failed| failed.unsent) {
        // Nothing of it is there to be killed, and the number may be another's by now.
        link.rest();
        return outcome;
    }
    // Also where rows were left unread.
    if outcome.as_ref().map_or_else(|failed| failed.abandon, |table| table.truncated) {
        return outcome;
    }
    if let Err(failed) = &outcome
        && !matches!(failed.error, Error::Timeout(_))
        && ask.sent.may_have_happened()
        && takes_back(conn, ask).await
    {
        ask.sent.undone();
    }
    // Servers that cannot be reset are not used again.
    if matches!(conn.reset().await, Ok(true)) {
        link.rest();
    }
    outcome
}

/// Takes back what a refused statement did. False where it cannot be said that all of it was: tables
/// without transactions keep what they took, and a procedure may have committed.
async fn takes_back(conn: &mut Conn, ask: &Ask<'_>) -> bool {
    let rolled_back = conn.query_drop("ROLLBACK").await.is_ok();
    rolled_back && conn.get_warnings() == 0 && ask.statement.first != "CALL"
}

async fn carry_out(conn: &mut Conn, is_mariadb: bool, ask: &Ask<'_>) -> Result<Table, Failed> {
    let params = bind(&ask.statement.params, ask.inputs).map_err(Failed::of)?;
    let params = if params.is_empty() { Params::Empty } else { Params::Positional(params) };
    // A little more than ours, which says it in its own words. What the server does not know is not
    // its limit then.
    let millis = ask.timeout.as_millis().saturating_add(500);
    let limit = if is_mariadb {
        format!("SET max_statement_time = {}.{:03}", millis / 1000, millis % 1000)
    } else {
        format!("SET max_execution_time = {millis}")
    };
    let first = conn.query_drop(limit).await;
    if let Err(error) = first
        && error.is_fatal()
    {
        return Err(Failed { error: failure(&error, ask), unsent: true, abandon: true });
    }
    let failed =
        |error: Driver| Failed { abandon: error.is_fatal(), unsent: false, error: failure(&error, ask) };
    let begin =
        if ask.statement.read_only { "START TRANSACTION READ ONLY" } else { "START TRANSACTION READ WRITE" };
    conn.query_drop(begin).await.map_err(failed)?;
    ask.sent.going();
    let mut answer = conn.exec_iter(ask.statement.text.as_str(), params).await.map_err(failed)?;
    let mut rows = Rows::new(ask.limits);
    let exact = rows.exact_numbers();
    let columns: Arc<[Column]> = answer.columns().unwrap_or_default();
    let names: Vec<_> = columns.iter().map(Column::name_str).collect();
    rows.columns(names.iter().map(AsRef::as_ref));
    while let Some(row) = answer.next().await.map_err(failed)? {
        let values = columns.iter().zip(row.unwrap()).map(|(column, raw)| value(column, &raw, exact));
        // What is left is not read: the connection is given up, its query killed.
        if !rows.push(values.collect::<Vec<_>>()).map_err(Failed::abandoned)? {
            return Ok(rows.finish(None));
        }
    }
    let (affected, id) = (answer.affected_rows(), answer.last_insert_id());
    answer.drop_result().await.map_err(failed)?;
    if ask.statement.read_only {
        conn.query_drop("ROLLBACK").await.map_err(failed)?;
        return Ok(rows.finish(None));
    }
    conn.query_drop("COMMIT").await.map_err(failed)?;
    let mut out = rows.finish(Some(affected));
    out.insert_id = id.map(|id| crate::datasource::sql::big(i128::from(id), false));
    Ok(out)
}

fn failure(error: &Driver, ask: &Ask<'_>) -> Error {
    let text = error.to_string();
    match error {
        Driver::Server(error) => match error.code {
            // Killed, interrupted; out of time at MySQL, at MariaDB.
            1317 | 3024 | 1969 => Error::Timeout(ask.timeout),
            1792 => Error::failed(
                Reason::ReadOnly,
                "the query writes, but it is saved as one that only reads (readOnly)",
            ),
            1053 | 1077..=1079 => Error::failed(Reason::Unreachable, "the database is being stopped"),
            _ => Error::failed(Reason::Statement, ask.secrets.clean(&error.message, &[ask.host])),
        },
        Driver::Driver(mysql_async::DriverError::StmtParamsMismatch { .. }) => {
            let message = "the database sees another number of parameters than the query has";
            Error::failed(Reason::Settings, message)
        }
        // The driver wraps its codec's error in an I/O error: only the words are left.
        _ if text.contains("larger than max_allowed_packet") => ask.limits.too_large(),
        _ => Error::failed(Reason::Unreachable, "the connection to the database broke off"),
    }
}

/// What a test of a source answers.
pub(in crate::datasource) async fn test(link: &mut Link) -> Result<Value, Error> {
    let server = if link.is_mariadb() { "MariaDB" } else { "MySQL" };
    let version = link.version().split('-').next().unwrap_or_default();
    let mut out = json!({ "server": format!("{server} {version}") });
    let grants: Vec<String> = link.work()?.query("SHOW GRANTS").await.unwrap_or_default();
    link.rest();
    if grants.iter().any(|grant| {
        let grant = grant.to_ascii_uppercase();
        grant.contains(" ON *.* ") && (grant.contains("ALL PRIVILEGES") || grant.contains("FILE"))
    }) {
        let warning = "the user may read and write files of the server (FILE); give the data source a user that only reads";
        out["warnings"] = json!([warning]);
    }
    Ok(out)
}
