//! `[outbound]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Size};

/// The one outgoing HTTP client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// Longest time to connect, TLS included.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub connect_timeout: DurationSetting,
    /// Longest silence of the other side.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub idle_timeout: DurationSetting,
    /// Longest time of a whole call, redirects included.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub total_timeout: DurationSetting,
    /// Most redirects that are followed; each is checked like the first address.
    #[schemars(range(max = 20))]
    pub redirects: usize,
    /// Largest answer, after decompression.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "1GiB"))]
    pub max_body: Size,
    /// Ports that may be called.
    pub ports: Vec<u16>,
    /// Whether loopback, link-local and private addresses may be called.
    pub allow_private: bool,
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            connect_timeout: DurationSetting::from_secs(5),
            idle_timeout: DurationSetting::from_secs(10),
            total_timeout: DurationSetting::from_secs(30),
            redirects: 5,
            max_body: Size::mib(5),
            ports: vec![80, 443],
            allow_private: false,
        }
    }
}
