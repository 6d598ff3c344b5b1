//! What the nodes before a node write: which paths into the context can hold something there.

use std::collections::{BTreeSet, HashMap};

use crate::engine::{
    definition::{RawEdge, RawNode},
    nodes::type_row,
};

/// Writers of a definition.
pub(super) struct Writers<'a> {
    nodes: &'a [RawNode<'a>],
    /// Edges into each node.
    into: Vec<Vec<usize>>,
    names: Vec<Written<'a>>,
}

/// What a node writes.
#[derive(Default)]
struct Written<'a> {
    names: Vec<&'a str>,
    /// Names that only the run knows (a child's context).
    more: bool,
}

/// What can be there when a node begins.
pub(super) struct Before<'a> {
    pub(super) names: BTreeSet<&'a str>,
    /// Anything may be there.
    pub(super) open: bool,
}

impl<'a> Writers<'a> {
    pub(super) fn of(nodes: &'a [RawNode<'a>], edges: &[RawEdge<'a>]) -> Self {
        let index: HashMap<&str, usize> =
            nodes.iter().enumerate().map(|(at, node)| (node.id.as_str(), at)).collect();
        let mut into = vec![Vec::new(); nodes.len()];
        for edge in edges {
            if let (Some(from), Some(to)) = (index.get(edge.from), index.get(edge.to))
                && let Some(into) = into.get_mut(*to)
            {
                into.push(*from);
            }
        }
        Self { nodes, into, names: nodes.iter().map(written).collect() }
    }

    /// What can be there when the node begins: what those before it write, also round a loop.
    pub(super) fn before(&self, node: usize) -> Before<'a> {
        let mut before = Before { names: BTreeSet::from(["input", "output"]), open: false };
        for at in self.ancestors(node) {
            if let Some(written) = self.names.get(at) {
                before.names.extend(&written.names);
                before.open |= written.more;
            }
        }
        before
    }

    /// Who writes that name, wherever it stands.
    pub(super) fn writer(&self, name: &str) -> Option<&'a str> {
        let writes = |written: &Written<'a>| written.names.contains(&name);
        let at = self.names.iter().position(writes)?;
        self.nodes.get(at).map(|node| node.id.as_str())
    }

    /// Whether a way from the start leads to each node.
    pub(super) fn reached(&self) -> Vec<bool> {
        let is_start = |at: usize| self.nodes.get(at).is_some_and(|node| node.kind == "start");
        (0..self.nodes.len())
            .map(|node| is_start(node) || self.ancestors(node).into_iter().any(is_start))
            .collect()
    }

    fn ancestors(&self, node: usize) -> BTreeSet<usize> {
        let (mut seen, mut next) = (BTreeSet::new(), vec![node]);
        while let Some(at) = next.pop() {
            for from in self.into.get(at).into_iter().flatten() {
                if seen.insert(*from) {
                    next.push(*from);
                }
            }
        }
        seen
    }
}

/// Names that a node writes into the context.
fn written<'a>(node: &RawNode<'a>) -> Written<'a> {
    let text = |name: &str| node.data.get(name).and_then(serde_json::Value::as_str).map(str::trim);
    let given = |name: &str| text(name).filter(|text| !text.is_empty());
    let default = type_row(node.kind).and_then(|row| row.output_variable);
    let mut written = Written::default();
    written.names.extend(given("outputVariable").or(default));
    match node.kind {
        "loop" => {
            written.names.extend(["item", "index"]);
            let named = ["itemVariable", "loopVariable", "indexVariable"];
            written.names.extend(named.into_iter().filter_map(given));
        }
        "subWorkflow" => {
            written.more = node.data.get("mergeOutputs").is_some_and(crate::engine::value::truthy);
        }
        _ => {}
    }
    written
}
