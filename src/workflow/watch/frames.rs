//! What watchers see of a row, as frames. Pure.
//!
//! The bodies are those of `protocol::events`, member for member (a test reads them back); they are
//! written from the run's shared values instead of from a copy, because a context may have 4 MiB.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::{
    engine::{Context, Fields, NodeUpdate, ProgressUpdate, StatusUpdate, Update},
    ids::{NodeId, RunId, Seq},
    protocol::{
        events::{NodeStatus, Server, WireTime},
        frame::Frame,
    },
};

/// Where runs are watched.
pub(in crate::workflow) const NAMESPACE: &str = "/";

/// A row as frames; at most one of them.
#[derive(Debug, Clone)]
pub(in crate::workflow) struct Encoded {
    /// The row.
    pub(in crate::workflow) seq: Seq,
    /// For everybody.
    pub(in crate::workflow) frame: Option<Frame>,
    /// For those who asked for progress.
    pub(in crate::workflow) progress: Option<Frame>,
    /// Nothing follows it.
    pub(in crate::workflow) terminal: bool,
}

impl Encoded {
    /// The frame for a member, if the row has one for it.
    pub(in crate::workflow) fn for_member(self, progress: bool) -> Option<Frame> {
        self.frame.or(self.progress.filter(|_| progress))
    }
}

/// Makes frames of one run.
#[derive(Debug, Clone)]
pub(in crate::workflow) struct Encoder {
    run: RunId,
}

impl Encoder {
    pub(in crate::workflow) fn new(run: &RunId) -> Self {
        Self { run: run.clone() }
    }

    /// A row; `replayed` when it happened before the join. `None` when it cannot be written as JSON,
    /// which no value of ours does.
    pub(in crate::workflow) fn encode(&self, update: &Update, replayed: bool) -> Option<Encoded> {
        let seq = update.seq();
        let frame = match update {
            Update::Node(node) => self.node(node, replayed),
            Update::Progress(progress) => self.progress(progress, replayed),
            Update::Status(status) => self.status(status, replayed),
        };
        let frame = match frame {
            Ok(frame) => Some(frame),
            Err(error) => {
                log::error!(run_id:% = self.run, seq:% = seq; "an event cannot be written: {error}");
                return None;
            }
        };
        let terminal = matches!(update, Update::Status(_));
        Some(match update {
            Update::Progress(_) => Encoded { seq, frame: None, progress: frame, terminal },
            Update::Node(_) | Update::Status(_) => Encoded { seq, frame, progress: None, terminal },
        })
    }

    fn node(&self, update: &NodeUpdate, replayed: bool) -> Result<Frame, serde_json::Error> {
        let body = Node {
            instance_id: &self.run,
            run_id: &self.run,
            node_id: &update.node,
            node_id_again: &update.node,
            status: if update.success { NodeStatus::Success } else { NodeStatus::Failed },
            seq: update.seq,
            node_type: (!update.node_type.is_empty()).then_some(&update.node_type),
            node_attempt: Some(update.attempt.0),
            output_variable: update.output_variable.as_ref(),
            output: &update.output,
            error: update.error.as_deref(),
            error_code: update.error_code.as_deref(),
            context_data: update.context.as_ref(),
            context_truncated: update.context.is_none(),
            duration_ms: update.duration_ms,
            iteration: update.iteration,
            replayed,
        };
        Frame::event(NAMESPACE, Server::NodeUpdate.as_str(), &body)
    }

    fn progress(&self, update: &ProgressUpdate, replayed: bool) -> Result<Frame, serde_json::Error> {
        let none = Fields::new();
        let body = Node {
            instance_id: &self.run,
            run_id: &self.run,
            node_id: &update.node,
            node_id_again: &update.node,
            status: if update.suspended { NodeStatus::Suspended } else { NodeStatus::Running },
            seq: update.seq,
            node_type: (!update.node_type.is_empty()).then_some(&update.node_type),
            node_attempt: Some(update.attempt.0),
            output_variable: None,
            output: &none,
            error: None,
            error_code: None,
            // Absent, never empty: pages take an empty object for the whole context.
            context_data: None,
            context_truncated: false,
            duration_ms: None,
            iteration: update.iteration,
            replayed,
        };
        Frame::event(NAMESPACE, Server::NodeUpdate.as_str(), &body)
    }

    fn status(&self, update: &StatusUpdate, replayed: bool) -> Result<Frame, serde_json::Error> {
        let body = Status {
            instance_id: &self.run,
            run_id: &self.run,
            status: update.status.as_str(),
            seq: update.seq,
            context_data: &update.context,
            output: update.output.as_ref(),
            error: update.error.as_deref(),
            error_code: update.error_code.as_deref(),
            completed_at: WireTime(update.completed_at),
            replayed,
        };
        Frame::event(NAMESPACE, Server::StatusUpdate.as_str(), &body)
    }
}

fn not(value: &bool) -> bool {
    !value
}

/// `workflow_node_update`, borrowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    #[serde(rename = "instanceID")]
    instance_id: &'a RunId,
    run_id: &'a RunId,
    #[serde(rename = "nodeID")]
    node_id: &'a NodeId,
    #[serde(rename = "nodeId")]
    node_id_again: &'a NodeId,
    status: NodeStatus,
    seq: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_type: Option<&'a Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_variable: Option<&'a Arc<str>>,
    output: &'a Fields,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_data: Option<&'a Context>,
    #[serde(skip_serializing_if = "not")]
    context_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration: Option<u32>,
    #[serde(skip_serializing_if = "not")]
    replayed: bool,
}

/// `workflow_status_update`, borrowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(rename = "instanceID")]
    instance_id: &'a RunId,
    run_id: &'a RunId,
    status: &'a str,
    seq: Seq,
    context_data: &'a Context,
    output: Option<&'a Arc<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
    completed_at: WireTime,
    #[serde(skip_serializing_if = "not")]
    replayed: bool,
}
