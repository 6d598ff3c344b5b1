//! `[delivery]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Size;

/// Outbound queues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Delivery {
    /// Most bytes that wait for one session; beyond it the session is closed as slow_client.
    #[schemars(extend("x-min" = "64KiB", "x-max" = "1GiB"))]
    pub queue_bytes: Size,
    /// Most frames that wait for one session; beyond it the session is closed as slow_client.
    #[schemars(range(min = 16, max = 1_000_000))]
    pub queue_frames: usize,
    /// Most bytes that wait for all sessions together; beyond it the fullest queues are cut.
    #[schemars(extend("x-min" = "1MiB"))]
    pub queue_bytes_total: Size,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { queue_bytes: Size::mib(4), queue_frames: 1000, queue_bytes_total: Size::mib(512) }
    }
}
