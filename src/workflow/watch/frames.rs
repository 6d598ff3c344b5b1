//! What watchers see of a row, as frames. Pure.
//!
//! The bodies are those of `protocol::events`, member for member (a test reads them back); they are
//! written from the run's shared values instead of from a copy, because a context may have 4 MiB.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    delivery::Row,
    engine::{Fields, NodeUpdate, ProgressUpdate, RequestUpdate, StatusUpdate, Update},
    ids::{CollectionId, NodeId, RunId, Seq},
    protocol::{
        EventFrame, Json,
        events::{NodeStatus, Server, WireTime},
        frame::Frame,
    },
};

/// Where runs are watched.
pub(in crate::workflow) const NAMESPACE: &str = "/";

/// A row as frames.
#[derive(Debug, Clone)]
pub(in crate::workflow) struct Encoded {
    /// The row.
    pub(in crate::workflow) seq: Seq,
    /// For everybody.
    pub(in crate::workflow) frame: Option<Frame>,
    /// For those who asked for progress.
    pub(in crate::workflow) progress: Option<Frame>,
    /// For registrations, which make frames of their own of it.
    pub(in crate::workflow) row: Option<Arc<Row>>,
    /// For everybody, behind all others.
    pub(in crate::workflow) tail: Option<Frame>,
    /// Nothing follows it.
    pub(in crate::workflow) terminal: bool,
}

impl Encoded {
    fn new(seq: Seq) -> Self {
        Self { seq, frame: None, progress: None, row: None, tail: None, terminal: false }
    }

    /// The frames for a member without registrations.
    pub(in crate::workflow) fn for_member(self, progress: bool) -> impl Iterator<Item = Frame> {
        let progress = self.progress.filter(|_| progress);
        progress.into_iter().chain(self.frame).chain(self.tail)
    }

    /// Bytes of its frames.
    pub(in crate::workflow) fn cost(&self) -> usize {
        [&self.frame, &self.progress, &self.tail].into_iter().flatten().map(Frame::cost).sum()
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

    /// One row that was just committed, with all that it tells; each context is encoded once. `None`
    /// when it cannot be written as JSON, which no value of ours does.
    pub(in crate::workflow) fn row(&self, updates: Vec<Update>, at: Timestamp) -> Option<Encoded> {
        let mut encoded = Encoded::new(updates.first()?.seq());
        for update in updates {
            self.add(&mut encoded, &update, false, at)?;
        }
        Some(encoded)
    }

    /// What a row told; `replayed` when it happened before the join.
    pub(in crate::workflow) fn encode(&self, update: &Update, replayed: bool) -> Option<Encoded> {
        let mut encoded = Encoded::new(update.seq());
        self.add(&mut encoded, update, replayed, Timestamp::UNIX_EPOCH)?;
        Some(encoded)
    }

    fn add(&self, encoded: &mut Encoded, update: &Update, replayed: bool, at: Timestamp) -> Option<()> {
        self.try_add(encoded, update, replayed, at)
            .inspect_err(|error| {
                log::error!(run_id:% = self.run, seq:% = update.seq(); "an event cannot be written: {error}");
            })
            .ok()
    }

    fn try_add(
        &self,
        encoded: &mut Encoded,
        update: &Update,
        replayed: bool,
        at: Timestamp,
    ) -> Result<(), serde_json::Error> {
        let context = match update {
            Update::Node(node) => node.context.as_ref().map(Json::of).transpose()?,
            Update::Progress(_) | Update::Request(_) => None,
            Update::Status(status) => Some(Json::of(&status.context)?),
        };
        match update {
            Update::Node(node) => encoded.frame = Some(self.node(node, context.as_ref(), replayed)?),
            Update::Progress(progress) => encoded.progress = Some(self.progress(progress, replayed)?),
            Update::Request(request) => encoded.tail = Some(self.request(request, replayed)?),
            Update::Status(status) => {
                encoded.frame = Some(self.status(status, context.as_ref(), replayed)?);
                encoded.terminal = true;
            }
        }
        if !replayed && matches!(update, Update::Node(_) | Update::Status(_)) {
            let row = Row { run: self.run.clone(), at, update: update.clone(), context };
            encoded.row = Some(Arc::new(row));
        }
        Ok(())
    }

    fn node(
        &self,
        update: &NodeUpdate,
        context: Option<&Json>,
        replayed: bool,
    ) -> Result<Frame, serde_json::Error> {
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
            context_truncated: context.is_none(),
            duration_ms: update.duration_ms,
            iteration: update.iteration,
            replayed,
        };
        with_context(Server::NodeUpdate, &body, context)
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
            context_truncated: false,
            duration_ms: None,
            iteration: update.iteration,
            replayed,
        };
        // Without a context, never with an empty one: pages take that for the whole.
        with_context(Server::NodeUpdate, &body, None)
    }

    fn request(&self, update: &RequestUpdate, replayed: bool) -> Result<Frame, serde_json::Error> {
        let body = CollectionRequest {
            instance_id: &self.run,
            run_id: &self.run,
            node_id: &update.node,
            node_id_again: &update.node,
            collection_request_id: CollectionId::of(&self.run, &update.node, update.visit),
            collection_type: &update.request.collection_type,
            collection_config: &update.request.config,
            expires_at: update.expires_at.map(WireTime),
            seq: update.seq,
            iteration: update.iteration,
            replayed,
        };
        Frame::event(NAMESPACE, Server::CollectionRequest.as_str(), &body)
    }

    fn status(
        &self,
        update: &StatusUpdate,
        context: Option<&Json>,
        replayed: bool,
    ) -> Result<Frame, serde_json::Error> {
        let body = Status {
            instance_id: &self.run,
            run_id: &self.run,
            status: update.status.as_str(),
            seq: update.seq,
            output: update.output.as_ref(),
            error: update.error.as_deref(),
            error_code: update.error_code.as_deref(),
            completed_at: WireTime(update.completed_at),
            replayed,
        };
        with_context(Server::StatusUpdate, &body, context)
    }
}

/// The context comes last: it is a part that frames share.
fn with_context(
    event: Server,
    body: &impl Serialize,
    context: Option<&Json>,
) -> Result<Frame, serde_json::Error> {
    let mut frame = EventFrame::new(NAMESPACE, event.as_str())?;
    frame.open(body)?;
    if let Some(context) = context {
        frame.member("contextData", context);
    }
    frame.close();
    Ok(frame.finish())
}

fn not(value: &bool) -> bool {
    !value
}

/// `workflow_node_update`, borrowed, without its context.
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
    #[serde(skip_serializing_if = "not")]
    context_truncated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration: Option<u32>,
    #[serde(skip_serializing_if = "not")]
    replayed: bool,
}

/// `workflow_data_collection_request`, borrowed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CollectionRequest<'a> {
    #[serde(rename = "instanceID")]
    instance_id: &'a RunId,
    run_id: &'a RunId,
    #[serde(rename = "nodeID")]
    node_id: &'a NodeId,
    #[serde(rename = "nodeId")]
    node_id_again: &'a NodeId,
    #[serde(rename = "collectionRequestID")]
    collection_request_id: CollectionId,
    collection_type: &'a Arc<str>,
    collection_config: &'a Arc<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires_at: Option<WireTime>,
    seq: Seq,
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration: Option<u32>,
    #[serde(skip_serializing_if = "not")]
    replayed: bool,
}

/// `workflow_status_update`, borrowed, without its context.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(rename = "instanceID")]
    instance_id: &'a RunId,
    run_id: &'a RunId,
    status: &'a str,
    seq: Seq,
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
        engine::{Context, RunStatus},
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
        assert_eq!(encoded.clone().for_member(false).count(), 0);
        let (_, text) = body(Some(encoded));
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["status"], "suspended");
        assert!(value.get("contextData").is_none() && value.get("contextTruncated").is_none());
    }
}
