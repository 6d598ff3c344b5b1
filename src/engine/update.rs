//! What watchers see of a row.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    engine::{Context, Fields, RunEvent, RunState, RunStatus},
    ids::{Attempt, NodeId, Seq, Visit},
};

/// What watchers see of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// `workflow_node_update`, to everybody.
    Node(NodeUpdate),
    /// `workflow_node_update` with `running` or `suspended`, to who asked for progress.
    Progress(ProgressUpdate),
    /// `workflow_status_update`, the last one.
    Status(StatusUpdate),
}

impl Update {
    /// The row it is of.
    pub fn seq(&self) -> Seq {
        match self {
            Self::Node(update) => update.seq,
            Self::Progress(update) => update.seq,
            Self::Status(update) => update.seq,
        }
    }
}

/// A visit ended.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeUpdate {
    /// The row.
    pub seq: Seq,
    /// The node.
    pub node: NodeId,
    /// Its type (`javascript`); empty when the definition has no such node.
    pub node_type: Arc<str>,
    /// `success` or `failed`.
    pub success: bool,
    /// The output object.
    pub output: Fields,
    /// Present exactly when failed.
    pub error: Option<String>,
    /// The failure's code.
    pub error_code: Option<String>,
    /// User context right after the row; `None` = left out because it is too large
    /// (`contextTruncated`).
    pub context: Option<Context>,
    /// Where the result went.
    pub output_variable: Option<Arc<str>>,
    /// From the visit's first dispatch.
    pub duration_ms: Option<u64>,
    /// The visit.
    pub visit: Visit,
    /// The attempt that ended it.
    pub attempt: Attempt,
    /// Index in the innermost loop.
    pub iteration: Option<u32>,
}

/// A visit is at work, or waits.
#[derive(Debug, Clone, PartialEq)]
pub struct ProgressUpdate {
    /// The row.
    pub seq: Seq,
    /// The node.
    pub node: NodeId,
    /// Its type.
    pub node_type: Arc<str>,
    /// `suspended`, else `running`.
    pub suspended: bool,
    /// The visit.
    pub visit: Visit,
    /// The attempt.
    pub attempt: Attempt,
    /// Index in the innermost loop.
    pub iteration: Option<u32>,
}

/// The run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StatusUpdate {
    /// The row.
    pub seq: Seq,
    /// A terminal status.
    pub status: RunStatus,
    /// Final user context, whole.
    pub context: Context,
    /// The end node's `workflowOutput`.
    pub output: Option<Arc<Value>>,
    /// Why it failed.
    pub error: Option<String>,
    /// The same, stable.
    pub error_code: Option<String>,
    /// When.
    pub completed_at: Timestamp,
}

/// What watchers see of a row; `state` is the state right after it.
pub fn update(state: &RunState, event: &RunEvent, seq: Seq) -> Option<Update> {
    let _ = (state, event, seq);
    None
}

/// What a joiner without `since` sees: the last update of each node in the order of their rows
/// (with `progress` also of those at work), then the end, if there is one.
pub fn joiner(state: &RunState, progress: bool) -> Vec<Update> {
    let _ = (state, progress);
    Vec::new()
}
