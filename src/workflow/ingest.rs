//! Ingest: a run that is executed elsewhere reports here.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ids::{RunId, Seq, TenantId};

/// Events of one run, 1 to 1000, in order; all or none.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Whose.
    pub tenant: TenantId,
    /// The run; one that was started with `executor: "external"`.
    pub run: RunId,
    /// What happened.
    pub events: Vec<IngestEvent>,
}

/// One event; the keys of a run are unique, a repeated one is answered with its row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum IngestEvent {
    /// A node ended; each new key is a new visit.
    Node {
        /// 1 to 128 characters.
        key: String,
        /// A node of the run's definition.
        #[serde(rename = "nodeID")]
        node_id: String,
        /// `success` or `failed`.
        status: String,
        /// The node's output object.
        #[serde(default)]
        output: Option<Value>,
        /// Why it failed.
        #[serde(default)]
        error: Option<Value>,
        /// The whole user context after the node; absent: what the hub folds.
        #[serde(default, rename = "contextData")]
        context_data: Option<Map<String, Value>>,
        /// Index in the innermost loop.
        #[serde(default)]
        iteration: Option<i64>,
    },
    /// The run ended.
    Status {
        /// 1 to 128 characters.
        key: String,
        /// `COMPLETED`, `FAILED` or `CANCELLED`.
        status: String,
        /// The final user context.
        #[serde(default, rename = "contextData")]
        context_data: Option<Map<String, Value>>,
        /// The run's output.
        #[serde(default)]
        output: Option<Value>,
        /// Why it failed.
        #[serde(default)]
        error: Option<Value>,
    },
}

impl IngestEvent {
    /// Its key.
    pub fn key(&self) -> &str {
        match self {
            IngestEvent::Node { key, .. } | IngestEvent::Status { key, .. } => key,
        }
    }
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IngestResult {
    /// As it came.
    pub key: String,
    /// The row that it is.
    pub seq: Seq,
    /// The row was there before this request.
    pub duplicate: bool,
}
