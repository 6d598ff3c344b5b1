//! What ops and tests see of an actor.

use std::time::Instant;

use jiff::Timestamp;
use serde::Serialize;

use super::guard::Exit;

/// State of one actor, as its registry knows it. Answered also when the child is stuck: then with
/// the last detail it gave and that detail's age.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Inspect {
    /// Kind of the actor: `run`, `room` …
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// `starting`, `alive`, `restarting`, `stopping` or `crash_looping`.
    pub state: &'static str,
    /// How often it was started again, for whatever reason, while its entry lives.
    pub restarts: u32,
    /// How it ended the last time.
    pub last_exit: Option<Exit>,
    /// Messages that wait for it, held or in its mailbox.
    pub queue: usize,
    /// Since when it is in this state.
    #[serde(serialize_with = "wire_time")]
    pub since: Timestamp,
    /// What the actor says about itself; null when it never answered.
    pub detail: serde_json::Value,
    /// Age of `detail` in milliseconds.
    pub detail_age_ms: Option<u64>,
}

fn wire_time<S: serde::Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&crate::clock::to_wire(*at))
}

/// The last thing a child said about itself.
#[derive(Debug, Clone)]
pub(super) struct Observation {
    pub(super) detail: serde_json::Value,
    pub(super) at: Instant,
}
