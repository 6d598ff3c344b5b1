//! What is refused at save (`contract.md` 5.1).

use serde_json::{Map, Value};

use super::{
    Config, Fault, Faults, Problem, Source,
    source::{self, RawEdge, RawNode},
};
use crate::engine::{
    Limits,
    nodes::type_row,
    value::{is_identifier, json_size},
};

/// What is refused at save: shape, sizes, ids, templates that are none, ranges. A definition that
/// is only half drawn can be saved.
pub fn check_saved(source: &Source, limits: &Limits) -> Vec<Problem> {
    let mut faults = Faults::default();
    if sizes(source, limits, &mut faults) {
        let empty = Map::new();
        read(source, &empty, &mut faults);
    }
    faults.into_problems()
}

/// Bounds; false = too large to be looked at.
pub(super) fn sizes(source: &Source, limits: &Limits, faults: &mut Faults) -> bool {
    let count = |value: &Value| value.as_array().map_or(0, Vec::len);
    let mut bound = |path: &str, found: usize, most: usize, what: &str, key: &str| {
        if found > most {
            faults.push(
                path,
                None,
                (
                    Fault::TooLarge,
                    format!("a definition has at most {most} {what}, this one has {found} ({key})"),
                ),
            );
        }
    };
    bound("nodes", count(&source.nodes), limits.max_nodes, "nodes", "workflow.max_nodes");
    bound("edges", count(&source.edges), limits.max_edges, "edges", "workflow.max_edges");
    let bytes = [&source.nodes, &source.edges, &source.options].into_iter().map(json_size).sum();
    bound("", bytes, limits.max_definition, "bytes", "workflow.max_definition");
    faults.is_empty()
}

/// Nodes and edges with the faults that a save refuses.
pub(super) fn read<'a>(
    source: &'a Source,
    empty: &'a Map<String, Value>,
    faults: &mut Faults,
) -> (Vec<RawNode<'a>>, Vec<RawEdge<'a>>) {
    if !(source.options.is_null() || source.options.is_object()) {
        faults.push("workflowOptions", None, "must be an object");
    }
    let nodes = source::nodes(&source.nodes, empty, faults);
    for node in &nodes {
        fields(node, faults);
    }
    let edges = source::edges(&source.edges, faults);
    (nodes, edges)
}

fn fields(node: &RawNode<'_>, faults: &mut Faults) {
    let config = Config::new(node.data_path.clone(), Some(&node.id), node.data);
    for name in ["inputValues", "sourceVariable", "delayVariable", "untilTime"] {
        if let Some(value) = config.value(name) {
            config.templates(value, name, faults);
        }
    }
    if let Some(Value::Array(parameters)) = config.value("outputParameters") {
        for (index, parameter) in parameters.iter().enumerate() {
            if let Some(source) = parameter.get("sourceVariable") {
                config.templates(source, &format!("outputParameters[{index}].sourceVariable"), faults);
            }
        }
    }
    match node.kind {
        "delay" => {
            // Its ranges and required fields are checked at save, as the reference does.
            if let Some(parse) = type_row("delay").and_then(|row| row.parse) {
                parse(&config, faults);
            }
        }
        "loop" => {
            config.number("maxIterations", 1.0, 100_000.0, faults);
            config.number("delayBetweenItems", 0.0, 60_000.0, faults);
            for name in ["itemVariable", "indexVariable"] {
                if config.text(name).is_some_and(|variable| !variable.is_empty() && !is_identifier(variable))
                {
                    config.fault(
                        name,
                        "must be a name of letters, digits and _, not beginning with a digit",
                        faults,
                    );
                }
            }
        }
        _ => {}
    }
}
