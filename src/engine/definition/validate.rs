//! What must hold to run.

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use super::{
    Config, Definition, Edge, Fault, Faults, Node, Policy, Problem, Source, Words, did_you_mean,
    graph::{falls_back_to_default, handle_name},
    policy::span,
    saved,
    scopes::{Graph, Scopes},
    source::{RawEdge, RawNode},
};
use crate::engine::{
    Limits,
    nodes::{Kind, type_row, type_rows},
    value::is_identifier,
};

/// Everything that must hold to run.
pub fn validate(source: &Source, limits: &Limits) -> Result<Definition, Vec<Problem>> {
    build(source, limits, true, true)
}

/// The same for a run that goes on after a restart: bounds that were lowered meanwhile don't
/// count.
pub fn reopen(source: &Source, limits: &Limits) -> Result<Definition, Vec<Problem>> {
    build(source, limits, false, true)
}

/// What must hold to be carried out by an external executor: nodes with ids. Types and cycles are
/// its own business. Also for a run that goes on (bounds don't count).
pub fn validate_external(source: &Source, limits: &Limits) -> Result<Definition, Vec<Problem>> {
    build(source, limits, false, false)
}

fn build(
    source: &Source,
    limits: &Limits,
    bounded: bool,
    runs_here: bool,
) -> Result<Definition, Vec<Problem>> {
    let mut faults = Faults::default();
    if bounded && !saved::sizes(source, limits, &mut faults) {
        return Err(faults.into_problems());
    }
    let empty = Map::new();
    let (raw_nodes, raw_edges) = saved::read(source, &empty, &mut faults);
    let index: HashMap<_, _> = raw_nodes.iter().enumerate().map(|(at, node)| (node.id.clone(), at)).collect();
    let (edges, paths) = edges(&raw_edges, &raw_nodes, &index, runs_here, &mut faults);
    let mut outgoing = vec![Vec::new(); raw_nodes.len()];
    for (number, edge) in edges.iter().enumerate() {
        outgoing.get_mut(edge.from).into_iter().for_each(|out: &mut Vec<usize>| out.push(number));
    }
    let starts: Vec<usize> = (0..raw_nodes.len())
        .filter(|at| raw_nodes.get(*at).is_some_and(|node| node.kind == "start"))
        .collect();
    let scopes = if runs_here {
        let start = starts.first().copied();
        Graph { nodes: &raw_nodes, edges: &edges, paths: &paths, outgoing: &outgoing, start }
            .scopes(&mut faults)
    } else {
        Scopes { around: vec![None; raw_nodes.len()], ends: vec![false; edges.len()] }
    };
    let mut incoming = vec![Vec::new(); raw_nodes.len()];
    for (number, (edge, _)) in edges.iter().zip(&scopes.ends).enumerate().filter(|(_, (_, ends))| !**ends) {
        incoming.get_mut(edge.to).into_iter().for_each(|into: &mut Vec<usize>| into.push(number));
    }
    let nodes: Vec<Node> = raw_nodes
        .iter()
        .enumerate()
        .map(|(at, raw)| {
            let on_error = |number: &usize| {
                edges.get(*number).is_some_and(|edge: &Edge| edge.handle.as_ref() == "error")
            };
            let has_error_edge =
                outgoing.get(at).is_some_and(|numbers: &Vec<usize>| numbers.iter().any(on_error));
            let mut node = node(raw, &source.options, has_error_edge, runs_here, limits, &mut faults);
            node.scope = scopes.around.get(at).copied().flatten();
            node
        })
        .collect();
    let all = order(&raw_nodes, &edges, &outgoing, &incoming, runs_here, &mut faults);
    let (mut order, mut bodies) = (Vec::new(), vec![Vec::new(); nodes.len()]);
    for at in all {
        match nodes.get(at).and_then(|node| node.scope) {
            None => order.push(at),
            Some(scope) => bodies.get_mut(scope).into_iter().for_each(|body| body.push(at)),
        }
    }
    if runs_here && starts.len() != 1 {
        faults.push(
            "nodes",
            None,
            (
                Fault::StartCount,
                format!("a workflow has exactly one start node, this one has {}", starts.len()),
            ),
        );
    }
    if !faults.is_empty() {
        return Err(faults.into_problems());
    }
    let run_timeout = source.options.get("workflowRunTimeout").and_then(span);
    Ok(Definition {
        nodes,
        index,
        edges,
        outgoing,
        incoming,
        start: starts.first().copied(),
        order,
        bodies,
        run_timeout,
    })
}

/// The edges between nodes, and where each is in the client form.
fn edges<'a>(
    raw: &'a [RawEdge<'a>],
    nodes: &[RawNode<'_>],
    index: &HashMap<crate::ids::NodeId, usize>,
    runs_here: bool,
    faults: &mut Faults,
) -> (Vec<Edge>, Vec<&'a str>) {
    let place = |id: &str| index.get(&crate::ids::NodeId::trusted(id)).copied();
    let (mut out, mut paths) = (Vec::new(), Vec::new());
    for edge in raw {
        let (from, to) = (place(edge.from), place(edge.to));
        if let (Some(from), Some(to)) = (from, to) {
            out.push(Edge { from, to, handle: handle_name(edge.handle) });
            paths.push(edge.path.as_str());
            continue;
        }
        if !runs_here {
            continue;
        }
        let other = from.or(to).and_then(|at| nodes.get(at)).map(|node| &node.id);
        for (name, id, found) in [("source", edge.from, from), ("target", edge.to, to)] {
            if found.is_none() {
                let hint = did_you_mean(id, nodes.iter().map(|node| node.id.as_str()));
                let words = Words::from((Fault::UnknownNode, format!("there is no node {id:?}")));
                faults.push(format!("{}.{name}", edge.path), other, words.hint(hint));
            }
        }
    }
    (out, paths)
}

fn node(
    raw: &RawNode<'_>,
    options: &Value,
    has_error_edge: bool,
    runs_here: bool,
    limits: &Limits,
    faults: &mut Faults,
) -> Node {
    let config = Config::new(raw.data_path.clone(), Some(&raw.id), raw.data).within(options);
    let row = type_row(raw.kind);
    let mut ignored = Faults::default();
    let here = if runs_here { &mut *faults } else { &mut ignored };
    let parse = row.and_then(|row| row.parse);
    if parse.is_none() {
        let known = if row.is_some() { "is not supported by this version" } else { "is unknown" };
        let hint = did_you_mean(raw.kind, type_rows().map(|row| row.name));
        let words = Words::from((Fault::UnknownType, format!("node type {} {known}", raw.kind)));
        here.push(format!("{}.type", raw.path), Some(&raw.id), words.hint(hint));
    }
    let kind = match parse {
        Some(parse) if runs_here => parse(&config, here),
        _ => Kind::Elsewhere,
    };
    let policy = Policy::read(&config, options, row, has_error_edge, limits, here);
    Node {
        id: raw.id.clone(),
        type_name: Arc::from(raw.kind),
        output_variable: variable(&config, row.and_then(|row| row.output_variable), here),
        any: match config.text("joinMode") {
            Some("any") => true,
            Some(_) => false,
            None => row.is_some_and(|row| row.any),
        },
        disabled: config.value("isDisabled").is_some_and(crate::engine::value::truthy)
            && !matches!(raw.kind, "start" | "end"),
        scope: None,
        policy,
        normal: row.map_or("output", |row| row.handle),
        branches: falls_back_to_default(row),
        kind,
    }
}

fn variable(config: &Config<'_>, default: Option<&str>, faults: &mut Faults) -> Option<Arc<str>> {
    let given = match config.value("outputVariable") {
        None => None,
        Some(Value::String(name)) => Some(name.trim()).filter(|name| !name.is_empty()),
        Some(_) => {
            config.fault("outputVariable", "must be a text", faults);
            None
        }
    };
    let name = given.or(default)?;
    if !is_identifier(name) {
        config.fault(
            "outputVariable",
            "must be a name of letters, digits and _, not beginning with a digit",
            faults,
        );
    } else if name == "input" || name.starts_with("__") {
        config.fault("outputVariable", "must not be input, nor begin with __", faults);
    }
    Some(Arc::from(name))
}

/// The nodes in an order in which each comes after those before it. What cannot be ordered is on a
/// cycle, or between two; an edge that ends a pass of a body does not count.
fn order(
    nodes: &[RawNode<'_>],
    edges: &[Edge],
    outgoing: &[Vec<usize>],
    incoming: &[Vec<usize>],
    runs_here: bool,
    faults: &mut Faults,
) -> Vec<usize> {
    let mut arrives = vec![false; edges.len()];
    for number in incoming.iter().flatten() {
        arrives.get_mut(*number).into_iter().for_each(|arrives| *arrives = true);
    }
    let peel = |from: &[Vec<usize>], against: &[Vec<usize>], next: fn(&Edge) -> usize| {
        let counted = |number: &&usize| arrives.get(**number).copied().unwrap_or(false);
        let mut left: Vec<usize> =
            against.iter().map(|numbers| numbers.iter().filter(counted).count()).collect();
        let mut out: Vec<usize> = (0..nodes.len()).filter(|at| left.get(*at) == Some(&0)).collect();
        let mut at = 0;
        while let Some(node) = out.get(at).copied() {
            at += 1;
            for number in from.get(node).into_iter().flatten().filter(counted) {
                let Some(target) = edges.get(*number).map(next) else { continue };
                if let Some(count) = left.get_mut(target) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        out.push(target);
                    }
                }
            }
        }
        out
    };
    let forward = peel(outgoing, incoming, |edge| edge.to);
    if runs_here && forward.len() < nodes.len() {
        let backward = peel(incoming, outgoing, |edge| edge.from);
        let mut free = vec![false; nodes.len()];
        for at in forward.iter().chain(&backward) {
            free.get_mut(*at).into_iter().for_each(|free| *free = true);
        }
        for (node, _) in nodes.iter().zip(&free).filter(|(_, free)| !**free) {
            faults.push(
                node.path.clone(),
                Some(&node.id),
                (Fault::Cycle, "is on a cycle: only a loop node may be reached again, from its own body"),
            );
        }
    }
    forward
}
