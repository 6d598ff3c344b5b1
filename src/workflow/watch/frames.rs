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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        engine::RunStatus,
        ids::{Attempt, Visit},
        protocol::events,
    };
    use serde_json::json;

    fn body(encoded: Option<Encoded>) -> (String, String) {
        let encoded = encoded.unwrap();
        let frame = encoded.frame.or(encoded.progress).unwrap();
        let bytes = frame.websocket().clone();
        let start = bytes.iter().position(|byte| *byte == b'[').unwrap();
        let (name, body): (String, Box<serde_json::value::RawValue>) =
            serde_json::from_slice(&bytes[start..]).unwrap();
        (name, body.get().to_owned())
    }

    fn node() -> NodeUpdate {
        NodeUpdate {
            seq: Seq(5),
            node: NodeId::trusted("n2"),
            node_type: Arc::from("javascript"),
            success: false,
            output: Fields::new().with("jsResult", Value::Null).with("success", false),
            error: Some("no".to_owned()),
            error_code: Some("JS_ERROR".to_owned()),
            context: Some(Context::new(Fields::new().with("input", json!({"x": 1})))),
            output_variable: Some(Arc::from("jsResult")),
            duration_ms: Some(7),
            visit: Visit(1),
            attempt: Attempt(2),
            iteration: Some(3),
        }
    }

    #[test]
    fn bodies_are_the_events_of_the_contract() {
        let encoder = Encoder::new(&RunId::trusted("i1"));
        let (name, text) = body(encoder.encode(&Update::Node(node()), true));
        assert_eq!(name, "workflow_node_update");
        let read: events::NodeUpdate = serde_json::from_str(&text).unwrap();
        assert_eq!(read.instance_id, read.run_id);
        assert_eq!((read.node_id.as_str(), read.seq, read.status), ("n2", Seq(5), NodeStatus::Failed));
        assert_eq!(read.context_data.as_deref().unwrap()["input"], json!({"x": 1}));
        assert_eq!((read.node_attempt, read.duration_ms, read.iteration), (Some(2), Some(7), Some(3)));
        assert!(read.replayed && !read.context_truncated);
        let again = serde_json::to_value(&read).unwrap();
        let ours: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(again, ours, "no member that the type does not have");

        let status = StatusUpdate {
            seq: Seq(9),
            status: RunStatus::Completed,
            context: Context::new(Fields::new().with("output", json!({"total": 42}))),
            output: Some(Arc::new(json!({"total": 42}))),
            error: None,
            error_code: None,
            completed_at: jiff::Timestamp::UNIX_EPOCH,
        };
        let (name, text) = body(encoder.encode(&Update::Status(status), false));
        assert_eq!(name, "workflow_status_update");
        let read: events::StatusUpdate = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), serde_json::from_str::<Value>(&text).unwrap());
        assert!(!text.contains("replayed"));
    }

    #[test]
    fn a_context_that_is_too_large_is_left_out_and_never_empty() {
        let encoder = Encoder::new(&RunId::trusted("i1"));
        let update = NodeUpdate { context: None, ..node() };
        let (_, text) = body(encoder.encode(&Update::Node(update), false));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["contextTruncated"], true);
        assert!(value.get("contextData").is_none());
        let progress = ProgressUpdate {
            seq: Seq(4),
            node: NodeId::trusted("n"),
            node_type: Arc::from("delay"),
            suspended: true,
            visit: Visit(1),
            attempt: Attempt(1),
            iteration: None,
        };
        let encoded = encoder.encode(&Update::Progress(progress), false).unwrap();
        assert!(encoded.clone().for_member(false).is_none());
        let (_, text) = body(Some(encoded));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["status"], "suspended");
        assert!(value.get("contextData").is_none() && value.get("contextTruncated").is_none());
    }
}
