//! What may be saved as a data source or a query; asks nobody.

use serde::Serialize;
use serde_json::Value;

use super::{
    http, settings,
    sql::{Dialect, Statement},
    sqlite,
};

/// A fault of a saved source or query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, in what was sent: `query`, `headers.Accept`.
    pub path: String,
    /// A stable word.
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
    /// What would do.
    pub hint: String,
}

/// The fields of a source of this kind that are credentials: they are sealed and never shown.
pub fn secret_keys(kind: &str) -> &'static [&'static str] {
    match kind {
        "http" => &["password", "token", "apiKey", "secretHeaders"],
        _ => &["password"],
    }
}

/// The kinds of data sources.
pub const KINDS: &[&str] = &["postgresql", "mysql", "sqlite", "http"];

/// What is wrong with a source's plain settings.
pub fn check_source(kind: &str, options: &Value) -> Vec<Problem> {
    match kind {
        "postgresql" | "mysql" => settings::problems(options),
        "sqlite" => sqlite::problems(options),
        "http" => http::source_problems(options),
        other => vec![unknown(other)],
    }
}

/// What is wrong with a query over a source of this kind; `service`: it has none and is for the query
/// service, which knows itself what it takes.
pub fn check_query(kind: &str, options: &Value) -> Vec<Problem> {
    let mut out = match kind {
        "postgresql" => Statement::problems(Dialect::Postgres, options),
        "mysql" => Statement::problems(Dialect::MySql, options),
        "sqlite" => Statement::problems(Dialect::Sqlite, options),
        "http" => http::query_problems(options),
        "service" => Vec::new(),
        other => vec![unknown(other)],
    };
    if options.get("timeoutSeconds").is_some_and(|value| !value.is_null() && timeout(value).is_none()) {
        let hint = "datasource.timeout is the longest";
        out.push(settings::problem("timeoutSeconds", "type", "must be a number from 1 to 3600", hint));
    }
    out
}

/// Whether running a query can change anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It only reads, and is run so that it cannot do otherwise: SQL in a transaction that reads only
    /// and is rolled back, or on a file that was opened for reading; HTTP with GET or HEAD. What a
    /// function of the database itself does outside of it, or a service behind a GET, is their author's.
    Reads,
    /// It writes, or nobody here can know: SQL that is saved with `readOnly: false`, HTTP with another
    /// method, whatever a query service does, a kind that this hub does not know.
    MayWrite,
}

/// The effect of a query over a source of this kind. What it is saved as decides, never its words: a
/// statement that writes but is saved as one that only reads is refused by the database.
pub(super) fn effect(kind: &str, options: &Value) -> Effect {
    let reads = match kind {
        "postgresql" | "mysql" | "sqlite" => {
            options.get("readOnly").is_none_or(|value| value.as_bool() != Some(false))
        }
        "http" => match options.get("method").filter(|value| !value.is_null()) {
            None => true,
            Some(method) => matches!(method.as_str(), Some("GET" | "HEAD")),
        },
        _ => false,
    };
    if reads { Effect::Reads } else { Effect::MayWrite }
}

/// `timeoutSeconds` of a query.
pub(super) fn timeout(value: &Value) -> Option<f64> {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    (1.0..=3600.0).contains(&seconds).then_some(seconds)
}

fn unknown(kind: &str) -> Problem {
    let kind: String = kind.chars().take(40).collect();
    settings::problem(
        "kind",
        "kind",
        format!("{kind} is no kind of data source"),
        format!("one of {}", KINDS.join(", ")),
    )
}
