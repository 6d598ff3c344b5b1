//! A saved graph from the form that clients write to the form that they read. Pure.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{EdgeView, NodeView, WorkflowView};
use crate::{
    clock::to_wire,
    ids::WorkflowId,
    store::{self, tables::definitions::Workflow},
};

/// Layout of a node, which pages keep beside `data`.
const LAYOUT: [&str; 4] = ["position", "width", "height", "measured"];
/// What an edge carries for pages only.
const DECORATION: [&str; 4] = ["label", "style", "animated", "data"];

/// A workflow as REST shows it.
pub(super) fn view(workflow: &Workflow) -> Result<WorkflowView, store::Error> {
    let row = &workflow.row;
    let nodes = array(&workflow.graph.nodes)?;
    let edges = array(&workflow.graph.edges)?;
    Ok(WorkflowView {
        workflow_id: row.workflow_id.clone(),
        title: workflow.graph.title.clone(),
        tenant_id: row.tenant_id.clone(),
        creator_id: row.creator_id.clone(),
        created_by_api_key_id: row.created_by_api_key_id.clone(),
        is_disabled: row.is_disabled,
        disabled_at: row.disabled_at.map(to_wire),
        workflow_options: parse(&workflow.graph.options)?,
        workflow_description: row.description.clone(),
        folder_id: row.folder_id.clone(),
        version: workflow.graph.version,
        created_at: to_wire(row.created_at),
        updated_at: to_wire(row.updated_at),
        nodes: nodes.iter().map(|node| stored_node(&row.workflow_id, node)).collect(),
        edges: edges.iter().enumerate().map(|(at, edge)| stored_edge(&row.workflow_id, at, edge)).collect(),
        problems: Vec::new(),
    })
}

fn parse(text: &str) -> Result<Value, store::Error> {
    serde_json::from_str(text).map_err(|error| store::Error::Value(error.to_string().into()))
}

/// A column that holds a JSON array.
pub(super) fn array(text: &str) -> Result<Vec<Value>, store::Error> {
    match parse(text)? {
        Value::Array(items) => Ok(items),
        _ => Err(store::Error::Value("a graph that is no array".into())),
    }
}

/// Whether a graph runs saved queries, for which its author needs a right of their own.
pub fn runs_queries(nodes: &Value) -> bool {
    let of = |node: &Value| text(node, &["type", "nodeType"]).is_some_and(|kind| kind == "dataQuery");
    nodes.as_array().is_some_and(|nodes| nodes.iter().any(of))
}

pub(super) fn text(value: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| value.get(name).and_then(Value::as_str)).map(str::to_owned)
}

fn stored_node(workflow: &WorkflowId, node: &Value) -> NodeView {
    let data = node.get("data").or_else(|| node.get("nodeConfig"));
    let mut config = data.and_then(Value::as_object).cloned().unwrap_or_default();
    for name in LAYOUT {
        if let Some(value) = node.get(name) {
            config.insert(name.to_owned(), value.clone());
        }
    }
    let number = |name: &str| config.get(name).filter(|value| value.is_number()).cloned();
    let (timeout_seconds, retry_limit) = (number("timeoutSeconds"), number("retryLimit"));
    NodeView {
        node_id: text(node, &["id", "nodeID"]).unwrap_or_default(),
        workflow_id: workflow.clone(),
        node_type: text(node, &["type", "nodeType"]).unwrap_or_default(),
        node_config: Value::Object(config),
        timeout_seconds,
        retry_limit,
    }
}

fn stored_edge(workflow: &WorkflowId, at: usize, edge: &Value) -> EdgeView {
    let mut config: Map<String, Value> =
        edge.get("edgeConfig").and_then(Value::as_object).cloned().unwrap_or_default();
    for name in DECORATION {
        if let Some(value) = edge.get(name) {
            config.insert(name.to_owned(), value.clone());
        }
    }
    EdgeView {
        edge_id: text(edge, &["id", "edgeID"]).unwrap_or_else(|| format!("e{at}")),
        workflow_id: workflow.clone(),
        upstream_node_id: text(edge, &["source", "upstreamNodeID"]).unwrap_or_default(),
        downstream_node_id: text(edge, &["target", "downstreamNodeID"]).unwrap_or_default(),
        source_handle: text(edge, &["sourceHandle"]),
        target_handle: text(edge, &["targetHandle"]),
        edge_type: text(edge, &["type", "edgeType"]).or_else(|| Some("smoothstep".to_owned())),
        edge_config: Value::Object(config),
    }
}

/// The same graph under new ids, for a copy: nodes, edges, and what names a node in a path or in code
/// (`ctx.__node_<id>`).
pub(super) fn renamed(
    nodes: Vec<Value>,
    edges: Vec<Value>,
    mut fresh: impl FnMut() -> String,
) -> (Vec<Value>, Vec<Value>) {
    let mut names = HashMap::new();
    for node in &nodes {
        if let Some(old) = text(node, &["id", "nodeID"]) {
            names.entry(old).or_insert_with(&mut fresh);
        }
    }
    let mut longest: Vec<(&String, &String)> = names.iter().collect();
    longest.sort_by_key(|(old, _)| std::cmp::Reverse(old.len()));
    let nodes = nodes
        .into_iter()
        .map(|mut node| {
            let new = text(&node, &["id", "nodeID"]).and_then(|old| names.get(&old));
            if let Some(object) = node.as_object_mut() {
                for field in ["data", "nodeConfig"] {
                    if let Some(data) = object.get_mut(field) {
                        each_text(data, &mut |text| mentioned(text, &longest));
                    }
                }
                if let Some(new) = new {
                    object.remove("nodeID");
                    object.insert("id".to_owned(), json!(new));
                }
            }
            node
        })
        .collect();
    let edges = edges
        .into_iter()
        .map(|mut edge| {
            for (name, alias) in [("source", "upstreamNodeID"), ("target", "downstreamNodeID")] {
                let new = text(&edge, &[name, alias]).and_then(|old| names.get(&old).cloned());
                if let (Some(new), Some(object)) = (new, edge.as_object_mut()) {
                    object.remove(alias);
                    object.insert(name.to_owned(), json!(new));
                }
            }
            let id = fresh();
            if let Some(object) = edge.as_object_mut() {
                object.remove("edgeID");
                object.insert("id".to_owned(), json!(id));
            }
            edge
        })
        .collect();
    (nodes, edges)
}

/// Changes the texts in a value; `None` leaves one as it is.
pub(super) fn each_text(value: &mut Value, change: &mut dyn FnMut(&str) -> Option<String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = change(text) {
                *text = new;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, change)),
        _ => {}
    }
}

/// A text with other ids behind `__node_`; the longest that fits counts.
fn mentioned(text: &str, names: &[(&String, &String)]) -> Option<String> {
    const MARK: &str = "__node_";
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once(MARK) {
        out.push_str(before);
        out.push_str(MARK);
        rest = after;
        let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
        let found = names.iter().find_map(|(old, new)| {
            after.strip_prefix(old.as_str()).filter(|rest| ends(rest)).map(|rest| (*new, rest))
        });
        if let Some((new, after)) = found {
            out.push_str(new);
            rest = after;
        }
    }
    out.push_str(rest);
    (out != text).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_layout_lives_in_the_configuration() {
        let id = WorkflowId::trusted("w");
        let client =
            json!({"id":"a","type":"javascript","data":{"code":"1","retryLimit":2},"position":{"x":1}});
        let stored = json!({"nodeID":"a","nodeType":"javascript","nodeConfig":{"code":"1","retryLimit":2,"position":{"x":1}}});
        assert_eq!(stored_node(&id, &client), stored_node(&id, &stored));
        assert_eq!(stored_node(&id, &client).retry_limit, Some(json!(2)));
        let edge = stored_edge(&id, 3, &json!({"source":"a","target":"b","label":"x"}));
        assert_eq!((edge.edge_id.as_str(), edge.upstream_node_id.as_str()), ("e3", "a"));
        assert_eq!(edge.edge_config, json!({"label":"x"}));
    }

    #[test]
    fn a_copy_has_other_ids_and_the_same_arrows() {
        let mut next = 0;
        let (nodes, edges) = renamed(
            vec![json!({"id":"a"}), json!({"nodeID":"b"})],
            vec![json!({"id":"e","source":"a","target":"b"}), json!({"source":"a","target":"nowhere"})],
            || {
                next += 1;
                format!("n{next}")
            },
        );
        assert_eq!(nodes, vec![json!({"id":"n1"}), json!({"id":"n2"})]);
        assert_eq!(edges[0], json!({"id":"n3","source":"n1","target":"n2"}));
        assert_eq!(edges[1]["target"], "nowhere");
    }

    #[test]
    fn a_copy_reads_its_own_nodes() {
        let names = [("a-1".to_owned(), "x1".to_owned()), ("a".to_owned(), "x2".to_owned())];
        let names: Vec<_> = names.iter().map(|(old, new)| (old, new)).collect();
        for (text, expected) in [
            ("{{ctx.__node_a.output.v}}", Some("{{ctx.__node_x2.output.v}}")),
            ("{{ctx.__node_a-1.output}}", Some("{{ctx.__node_x1.output}}")),
            ("return ctx.__node_a + ctx['__node_a-1']", Some("return ctx.__node_x2 + ctx['__node_x1']")),
            ("{{ctx.__node_ab}} {{ctx.a}}", None),
            ("__node_", None),
        ] {
            assert_eq!(mentioned(text, &names).as_deref(), expected, "{text}");
        }
    }
}
