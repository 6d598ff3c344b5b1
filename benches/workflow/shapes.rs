//! The workflows that are measured. Their context has a constant size: what a row costs must not
//! hang on how many came before it.

use serde_json::{Value, json};

/// Definition of a shape and how many durable steps a run of it has.
pub fn shape(name: &str) -> (Value, usize) {
    match name {
        "js" => (chain(40, js), 40),
        "plain" => (chain(40, plain), 40),
        "fanout" => (fan(100), 100),
        "loop" => (looped(), 1000),
        "delay" => (chain(1, |_| delay("delayMinutes", 60)), 1),
        // Shorter than an idle run is kept in memory for.
        "nap" => (chain(1, |_| delay("delayMs", 900)), 1),
        // Busy until a time, so that a hub can be killed while every run has an attempt on its way.
        "until" => (chain(1, |_| script("while (Date.now() < ctx.input.until) {} return 1;")), 1),
        other => panic!("no shape {other}"),
    }
}

fn js(_: usize) -> Value {
    script("return (ctx.v || ctx.input.k) + 1;")
}

fn script(code: &str) -> Value {
    json!({"type": "javascript", "data": {"code": code, "outputVariable": "v"}})
}

fn delay(unit: &str, time: u64) -> Value {
    let seconds = if unit == "delayMs" { 8 } else { 0 };
    json!({"type": "delay", "data": {"delayType": "fixed", "delaySeconds": seconds, unit: time}})
}

/// A decision that needs no script.
fn plain(_: usize) -> Value {
    let test = json!({"leftValue": "{{ctx.input.k}}", "operator": "greater_than", "rightValue": -1});
    json!({"type": "condition", "data": {"branches": [{"id": "yes", "conditions": [test]}]}})
}

fn definition(mut nodes: Vec<Value>, edges: &[(String, &str, String)]) -> Value {
    nodes.insert(0, json!({"id": "start", "type": "start", "data": {}}));
    nodes.push(json!({"id": "end", "type": "end", "data": {"outputParameters": []}}));
    let edges: Vec<Value> = edges
        .iter()
        .enumerate()
        .map(|(n, (from, handle, to))| json!({"id": format!("e{n}"), "source": from, "sourceHandle": handle, "target": to}))
        .collect();
    json!({"title": "bench", "workflowOptions": {}, "nodes": nodes, "edges": edges})
}

fn named(id: &str, mut node: Value) -> Value {
    node["id"] = json!(id);
    node
}

fn handle(node: &Value) -> &'static str {
    match node["type"].as_str() {
        Some("condition") => "yes",
        Some("delay" | "start") => "output",
        _ => "success",
    }
}

fn chain(length: usize, node: impl Fn(usize) -> Value) -> Value {
    let nodes: Vec<Value> = (0..length).map(|n| named(&format!("n{n}"), node(n))).collect();
    let mut edges = vec![("start".to_owned(), "output", "n0".to_owned())];
    for (n, node) in nodes.iter().enumerate() {
        let next = if n + 1 < length { format!("n{}", n + 1) } else { "end".to_owned() };
        edges.push((format!("n{n}"), handle(node), next));
    }
    definition(nodes, &edges)
}

fn fan(width: usize) -> Value {
    let nodes: Vec<Value> = (0..width).map(|n| named(&format!("n{n}"), js(n))).collect();
    let out = (0..width).map(|n| ("start".to_owned(), "output", format!("n{n}")));
    let back = (0..width).map(|n| (format!("n{n}"), "success", "end".to_owned()));
    definition(nodes, &out.chain(back).collect::<Vec<_>>())
}

fn looped() -> Value {
    let head = json!({"id": "loop", "type": "loop", "data": {"sourceVariable": "{{ctx.input.items}}", "maxIterations": 1000}});
    let edges = [
        ("start".to_owned(), "output", "loop".to_owned()),
        ("loop".to_owned(), "loop", "n".to_owned()),
        ("n".to_owned(), "success", "loop".to_owned()),
        ("loop".to_owned(), "completed", "end".to_owned()),
    ];
    definition(vec![head, named("n", js(0))], &edges)
}

/// What a run of a shape is started with.
pub fn inputs(name: &str, k: usize, until: u64) -> Value {
    match name {
        "loop" => json!({"k": k, "items": (0..1000).collect::<Vec<_>>()}),
        "until" => json!({"k": k, "until": until}),
        _ => json!({"k": k}),
    }
}
