//! `delay`: goes on later.

use std::sync::Arc;

use jiff::{Timestamp, civil, tz::TimeZone};
use serde_json::Value;

use crate::engine::{
    Fields,
    definition::{Config, Faults},
    value::{Lookup, number, resolve, text},
};

const DAY_MS: u64 = 86_400_000;

/// `delay`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) enum Delay {
    /// So many milliseconds.
    Fixed(u64),
    /// As many as a value says.
    Dynamic(Value),
    /// Until a time that a value says.
    Until(Value),
}

impl Delay {
    pub(super) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let source = |name: &str, faults: &mut Faults| {
            let value = config.value(name).cloned().unwrap_or(Value::Null);
            if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
                config.fault(name, "is missing", faults);
            }
            config.templates(&value, name, faults);
            value
        };
        match config.text("delayType").unwrap_or("fixed") {
            "fixed" => {
                let part =
                    |name, most, faults: &mut Faults| config.number(name, 0.0, most, faults).unwrap_or(0.0);
                let minutes = part("delayMinutes", 1440.0, faults);
                let seconds = part("delaySeconds", 59.0, faults);
                let ms = part("delayMs", 999.0, faults);
                Self::Fixed(whole(minutes * 60_000.0 + seconds * 1000.0 + ms).unwrap_or(0))
            }
            "dynamic" => Self::Dynamic(source("delayVariable", faults)),
            "until" => Self::Until(source("untilTime", faults)),
            other => {
                config.fault("delayType", format!("{other:?} is none of fixed, dynamic, until"), faults);
                Self::Fixed(0)
            }
        }
    }

    /// Milliseconds to wait from now.
    pub(super) fn wait(&self, ctx: &dyn Lookup, now: Timestamp) -> Result<u64, String> {
        let ms = match self {
            Self::Fixed(ms) => *ms,
            Self::Dynamic(source) => match resolve(source, ctx) {
                None | Some(Value::Null) => 0,
                Some(value) => whole(number(&value)).ok_or_else(|| {
                    format!("the delay is {}, which is no number of ms from 0 to a day", shown(&value))
                })?,
            },
            Self::Until(source) => match resolve(source, ctx) {
                None | Some(Value::Null) => 0,
                Some(value) => {
                    let until = time(&value).ok_or_else(|| format!("{} is no time", shown(&value)))?;
                    u64::try_from(until.as_millisecond().saturating_sub(now.as_millisecond())).unwrap_or(0)
                }
            },
        };
        if ms > DAY_MS {
            return Err(format!("a delay of {ms} ms is longer than a day"));
        }
        Ok(ms)
    }

    pub(super) fn output(&self, ms: u64) -> (Fields, Arc<str>) {
        let kind = match self {
            Self::Fixed(_) => "fixed",
            Self::Dynamic(_) => "dynamic",
            Self::Until(_) => "until",
        };
        (
            Fields::new().with("delayedMs", ms).with("delayType", kind).with("success", true),
            Arc::from("output"),
        )
    }
}

fn shown(value: &Value) -> String {
    text(value).chars().take(80).collect()
}

/// Truncated to whole ms; `None` when negative, no number, or beyond anything sensible.
fn whole(ms: f64) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "its range was checked")]
    (ms.is_finite() && ms > -1.0 && ms < 1e15).then(|| ms.trunc() as u64)
}

/// RFC 3339; without a zone UTC; a number is ms since 1970.
fn time(value: &Value) -> Option<Timestamp> {
    if let Value::Number(ms) = value {
        #[expect(clippy::cast_possible_truncation, reason = "a float saturates, and jiff checks the range")]
        return Timestamp::from_millisecond(ms.as_f64()? as i64).ok();
    }
    let text = value.as_str()?.trim();
    let civil = || {
        let time: civil::DateTime = text.parse().ok()?;
        time.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    text.parse().ok().or_else(civil)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_of_waits() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let ctx = Fields::new()
            .with("ms", 1500.9)
            .with("text", "250")
            .with("neg", -5)
            .with("word", "soon")
            .with("null", Value::Null)
            .with("at", "2026-01-01T00:00:02Z")
            .with("past", "2025-01-01T00:00:00Z")
            .with("far", "2027-01-01T00:00:00Z");
        let dynamic = |text: &str| Delay::Dynamic(json!(text)).wait(&ctx, now).ok();
        let until = |value: Value| Delay::Until(value).wait(&ctx, now).ok();
        assert_eq!(dynamic("{{ctx.ms}}"), Some(1500));
        assert_eq!(dynamic("{{ctx.text}}"), Some(250));
        assert_eq!(dynamic("{{ctx.gone}}"), Some(0));
        assert_eq!(dynamic("{{ctx.null}}"), Some(0));
        assert_eq!(dynamic("{{ctx.neg}}"), None);
        assert_eq!(dynamic("{{ctx.word}}"), None);
        assert_eq!(dynamic("86400000"), Some(86_400_000));
        assert_eq!(dynamic("86400001"), None);
        assert_eq!(until(json!("{{ctx.at}}")), Some(2000));
        assert_eq!(until(json!("{{ctx.past}}")), Some(0));
        assert_eq!(until(json!("{{ctx.far}}")), None);
        assert_eq!(until(json!("{{ctx.gone}}")), Some(0));
        assert_eq!(until(json!("{{ctx.word}}")), None);
        assert_eq!(until(json!("2026-01-01T00:00")), Some(0));
        assert_eq!(until(json!("2026-01-01 00:01:00")), Some(60_000));
        assert_eq!(until(json!(1_767_225_601_000_i64)), Some(1000));
        assert_eq!(until(json!(1e300)), None);
    }
}
