//! What came back, and what could not.

use std::time::Duration;

use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{
    datasource::{Error, Reason, sql::Limits},
    outbound::{self, Answer},
};

/// The part of the answer that counts.
pub(in crate::datasource) fn read(
    answer: Result<Answer, outbound::Error>,
    options: &Value,
    limits: &Limits,
    timeout: Duration,
) -> Result<Value, Error> {
    let answer = answer.map_err(|error| failure(&error, limits, timeout))?;
    if !(200..300).contains(&answer.status) {
        // Its body may hold anything; it is not shown.
        let wait = answer.header("retry-after").and_then(|wait| wait.parse::<u32>().ok());
        let wait = wait.map(|seconds| format!("; it asks to wait {seconds} s")).unwrap_or_default();
        return Err(Error::failed(Reason::Status, format!("the service answered {}{wait}", answer.status)));
    }
    if options.get("responseType").and_then(Value::as_str) == Some("text") {
        return Ok(Value::from(String::from_utf8_lossy(&answer.body).into_owned()));
    }
    if answer.body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    let value: Value = serde_json::from_slice(&answer.body).map_err(|_| {
        Error::failed(
            Reason::Answer,
            "the service answered no JSON; with responseType: \"text\" it is taken as it is",
        )
    })?;
    let value = match options.get("resultPath").and_then(Value::as_str) {
        Some(path) => at(&value, path)?,
        None => value,
    };
    if !limits.cut && value.as_array().is_some_and(|items| items.len() > limits.rows) {
        let message =
            format!("the answer has more than {} items (datasource.max_rows); ask for less", limits.rows);
        return Err(Error::failed(Reason::Rows, message));
    }
    Ok(value)
}

/// Whether a status says that nothing was done. A fault of the server's own says nothing about that.
pub(in crate::datasource) fn refuses(status: u16) -> bool {
    (300..500).contains(&status) && status != 408
}

/// One value where the path can mean only one (null when it is not there), else the list of all.
fn at(value: &Value, path: &str) -> Result<Value, Error> {
    let parsed = JsonPath::parse(path)
        .map_err(|_| Error::failed(Reason::Settings, "resultPath is no JSON path (RFC 9535)"))?;
    let found = parsed.query(value).all();
    if means_one(path) {
        return Ok(found.first().map(|value| (*value).clone()).unwrap_or_default());
    }
    Ok(found.into_iter().cloned().collect())
}

/// Names and indexes only; what stands in quotes does not count.
fn means_one(path: &str) -> bool {
    let mut quote = None;
    let mut before = ' ';
    for c in path.chars() {
        match quote {
            Some(open) if c == open && before != '\\' => quote = None,
            Some(_) => {}
            None if c == '\'' || c == '"' => quote = Some(c),
            None if matches!(c, '*' | '?' | ':' | ',') || (c == '.' && before == '.') => return false,
            None => {}
        }
        before = c;
    }
    true
}

/// The words of the client without the address.
fn failure(error: &outbound::Error, limits: &Limits, timeout: Duration) -> Error {
    use outbound::Error as Out;
    let (reason, message) = match error {
        Out::BlockedAddress { .. } => (
            Reason::BlockedAddress,
            "blocked_address: the address of the data source is not a public one; operators: outbound.allow_private permits it"
                .to_owned(),
        ),
        Out::BlockedPort { port } => (
            Reason::BlockedAddress,
            format!("blocked_port: port {port} may not be called; operators: outbound.ports lists those that may"),
        ),
        Out::InvalidHeader(what) => (Reason::InvalidHeader, format!("invalid_header: the {what} is not valid")),
        Out::InvalidUrl(_) => (Reason::Settings, "the address of the data source is not valid".to_owned()),
        Out::TooLarge { .. } => return limits.too_large(),
        Out::Timeout(outbound::Phase::Total) => return Error::Timeout(timeout),
        Out::Timeout(outbound::Phase::Connect) => {
            (Reason::Unreachable, "the service took no connection in time".to_owned())
        }
        Out::Timeout(outbound::Phase::Idle) => {
            (Reason::Unreachable, "the service was silent for too long (outbound.idle_timeout)".to_owned())
        }
        Out::Redirect(words) => (Reason::Answer, format!("the service redirects {words}")),
        Out::Unreachable(words) => (Reason::Unreachable, format!("the service cannot be reached: {words}")),
        Out::Unusable(words) => return Error::Internal(words.clone()),
    };
    Error::failed(reason, message)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_of_names_is_one_value_and_others_are_lists() {
        let value = json!({ "data": [{ "a": 1 }, { "a": 2 }], "x.*": 7 });
        for (path, expected) in [
            ("$", value.clone()),
            ("$.data[1].a", json!(2)),
            ("$['x.*']", json!(7)),
            ("$.missing.a", json!(null)),
            ("$.data[*].a", json!([1, 2])),
            ("$..a", json!([1, 2])),
            ("$.data[?@.a > 1]", json!([{ "a": 2 }])),
            ("$.data[0:1]", json!([{ "a": 1 }])),
            ("$.missing[*]", json!([])),
        ] {
            assert_eq!(at(&value, path).unwrap(), expected, "{path}");
        }
    }
}
