//! What can be said of a definition at once: the faults that keep it from running, then what can run
//! but is probably not meant. Nothing here refuses anything.

use serde_json::{Map, Value};

use super::{
    before::{Before, Writers},
    handles,
    types::node_schema,
};
use crate::engine::{
    Limits,
    definition::{Fault, Faults, Problem, RawEdge, RawNode, Source, Words, did_you_mean, raw, validate},
    nodes::{OPERATORS, type_row},
    value::Template,
};

/// Above this many nodes only faults are told: advice looks at each node's way from the start.
const MOST_NODES: usize = 2000;

/// Everything that is wrong with a definition, and what is probably not meant; nothing of it is
/// refused here. It can run when no problem is a [`Severity::Error`](crate::engine::Severity::Error).
pub fn problems(source: &Source, limits: &Limits) -> Vec<Problem> {
    let mut problems = validate(source, limits).err().unwrap_or_default();
    if problems.iter().any(|problem| problem.code == Fault::TooLarge) {
        return problems;
    }
    let empty = Map::new();
    let (nodes, edges) = raw(source, &empty);
    if nodes.len() > MOST_NODES {
        return problems;
    }
    let mut faults = Faults::default();
    let advice = Advice { nodes: &nodes, edges: &edges, options: &source.options };
    advice.handles(&mut faults);
    advice.unreached(&mut faults);
    advice.fields(&mut faults);
    advice.paths(&mut faults);
    problems.extend(faults.into_problems());
    problems.sort_by_key(|problem| problem.severity);
    problems
}

struct Advice<'a> {
    nodes: &'a [RawNode<'a>],
    edges: &'a [RawEdge<'a>],
    options: &'a Value,
}

impl Advice<'_> {
    /// Edges that no end of their node follows.
    fn handles(&self, faults: &mut Faults) {
        for edge in self.edges {
            let Some(node) = self.nodes.iter().find(|node| node.id.as_str() == edge.from) else { continue };
            let handle = match edge.handle {
                Some("done") => "completed",
                other => other.unwrap_or("output"),
            };
            if type_row(node.kind).is_none() || handles::can_fire(node.kind, node.data, handle) {
                continue;
            }
            let known = handles::of(node.kind, node.data);
            let hint = did_you_mean(handle, known.iter().copied()).or_else(|| {
                Some(match known.as_slice() {
                    [] => format!("nothing follows a node of type {}", node.kind),
                    known => format!("its handles are {}", known.join(", ")),
                })
            });
            let message = format!("node {} never ends on the handle {handle:?}", node.id);
            let words = Words::from((Fault::UnknownHandle, message)).hint(hint);
            faults.warn(format!("{}.sourceHandle", edge.path), Some(&node.id), words);
        }
    }

    /// Nodes that never run.
    fn unreached(&self, faults: &mut Faults) {
        if !self.nodes.iter().any(|node| node.kind == "start") {
            return;
        }
        let reached = Writers::of(self.nodes, self.edges).reached();
        for (node, _) in self.nodes.iter().zip(reached).filter(|(_, reached)| !reached) {
            let words = (Fault::Unreachable, "no way leads here from the start: the node never runs");
            faults.warn(node.path.clone(), Some(&node.id), words);
        }
    }

    /// Fields and operators that are spelled almost like one that counts.
    fn fields(&self, faults: &mut Faults) {
        for node in self.nodes {
            let Some(schema) = node_schema(node.kind) else { continue };
            let known: Vec<&str> = schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flat_map(|properties| properties.keys().map(String::as_str))
                .collect();
            // Pages keep fields of their own: only a slip of the pen is told.
            for name in node.data.keys().filter(|name| !known.contains(&name.as_str())) {
                let slip = name.chars().count() > 3;
                if let Some(hint) = did_you_mean(name, known.iter().copied()).filter(|_| slip) {
                    let message = format!("a {} node has no field {name:?}; it is ignored", node.kind);
                    let words = Words::from((Fault::UnknownField, message)).hint(Some(hint));
                    faults.warn(format!("{}.{name}", node.data_path), Some(&node.id), words);
                }
            }
            for (name, value) in node.data {
                self.operators(node, value, &format!("{}.{name}", node.data_path), faults);
            }
        }
    }

    fn operators(&self, node: &RawNode<'_>, value: &Value, path: &str, faults: &mut Faults) {
        match value {
            Value::Array(items) if matches!(node.kind, "condition" | "switch") => {
                for (index, item) in items.iter().enumerate() {
                    self.operators(node, item, &format!("{path}[{index}]"), faults);
                }
            }
            Value::Object(members) if matches!(node.kind, "condition" | "switch") => {
                for name in ["operator", "conditionType"] {
                    let Some(operator) = members.get(name).and_then(Value::as_str) else { continue };
                    if !OPERATORS.contains(&operator) {
                        let message = format!("operator {operator:?} is unknown: it never holds");
                        let words = Words::from((Fault::UnknownValue, message));
                        let hint = did_you_mean(operator, OPERATORS);
                        faults.warn(format!("{path}.{name}"), Some(&node.id), words.hint(hint));
                    }
                }
                if let Some(conditions) = members.get("conditions") {
                    self.operators(node, conditions, &format!("{path}.conditions"), faults);
                }
            }
            _ => {}
        }
    }

    /// Templates whose path nothing can have written.
    fn paths(&self, faults: &mut Faults) {
        let writers = Writers::of(self.nodes, self.edges);
        let inputs = self.inputs();
        for (at, node) in self.nodes.iter().enumerate() {
            let before = writers.before(at);
            for (name, value) in node.data.iter().filter(|(name, _)| *name != "code") {
                let path = format!("{}.{name}", node.data_path);
                texts(value, &path, &mut |path, text| {
                    let Ok(template) = Template::parse(text) else { return };
                    for found in template.paths() {
                        let mut keys = found.keys();
                        let (Some(first), second) = (keys.next(), keys.next()) else { continue };
                        if let Some(words) = unknown(first, second, &before, &writers, inputs.as_deref()) {
                            faults.warn(path, Some(&node.id), words);
                        }
                    }
                });
            }
        }
    }

    /// The inputs that the definition knows; none when it takes any.
    fn inputs(&self) -> Option<Vec<&str>> {
        let list =
            ["inputDefinitions", "args"].into_iter().find_map(|name| self.options.get(name)?.as_array())?;
        let keys: Vec<&str> = list
            .iter()
            .filter_map(|one| ["key", "name"].into_iter().find_map(|name| one.get(name)?.as_str()))
            .collect();
        (!keys.is_empty()).then_some(keys)
    }
}

fn unknown(
    first: &str,
    second: Option<&str>,
    before: &Before<'_>,
    writers: &Writers<'_>,
    inputs: Option<&[&str]>,
) -> Option<Words> {
    if let ("input", Some(input), Some(inputs)) = (first, second, inputs)
        && !inputs.contains(&input)
    {
        let message = format!("ctx.input.{input} is always missing: the workflow has no input {input:?}");
        let hint = did_you_mean(input, inputs.iter().copied());
        return Some(Words::from((Fault::UnknownPath, message)).hint(hint));
    }
    if before.open || before.names.contains(first) || first.starts_with("__") {
        return None;
    }
    let message = format!("ctx.{first} is always missing: no node before writes it");
    let hint = match writers.writer(first) {
        Some(node) => Some(format!("node {node} writes it, but no way leads from there to here")),
        None => did_you_mean(first, before.names.iter().copied()),
    };
    Some(Words::from((Fault::UnknownPath, message)).hint(hint))
}

/// All texts in a value, with their paths.
fn texts(value: &Value, path: &str, each: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) if text.contains("{{") => each(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{path}[{index}]"), each);
            }
        }
        Value::Object(members) => {
            for (name, member) in members {
                texts(member, &format!("{path}.{name}"), each);
            }
        }
        _ => {}
    }
}
