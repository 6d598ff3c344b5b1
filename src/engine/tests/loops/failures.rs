//! Nodes of a body that fail.

use serde_json::json;

use super::passes::over;
use crate::{
    engine::{
        AttemptResult, Outcome, Refusal, RunCommand, RunStatus, TimerKey, Update, joiner,
        tests::sim::{Sim, id, js, js_with, node},
    },
    ids::Visit,
};

fn with(handling: &str, list: serde_json::Value) -> Sim {
    let nodes = [over(json!({})), js_with("a", json!({"errorHandling": handling}))];
    Sim::started(&nodes, "s->l l:loop->a l:completed->e", json!({"list": list}))
}

#[test]
fn fail_workflow_fails_the_run() {
    for handling in ["", "fail_workflow", "retry_then_fail"] {
        let mut sim = with(handling, json!([1, 2]));
        sim.throws("a", "no");
        assert_eq!(sim.ended(), (RunStatus::Failed, Some("NODE_FAILED"), Some("Node a failed: no")));
        sim.check();
    }
}

#[test]
fn continue_goes_on_with_the_error_as_result_and_skip_item_without() {
    let error = json!({"success": false, "error": {"code": "JS_ERROR", "message": "no"}});
    for (handling, expected) in [
        ("continue", json!([error, "ok"])),
        ("retry_then_continue", json!([error, "ok"])),
        ("skip_item", json!(["ok"])),
        ("continue_default", json!([null, "ok"])),
    ] {
        let mut sim = with(handling, json!([1, 2]));
        sim.throws("a", "no");
        assert_eq!(sim.at_work(), ["a"], "{handling}");
        assert_eq!(sim.seen("a")["item"], json!(2));
        sim.crash();
        sim.returns("a", json!("ok"));
        sim.completed();
        assert_eq!(sim.context()["loopResults"], expected, "{handling}");
        assert_eq!(sim.state.node_output(&id("l")).unwrap().get("totalItems").unwrap().as_ref(), &json!(2));
        let failed: Vec<_> = sim
            .updates
            .iter()
            .filter_map(|update| match update {
                Update::Node(update) if !update.success => Some((update.node.to_string(), update.iteration)),
                _ => None,
            })
            .collect();
        assert_eq!(failed, [("a".to_owned(), Some(0))]);
        assert_eq!(joiner(&sim.state, false), sim.last_updates());
    }
}

#[test]
fn every_item_may_fail() {
    for (handling, left) in [("continue", 3), ("skip_item", 0)] {
        let mut sim = with(handling, json!([1, 2, 3]));
        for _ in 0..3 {
            sim.throws("a", "no");
        }
        sim.completed();
        assert_eq!(sim.context()["loopResults"].as_array().unwrap().len(), left);
    }
}

#[test]
fn an_error_edge_goes_before() {
    let nodes = [over(json!({})), js_with("a", json!({"errorHandling": "skip_item"})), js("f"), js("z")];
    let edges = "s->l l:loop->a a->z a:error->f f->z l:completed->e";
    let mut sim = Sim::started(&nodes, edges, json!({"list": [1, 2]}));
    sim.throws("a", "no");
    assert_eq!(sim.at_work(), ["f"]);
    let seen = sim.seen("f");
    assert_eq!((&seen["a"], &seen["__error"]["message"]), (&json!(null), &json!("no")));
    sim.returns("f", json!(1));
    sim.returns("z", json!("first"));
    sim.returns("a", json!(1));
    sim.returns("z", json!("second"));
    sim.completed();
    assert_eq!(sim.context()["loopResults"], json!(["first", "second"]));
}

#[test]
fn retries_and_timeouts_happen_inside_an_item() {
    let again = json!({"errorHandling": "retry_then_continue", "retryLimit": 1, "retryDelaySeconds": 2});
    let nodes = [over(json!({})), js_with("a", again)];
    let mut sim = Sim::started(&nodes, "s->l l:loop->a l:completed->e", json!({"list": [1, 2]}));
    sim.times_out("a");
    assert!(sim.state.is_waiting());
    sim.crash();
    assert!(matches!(sim.fire(), TimerKey::Retry { visit: Visit(1), .. }));
    sim.times_out("a");
    assert_eq!(sim.seen("a")["index"], json!(1));
    sim.throws("a", "once");
    sim.fire();
    sim.returns("a", json!("ok"));
    sim.completed();
    let results = sim.context()["loopResults"].clone();
    assert_eq!((&results[0]["error"]["code"], &results[1]), (&json!("NODE_TIMEOUT"), &json!("ok")));
}

#[test]
fn a_failure_gives_up_what_is_beside_it() {
    let nodes = [
        over(json!({})),
        js_with("a", json!({"errorHandling": "continue"})),
        js("b"),
        js("after"),
        node("d", "delay", json!({"delayMinutes": 1})),
        js_with("r", json!({"retryLimit": 1, "retryDelaySeconds": 60})),
    ];
    let edges = "s->l l:loop->a l:loop->b l:loop->d l:loop->r b->after l:completed->e";
    let mut sim = Sim::started(&nodes, edges, json!({"list": [1, 2]}));
    sim.throws("r", "later");
    let late = sim.open.iter().find(|open| open.node == id("b")).unwrap().clone();
    assert_eq!(sim.timers.len(), 3, "the run's, the wait's, the retry's");
    sim.throws("a", "no");
    assert_eq!(sim.interrupted, ["b"]);
    assert_eq!(sim.at_work(), ["a", "b", "r"], "the next item");
    assert_eq!(sim.timers.len(), 2, "{:?}", sim.timers);
    let result = RunCommand::Result(AttemptResult {
        node: late.node,
        visit: late.visit,
        attempt: late.attempt,
        outcome: Outcome::Returned(json!("late")),
    });
    assert_eq!(sim.command(result), Err(Refusal::Stale));
    let wake = TimerKey::Wake { node: id("d"), visit: Visit(1) };
    assert_eq!(sim.command(RunCommand::Timer { key: wake }), Err(Refusal::Stale));
    sim.crash();
    for name in ["a", "b", "after", "r"] {
        sim.returns(name, json!(name));
    }
    sim.fire();
    sim.completed();
    assert_eq!(sim.kinds_of("after").len(), 2);
    assert_eq!(sim.context()["loopResults"][0]["success"], json!(false));
}

#[test]
fn the_context_of_a_failed_item_is_the_item_s() {
    let mut sim = with("continue", json!([1, 2]));
    sim.throws("a", "no");
    let Some(Update::Node(failed)) =
        sim.updates.iter().rev().find(|update| matches!(update, Update::Node(node) if !node.success))
    else {
        panic!("an update")
    };
    assert_eq!(
        serde_json::to_value(failed.context.as_ref().unwrap()).unwrap(),
        json!({"input": {"list": [1, 2]}, "item": 1, "index": 0, "a": null})
    );
    assert!(sim.context().get("a").is_none());
}
