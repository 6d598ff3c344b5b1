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
