//! The client form and its aliases.

use serde_json::{Map, Value};

use super::{Fault, Faults};
use crate::ids::NodeId;

/// A definition as clients send it and the store keeps it: `nodes`, `edges`, `workflowOptions`.
/// Names of other generations are read as well: `nodeID`, `nodeType`, `nodeConfig`, and
/// `upstreamNodeID`, `downstreamNodeID` of stored edges.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// `nodes`: an array of nodes; null is none.
    pub nodes: Value,
    /// `edges`: an array of edges; null is none.
    pub edges: Value,
    /// `workflowOptions`: an object, or null.
    pub options: Value,
}

impl Source {
    /// One value with `nodes`, `edges`, `workflowOptions`, for
    /// [`Start::definition`](crate::engine::Start::definition).
    pub fn to_value(&self) -> Value {
        serde_json::json!({ "nodes": self.nodes, "edges": self.edges, "workflowOptions": self.options })
    }
    /// Back from [`Source::to_value`].
    pub fn from_value(value: &Value) -> Self {
        let part = |name: &str| value.get(name).cloned().unwrap_or(Value::Null);
        Self { nodes: part("nodes"), edges: part("edges"), options: part("workflowOptions") }
    }
}

/// A node whose shape is right.
pub(in crate::engine) struct RawNode<'a> {
    pub(in crate::engine) path: String,
    pub(in crate::engine) data_path: String,
    pub(in crate::engine) id: NodeId,
    pub(in crate::engine) kind: &'a str,
    pub(in crate::engine) data: &'a Map<String, Value>,
}

/// An edge whose shape is right.
pub(in crate::engine) struct RawEdge<'a> {
    pub(in crate::engine) path: String,
    pub(in crate::engine) from: &'a str,
    pub(in crate::engine) to: &'a str,
    pub(in crate::engine) handle: Option<&'a str>,
}

/// What is right in shape, for those who look at it without refusing anything.
pub(in crate::engine) fn raw<'a>(
    source: &'a Source,
    empty: &'a Map<String, Value>,
) -> (Vec<RawNode<'a>>, Vec<RawEdge<'a>>) {
    let mut ignored = Faults::default();
    (nodes(&source.nodes, empty, &mut ignored), edges(&source.edges, &mut ignored))
}

fn field<'a>(map: &'a Map<String, Value>, names: [&'static str; 2]) -> Option<(&'static str, &'a Value)> {
    names
        .into_iter()
        .find_map(|name| map.get(name).filter(|value| !value.is_null()).map(|value| (name, value)))
}

fn list<'a>(value: &'a Value, name: &str, faults: &mut Faults) -> &'a [Value] {
    match value {
        Value::Null => &[],
        Value::Array(items) => items,
        _ => {
            faults.push(name, None, "must be a list");
            &[]
        }
    }
}

/// The nodes; what has no shape is a fault and left out.
pub(super) fn nodes<'a>(
    value: &'a Value,
    empty: &'a Map<String, Value>,
    faults: &mut Faults,
) -> Vec<RawNode<'a>> {
    let mut out: Vec<RawNode<'a>> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (index, node) in list(value, "nodes", faults).iter().enumerate() {
        let path = format!("nodes[{index}]");
        let Value::Object(node) = node else {
            faults.push(path, None, "must be an object");
            continue;
        };
        let (name, id) = field(node, ["id", "nodeID"]).unwrap_or(("id", &Value::Null));
        let id = match id.as_str().map(NodeId::parse) {
            Some(Ok(id)) => id,
            Some(Err(error)) => {
                faults.push(format!("{path}.{name}"), None, error.to_string());
                continue;
            }
            None => {
                faults.push(format!("{path}.{name}"), None, "must be a text");
                continue;
            }
        };
        if !seen.insert(id.clone()) {
            faults.push(
                format!("{path}.{name}"),
                Some(&id),
                (Fault::DuplicateId, "is the id of another node, too"),
            );
            continue;
        }
        let (name, kind) = field(node, ["type", "nodeType"]).unwrap_or(("type", &Value::Null));
        let Some(kind) = kind.as_str().filter(|kind| !kind.is_empty()) else {
            faults.push(format!("{path}.{name}"), Some(&id), "must be the name of a node type");
            continue;
        };
        let (data_path, data) = match field(node, ["data", "nodeConfig"]) {
            None => (format!("{path}.data"), empty),
            Some((name, Value::Object(data))) => (format!("{path}.{name}"), data),
            Some((name, _)) => {
                faults.push(format!("{path}.{name}"), Some(&id), "must be an object");
                (format!("{path}.{name}"), empty)
            }
        };
        out.push(RawNode { path, data_path, id, kind, data });
    }
    out
}

/// The edges; what has no shape is a fault and left out.
pub(super) fn edges<'a>(value: &'a Value, faults: &mut Faults) -> Vec<RawEdge<'a>> {
    let mut out = Vec::new();
    for (index, edge) in list(value, "edges", faults).iter().enumerate() {
        let path = format!("edges[{index}]");
        let Value::Object(edge) = edge else {
            faults.push(path, None, "must be an object");
            continue;
        };
        let mut end = |names: [&'static str; 2]| {
            let found = field(edge, names).and_then(|(_, id)| id.as_str());
            if found.is_none() {
                faults.push(format!("{path}.{}", names[0]), None, "must be the id of a node");
            }
            found
        };
        let (from, to) = (end(["source", "upstreamNodeID"]), end(["target", "downstreamNodeID"]));
        let handle = match edge.get("sourceHandle") {
            None | Some(Value::Null) => None,
            Some(Value::String(handle)) => Some(handle.as_str()).filter(|handle| !handle.is_empty()),
            Some(_) => {
                faults.push(format!("{path}.sourceHandle"), None, "must be a text");
                None
            }
        };
        if let (Some(from), Some(to)) = (from, to) {
            out.push(RawEdge { path, from, to, handle });
        }
    }
    out
}
