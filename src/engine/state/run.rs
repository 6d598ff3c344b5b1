//! A run: its facts beside its definition and bounds.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    engine::{
        Context, Definition, Fields, Finished, Limits, Request, RunStatus,
        rules::goes_on,
        state::{Facts, Phase, looping::Stage},
    },
    ids::{Attempt, NodeId, Seq, Visit},
};

/// A run. A clone copies pointers, not values.
#[derive(Debug, Clone)]
pub struct RunState {
    pub(in crate::engine) definition: Arc<Definition>,
    pub(in crate::engine) limits: Arc<Limits>,
    pub(in crate::engine) facts: Facts,
}

/// A visit that is at work or waits.
#[derive(Debug, Clone, PartialEq)]
pub struct Active {
    /// The node.
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The attempt; of a visit between two attempts the next one.
    pub attempt: Attempt,
    /// Index in the innermost loop.
    pub iteration: Option<u32>,
    /// When it goes on by itself; `None` = an attempt is at work, or it waits for an answer only.
    pub until: Option<Timestamp>,
    /// Nothing is at work for it.
    pub waits: bool,
}

/// A request that waits for its answer.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenRequest {
    /// The row of its suspension.
    pub seq: Seq,
    /// The node that asks.
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// Index in the innermost loop.
    pub iteration: Option<u32>,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// What it asks.
    pub request: Arc<Request>,
}

impl RunState {
    /// Before the first row.
    pub fn new(definition: Arc<Definition>, limits: Arc<Limits>) -> Self {
        Self { definition, limits, facts: Facts::default() }
    }
    /// What it runs.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }
    /// The last row.
    pub fn seq(&self) -> Seq {
        self.facts.seq
    }
    /// Where it is.
    pub fn status(&self) -> RunStatus {
        self.facts.status
    }
    /// Executed elsewhere.
    pub fn is_external(&self) -> bool {
        self.facts.external
    }
    /// The user context now.
    pub fn context(&self) -> &Context {
        self.facts.told.now()
    }
    /// Why and how it ended, with the row of the end.
    pub fn finished(&self) -> Option<(Seq, &Finished)> {
        self.facts.finished.as_ref().map(|(seq, finished)| (*seq, finished))
    }
    /// The run's output, once it has one.
    pub fn output(&self) -> Option<&Arc<Value>> {
        self.facts.finished.as_ref().and_then(|(_, finished)| finished.output.as_ref())
    }
    /// When it was started.
    pub fn started_at(&self) -> Option<Timestamp> {
        self.facts.started_at
    }
    /// The output of a node's last visit that ended.
    pub fn node_output(&self, node: &NodeId) -> Option<&Fields> {
        self.facts.nodes.get(node).and_then(|node| node.seen.as_ref()).map(|seen| &seen.output)
    }
    /// What is at work or waits, by node id; nothing once the run is over.
    pub fn active(&self) -> Vec<Active> {
        if self.facts.status.is_terminal() {
            return Vec::new();
        }
        let nodes = self.facts.nodes.iter();
        nodes
            .filter_map(|(id, node)| {
                let (attempt, until, waits) = match &node.phase {
                    Phase::Running { attempt, .. } => (*attempt, None, false),
                    Phase::Suspended { attempt, until, .. } => (*attempt, *until, true),
                    Phase::Retrying { attempt, at } => (*attempt, Some(*at), true),
                    Phase::Looping(looping) => match looping.stage {
                        Stage::Pause { until } => (looping.attempt, Some(until), true),
                        Stage::Pass { .. } => return None,
                    },
                    Phase::Done { .. } | Phase::Failed { .. } | Phase::Discarded { .. } => return None,
                };
                Some(Active {
                    node: id.clone(),
                    visit: node.visit,
                    attempt,
                    iteration: node.iteration,
                    until,
                    waits,
                })
            })
            .collect()
    }
    /// Requests that wait for an answer, oldest first; none once the run is over.
    pub fn open_requests(&self) -> Vec<OpenRequest> {
        if self.facts.status.is_terminal() {
            return Vec::new();
        }
        let open = self.facts.nodes.iter().filter_map(|(id, node)| match &node.phase {
            Phase::Suspended { until, request: Some(request), .. } => Some(OpenRequest {
                seq: node.moved,
                node: id.clone(),
                visit: node.visit,
                iteration: node.iteration,
                expires_at: *until,
                request: request.clone(),
            }),
            _ => None,
        });
        let mut open: Vec<_> = open.collect();
        open.sort_by_key(|request| request.seq);
        open
    }
    /// Nothing is at work in the hub: the run only waits for time or answers (or for events of an
    /// external executor), so its actor may be stopped until one comes.
    pub fn is_waiting(&self) -> bool {
        self.active().iter().all(|active| active.waits) && !goes_on(self)
    }
}
