//! Which nodes are ready (`contract.md` 5.6).

use std::sync::Arc;

use crate::engine::{Definition, RunState, definition::Node, state::Phase};

/// Where a run stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Nodes whose time has come, in an order that fits the graph.
    pub(super) ready: Vec<usize>,
    /// Visits at work, waiting for a time or between two attempts.
    pub(super) active: usize,
    /// Of these the ones that take a place among `max_parallel_nodes`.
    pub(super) busy: usize,
    /// Nodes that still wait for another.
    pub(super) waiting: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EdgeIs {
    Pending,
    Fired,
    Dead,
}

/// Reads it off the graph: one walk in topological order, whatever the length of the run. An edge
/// is dead when its source ended on another handle, or can no longer run.
pub(super) fn plan(state: &RunState) -> Plan {
    let definition = state.definition.as_ref();
    let mut edges = vec![EdgeIs::Pending; definition.edge_count()];
    let mut plan = Plan::default();
    for at in definition.order().iter().copied() {
        let Some(node) = definition.nodes().get(at) else { continue };
        let phase = state.facts.nodes.get(&node.id).map(|facts| &facts.phase);
        let leaving = match phase {
            Some(Phase::Running { .. } | Phase::Retrying { .. }) => {
                plan.active += 1;
                plan.busy += 1;
                continue;
            }
            Some(Phase::Suspended { .. }) => {
                plan.active += 1;
                continue;
            }
            Some(Phase::Done { handles } | Phase::Failed { handles: Some(handles) }) => {
                taken(definition, at, node, handles)
            }
            Some(Phase::Failed { handles: None }) => Vec::new(),
            None => match arrival(definition, at, node, &edges) {
                EdgeIs::Fired => {
                    plan.ready.push(at);
                    continue;
                }
                EdgeIs::Pending => {
                    plan.waiting += 1;
                    continue;
                }
                EdgeIs::Dead => Vec::new(),
            },
        };
        for (number, _) in definition.outgoing(at) {
            if let Some(edge) = edges.get_mut(number) {
                *edge = if leaving.contains(&number) { EdgeIs::Fired } else { EdgeIs::Dead };
            }
        }
    }
    plan
}

/// All edges into a node that was not reached, taken together.
fn arrival(definition: &Definition, at: usize, node: &Node, edges: &[EdgeIs]) -> EdgeIs {
    if definition.start() == Some(at) {
        return EdgeIs::Fired;
    }
    let (mut fired, mut pending) = (false, false);
    for (number, _) in definition.incoming(at) {
        match edges.get(number) {
            Some(EdgeIs::Fired) => fired = true,
            Some(EdgeIs::Pending) => pending = true,
            _ => {}
        }
    }
    match (fired, pending) {
        (true, true) if node.any => EdgeIs::Fired,
        (_, true) => EdgeIs::Pending,
        (true, false) => EdgeIs::Fired,
        (false, false) => EdgeIs::Dead,
    }
}

/// The edges that fire when a node ends on these handles: those of the handle; if there is none,
/// `default` for branches, else `output`, else `success`. `error` falls back to nothing.
fn taken(definition: &Definition, at: usize, node: &Node, handles: &[Arc<str>]) -> Vec<usize> {
    let on = |name: &str| -> Vec<usize> {
        definition
            .outgoing(at)
            .filter(|(_, edge)| edge.handle.as_ref() == name)
            .map(|(number, _)| number)
            .collect()
    };
    let mut out = Vec::new();
    for handle in handles {
        let fallbacks: &[&str] = match handle.as_ref() {
            "error" => &[],
            _ if node.branches => &["default"],
            "output" => &["success"],
            _ => &["output"],
        };
        let names = std::iter::once(handle.as_ref()).chain(fallbacks.iter().copied());
        out.extend(names.map(on).find(|edges| !edges.is_empty()).unwrap_or_default());
    }
    out
}
