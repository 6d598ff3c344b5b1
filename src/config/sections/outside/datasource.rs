//! `[datasource]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Secret, Size};

/// Data sources of tenants: what a saved query may reach and use up. Addresses of kind `http` are
/// ruled by `[outbound]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DataSource {
    /// Longest time of a query, the wait for its turn included; a node's or a query's own timeout
    /// may only be shorter.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub timeout: DurationSetting,
    /// Longest time to connect, login included.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub connect_timeout: DurationSetting,
    /// Most rows of an answer; with more the query fails.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max_rows: usize,
    /// Largest answer as JSON; a larger one fails the query.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "1GiB"))]
    pub max_bytes: Size,
    /// Connections of one source, and so its queries at once; more wait in order.
    #[schemars(range(min = 1, max = 256))]
    pub pool: usize,
    /// Queries of all tenants at once; one tenant has at most half of the places.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrent: usize,
    /// Most queries of one tenant that wait; beyond it RATE_LIMITED is answered.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub queue: usize,
    /// A connection without a query for so long is closed.
    #[schemars(extend("x-min" = "1s", "x-max" = "1d"))]
    pub idle: DurationSetting,
    /// Hosts of databases that may be called: names, `*.example.com`, addresses, ranges like
    /// `10.1.0.0/16`. Empty: all but loopback and the hub's own database.
    pub allow: Vec<String>,
    /// Hosts that may not be called, in the same form; it wins over `allow`.
    pub deny: Vec<String>,
    /// Whether databases on this machine may be called. The hub's own database never is.
    pub allow_loopback: bool,
    /// The directory below which the files of SQLite sources are; without it there are none.
    #[schemars(extend("x-example" = "/srv/jethub/sqlite"))]
    pub sqlite_dir: Option<PathBuf>,
    /// The key under which credentials of data sources are stored: 32 bytes in hex. Better a
    /// credential or JETHUB_DATASOURCE__KEY than the file. Without it `key_file` is read.
    pub key: Option<Secret>,
    /// The file of such keys, one a line: the first encrypts, all decrypt. Without it the file
    /// datasource.key in the state directory, made at the first start. Back it up: without it the
    /// stored credentials are lost.
    #[schemars(extend("x-example" = "/etc/jethub/datasource.key"))]
    pub key_file: Option<PathBuf>,
    /// A query service beside the hub: queries without a data source, and those that the hub does
    /// not know, are sent there by POST.
    #[schemars(extend("x-example" = "http://127.0.0.1:8090/run-query"))]
    pub service_url: Option<String>,
    /// The bearer token for it.
    pub service_token: Option<Secret>,
}

impl Default for DataSource {
    fn default() -> Self {
        Self {
            timeout: DurationSetting::from_secs(120),
            connect_timeout: DurationSetting::from_secs(5),
            max_rows: 10_000,
            max_bytes: Size::mib(4),
            pool: 4,
            concurrent: 64,
            queue: 1000,
            idle: DurationSetting::from_secs(60),
            allow: Vec::new(),
            deny: Vec::new(),
            allow_loopback: false,
            sqlite_dir: None,
            key: None,
            key_file: None,
            service_url: None,
            service_token: None,
        }
    }
}
