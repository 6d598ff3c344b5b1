//! What may be saved as a data source or a query; asks nobody.

use serde::Serialize;
use serde_json::Value;

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

/// What is wrong with a source's plain settings.
pub fn check_source(_kind: &str, _options: &Value) -> Vec<Problem> {
    Vec::new()
}

/// What is wrong with a query over a source of this kind.
pub fn check_query(_kind: &str, _options: &Value) -> Vec<Problem> {
    Vec::new()
}
