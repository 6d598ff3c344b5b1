//! What happened in a run: one event is one journal row (`row` has their spelling).

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    engine::{Fields, state::Facts},
    ids::{ApiKeyId, Attempt, NodeId, UserId, Visit, WidgetId},
};

/// Where a run is. Terminal ones never change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
#[serde(rename_all = "UPPERCASE")]
pub enum RunStatus {
    /// Accepted, not started.
    #[default]
    Pending,
    /// Started.
    Running,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Ended on request.
    Cancelled,
}

impl RunStatus {
    /// Spelling on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
    /// Nothing follows it.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

impl fmt::Display for RunStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a node failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeError {
    /// A stable code (`JS_ERROR`, `NODE_TIMEOUT` …).
    pub code: String,
    /// For people.
    pub message: String,
    /// The kind of error in the words of who raised it (`TypeError`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl NodeError {
    /// From a code of the table.
    pub fn new(code: crate::error::Code, message: impl Into<String>) -> Self {
        Self { code: code.as_str().to_owned(), message: message.into(), name: None }
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run began. `INPUT_SET`.
    Started(Started),
    /// An attempt begins. `NODE_DISPATCHED`.
    Dispatched(Dispatched),
    /// A visit ended well. `NODE_COMPLETED`.
    Completed(Completed),
    /// An attempt failed. `NODE_FAILED`.
    Failed(Failed),
    /// A visit waits for a time or an answer. `NODE_SUSPENDED`.
    Suspended(Suspended),
    /// A widget said something. `SYSTEM_SET`.
    Input(InputSet),
    /// A loop goes to an item. `SYSTEM_SET`.
    Iterated(Iterated),
    /// The run ended. `SYSTEM_SET`; `NODE_FAILED` with `nodeID` null when it failed.
    Finished(Finished),
    /// The state at this row, so that a recovery may begin here. `SYSTEM_SET`.
    Snapshot(Box<Facts>),
}

/// The run began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Started {
    /// The resolved inputs.
    pub input: Arc<Value>,
    /// When.
    #[serde(rename = "__at")]
    pub at: Timestamp,
    /// When the run is too old; none for an external one.
    #[serde(rename = "__dueAt", default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<Timestamp>,
    /// Executed elsewhere.
    #[serde(rename = "__external", default, skip_serializing_if = "std::ops::Not::not")]
    pub external: bool,
    /// How many runs are above it: 0 unless it is the child of another.
    #[serde(rename = "__subDepth", default, skip_serializing_if = "is_zero")]
    pub depth: u32,
    /// The definition, if it is stored nowhere else.
    #[serde(rename = "__workflowDefinition", default, skip_serializing_if = "Option::is_none")]
    pub definition: Option<Arc<Value>>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
fn is_zero(depth: &u32) -> bool {
    *depth == 0
}

/// An attempt begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dispatched {
    /// The node.
    #[serde(rename = "nodeID")]
    pub node: NodeId,
    /// Arrival at it, over the whole run.
    pub visit: Visit,
    /// Try of the visit.
    pub attempt: Attempt,
    /// Index in the innermost loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// When.
    pub at: Timestamp,
    /// Longest time of the attempt; none when nothing is dispatched to the world.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_ms: Option<u64>,
}

/// A visit ended well.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completed {
    /// The node.
    #[serde(rename = "nodeID")]
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The attempt that brought the result.
    pub attempt: Attempt,
    /// Index in the innermost loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// The handles taken; none of an end node.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub handles: Vec<Arc<str>>,
    /// Where the result goes in the context; none = nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_variable: Option<Arc<str>>,
    /// Which member of the output goes there, when it is not the one of that name (an end node's
    /// `workflowOutput`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_member: Option<Arc<str>>,
    /// The node's output object.
    pub output: Fields,
    /// Members of the output that go into the context, before its own variable (`mergeOutputs`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<Arc<str>>,
    /// The answer that it waited for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answered: Option<Box<Answered>>,
    /// The whole user context after it, when an external executor told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_data: Option<Fields>,
    /// From the visit's first dispatch, waits included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

impl Completed {
    /// A node in a loop's body: what it gives stays in its pass. Handles are of runs of the hub, and
    /// an end node, which takes none, answers for the whole run.
    pub(in crate::engine) fn stays_inside(&self) -> bool {
        self.iteration.is_some() && !self.handles.is_empty()
    }
}

/// What follows a failed attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Then {
    /// Another attempt at that time.
    Retry(Timestamp),
    /// The visit is over; the run goes on at these handles.
    Handled(Vec<Arc<str>>),
    /// The visit is over, and so is the pass of the loop around it.
    Item {
        /// Its result is left out.
        skip: bool,
    },
    /// The visit is over, and so is the run (its end is the next row). Of an external run: only
    /// the visit.
    Unhandled,
}

/// An attempt failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// The node.
    #[serde(rename = "nodeID")]
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The attempt.
    pub attempt: Attempt,
    /// Index in the innermost loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// Why.
    pub error: NodeError,
    /// What follows.
    pub then: Then,
    /// Set to null in the context when handled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_variable: Option<Arc<str>>,
    /// The output object that watchers see.
    pub output: Fields,
    /// The whole user context after it, when an external executor told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_data: Option<Fields>,
    /// From the visit's first dispatch, waits included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<u64>,
}

/// A visit waits: for a time, for an answer, or for whichever comes first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Suspended {
    /// The node.
    #[serde(rename = "nodeID")]
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The attempt.
    pub attempt: Attempt,
    /// Index in the innermost loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// When it goes on by itself; none = never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How long it waits; 0 without an end.
    pub wait_ms: u64,
    /// What it asks somebody for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Arc<Request>>,
}

/// What a visit asks somebody for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `form`, `api`, `approval`.
    pub collection_type: Arc<str>,
    /// `collectionConfig` of event 3.5.
    pub config: Arc<Value>,
}

/// Who answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Submitter {
    /// The user (of an API key its creator).
    #[serde(rename = "userID", default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The API key, if one was used.
    #[serde(rename = "apiKeyID", default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKeyId>,
    /// The user's address, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// The answer that completed a visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answered {
    /// Whose.
    pub by: Submitter,
    /// As it was given; none = it is the visit's result itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Arc<Value>>,
}

/// A widget said something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputSet {
    /// Which widget.
    #[serde(rename = "widgetID")]
    pub widget: WidgetId,
    /// `form_submit`, `filter_change` …
    pub input_type: String,
    /// Whatever it is.
    pub data: Arc<Value>,
    /// When, as a wire time.
    pub timestamp: String,
}

/// A loop goes to an item: at once, or (`until`) after a wait whose end is a row of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Iterated {
    /// The loop.
    #[serde(rename = "nodeID")]
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The item, from 0.
    pub iteration: u32,
    /// When its turn comes, if that is not now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How the pass before it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass: Option<Pass>,
}

/// How a pass of a loop's body ended, and so what its result is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Pass {
    /// With what that node left: its single domain value, else its output.
    Of(NodeId),
    /// That node failed: `{ success: false, error }`.
    Failed(NodeId),
    /// That node failed, and the result is left out.
    Skipped(NodeId),
    /// Nothing of it was carried out: null.
    Empty,
}

/// The run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    /// A terminal status.
    pub status: RunStatus,
    /// When.
    pub at: Timestamp,
    /// The end node's `workflowOutput`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Arc<Value>>,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why, stable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The whole user context, when an external executor told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_data: Option<Fields>,
}
