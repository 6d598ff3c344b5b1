//! What the rows of a run say.

use std::{collections::BTreeMap, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{context::Told, looping::Looping};
use crate::{
    engine::{Context, Fields, Finished, NodeError, Request, RunStatus},
    ids::{Attempt, NodeId, Seq, Visit},
};

/// The fold itself; serialised into snapshot rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// The last row.
    pub(in crate::engine) seq: Seq,
    /// The last snapshot row.
    pub(in crate::engine) snapshot: Seq,
    /// About as many bytes as that one has; until the next one as many others are written.
    #[serde(default)]
    pub(in crate::engine) snapshot_bytes: u64,
    /// [`Facts::journal_bytes`] at that one.
    #[serde(default)]
    pub(in crate::engine) bytes_before: u64,
    pub(in crate::engine) status: RunStatus,
    pub(in crate::engine) external: bool,
    pub(in crate::engine) started_at: Option<Timestamp>,
    pub(in crate::engine) due_at: Option<Timestamp>,
    /// Nodes that were reached; shared, so that a copy of the state costs a pointer each.
    pub(in crate::engine) nodes: BTreeMap<NodeId, Arc<NodeFacts>>,
    pub(in crate::engine) told: Told,
    /// `__error` and what else code sees.
    pub(in crate::engine) internal: Fields,
    pub(in crate::engine) finished: Option<(Seq, Finished)>,
    /// About as many bytes as the rows have.
    pub(in crate::engine) journal_bytes: u64,
    /// In a snapshot row only: each value once, the others are places in it (`state/pack.rs`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::engine) values: Vec<Arc<Value>>,
}

/// One node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct NodeFacts {
    /// The last arrival.
    pub(in crate::engine) visit: Visit,
    pub(in crate::engine) iteration: Option<u32>,
    /// When that visit was dispatched first.
    pub(in crate::engine) since: Option<Timestamp>,
    /// The row of the last dispatch or suspension.
    pub(in crate::engine) moved: Seq,
    pub(in crate::engine) phase: Phase,
    /// The last visit that ended.
    pub(in crate::engine) seen: Option<Seen>,
}

/// Where the last visit is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) enum Phase {
    /// An attempt is at work; without a timeout it never left `decide`.
    Running { attempt: Attempt, timeout_ms: Option<u64> },
    /// It waits for a time, for the answer to its request, or for whichever comes first.
    Suspended {
        attempt: Attempt,
        until: Option<Timestamp>,
        wait_ms: u64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        request: Option<Arc<Request>>,
    },
    /// An attempt failed; this one comes next.
    Retrying { attempt: Attempt, at: Timestamp },
    /// A loop that goes through its items.
    Looping(Box<Looping>),
    /// The pass of the loop around it was given up at that row, and with it what was there.
    Discarded { at: Seq, was: Box<Phase> },
    /// It ended well and went on there.
    Done { handles: Vec<Arc<str>> },
    /// It failed; `None` = nothing handled it.
    Failed { handles: Option<Vec<Arc<str>>> },
}

/// What a visit left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Seen {
    pub(in crate::engine) seq: Seq,
    pub(in crate::engine) visit: Visit,
    pub(in crate::engine) attempt: Attempt,
    pub(in crate::engine) iteration: Option<u32>,
    pub(in crate::engine) output: Fields,
    /// `None` = success.
    pub(in crate::engine) error: Option<NodeError>,
    pub(in crate::engine) output_variable: Option<Arc<str>>,
    pub(in crate::engine) duration_ms: Option<u64>,
    /// The context right after it, when it is none that the run's history tells: of an external run,
    /// or of a pass of a loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::engine) context: Option<Context>,
}
