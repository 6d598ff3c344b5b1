//! Dates and times of PostgreSQL, which begin on 1 January 2000, as ISO 8601.

use std::fmt::Write as _;

use serde_json::Value;

const DAY: i64 = 86_400_000_000;
/// Days from 1970 to 2000.
const EPOCH: i64 = 10_957;

/// `2026-01-31`; also `infinity`.
pub(super) fn date(days: i32) -> Value {
    match days {
        i32::MAX => Value::from("infinity"),
        i32::MIN => Value::from("-infinity"),
        days => Value::from(civil(i64::from(days))),
    }
}

/// Microseconds since 2000; `zone` is what is written behind it.
pub(super) fn timestamp(micros: i64, zone: &str) -> Value {
    match micros {
        i64::MAX => Value::from("infinity"),
        i64::MIN => Value::from("-infinity"),
        micros => {
            let (days, rest) = (micros.div_euclid(DAY), micros.rem_euclid(DAY));
            Value::from(format!("{}T{}{zone}", civil(days), clock(rest)))
        }
    }
}

/// Microseconds of a day as `10:00:00.5`.
pub(super) fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let mut out = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    fraction(&mut out, micros % 1_000_000);
    out
}

/// Seconds west of Greenwich as `+02:00`.
pub(super) fn zone(west: i32) -> String {
    let east = -i64::from(west);
    let (sign, off) = if east < 0 { ('-', -east) } else { ('+', east) };
    let mut out = format!("{sign}{:02}:{:02}", off / 3600, off / 60 % 60);
    if off % 60 != 0 {
        let _ = write!(out, ":{:02}", off % 60);
    }
    out
}

/// `P1Y2M3DT4H5M6.7S`, each part with its own sign.
pub(super) fn interval(months: i32, days: i32, micros: i64) -> String {
    let mut out = String::from("P");
    let mut part = |number: i64, unit: char| {
        if number != 0 {
            let _ = write!(out, "{number}{unit}");
        }
    };
    part(i64::from(months / 12), 'Y');
    part(i64::from(months % 12), 'M');
    part(i64::from(days), 'D');
    if micros != 0 || out.len() == 1 {
        out.push('T');
        let (hours, minutes) = (micros / 3_600_000_000, micros / 60_000_000 % 60);
        let rest = micros % 60_000_000;
        if hours != 0 {
            let _ = write!(out, "{hours}H");
        }
        if minutes != 0 {
            let _ = write!(out, "{minutes}M");
        }
        if rest != 0 || out.ends_with('T') {
            out.push_str(if rest < 0 { "-" } else { "" });
            let _ = write!(out, "{}", rest.abs() / 1_000_000);
            fraction(&mut out, rest.abs() % 1_000_000);
            out.push('S');
        }
    }
    out
}

/// `.5`, or nothing.
fn fraction(out: &mut String, micros: i64) {
    if micros != 0 {
        let digits = format!("{micros:06}");
        let _ = write!(out, ".{}", digits.trim_end_matches('0'));
    }
}

/// A day of the Gregorian calendar, by days since 2000 (Howard Hinnant, days from civil).
fn civil(days: i64) -> String {
    let shifted = days + EPOCH + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    // ISO 8601: years beyond four digits, and those before 1, have a sign and six.
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        let sign = if year < 0 { '-' } else { '+' };
        format!("{sign}{:06}-{month:02}-{day:02}", year.abs())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_calendar_holds() {
        for (days, text) in [
            (0, "2000-01-01"),
            (-1, "1999-12-31"),
            (59, "2000-02-29"),
            (-10_957, "1970-01-01"),
            (9497, "2026-01-01"),
            (2_921_939, "9999-12-31"),
            (2_921_940, "+010000-01-01"),
            (-730_119, "0001-01-01"),
            (-730_120, "0000-12-31"),
            (-2_451_507, "-004712-01-01"),
        ] {
            assert_eq!(date(days), json!(text), "{days}");
        }
        assert_eq!(timestamp(-1, "Z"), json!("1999-12-31T23:59:59.999999Z"));
        assert_eq!(timestamp(500_000, ""), json!("2000-01-01T00:00:00.5"));
        assert_eq!(zone(-7200), "+02:00");
        assert_eq!(zone(16_200), "-04:30");
    }

    #[test]
    fn spans_keep_the_sign_of_each_part() {
        assert_eq!(interval(14, 3, 14_706_700_000), "P1Y2M3DT4H5M6.7S");
        assert_eq!(interval(0, 0, 0), "PT0S");
        assert_eq!(interval(-14, 3, -1_500_000), "P-1Y-2M3DT-1.5S");
        assert_eq!(interval(0, 0, -500_000), "PT-0.5S");
        assert_eq!(interval(0, 1, 0), "P1D");
    }
}
