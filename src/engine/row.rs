//! Events as journal rows, and rows as REST shows them.

use std::fmt;

use serde_json::{Map, Value};

use crate::{
    engine::RunEvent,
    ids::{Attempt, NodeId},
};

/// The kinds of a run's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// `INPUT_SET`
    InputSet,
    /// `NODE_DISPATCHED`
    NodeDispatched,
    /// `NODE_COMPLETED`
    NodeCompleted,
    /// `NODE_FAILED`
    NodeFailed,
    /// `NODE_SUSPENDED`
    NodeSuspended,
    /// `SYSTEM_SET`
    SystemSet,
}

impl RowKind {
    /// Spelling in the journal and in REST (`eventType`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InputSet => "INPUT_SET",
            Self::NodeDispatched => "NODE_DISPATCHED",
            Self::NodeCompleted => "NODE_COMPLETED",
            Self::NodeFailed => "NODE_FAILED",
            Self::NodeSuspended => "NODE_SUSPENDED",
            Self::SystemSet => "SYSTEM_SET",
        }
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row that no build of ours wrote.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Not one of the six.
    #[error("no run has rows of the kind {0:?}")]
    Kind(String),
    /// The payload does not fit the kind.
    #[error("the payload of a {kind} row does not fit: {source}")]
    Payload {
        /// The kind.
        kind: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

/// A row as REST shows it in `logs` (`contract.md` 6.4), without `logID` and `createdAt`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// `eventType`.
    pub kind: RowKind,
    /// `nodeID`.
    pub node: Option<NodeId>,
    /// `nodeStatus`: `success`, `error`, `suspended`.
    pub node_status: Option<&'static str>,
    /// `outputVariable`.
    pub output_variable: Option<String>,
    /// `payload`: what the row adds to the user context, so that their fold is `contextData`.
    pub payload: Map<String, Value>,
    /// `errorMessage`.
    pub error: Option<String>,
    /// `nodeAttempt`.
    pub attempt: Option<Attempt>,
}

impl RunEvent {
    /// The kind of its row.
    pub fn kind(&self) -> RowKind {
        match self {
            Self::Started(_) => RowKind::InputSet,
            Self::Dispatched(_) => RowKind::NodeDispatched,
            Self::Completed(_) => RowKind::NodeCompleted,
            Self::Failed(_) => RowKind::NodeFailed,
            Self::Finished(finished) if finished.status == super::RunStatus::Failed => RowKind::NodeFailed,
            Self::Suspended(_) => RowKind::NodeSuspended,
            Self::Finished(_) | Self::Snapshot(_) => RowKind::SystemSet,
        }
    }
    /// The payload of its row, JSON text.
    pub fn payload(&self) -> String {
        String::new()
    }
    /// Reads a row back.
    pub fn from_row(kind: &str, payload: &str) -> Result<Self, RowError> {
        let _ = payload;
        Err(RowError::Kind(kind.to_owned()))
    }
    /// The row as REST shows it; `None` for rows that only the hub needs (snapshots).
    pub fn log_row(&self) -> Option<LogRow> {
        None
    }
}
