//! `[journal]`, `[database]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Secret, Size};

/// The journal: the append-only table of everything that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Most rows that wait for the writer; at 80 % clients get BUSY.
    #[schemars(range(min = 100, max = 10_000_000))]
    pub queue_rows: usize,
    /// Most bytes that wait for the writer; at 80 % clients get BUSY.
    #[schemars(extend("x-min" = "1MiB"))]
    pub queue_bytes: Size,
    /// Most rows of one transaction. No row waits for others to come.
    #[schemars(range(min = 1, max = 10_000))]
    pub batch_rows: usize,
    /// Most bytes of one transaction; a larger row is a transaction of its own.
    #[schemars(extend("x-min" = "64KiB"))]
    pub batch_bytes: Size,
    /// SQLite's `synchronous`. With NORMAL the last rows may be lost when the machine loses power:
    /// the promise that nothing is lost does not hold then.
    pub synchronous: Synchronous,
    /// A write-ahead file larger than this is logged.
    #[schemars(extend("x-min" = "1MiB"))]
    pub wal_alarm: Size,
    /// With less free space than this in the state directory clients get BUSY.
    pub min_free_disk: Size,
}

/// SQLite's `synchronous`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Synchronous {
    /// A commit is on the disk before it is answered.
    Full,
    /// A commit may be lost when the machine loses power.
    Normal,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            queue_rows: 10_000,
            queue_bytes: Size::mib(16),
            batch_rows: 512,
            batch_bytes: Size::mib(1),
            synchronous: Synchronous::Full,
            wal_alarm: Size::mib(256),
            min_free_disk: Size::mib(64),
        }
    }
}

/// The database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Database {
    /// `sqlite:FILE` or `postgresql://USER:PASSWORD@HOST/NAME`; without it the file jethub.db in
    /// the state directory. Flag: --database. A PostgreSQL on another machine needs a build with
    /// TLS (feature postgres-tls), or `?sslmode=disable` written out.
    #[schemars(extend("x-example" = "postgresql:///jethub?host=/run/postgresql"))]
    pub url: Option<Secret>,
    /// Longest wait for SQLite's write lock.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub busy_timeout: DurationSetting,
    /// Connections of the read pool.
    #[schemars(range(min = 1, max = 256))]
    pub read_pool: usize,
    /// Longest wait for a connection of the pool; then the store counts as unavailable.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub acquire_timeout: DurationSetting,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            busy_timeout: DurationSetting::from_secs(5),
            read_pool: 8,
            acquire_timeout: DurationSetting::from_secs(2),
        }
    }
}
