//! Between `datasource` and REST: what is wrong with a source or a query, and why one has no answer.

use serde_json::json;

use crate::{
    datasource::{Error, Problem},
    error::Coded,
    http::Failure,
};

/// What is wrong, by its path below `root`.
pub(super) fn issues(root: &str, problems: Vec<Problem>) -> impl Iterator<Item = (String, String)> {
    let path = move |path: &str| {
        if path.is_empty() || path == root || path.starts_with(&format!("{root}.")) {
            if path.is_empty() { root.to_owned() } else { path.to_owned() }
        } else {
            format!("{root}.{path}")
        }
    };
    problems.into_iter().map(move |problem| {
        let hint = if problem.hint.is_empty() { String::new() } else { format!(" ({})", problem.hint) };
        (path(&problem.path), format!("{}{hint}", problem.message))
    })
}

/// Why there is no answer, with its reason for programs.
pub(super) fn told(error: Error) -> Failure {
    let reason = error.reason();
    let details = json!({ "reason": reason });
    if error.code().class() == crate::error::Class::Client {
        log::debug!(reason; "a query has no answer");
    }
    Failure::from(error).with_details(details)
}
