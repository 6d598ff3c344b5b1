//! A definition that can run.

use std::{collections::HashMap, sync::Arc, time::Duration};

use super::Policy;
use crate::{
    engine::nodes::{Kind, TypeRow},
    ids::NodeId,
};

/// A definition that can run: made by [`validate`](crate::engine::validate) and its like only. A run works
/// on it as it was when it began.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub(super) nodes: Vec<Node>,
    pub(super) index: HashMap<NodeId, usize>,
    pub(super) edges: Vec<Edge>,
    pub(super) outgoing: Vec<Vec<usize>>,
    pub(super) incoming: Vec<Vec<usize>>,
    pub(super) start: Option<usize>,
    /// The nodes of no body, each after those before it.
    pub(super) order: Vec<usize>,
    /// The same of each loop's body, by the loop's place.
    pub(super) bodies: Vec<Vec<usize>>,
    pub(super) run_timeout: Option<Duration>,
}

/// A node.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Node {
    pub(in crate::engine) id: NodeId,
    /// `type` on the wire.
    pub(in crate::engine) type_name: Arc<str>,
    pub(in crate::engine) kind: Kind,
    /// Where its result goes.
    pub(in crate::engine) output_variable: Option<Arc<str>>,
    /// Ready with the first edge that fires, not with the last.
    pub(in crate::engine) any: bool,
    pub(in crate::engine) disabled: bool,
    /// The innermost loop around it, by its place.
    pub(in crate::engine) scope: Option<usize>,
    pub(in crate::engine) policy: Policy,
    /// Where the run goes on after it was skipped, or failed and continued with null.
    pub(in crate::engine) normal: &'static str,
    /// A handle without an edge falls back to `default`, not to `output`.
    pub(in crate::engine) branches: bool,
}

/// An edge between two nodes, by their place.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Edge {
    pub(in crate::engine) from: usize,
    pub(in crate::engine) to: usize,
    pub(in crate::engine) handle: Arc<str>,
}

/// `done` is an older name of `completed`; no name is `output`.
pub(super) fn handle_name(handle: Option<&str>) -> Arc<str> {
    Arc::from(match handle {
        None => "output",
        Some("done") => "completed",
        Some(handle) => handle,
    })
}

impl Definition {
    /// The ids of its nodes, in the order of the client form.
    pub fn node_ids(&self) -> impl Iterator<Item = &NodeId> {
        self.nodes.iter().map(|node| &node.id)
    }
    /// Whether it has that node.
    pub fn contains(&self, node: &NodeId) -> bool {
        self.index.contains_key(node)
    }
    /// The type of a node (`javascript`).
    pub fn node_type(&self, node: &NodeId) -> Option<&Arc<str>> {
        self.node(node).map(|node| &node.type_name)
    }
    /// The run's own timeout.
    pub fn run_timeout(&self) -> Option<Duration> {
        self.run_timeout
    }

    pub(in crate::engine) fn node(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.get(*self.index.get(id)?)
    }
    pub(in crate::engine) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
    pub(in crate::engine) fn start(&self) -> Option<usize> {
        self.start
    }
    /// The nodes of a loop's body, bodies inside of it left out, or those of no body.
    pub(in crate::engine) fn order(&self, scope: Option<usize>) -> &[usize] {
        match scope {
            None => &self.order,
            Some(at) => self.bodies.get(at).map(Vec::as_slice).unwrap_or_default(),
        }
    }
    /// The loops around a place, itself included, the innermost first.
    pub(in crate::engine) fn around(&self, scope: Option<usize>) -> impl Iterator<Item = usize> {
        std::iter::successors(scope, |at| self.nodes.get(*at)?.scope)
    }
    /// Whether a node is in the body of a loop, or in a body inside of that.
    pub(in crate::engine) fn is_inside(&self, node: &Node, scope: usize) -> bool {
        self.around(node.scope).any(|at| at == scope)
    }
    pub(in crate::engine) fn edge_count(&self) -> usize {
        self.edges.len()
    }
    /// Edges that leave a node, with their numbers.
    pub(in crate::engine) fn outgoing(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        Self::some(&self.edges, self.outgoing.get(node))
    }
    /// Edges that arrive at a node, with their numbers; those that end a pass of a body do not arrive.
    pub(in crate::engine) fn incoming(&self, node: usize) -> impl Iterator<Item = (usize, &Edge)> {
        Self::some(&self.edges, self.incoming.get(node))
    }
    fn some<'a>(
        edges: &'a [Edge],
        numbers: Option<&'a Vec<usize>>,
    ) -> impl Iterator<Item = (usize, &'a Edge)> {
        numbers.into_iter().flatten().filter_map(|number| edges.get(*number).map(|edge| (*number, edge)))
    }
    /// Whether a loop has a body.
    pub(in crate::engine) fn has_body(&self, node: &NodeId) -> bool {
        self.index.get(node).is_some_and(|at| !self.order(Some(*at)).is_empty())
    }
    /// The place of a node.
    pub(in crate::engine) fn place(&self, node: &NodeId) -> Option<usize> {
        self.index.get(node).copied()
    }
    /// Whether an edge leaves a node on that handle.
    pub(in crate::engine) fn leaves_on(&self, node: &NodeId, handle: &str) -> bool {
        self.index
            .get(node)
            .is_some_and(|node| self.outgoing(*node).any(|(_, edge)| edge.handle.as_ref() == handle))
    }
}

/// Nothing an edge fires on: types whose branches fall back to `default`.
pub(super) fn falls_back_to_default(row: Option<&TypeRow>) -> bool {
    row.is_some_and(|row| matches!(row.name, "condition" | "switch"))
}
