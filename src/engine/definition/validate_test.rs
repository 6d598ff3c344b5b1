use serde_json::{Value, json};

use super::*;
use crate::{engine::Limits, ids::NodeId};

fn source(nodes: Value, edges: Value) -> Source {
    Source { nodes, edges, options: json!({}) }
}

fn saved(source: &Source) -> Vec<String> {
    check_saved(source, &Limits::default()).iter().map(ToString::to_string).collect()
}

fn run(source: &Source) -> Vec<String> {
    match validate(source, &Limits::default()) {
        Ok(_) => Vec::new(),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

fn start() -> Value {
    json!({"id": "s", "type": "start"})
}

/// A workflow with one more node of that type and data.
fn with(kind: &str, data: Value) -> Source {
    source(json!([start(), {"id": "n", "type": kind, "data": data}]), json!([{"source": "s", "target": "n"}]))
}

#[test]
fn a_plain_workflow_runs() {
    let plain = source(
        json!([start(), {"id": "js", "type": "javascript", "data": {"code": "return 1"}, "position": {"x": 1, "y": 2}}, {"id": "e", "type": "end"}]),
        json!([{"id": "1", "source": "s", "target": "js"}, {"source": "js", "target": "e", "sourceHandle": "success"}]),
    );
    assert_eq!(saved(&plain), [""; 0]);
    let definition = validate(&plain, &Limits::default()).unwrap();
    assert_eq!(definition.node_ids().map(NodeId::as_str).collect::<Vec<_>>(), ["s", "js", "e"]);
    assert_eq!(definition.node_type(&NodeId::trusted("js")).unwrap().as_ref(), "javascript");
    let node = definition.node(&NodeId::trusted("js")).unwrap();
    assert_eq!(node.output_variable.as_deref(), Some("jsResult"));
    assert_eq!(node.policy.timeout.as_secs(), 30);
    assert_eq!(Source::from_value(&plain.to_value()), plain);
}

#[test]
fn names_of_other_generations_are_read() {
    let stored = source(
        json!([{"nodeID": "s", "nodeType": "start", "nodeConfig": {}}, {"nodeID": "e", "nodeType": "end", "nodeConfig": {"position": {"x": 1}}}]),
        json!([{"edgeID": "1", "upstreamNodeID": "s", "downstreamNodeID": "e", "sourceHandle": null}]),
    );
    let definition = validate(&stored, &Limits::default()).unwrap();
    assert!(definition.leaves_on(&NodeId::trusted("s"), "output"));
}

#[test]
fn what_is_refused_at_save() {
    let table = [
        (source(json!({}), json!(7)), vec!["nodes: must be a list", "edges: must be a list"]),
        (
            source(
                json!([1, {}, {"id": 5, "type": "end"}, {"id": "", "type": "end"}, {"id": "a\nb", "type": "end"}]),
                json!(null),
            ),
            vec![
                "nodes[0]: must be an object",
                "nodes[1].id: must be a text",
                "nodes[2].id: must be a text",
                "nodes[3].id: an id must not be empty",
                "nodes[4].id: an id must not contain control characters",
            ],
        ),
        (
            source(json!([{"id": "a", "type": "end"}, {"nodeID": "a", "type": "end"}]), json!([])),
            vec!["nodes[1].nodeID (node a): is the id of another node, too"],
        ),
        (
            source(json!([{"id": "a"}, {"id": "b", "type": "end", "data": 3}]), json!([])),
            vec![
                "nodes[0].type (node a): must be the name of a node type",
                "nodes[1].data (node b): must be an object",
            ],
        ),
        (
            source(json!([]), json!([3, {"source": "a"}, {"source": "a", "target": "b", "sourceHandle": 4}])),
            vec![
                "edges[0]: must be an object",
                "edges[1].target: must be the id of a node",
                "edges[2].sourceHandle: must be a text",
            ],
        ),
        (
            with("delay", json!({"delayMs": 1000, "delaySeconds": "x", "delayMinutes": -1})),
            vec![
                "nodes[1].data.delayMinutes (node n): must be from 0 to 1440",
                "nodes[1].data.delaySeconds (node n): must be a number",
                "nodes[1].data.delayMs (node n): must be from 0 to 999",
            ],
        ),
        (
            with("delay", json!({"delayType": "dynamic"})),
            vec!["nodes[1].data.delayVariable (node n): is missing"],
        ),
        (
            with("delay", json!({"delayType": "until", "untilTime": " "})),
            vec!["nodes[1].data.untilTime (node n): is missing"],
        ),
        (
            with("delay", json!({"delayType": "never"})),
            vec!["nodes[1].data.delayType (node n): \"never\" is none of fixed, dynamic, until"],
        ),
        (
            with("loop", json!({"maxIterations": 0, "delayBetweenItems": 60_001, "itemVariable": "1a"})),
            vec![
                "nodes[1].data.maxIterations (node n): must be from 1 to 100000",
                "nodes[1].data.delayBetweenItems (node n): must be from 0 to 60000",
                "nodes[1].data.itemVariable (node n): must be a name of letters, digits and _, not beginning with a digit",
            ],
        ),
    ];
    for (source, expected) in table {
        assert_eq!(saved(&source), expected);
    }
    let hostile = json!("{{ constructor.constructor(\"return process\")() }}");
    for (kind, data, path) in [
        (
            "end",
            json!({"outputParameters": [{"name": "a", "sourceVariable": hostile}]}),
            "outputParameters[0].sourceVariable",
        ),
        ("dataQuery", json!({"inputValues": {"a": [hostile]}}), "inputValues.a[0]"),
        ("loop", json!({"sourceVariable": hostile}), "sourceVariable"),
        ("delay", json!({"delayType": "dynamic", "delayVariable": hostile}), "delayVariable"),
        ("delay", json!({"delayType": "until", "untilTime": hostile}), "untilTime"),
    ] {
        let problems = saved(&with(kind, data));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].starts_with(&format!("nodes[1].data.{path} (node n): {{{{ constructor")),
            "{problems:?}"
        );
    }
}

#[test]
fn sizes_are_refused_at_save() {
    let limits = Limits { max_nodes: 2, max_edges: 1, max_definition: 100, ..Limits::default() };
    let many = source(
        json!([start(), {"id": "a", "type": "end"}, {"id": "b", "type": "end"}]),
        json!([{"source": "s", "target": "a"}, {"source": "s", "target": "b"}]),
    );
    let problems = check_saved(&many, &limits);
    let found: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found[0].contains("at most 2 nodes, this one has 3 (workflow.max_nodes)"));
    assert!(validate(&many, &limits).is_err());
    assert!(reopen(&many, &limits).is_ok(), "a run that goes on is not stopped by a setting");
}

#[test]
fn what_is_drawn_by_half_is_saved_but_does_not_run() {
    let table = [
        (source(json!([]), json!([])), vec!["nodes: a workflow has exactly one start node, this one has 0"]),
        (
            source(json!([start(), {"id": "t", "type": "start"}]), json!([])),
            vec!["nodes: a workflow has exactly one start node, this one has 2"],
        ),
        (
            source(json!([start()]), json!([{"source": "s", "target": "x"}, {"source": "y", "target": "z"}])),
            vec![
                "edges[0].target (node s): there is no node \"x\"",
                "edges[1].source: there is no node \"y\"",
                "edges[1].target: there is no node \"z\"",
            ],
        ),
        (with("teleport", json!({})), vec!["nodes[1].type (node n): node type teleport is unknown"]),
        (with("javascript", json!({"code": " "})), vec!["nodes[1].data.code (node n): is missing"]),
        (with("condition", json!({})), vec!["nodes[1].data.branches (node n): is missing"]),
        (
            with("end", json!({"outputParameters": [{"sourceVariable": "{{ctx.a}}"}]})),
            vec!["nodes[1].data.outputParameters[0].name (node n): is missing"],
        ),
        (
            with("javascript", json!({"code": "1", "outputVariable": "a-b"})),
            vec![
                "nodes[1].data.outputVariable (node n): must be a name of letters, digits and _, not beginning with a digit",
            ],
        ),
        (
            with("javascript", json!({"code": "1", "outputVariable": "input"})),
            vec!["nodes[1].data.outputVariable (node n): must not be input, nor begin with __"],
        ),
        (
            with("javascript", json!({"code": "1", "outputVariable": "__x"})),
            vec!["nodes[1].data.outputVariable (node n): must not be input, nor begin with __"],
        ),
        (
            with("javascript", json!({"code": "1", "errorHandling": "pray", "timeoutSeconds": "soon"})),
            vec![
                "nodes[1].data.timeoutSeconds (node n): must be a number",
                "nodes[1].data.errorHandling (node n): must be one of continue, continue_default, skip_item, fail_workflow, retry_then_fail, retry_then_continue",
            ],
        ),
        (
            source(
                json!([start(), {"id": "a", "type": "delay"}, {"id": "b", "type": "delay"}, {"id": "c", "type": "end"}]),
                json!([{"source": "s", "target": "a"}, {"source": "a", "target": "b"}, {"source": "b", "target": "a"}, {"source": "b", "target": "c"}]),
            ),
            vec![
                "nodes[1] (node a): is on a cycle: only a loop node may be reached again, from its own body",
                "nodes[2] (node b): is on a cycle: only a loop node may be reached again, from its own body",
            ],
        ),
    ];
    for (source, expected) in table {
        assert_eq!(saved(&source), [""; 0], "{source:?}");
        assert_eq!(run(&source), expected);
    }
}

#[test]
fn elsewhere_only_the_ids_count() {
    let strange = source(
        json!([{"id": "a", "type": "teleport"}, {"id": "b", "type": "loop"}, {"id": "c", "type": "javascript"}]),
        json!([{"source": "a", "target": "b"}, {"source": "b", "target": "a"}, {"source": "b", "target": "x"}]),
    );
    let definition = validate_external(&strange, &Limits::default()).unwrap();
    assert!(definition.contains(&NodeId::trusted("b")) && !definition.contains(&NodeId::trusted("x")));
    assert!(validate_external(&source(json!([{"type": "end"}]), json!([])), &Limits::default()).is_err());
}

#[test]
fn the_precedence_of_settings() {
    let mut source = with("javascript", json!({"code": "1", "retryLimit": "3"}));
    source.options = json!({"nodeDefaults": {"javascript": {"timeoutSeconds": 7, "retryLimit": 9}}, "defaultNodeTimeoutSeconds": 8, "defaultRetryDelaySeconds": 999, "workflowRunTimeout": "2h"});
    let definition = validate(&source, &Limits::default()).unwrap();
    let policy = definition.node(&NodeId::trusted("n")).unwrap().policy;
    assert_eq!((policy.timeout.as_secs(), policy.retries, policy.retry_delay.as_secs()), (7, 3, 300));
    assert_eq!(policy.handling, Handling::Fail);
    assert_eq!(definition.run_timeout().unwrap().as_secs(), 7200);
    assert_eq!(definition.node(&NodeId::trusted("s")).unwrap().policy.timeout.as_secs(), 8);
}

#[test]
fn a_hundred_faults_are_enough() {
    let nodes: Vec<Value> = (0..500).map(|_| json!({"id": "", "type": "end"})).collect();
    assert_eq!(saved(&source(json!(nodes), json!([]))).len(), 100);
}
