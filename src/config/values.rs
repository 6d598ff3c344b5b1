//! Types of settings that a person writes as text: durations (`"25s"`), sizes (`"4MiB"`), rates
//! (`"20/s burst 200"`). Each prints in the form it is read in.

use std::{borrow::Cow, fmt, ops::Deref, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A span of time: a whole number and a unit of `ms`, `s`, `m`, `h`, `d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DurationSetting(Duration);

impl DurationSetting {
    /// From milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }
    /// From seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(Duration::from_secs(s))
    }
    /// The span.
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl Deref for DurationSetting {
    type Target = Duration;
    fn deref(&self) -> &Duration {
        &self.0
    }
}

impl From<Duration> for DurationSetting {
    fn from(value: Duration) -> Self {
        Self(value)
    }
}

const UNITS_OF_TIME: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

impl fmt::Display for DurationSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX);
        if ms == 0 {
            return f.write_str("0s");
        }
        let (unit, factor) = UNITS_OF_TIME.into_iter().find(|(_, by)| ms % by == 0).unwrap_or(("ms", 1));
        write!(f, "{}{unit}", ms / factor)
    }
}

/// Why a text is not the value that its setting needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadValue {
    /// Not a duration.
    #[error("must be a duration: a whole number and ms, s, m, h or d, like \"25s\"")]
    Duration,
    /// Not a size.
    #[error(
        "must be a size: a whole number of bytes, or one with KB, MB, GB, KiB, MiB or GiB, like \"4MiB\""
    )]
    Size,
    /// Not a rate.
    #[error("must be a rate, like \"20/s\", \"5/m\", \"20/10s\" or \"1MB/s burst 4MB\"")]
    Rate,
}

impl FromStr for DurationSetting {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let (number, unit) = split_number(text).ok_or(BadValue::Duration)?;
        let factor = UNITS_OF_TIME
            .iter()
            .find(|(name, _)| *name == unit)
            .map(|(_, by)| *by)
            .ok_or(BadValue::Duration)?;
        number.checked_mul(factor).map(Self::from_millis).ok_or(BadValue::Duration)
    }
}

/// A number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(usize);

impl Size {
    /// From bytes.
    pub const fn bytes(n: usize) -> Self {
        Self(n)
    }
    /// From binary kilobytes.
    pub const fn kib(n: usize) -> Self {
        Self(n * 1024)
    }
    /// From binary megabytes.
    pub const fn mib(n: usize) -> Self {
        Self(n * 1024 * 1024)
    }
    /// In bytes.
    pub const fn get(self) -> usize {
        self.0
    }
}

impl Deref for Size {
    type Target = usize;
    fn deref(&self) -> &usize {
        &self.0
    }
}

const UNITS_OF_SIZE: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1_000),
    ("", 1),
];

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_size(f, self.0 as u64)
    }
}

fn write_size(f: &mut fmt::Formatter<'_>, bytes: u64) -> fmt::Result {
    let (unit, factor) =
        UNITS_OF_SIZE.into_iter().find(|(_, by)| bytes > 0 && bytes.is_multiple_of(*by)).unwrap_or(("", 1));
    write!(f, "{}{unit}", bytes / factor)
}

fn parse_size(text: &str) -> Result<u64, BadValue> {
    let (number, unit) = split_number(text).ok_or(BadValue::Size)?;
    let factor =
        UNITS_OF_SIZE.iter().find(|(name, _)| *name == unit).map(|(_, by)| *by).ok_or(BadValue::Size)?;
    number.checked_mul(factor).ok_or(BadValue::Size)
}

impl FromStr for Size {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        parse_size(text).and_then(|n| usize::try_from(n).map_err(|_| BadValue::Size)).map(Self)
    }
}

/// So many (requests, events, bytes) in a span of time, with a burst: a bucket of `burst` that is
/// refilled evenly. Without a burst the bucket holds one span's amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many in [`Rate::per`].
    pub amount: u64,
    /// In which span of time.
    pub per: Duration,
    /// How many at once.
    pub burst: u64,
    bytes: bool,
}

impl Rate {
    /// So many a second, and so many at once.
    pub const fn per_second(amount: u64, burst: u64) -> Self {
        Self { amount, per: Duration::from_secs(1), burst, bytes: false }
    }
    /// So many in a span, all at once if need be.
    pub const fn each(amount: u64, per: Duration) -> Self {
        Self { amount, per, burst: amount, bytes: false }
    }
    /// Bytes a second, and so many at once.
    pub const fn bytes_per_second(amount: u64, burst: u64) -> Self {
        Self { amount, per: Duration::from_secs(1), burst, bytes: true }
    }
    /// Refill of the bucket in units a second.
    pub fn refill(&self) -> f64 {
        self.amount as f64 / self.per.as_secs_f64()
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |f: &mut fmt::Formatter<'_>, n| {
            if self.bytes { write_size(f, n) } else { write!(f, "{n}") }
        };
        number(f, self.amount)?;
        let per = DurationSetting(self.per).to_string();
        write!(
            f,
            "/{}",
            per.strip_prefix('1').filter(|unit| UNITS_OF_TIME.iter().any(|(u, _)| u == unit)).unwrap_or(&per)
        )?;
        if self.burst != self.amount {
            f.write_str(" burst ")?;
            number(f, self.burst)?;
        }
        Ok(())
    }
}

impl FromStr for Rate {
    type Err = BadValue;
    fn from_str(text: &str) -> Result<Self, BadValue> {
        let (rate, burst) = match text.split_once(" burst ") {
            Some((rate, burst)) => (rate, Some(burst.trim())),
            None => (text, None),
        };
        let (amount_text, per) = rate.trim().split_once('/').ok_or(BadValue::Rate)?;
        let amount = parse_size(amount_text).map_err(|_| BadValue::Rate)?;
        let per =
            if per.starts_with(|c: char| c.is_ascii_digit()) { per.to_owned() } else { format!("1{per}") };
        let per = per.parse::<DurationSetting>().map_err(|_| BadValue::Rate)?.get();
        let burst = burst.map_or(Ok(amount), |b| parse_size(b).map_err(|_| BadValue::Rate))?;
        if amount == 0 || burst == 0 || per.is_zero() {
            return Err(BadValue::Rate);
        }
        Ok(Self { amount, per, burst, bytes: amount_text.ends_with('B') })
    }
}

/// `"1_000ms"` is 1000 and `ms`.
fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    if digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') {
        return None;
    }
    Some((digits.replace('_', "").parse().ok()?, unit.trim_start()))
}

macro_rules! as_text {
    ($type:ty, $name:literal, $kind:literal, [$($json:literal),+], $($number:ident)?) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl de::Visitor<'_> for Visitor {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str(concat!("a ", $kind))
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$type, E> {
                        text.parse().map_err(E::custom)
                    }
                    $(
                        fn $number<E: de::Error>(self, n: u64) -> Result<$type, E> {
                            usize::try_from(n).map(Size::bytes).map_err(E::custom)
                        }
                        fn visit_i64<E: de::Error>(self, n: i64) -> Result<$type, E> {
                            usize::try_from(n).map(Size::bytes).map_err(E::custom)
                        }
                    )?
                }
                d.deserialize_any(Visitor)
            }
        }
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": [$($json),+], "x-kind": $kind })
            }
        }
    };
}
as_text!(DurationSetting, "Duration", "duration", ["string"],);
as_text!(Size, "Size", "size", ["string", "integer"], visit_u64);
as_text!(Rate, "Rate", "rate", ["string"],);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_value_are_inverse() {
        for text in ["25s", "500ms", "10m", "7d", "0s", "1h", "1500ms"] {
            assert_eq!(text.parse::<DurationSetting>().unwrap().to_string(), text);
        }
        for text in ["4MiB", "1MB", "5MB", "123", "0", "256KiB", "2GiB"] {
            assert_eq!(text.parse::<Size>().unwrap().to_string(), text);
        }
        for text in ["20/s", "20/s burst 200", "5/m", "20/10s", "1MB/s burst 4MB"] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), text);
        }
        assert_eq!("1_000_000".parse::<Size>().unwrap().get(), 1_000_000);
        assert_eq!("90s".parse::<DurationSetting>().unwrap().get(), Duration::from_secs(90));
        assert_eq!("1000ms".parse::<DurationSetting>().unwrap().to_string(), "1s");
    }

    #[test]
    fn what_is_not_a_value_is_refused() {
        for text in
            ["", "s", "25", "25 weeks", "-1s", "1.5s", "99999999999999999999s", "_1s", "213503982335d1"]
        {
            assert_eq!(text.parse::<DurationSetting>(), Err(BadValue::Duration), "{text}");
        }
        for text in ["", "MiB", "4XB", "-4", "1e6", "999999999999GiB"] {
            assert_eq!(text.parse::<Size>(), Err(BadValue::Size), "{text}");
        }
        for text in ["", "20", "0/s", "20/0s", "20/s burst", "20/s burst 0", "x/s"] {
            assert_eq!(text.parse::<Rate>(), Err(BadValue::Rate), "{text}");
        }
    }

    #[test]
    fn a_size_may_be_a_number() {
        #[derive(Deserialize)]
        struct Holder {
            size: Size,
        }
        assert_eq!(toml::from_str::<Holder>("size = 1_000").unwrap().size.get(), 1000);
        assert_eq!(toml::from_str::<Holder>("size = \"1KiB\"").unwrap().size.get(), 1024);
        assert!(toml::from_str::<Holder>("size = -1").is_err());
    }
}
