//! What templates and code see as `ctx`.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{NodeFacts, RunState, Seen};
use crate::{
    engine::{CodeContext, definition::Node, value::Lookup},
    ids::NodeId,
};

const NODE: &str = "__node_";

/// What a node sees: the context of the run, or of the pass of the loop around it.
#[derive(Clone, Copy)]
pub(in crate::engine) struct View<'a> {
    state: &'a RunState,
    scope: Option<usize>,
}

impl RunState {
    /// What a node sees.
    pub(in crate::engine) fn view(&self, node: &Node) -> View<'_> {
        View { state: self, scope: node.scope }
    }
}

impl View<'_> {
    /// What a node left, if it can be seen from here: what a pass leaves stays in it.
    fn seen<'b>(&self, id: &NodeId, facts: &'b NodeFacts) -> Option<&'b Seen> {
        let seen = facts.seen.as_ref()?;
        let Some(scope) = self.state.definition.node(id).and_then(|node| node.scope) else {
            return Some(seen);
        };
        let inside = self.state.definition.around(self.scope).any(|at| at == scope);
        let since = self.state.pass_since(scope)?;
        (inside && seen.seq > since).then_some(seen)
    }
}

impl Lookup for View<'_> {
    fn member(&self, name: &str) -> Option<Cow<'_, Value>> {
        let facts = &self.state.facts;
        let plain = self.state.context_in(self.scope).fields().get(name).or_else(|| facts.internal.get(name));
        if let Some(value) = plain {
            return Some(Cow::Borrowed(value.as_ref()));
        }
        let id = NodeId::trusted(name.strip_prefix(NODE)?);
        facts.nodes.get(&id).and_then(|node| self.seen(&id, node)).map(left).map(Cow::Owned)
    }
    fn whole(&self) -> Value {
        self.state.context_in(self.scope).fields().to_value()
    }
}

/// What a node left: `{ output, status, outputVariable }`.
fn left(seen: &Seen) -> Value {
    let status = if seen.error.is_none() { "success" } else { "error" };
    json!({ "output": seen.output, "status": status, "outputVariable": seen.output_variable })
}

/// The `ctx` of a node's code. What nodes left is a second copy of most of the context, so it goes
/// only to code that names it.
pub(in crate::engine) fn code_context<'a>(
    view: View<'_>,
    mut codes: impl Iterator<Item = &'a str>,
) -> CodeContext {
    let facts = &view.state.facts;
    let mut internal = facts.internal.clone();
    if codes.any(|code| code.contains(NODE)) {
        for (id, node) in &facts.nodes {
            if let Some(seen) = view.seen(id, node) {
                internal.insert(format!("{NODE}{id}"), left(seen));
            }
        }
    }
    CodeContext { context: view.state.context_in(view.scope).clone(), internal }
}
