//! `[server]`, `[drain]`.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Size};

/// The listener and plain HTTP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port to listen on; `localhost:3000` listens on both address families. Port 0
    /// takes a free one, which is printed and logged. Flag: --listen.
    pub listen: String,
    /// Directory of the database file, the lock and the control socket; mode 0700. Flag:
    /// --state-dir. Under systemd the default is $STATE_DIRECTORY.
    pub state_dir: PathBuf,
    /// HTTP worker threads; 0 is one a core.
    #[schemars(range(max = 1024))]
    pub workers: usize,
    /// Origins of pages that may connect, exactly as browsers send them; "*" admits all.
    pub allowed_origins: Vec<String>,
    /// Addresses (or ranges) of proxies whose X-Forwarded-For is believed, read from right to left
    /// as long as the hop is trusted.
    pub trusted_proxies: Vec<String>,
    /// Largest body of a REST request.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "1GiB"))]
    pub max_body: Size,
    /// Longest time that a request's head may take.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub head_timeout: DurationSetting,
    /// Longest time that a request's body may take.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub body_timeout: DurationSetting,
    /// Bodies of all requests that are being read, together; beyond it requests get 503.
    #[schemars(extend("x-min" = "1MiB"))]
    pub max_bodies_in_flight: Size,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:3000".to_owned(),
            state_dir: PathBuf::from("./jethub-data"),
            workers: 0,
            allowed_origins: [
                "http://localhost:3000",
                "http://localhost:5173",
                "http://localhost:3001",
                "http://127.0.0.1:3000",
                "http://127.0.0.1:3001",
            ]
            .map(str::to_owned)
            .to_vec(),
            trusted_proxies: ["127.0.0.0/8", "::1/128"].map(str::to_owned).to_vec(),
            max_body: Size::bytes(5_000_000),
            head_timeout: DurationSetting::from_secs(5),
            body_timeout: DurationSetting::from_secs(15),
            max_bodies_in_flight: Size::mib(256),
        }
    }
}

/// Stopping.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Drain {
    /// Longest time from the signal to the end of the process; what is not finished then goes on at
    /// the next start.
    #[schemars(extend("x-min" = "1s", "x-max" = "1h"))]
    pub deadline: DurationSetting,
}

impl Default for Drain {
    fn default() -> Self {
        Self { deadline: DurationSetting::from_secs(25) }
    }
}
