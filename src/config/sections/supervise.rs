//! `[supervise]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{DurationSetting, Rate};

/// Actors: mailboxes, restarts, passivation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Supervise {
    /// Most messages that wait for one actor, and most that are held while it restarts; beyond it
    /// BUSY is answered.
    #[schemars(range(min = 16, max = 1_000_000))]
    pub mailbox: usize,
    /// Longest wait of a command for its actor's answer.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub command_deadline: DurationSetting,
    /// An actor that has been busy with one message for so long is logged.
    #[schemars(extend("x-min" = "100ms", "x-max" = "10m"))]
    pub stall_alarm: DurationSetting,
    /// An actor that has been busy with one message for so long is replaced from the journal.
    #[schemars(extend("x-min" = "200ms", "x-max" = "1h"))]
    pub replace_after: DurationSetting,
    /// Restarts of one actor at once; beyond it the actor is crash_looping and waits between
    /// restarts, twice as long each time.
    pub restart_intensity: Rate,
    /// Longest wait between two restarts of a crash looping actor.
    #[schemars(extend("x-min" = "100ms", "x-max" = "1h"))]
    pub backoff_max: DurationSetting,
    /// A message at which the actor died so many times is dropped, with an error to its sender.
    #[schemars(range(min = 1, max = 100))]
    pub poison_after: usize,
    /// An actor without work and without messages for so long is stopped; the next message brings it
    /// back from the journal.
    #[schemars(extend("x-min" = "100ms", "x-max" = "7d"))]
    pub passivate_after: DurationSetting,
}

impl Default for Supervise {
    fn default() -> Self {
        Self {
            mailbox: 1024,
            command_deadline: DurationSetting::from_secs(10),
            stall_alarm: DurationSetting::from_secs(5),
            replace_after: DurationSetting::from_secs(10),
            restart_intensity: Rate::each(5, std::time::Duration::from_secs(10)),
            backoff_max: DurationSetting::from_secs(30),
            poison_after: 3,
            passivate_after: DurationSetting::from_secs(300),
        }
    }
}
