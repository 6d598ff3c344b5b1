//! What REST shows of runs (`contract.md` 4.5, 6.4).

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    ids::{RunId, Seq, TenantId, WorkflowId},
    store::tables::{ListPage, runs::RunStatus},
};

/// Which runs of a tenant.
#[derive(Debug, Clone)]
pub struct ListRuns {
    /// Whose.
    pub tenant: TenantId,
    /// Of this workflow only.
    pub workflow: Option<WorkflowId>,
    /// With this status only.
    pub status: Option<RunStatus>,
    /// Which part of the list.
    pub page: ListPage,
}

/// A part of the list of runs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunList {
    /// Latest start first.
    pub instances: Vec<RunRow>,
    /// Of the whole list.
    pub total_count: i64,
    /// As asked.
    pub page: u32,
    /// As asked, within its bounds.
    pub page_size: u32,
    /// For the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A run in a list. Times are wire times.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    /// The run.
    #[serde(rename = "instanceID")]
    pub instance_id: RunId,
    /// Of which workflow; null for a test of an unsaved graph.
    #[serde(rename = "workflowID")]
    pub workflow_id: Option<WorkflowId>,
    /// Its title when the run started.
    pub workflow_title: String,
    /// Where it is.
    pub status: &'static str,
    /// Its graph came in the request.
    pub is_test: bool,
    /// Accepted.
    pub started_at: String,
    /// Ended.
    pub completed_at: Option<String>,
}

/// The whole of a run (`contract.md` 6.4), without the envelope's `success`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// What lists show.
    #[serde(flatten)]
    pub row: RunRow,
    /// The user context: no key begins with `__`.
    pub context_data: Map<String, Value>,
    /// The end node's output.
    pub output: Option<Value>,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The last row that is in this answer.
    pub seq: Seq,
    /// Open data-collection requests.
    pub pending_requests: Vec<Value>,
    /// The run whose node started it.
    #[serde(rename = "parentInstanceID", skip_serializing_if = "Option::is_none")]
    pub parent_instance_id: Option<RunId>,
    /// All rows, oldest first.
    pub logs: Vec<LogView>,
}

/// A row of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// `<instanceID>:<seq>`.
    #[serde(rename = "logID")]
    pub log_id: String,
    /// Of which node; null for rows of the run.
    #[serde(rename = "nodeID")]
    pub node_id: Option<String>,
    /// `INPUT_SET`, `NODE_DISPATCHED` …
    pub event_type: String,
    /// `success`, `error`, `suspended` or null.
    pub node_status: Option<&'static str>,
    /// Under which the node's output is kept.
    pub output_variable: Option<String>,
    /// The row, without the hub's own keys.
    pub payload: Value,
    /// Why it failed.
    pub error_message: Option<String>,
    /// From 1.
    pub node_attempt: Option<u32>,
    /// When.
    pub created_at: String,
    /// Its place.
    pub seq: Seq,
}
