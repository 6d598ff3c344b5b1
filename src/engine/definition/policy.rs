//! What happens when a node fails, takes too long or is reached by several edges
//! (`contract.md` 5.6, 5.7).

use std::time::Duration;

use serde_json::Value;

use super::{Config, Faults, Words, did_you_mean};
use crate::engine::{Limits, nodes::TypeRow, value::number};

/// The words of `errorHandling`.
pub(in crate::engine) const HANDLING: [&str; 6] =
    ["continue", "continue_default", "skip_item", "fail_workflow", "retry_then_fail", "retry_then_continue"];

/// What happens when the last attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Handling {
    /// The run fails.
    Fail,
    /// The run goes on at `error`; without such an edge it fails, or in a loop's body goes to the next
    /// item.
    Continue,
    /// The same, but in a loop's body without such an edge its item is left out.
    SkipItem,
    /// The run goes on at `error`; without such an edge with null at the normal handle.
    ContinueDefault,
}

/// The rules of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) struct Policy {
    pub(in crate::engine) handling: Handling,
    /// Attempts beyond the first.
    pub(in crate::engine) retries: u32,
    pub(in crate::engine) retry_delay: Duration,
    /// Longest attempt.
    pub(in crate::engine) timeout: Duration,
}

/// The first number of: the node's, its type's defaults, the workflow's.
fn setting(
    config: &Config<'_>,
    options: &Value,
    kind: &str,
    name: &str,
    default: &str,
    faults: &mut Faults,
) -> Option<f64> {
    let given = |value: Option<&Value>| {
        value
            .filter(|value| value.is_number() || value.is_string())
            .map(number)
            .filter(|number| !number.is_nan())
    };
    config
        .number_of(name, faults)
        .or_else(|| given(options.get("nodeDefaults").and_then(|defaults| defaults.get(kind)?.get(name))))
        .or_else(|| given(options.get(default)))
}

impl Policy {
    pub(super) fn read(
        config: &Config<'_>,
        options: &Value,
        row: Option<&TypeRow>,
        has_error_edge: bool,
        limits: &Limits,
        faults: &mut Faults,
    ) -> Self {
        let kind = row.map_or("", |row| row.name);
        let timeout = setting(config, options, kind, "timeoutSeconds", "defaultNodeTimeoutSeconds", faults);
        let retries = setting(config, options, kind, "retryLimit", "defaultRetryLimit", faults);
        let delay = setting(config, options, kind, "retryDelaySeconds", "defaultRetryDelaySeconds", faults);
        let (handling, retry) = match config.text("errorHandling").filter(|mode| !mode.is_empty()) {
            None if has_error_edge => (Handling::Continue, false),
            None | Some("fail_workflow" | "retry_then_fail") => (Handling::Fail, true),
            Some("continue") => (Handling::Continue, false),
            Some("skip_item") => (Handling::SkipItem, false),
            Some("continue_default") => (Handling::ContinueDefault, false),
            Some("retry_then_continue") => (Handling::Continue, true),
            Some(mode) => {
                let words = Words::from(format!("must be one of {}", HANDLING.join(", ")));
                config.fault("errorHandling", words.hint(did_you_mean(mode, HANDLING)), faults);
                (Handling::Fail, false)
            }
        };
        let platform = match row {
            Some(TypeRow { name: "javascript", .. }) => limits.script_timeout,
            Some(TypeRow { timeout_s: Some(seconds), .. }) => Duration::from_secs(*seconds),
            _ => limits.node_timeout,
        };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0..10")]
        let retries = retries.map_or(0, |limit| limit.clamp(0.0, 10.0) as u32);
        Self {
            handling,
            retries: if retry { retries } else { 0 },
            retry_delay: Duration::from_secs_f64(delay.unwrap_or(5.0).clamp(0.0, 300.0)),
            timeout: timeout
                .map_or(platform, |seconds| Duration::from_secs_f64(seconds.clamp(1.0, 3600.0)))
                .min(row.and_then(|row| row.longest_s).map_or(Duration::MAX, Duration::from_secs)),
        }
    }
}

/// A span of time of the options: seconds, or a number and a unit (`7d`, `90 minutes`).
pub(in crate::engine) fn span(value: &Value) -> Option<Duration> {
    let seconds = |number: f64| {
        (number.is_finite() && number > 0.0).then(|| Duration::from_secs_f64(number.min(31_536_000.0)))
    };
    let text = match value {
        Value::Number(_) => return seconds(number(value)),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (amount, unit) = text.split_at_checked(digits)?;
    let amount: f64 = amount.parse().ok()?;
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "second" | "seconds" => 1.0,
        "ms" => 0.001,
        "m" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3600.0,
        "d" | "day" | "days" => 86_400.0,
        _ => return None,
    };
    seconds(amount * factor)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans() {
        let table = [
            (json!(60), Some(60)),
            (json!("60"), Some(60)),
            (json!("7d"), Some(604_800)),
            (json!("90 minutes"), Some(5400)),
            (json!("2 Hours"), Some(7200)),
            (json!(1e300), Some(31_536_000)),
            (json!(0), None),
            (json!(-1), None),
            (json!("soon"), None),
            (json!("9x"), None),
            (json!(null), None),
        ];
        for (value, expected) in table {
            assert_eq!(span(&value), expected.map(Duration::from_secs), "{value}");
        }
    }
}
