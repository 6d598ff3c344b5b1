//! One query on a connection.

use futures_util::{StreamExt, pin_mut};
use serde_json::{Value, json};
use tokio_postgres::{
    Client,
    error::{Severity, SqlState},
};

use super::{
    binary::{Raw, is_known, value},
    connect::Link,
    params::bind,
};
use crate::datasource::{
    Error, Reason,
    sql::{Ask, Failed, Rows, Statement, Table},
};

/// Runs it. After an answer the connection is as it was before; after a failure too, unless it is to
/// be given up.
pub(in crate::datasource) async fn run(link: &Link, ask: &Ask<'_>) -> Result<Table, Failed> {
    let stop = link.stop();
    link.budget.set(ask.limits.wire());
    let outcome = carry_out(link, ask).await;
    if outcome.as_ref().is_ok_and(|table| table.truncated) {
        // Rows were left unread: the connection ends, `stop` cancels what makes them.
        link.budget.spend();
        return outcome;
    }
    if link.budget.is_spent() {
        return Err(Failed::abandoned(ask.limits.too_large()));
    }
    if outcome.as_ref().is_err_and(|failed| failed.abandon) {
        return outcome;
    }
    // A server may notice late that a connection broke off: until then its query would go on.
    if !link.is_open() {
        return outcome;
    }
    if let Err(error) = clean(&link.client, ask).await {
        return outcome.and_then(|_| Err(Failed::abandoned(failure(&error, ask))));
    }
    // The transaction is over: nothing is left to be stopped.
    stop.disarm();
    outcome
}

async fn carry_out(link: &Link, ask: &Ask<'_>) -> Result<Table, Failed> {
    let client = &link.client;
    let prepared = client.prepare(&ask.statement.text).await.map_err(|error| {
        // A server that ended the connection while it waited says so now.
        let broken = error.code().is_none_or(|code| code.code().starts_with("57P"));
        Failed { error: failure(&error, ask), unsent: broken, abandon: broken }
    })?;
    if prepared.columns().iter().any(|column| !is_known(column.type_()))
        && let Some(text) = as_text(ask.statement, prepared.columns())
        // Where the statement cannot be a part of another, its values come as they are.
        && let Ok(other) = client.prepare(&text).await
    {
        return stream(client, &other, prepared.columns(), ask).await;
    }
    stream(client, &prepared, prepared.columns(), ask).await
}

/// `named` has the names of the columns.
async fn stream(
    client: &Client,
    prepared: &tokio_postgres::Statement,
    named: &[tokio_postgres::Column],
    ask: &Ask<'_>,
) -> Result<Table, Failed> {
    let failed = |error: tokio_postgres::Error| {
        if is_refusal(&error) {
            ask.sent.undone();
        }
        Failed::of(failure(&error, ask))
    };
    let params = bind(&ask.statement.params, prepared.params(), ask.inputs).map_err(Failed::of)?;
    client.batch_execute(&begin(ask)).await.map_err(failed)?;
    ask.sent.going();
    let answer = client.query_raw(prepared, params).await.map_err(failed)?;
    pin_mut!(answer);
    let mut rows = Rows::new(ask.limits);
    rows.columns(named.iter().map(tokio_postgres::Column::name));
    let exact = rows.exact_numbers();
    while let Some(row) = answer.next().await {
        let row = row.map_err(failed)?;
        let values = prepared.columns().iter().enumerate().map(|(index, column)| {
            let raw = row.try_get::<_, Raw<'_>>(index).ok().and_then(|raw| raw.0);
            value(column.type_(), raw, exact)
        });
        // What is left is not read: the connection is given up, its query stopped.
        if !rows.push(values).map_err(Failed::abandoned)? {
            return Ok(rows.finish(None));
        }
    }
    let affected = answer.rows_affected().filter(|_| !ask.statement.read_only);
    if !ask.statement.read_only {
        client.batch_execute("COMMIT").await.map_err(failed)?;
    }
    Ok(rows.finish(affected))
}

fn begin(ask: &Ask<'_>) -> String {
    let mode = if ask.statement.read_only { "READ ONLY" } else { "READ WRITE" };
    // A little more than ours, which says it in its own words.
    let millis = ask.timeout.as_millis().saturating_add(500).min(i32::MAX as u128);
    format!(
        "BEGIN {mode}; SET LOCAL statement_timeout = {millis}; SET LOCAL idle_in_transaction_session_timeout = 60000"
    )
}

/// Leaves nothing of a query to the next one: a rollback takes back what it set; locks of the session
/// and, after a write, its settings and temporary tables go by name.
async fn clean(client: &Client, ask: &Ask<'_>) -> Result<(), tokio_postgres::Error> {
    let text = if ask.statement.read_only {
        "ROLLBACK; SELECT pg_advisory_unlock_all()"
    } else {
        "ROLLBACK; SELECT pg_advisory_unlock_all(); SET SESSION AUTHORIZATION DEFAULT; RESET ALL; DISCARD TEMP"
    };
    client.batch_execute(text).await
}

/// The same statement with the columns of types that are not known here as text.
fn as_text(statement: &Statement, columns: &[tokio_postgres::Column]) -> Option<String> {
    if !["SELECT", "WITH", "VALUES", "TABLE"].contains(&statement.first.as_str()) {
        return None;
    }
    let names: Vec<String> = (1..=columns.len()).map(|index| format!("c{index}")).collect();
    let picked = columns
        .iter()
        .zip(&names)
        .map(|(column, name)| if is_known(column.type_()) { name.clone() } else { format!("{name}::text") });
    let picked = picked.collect::<Vec<_>>().join(", ");
    // A comment at the end would take the parenthesis with it.
    Some(format!("SELECT {picked} FROM (\n{}\n) AS answer ({})", statement.text, names.join(", ")))
}

/// Whether the server says that it did not do it, and goes on: the transaction is rolled back then.
fn is_refusal(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_some_and(|db| {
        let code = db.code();
        let broken = code.code().starts_with("08") || *code == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN;
        db.parsed_severity() == Some(Severity::Error) && *code != SqlState::QUERY_CANCELED && !broken
    })
}

fn failure(error: &tokio_postgres::Error, ask: &Ask<'_>) -> Error {
    let Some(db) = error.as_db_error() else {
        return Error::failed(Reason::Unreachable, "the connection to the database broke off");
    };
    let code = db.code();
    if *code == SqlState::QUERY_CANCELED {
        return Error::Timeout(ask.timeout);
    }
    if *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        let message = "the query writes, but it is saved as one that only reads (readOnly)";
        return Error::failed(Reason::ReadOnly, message);
    }
    if *code == SqlState::ADMIN_SHUTDOWN || *code == SqlState::CRASH_SHUTDOWN {
        return Error::failed(Reason::Unreachable, "the database is being stopped");
    }
    Error::failed(Reason::Statement, ask.secrets.clean(db.message(), &[ask.host]))
}

/// What a test of a source answers.
pub(in crate::datasource) async fn test(link: &Link) -> Result<Value, Error> {
    let query = "SELECT current_setting('server_version') AS version, \
                 coalesce((SELECT rolsuper FROM pg_roles WHERE rolname = current_user), false) AS super";
    let answer = link.client.query_one(query, &[]).await;
    let row =
        answer.map_err(|_| Error::failed(Reason::Login, "the database answers no query of this user"))?;
    let version: String = row.try_get(0).unwrap_or_default();
    let mut out = json!({ "server": format!("PostgreSQL {version}") });
    if row.try_get(1).unwrap_or(false) {
        let warning = "the user is a superuser: it can read files of the server and start programs there; give the data source a role that only reads";
        out["warnings"] = json!([warning]);
    }
    Ok(out)
}
