//! What templates and code see as `ctx`.

use std::borrow::Cow;

use serde_json::{Value, json};

use super::{NodeFacts, RunState};
use crate::{
    engine::{CodeContext, value::Lookup},
    ids::NodeId,
};

const NODE: &str = "__node_";

impl Lookup for RunState {
    fn member(&self, name: &str) -> Option<Cow<'_, Value>> {
        let plain = self.context().fields().get(name).or_else(|| self.facts.internal.get(name));
        if let Some(value) = plain {
            return Some(Cow::Borrowed(value.as_ref()));
        }
        let id = name.strip_prefix(NODE)?;
        self.facts.nodes.get(&NodeId::trusted(id)).and_then(|node| left(node)).map(Cow::Owned)
    }
    fn whole(&self) -> Value {
        self.context().fields().to_value()
    }
}

/// What a node left: `{ output, status, outputVariable }`.
fn left(node: &NodeFacts) -> Option<Value> {
    let seen = node.seen.as_ref()?;
    let status = if seen.error.is_none() { "success" } else { "error" };
    Some(json!({ "output": seen.output, "status": status, "outputVariable": seen.output_variable }))
}

/// The `ctx` of code. What nodes left is a second copy of most of the context, so it goes only to
/// code that names it.
pub(in crate::engine) fn code_context<'a>(
    state: &RunState,
    mut codes: impl Iterator<Item = &'a str>,
) -> CodeContext {
    let mut internal = state.facts.internal.clone();
    if codes.any(|code| code.contains(NODE)) {
        for (id, node) in &state.facts.nodes {
            if let Some(value) = left(node) {
                internal.insert(format!("{NODE}{id}"), value);
            }
        }
    }
    CodeContext { context: state.context().clone(), internal }
}
