//! `[chat]`, `[retention]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::DurationSetting;

/// Chat rooms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Chat {
    /// Who joins without naming a room comes back into the last one in which something was said
    /// within this time; else a new room is made.
    #[schemars(extend("x-min" = "0s", "x-max" = "3650d"))]
    pub resume_window: DurationSetting,
    /// Most people of a room beside its owner.
    #[schemars(range(min = 0, max = 10_000))]
    pub max_members: usize,
    /// Most rooms of one user in a tenant, archived ones included; then RATE_LIMITED.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub rooms_per_user: usize,
}

impl Default for Chat {
    fn default() -> Self {
        Self { resume_window: DurationSetting::from_secs(86_400), max_members: 50, rooms_per_user: 1000 }
    }
}

/// How long things are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// A chat room in which nothing was said for so long is removed with its journal. 0s: never.
    #[schemars(extend("x-min" = "0s", "x-max" = "3650d"))]
    pub chat: DurationSetting,
}

impl Default for Retention {
    fn default() -> Self {
        Self { chat: DurationSetting::from_secs(365 * 86_400) }
    }
}
