//! `[script]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Size};

/// JavaScript of nodes, run in worker processes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// Whether scripts run at all; if not, a node with one fails.
    pub enabled: bool,
    /// Longest time of a script that has no limit of its own.
    #[schemars(extend("x-min" = "10ms", "x-max" = "1h"))]
    pub timeout: DurationSetting,
    /// Most memory of a script.
    #[schemars(extend("x-min" = "4MiB", "x-max" = "384MiB"))]
    pub memory: Size,
    /// Most stack of a script.
    #[schemars(extend("x-min" = "64KiB", "x-max" = "4MiB"))]
    pub stack: Size,
    /// Longest source of a script.
    #[schemars(extend("x-min" = "1KiB", "x-max" = "16MiB"))]
    pub source: Size,
    /// Worker processes; 0 is half of the cores, at least 2.
    #[schemars(range(max = 256))]
    pub workers: usize,
    /// Most scripts that wait for a worker; beyond it BUSY is answered.
    #[schemars(range(min = 1, max = 100_000))]
    pub queue: usize,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            enabled: true,
            timeout: DurationSetting::from_secs(30),
            memory: Size::mib(128),
            stack: Size::kib(512),
            source: Size::kib(256),
            workers: 0,
            queue: 100,
        }
    }
}

impl Script {
    /// How many worker processes, on a machine with so many cores.
    pub fn worker_count(&self, cores: usize) -> usize {
        if self.workers == 0 { (cores / 2).max(2) } else { self.workers }
    }
}
