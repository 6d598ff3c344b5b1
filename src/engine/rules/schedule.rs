//! Which nodes are ready (`contract.md` 5.6), in the graph of the run and in each pass of a body.

use std::sync::Arc;

use smallvec::SmallVec;

use jiff::Timestamp;

use crate::{
    engine::{
        Definition, RunState, RunStatus,
        definition::Node,
        nodes::{Begin, Kind},
        state::Phase,
    },
    ids::Seq,
};

/// Where a run stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    /// Nodes whose time has come, in an order that fits the graph.
    pub(super) ready: Vec<usize>,
    /// Visits at work, waiting for a time or between two attempts; loops that go through items.
    pub(super) active: usize,
    /// Of these the ones that take a place among `max_parallel_nodes`.
    pub(super) busy: usize,
    /// Nodes that still wait for another.
    pub(super) waiting: usize,
    /// Loops whose pass is over, inner ones first.
    pub(super) over: Vec<usize>,
    /// Bodies in which nodes wait and nothing is left that they could wait for.
    pub(super) stuck: bool,
    /// Nodes from whose last row something follows at once: a further attempt without a wait, the end of
    /// the run. A step leaves none of them, a journal that was cut within an append does.
    pub(super) half: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum EdgeIs {
    Pending,
    Fired,
    Dead,
}

/// Numbers of edges that leave a node: a few.
type Edges = SmallVec<[usize; 4]>;

/// One walk over the graph.
struct Walk<'a> {
    state: &'a RunState,
    definition: &'a Definition,
    edges: Vec<EdgeIs>,
    plan: Plan,
}

/// Reads it off the graph: one walk in topological order, whatever the length of the run. An edge
/// is dead when its source ended on another handle, or can no longer run.
pub(super) fn plan(state: &RunState) -> Plan {
    let definition = state.definition.as_ref();
    let edges = vec![EdgeIs::Pending; definition.edge_count()];
    let mut walk = Walk { state, definition, edges, plan: Plan::default() };
    walk.scope(None, Seq::ZERO);
    walk.plan
}

/// Whether there is something to do for which nothing has to happen first: the last step was not the
/// end of what a command causes.
pub(in crate::engine) fn goes_on(state: &RunState) -> bool {
    if state.status() != RunStatus::Running || state.is_external() {
        return false;
    }
    let plan = plan(state);
    let left = !plan.half.is_empty() || !plan.over.is_empty() || plan.stuck;
    let free = plan.busy < state.limits.max_parallel_nodes.max(1);
    let mut ready = plan.ready.iter().filter_map(|at| state.definition.nodes().get(*at));
    left || plan.active == 0 || ready.any(|node| free || needs_nobody(state, node))
}

/// Whether a node that is ready takes no place of work. The time decides only what comes of it.
fn needs_nobody(state: &RunState, node: &Node) -> bool {
    node.disabled || !matches!(node.kind.begin(&state.view(node), None, Timestamp::UNIX_EPOCH), Begin::Task)
}

impl Walk<'_> {
    /// The nodes of one body, or of none, as far as they were reached since that row.
    fn scope(&mut self, scope: Option<usize>, since: Seq) {
        let definition = self.definition;
        for at in definition.order(scope).iter().copied() {
            let Some(node) = definition.nodes().get(at) else { continue };
            let facts = self.state.facts.nodes.get(&node.id);
            let phase = facts.filter(|facts| facts.moved > since).map(|facts| &facts.phase);
            let leaving = match phase {
                Some(Phase::Running { timeout_ms, .. }) => {
                    if timeout_ms.is_none() {
                        self.plan.half.push(at);
                    }
                    self.plan.active += 1;
                    self.plan.busy += 1;
                    continue;
                }
                Some(Phase::Retrying { .. }) => {
                    if node.policy.retry_delay.is_zero() {
                        self.plan.half.push(at);
                    }
                    self.plan.active += 1;
                    self.plan.busy += 1;
                    continue;
                }
                Some(Phase::Suspended { .. }) => {
                    self.plan.active += 1;
                    continue;
                }
                Some(Phase::Looping(_)) => {
                    self.body(at);
                    self.plan.active += 1;
                    continue;
                }
                Some(Phase::Done { handles }) => {
                    if matches!(node.kind, Kind::End(_)) {
                        self.plan.half.push(at);
                    }
                    taken(definition, at, node, handles)
                }
                Some(Phase::Failed { handles: Some(handles) }) => taken(definition, at, node, handles),
                Some(Phase::Failed { handles: None }) => {
                    self.plan.half.push(at);
                    Edges::new()
                }
                Some(Phase::Discarded { .. }) => Edges::new(),
                None => match self.arrival(at, node) {
                    EdgeIs::Fired => {
                        self.plan.ready.push(at);
                        continue;
                    }
                    EdgeIs::Pending => {
                        self.plan.waiting += 1;
                        continue;
                    }
                    EdgeIs::Dead => Edges::new(),
                },
            };
            self.leave(at, |number| leaving.contains(&number));
        }
    }

    /// The pass of a loop, if it is at one.
    fn body(&mut self, at: usize) {
        let Some((since, over)) = self.state.looping(at).and_then(|looping| looping.pass()) else { return };
        if over {
            return self.plan.over.push(at);
        }
        let definition = self.definition;
        for (number, _) in definition.outgoing(at).filter(|(_, edge)| edge.handle.as_ref() == "loop") {
            self.set(number, EdgeIs::Fired);
        }
        let before = (self.plan.ready.len(), self.plan.active, self.plan.waiting);
        self.scope(Some(at), since);
        if (self.plan.ready.len(), self.plan.active) == (before.0, before.1) {
            if self.plan.waiting > before.2 {
                self.plan.stuck = true;
            } else {
                self.plan.over.push(at);
            }
        }
    }

    fn set(&mut self, number: usize, is: EdgeIs) {
        if let Some(edge) = self.edges.get_mut(number) {
            *edge = is;
        }
    }

    fn leave(&mut self, at: usize, fires: impl Fn(usize) -> bool) {
        let definition = self.definition;
        for (number, _) in definition.outgoing(at) {
            self.set(number, if fires(number) { EdgeIs::Fired } else { EdgeIs::Dead });
        }
    }

    /// All edges into a node that was not reached, taken together.
    fn arrival(&self, at: usize, node: &Node) -> EdgeIs {
        if self.definition.start() == Some(at) {
            return EdgeIs::Fired;
        }
        let (mut fired, mut pending) = (false, false);
        for (number, _) in self.definition.incoming(at) {
            match self.edges.get(number) {
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
}

/// The edges that fire when a node ends on these handles: those of the handle; if there is none,
/// `default` for branches, else `output`, else `success`. `error` falls back to nothing.
fn taken(definition: &Definition, at: usize, node: &Node, handles: &[Arc<str>]) -> Edges {
    let on = |name: &str| -> Edges {
        definition
            .outgoing(at)
            .filter(|(_, edge)| edge.handle.as_ref() == name)
            .map(|(number, _)| number)
            .collect()
    };
    let mut out = Edges::new();
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
