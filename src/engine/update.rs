//! What watchers see of a row.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    engine::{
        Completed, Context, Dispatched, Failed, Fields, OpenRequest, Request, RunEvent, RunState, RunStatus,
        Suspended,
        state::{NodeFacts, Phase, Seen},
    },
    ids::{Attempt, NodeId, Seq, Visit},
};

/// What watchers see of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// `workflow_node_update`, to everybody.
    Node(NodeUpdate),
    /// `workflow_node_update` with `running` or `suspended`, to who asked for progress.
    Progress(ProgressUpdate),
    /// `workflow_data_collection_request`, to everybody: a request was opened, or is the next one
    /// that waits. After whatever else its row has to show.
    Request(RequestUpdate),
    /// `workflow_status_update`, the last one.
    Status(StatusUpdate),
}

impl Update {
    /// The row it is of.
    pub fn seq(&self) -> Seq {
        match self {
            Self::Node(update) => update.seq,
            Self::Progress(update) => update.seq,
            Self::Request(update) => update.seq,
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

/// Somebody is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct RequestUpdate {
    /// The row it is sent at: that of its suspension, or the one that closed another request.
    pub seq: Seq,
    /// The node that asks.
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// Index in the innermost loop.
    pub iteration: Option<u32>,
    /// What it asks: `collectionType`, `collectionConfig`.
    pub request: Arc<Request>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
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

/// What watchers see of a row, in the order in which they see it: as a rule one thing or nothing.
/// `state` is the state right after it.
pub fn update(state: &RunState, event: &RunEvent, seq: Seq) -> Vec<Update> {
    match event {
        RunEvent::Completed(Completed { node, visit, .. }) | RunEvent::Failed(Failed { node, visit, .. }) => {
            // A row that ended no visit (an attempt that is tried again) left nothing to see.
            let facts = state.facts.nodes.get(node);
            let seen = facts.and_then(|facts| facts.seen.as_ref()).filter(|seen| seen.seq == seq);
            let Some(seen) = seen else { return Vec::new() };
            let context = seen.context.as_ref().unwrap_or_else(|| state.context()).clone();
            let mut updates = vec![Update::Node(ended(state, node, seen, context))];
            // A page shows one request: when that is closed, the next one comes again.
            if state.definition.node(node).is_some_and(|node| node.kind.asks()) {
                let open = state.open_requests().into_iter();
                let next = open.filter(|open| open.node != *node || open.visit != *visit).map(request).next();
                updates.extend(next.map(|next| Update::Request(RequestUpdate { seq, ..next })));
            }
            updates
        }
        RunEvent::Dispatched(Dispatched { node, .. }) | RunEvent::Suspended(Suspended { node, .. }) => {
            let facts = state.facts.nodes.get(node);
            let progress = facts.and_then(|facts| progress(state, node, facts));
            let mut updates: Vec<_> =
                progress.filter(|update| update.seq == seq).map(Update::Progress).into_iter().collect();
            if let RunEvent::Suspended(Suspended { request: Some(_), .. }) = event {
                let opened = state.open_requests().into_iter().find(|open| open.seq == seq);
                updates.extend(opened.map(request).map(Update::Request));
            }
            updates
        }
        RunEvent::Finished(_) => {
            status(state).filter(|update| update.seq == seq).map(Update::Status).into_iter().collect()
        }
        RunEvent::Started(_) | RunEvent::Input(_) | RunEvent::Iterated(_) | RunEvent::Snapshot(_) => {
            Vec::new()
        }
    }
}

fn request(open: OpenRequest) -> RequestUpdate {
    RequestUpdate {
        seq: open.seq,
        node: open.node,
        visit: open.visit,
        iteration: open.iteration,
        request: open.request,
        expires_at: open.expires_at,
    }
}

/// What a joiner without `since` sees: the last update of each node in the order of their rows
/// (with `progress` also of those at work), then the requests that wait for an answer, then the end,
/// if there is one.
pub fn joiner(state: &RunState, with_progress: bool) -> Vec<Update> {
    let mut seen: Vec<_> =
        state.facts.nodes.iter().filter_map(|(id, node)| Some((id, node.seen.as_ref()?))).collect();
    seen.sort_by_key(|(_, seen)| seen.seq);
    let mut replay = state.facts.told.replay();
    let mut updates: Vec<Update> = seen
        .into_iter()
        .map(|(id, seen)| {
            let context = seen.context.clone().unwrap_or_else(|| replay.at(seen.seq));
            Update::Node(ended(state, id, seen, context))
        })
        .collect();
    if with_progress && !state.status().is_terminal() {
        updates.extend(
            state.facts.nodes.iter().filter_map(|(id, node)| progress(state, id, node).map(Update::Progress)),
        );
        updates.sort_by_key(Update::seq);
    }
    updates.extend(state.open_requests().into_iter().map(request).map(Update::Request));
    updates.extend(status(state).map(Update::Status));
    updates
}

fn node_type(state: &RunState, node: &NodeId) -> Arc<str> {
    state.definition.node_type(node).cloned().unwrap_or_else(|| Arc::from(""))
}

fn ended(state: &RunState, node: &NodeId, seen: &Seen, context: Context) -> NodeUpdate {
    NodeUpdate {
        seq: seen.seq,
        node: node.clone(),
        node_type: node_type(state, node),
        success: seen.error.is_none(),
        output: seen.output.clone(),
        error: seen.error.as_ref().map(|error| error.message.clone()),
        error_code: seen.error.as_ref().map(|error| error.code.clone()),
        context: Some(context).filter(|context| context.bytes() <= state.limits.max_context_in_updates),
        output_variable: seen.output_variable.clone(),
        duration_ms: seen.duration_ms,
        visit: seen.visit,
        attempt: seen.attempt,
        iteration: seen.iteration,
    }
}

fn progress(state: &RunState, id: &NodeId, node: &NodeFacts) -> Option<ProgressUpdate> {
    let (attempt, suspended) = match node.phase {
        Phase::Running { attempt, .. } => (attempt, false),
        Phase::Suspended { attempt, .. } => (attempt, true),
        Phase::Looping(ref looping) => (looping.attempt, false),
        Phase::Retrying { .. } | Phase::Done { .. } | Phase::Failed { .. } | Phase::Discarded { .. } => {
            return None;
        }
    };
    Some(ProgressUpdate {
        seq: node.moved,
        node: id.clone(),
        node_type: node_type(state, id),
        suspended,
        visit: node.visit,
        attempt,
        iteration: node.iteration,
    })
}

fn status(state: &RunState) -> Option<StatusUpdate> {
    let (seq, finished) = state.finished()?;
    Some(StatusUpdate {
        seq,
        status: finished.status,
        context: state.context().clone(),
        output: finished.output.clone(),
        error: finished.error.clone(),
        error_code: finished.error_code.clone(),
        completed_at: finished.at,
    })
}
