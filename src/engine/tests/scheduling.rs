//! Which nodes run, and when the run ends.

use serde_json::json;

use super::sim::{Sim, edges, id, js, js_with, node, source};
use crate::{
    engine::{AttemptResult, Limits, Outcome, Refusal, RunCommand, RunStatus, Source, TimerKey},
    ids::{Attempt, Visit},
};

#[test]
fn the_worked_trace_of_the_contract() {
    let mut sim = Sim::started(
        &[js_with("js", json!({"outputVariable": null}))],
        "s->js js:success->e",
        json!({"x": 1}),
    );
    assert_eq!(sim.at_work(), ["js"]);
    sim.returns("js", json!(42));
    let expected = [
        "INPUT_SET",
        "NODE_DISPATCHED s",
        "NODE_COMPLETED s",
        "NODE_DISPATCHED js",
        "NODE_COMPLETED js",
        "NODE_DISPATCHED e",
        "NODE_COMPLETED e",
        "SYSTEM_SET",
    ];
    assert_eq!(sim.trace(), expected);
    assert_eq!(sim.context(), json!({"input": {"x": 1}, "jsResult": 42, "output": {}}));
    sim.completed();
}

#[test]
fn an_end_answers_with_its_parameters() {
    let end = node(
        "e",
        "end",
        json!({"outputParameters": [
        {"name": "total", "sourceVariable": "{{ctx.js}}"}, {"name": "gone", "sourceVariable": "{{ctx.gone.x}}"},
        {"name": "text", "sourceVariable": "n={{ctx.js}}"}, {"name": "none"}]}),
    );
    let source = Source {
        nodes: json!([node("s", "start", json!({})), js("js"), end]),
        edges: edges("s->js js->e"),
        options: json!({}),
    };
    let mut sim = Sim::of(&source, Limits::default());
    sim.start(json!({}));
    sim.returns("js", json!(42));
    sim.completed();
    let output = json!({"total": 42, "gone": null, "text": "n=42", "none": null});
    assert_eq!(sim.state.output().unwrap().as_ref(), &output);
    assert_eq!(sim.context()["output"], output);
    let end = sim.state.node_output(&id("e")).unwrap().to_value();
    assert_eq!(
        end,
        json!({"status": "success", "workflowOutput": output, "completedAt": "2026-01-01T00:00:00.000Z"})
    );
}

#[test]
fn an_end_may_say_that_the_run_failed() {
    for status in ["error", "failed"] {
        let fails = node(
            "f",
            "end",
            json!({"status": status, "outputParameters": [{"name": "a", "sourceVariable": "1"}]}),
        );
        let sim = Sim::started(&[fails], "s->f", json!({}));
        assert_eq!(sim.ended().0, RunStatus::Failed);
        assert_eq!(sim.ended().1, Some("NODE_FAILED"));
        assert_eq!(sim.state.output().unwrap().as_ref(), &json!({"a": "1"}));
        assert_eq!(
            sim.trace().last().unwrap(),
            "NODE_FAILED",
            "a failed run ends with a NODE_FAILED row without a node"
        );
        sim.check();
    }
}

#[test]
fn a_diamond_waits_for_all() {
    let mut sim = Sim::started(&[js("a"), js("b"), js("j")], "s->a s->b a->j b->j j->e", json!({}));
    assert_eq!(sim.at_work(), ["a", "b"]);
    sim.returns("b", json!(2));
    assert_eq!(sim.at_work(), ["a"]);
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["j"]);
    sim.returns("j", json!(3));
    sim.completed();
    assert_eq!(sim.context(), json!({"input": {}, "a": 1, "b": 2, "j": 3, "output": {}}));
    assert_eq!(sim.kinds_of("j"), ["NODE_DISPATCHED", "NODE_COMPLETED"]);
}

#[test]
fn a_join_of_any_runs_once_with_the_first() {
    let join = js_with("j", json!({"joinMode": "any"}));
    let mut sim =
        Sim::started(&[js("a"), js("b"), join, js("z")], "s->a s->b a->j b->j j->z z->e", json!({}));
    sim.returns("b", json!(2));
    assert_eq!(sim.at_work(), ["a", "j"]);
    sim.returns("j", json!(3));
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["z"]);
    sim.returns("z", json!(4));
    sim.completed();
    assert_eq!(sim.kinds_of("j").len(), 2);
}

#[test]
fn an_unknown_join_mode_is_all() {
    let mut sim = Sim::started(
        &[js("a"), js("b"), js_with("j", json!({"joinMode": "most"}))],
        "s->a s->b a->j b->j j->e",
        json!({}),
    );
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["b"]);
}

fn branch(id: &str, left: &str, right: &str) -> serde_json::Value {
    json!({"id": id, "label": id, "conditions": [{"leftValue": left, "operator": "equals", "rightValue": right}]})
}

#[test]
fn an_untaken_branch_does_not_hold_up_a_join() {
    let condition =
        node("c", "condition", json!({"branches": [branch("yes", "1", "1"), branch("no", "1", "1")]}));
    let nodes = [condition, js("a"), js("b"), js("b2"), js("j")];
    let mut sim = Sim::started(&nodes, "s->c c:yes->a c:no->b b->b2 a->j b2->j j->e", json!({}));
    assert_eq!(sim.at_work(), ["a"]);
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["j"], "the dead branch does not count");
    sim.returns("j", json!(1));
    sim.completed();
    assert_eq!(sim.kinds_of("b"), [""; 0]);
    assert_eq!(
        sim.context(),
        json!({"input": {}, "a": 1, "j": 1, "output": {}}),
        "a condition adds nothing by default"
    );
}

#[test]
fn a_join_all_of_whose_edges_are_dead_does_not_run() {
    let condition = node("c", "condition", json!({"branches": [branch("x", "1", "2")]}));
    let sim = Sim::started(&[condition, js("a"), js("b")], "s->c c:x->a a->b b->e", json!({}));
    sim.completed();
    assert_eq!(sim.state.output(), None);
    assert_eq!(sim.trace().last().unwrap(), "SYSTEM_SET");
}

#[test]
fn handles_fall_back() {
    let yes =
        || node("c", "condition", json!({"branches": [branch("yes", "1", "1")], "defaultBranch": "other"}));
    let cases = [
        // A branch without an edge goes to default, never to output.
        (vec![yes(), js("a")], "s->c c:default->a", vec!["a"]),
        (vec![yes(), js("a")], "s->c c->a", vec![]),
        // success and output stand for each other.
        (vec![js("x"), js("a")], "s->a", vec!["a"]),
        (vec![js("a")], "s:success->a", vec!["a"]),
        (vec![node("d", "delay", json!({})), js("a")], "s->d d:success->a", vec!["a"]),
        // The exact handle wins.
        (vec![node("d", "delay", json!({})), js("a"), js("b")], "s->d d:output->a d:success->b", vec!["a"]),
    ];
    for (nodes, edges, expected) in cases {
        let sim = Sim::started(&nodes, edges, json!({}));
        assert_eq!(sim.at_work(), expected, "{edges}");
        if expected.is_empty() {
            sim.completed();
        }
    }
    let mut sim = Sim::started(&[js("x"), js("a"), js("b")], "s->x x->a x:success->b", json!({}));
    sim.returns("x", json!(1));
    assert_eq!(sim.at_work(), ["b"]);
}

#[test]
fn the_first_end_ends_the_run_and_the_rest_is_discarded() {
    let second = node("e2", "end", json!({}));
    let mut sim = Sim::started(&[js("a"), js("b"), second], "s->a s->b a->e b->e2", json!({}));
    let late = sim.open[1].clone();
    sim.returns("a", json!(1));
    sim.completed();
    assert_eq!(sim.interrupted, ["b"]);
    let rows = sim.rows.len();
    let command = RunCommand::Result(AttemptResult {
        node: late.node,
        visit: late.visit,
        attempt: late.attempt,
        outcome: Outcome::Returned(json!(2)),
    });
    assert_eq!(sim.command(command), Err(Refusal::Finished(RunStatus::Completed)));
    assert_eq!(sim.rows.len(), rows);
}

#[test]
fn an_end_that_is_ready_at_once_lets_nothing_else_begin() {
    let sim = Sim::started(&[js("a")], "s->a s->e", json!({}));
    sim.completed();
    assert_eq!(sim.kinds_of("a"), [""; 0]);
    assert!(sim.interrupted.is_empty());
}

#[test]
fn without_an_end_a_run_ends_when_nothing_is_left() {
    let mut sim = Sim::started(&[js("a"), js("island")], "s->a", json!({}));
    assert_eq!(sim.at_work(), ["a"], "what nothing leads to does not run");
    sim.returns("a", json!(1));
    sim.completed();
    assert_eq!(sim.state.output(), None);
    Sim::started(&[], "", json!({})).completed();
}

#[test]
fn ready_nodes_run_in_parallel_up_to_the_limit() {
    let nodes: Vec<_> = (0..5).map(|n| js(&format!("n{n}"))).collect();
    let source = source(&nodes, "s->n0 s->n1 s->n2 s->n3 s->n4");
    let mut sim = Sim::of(&source, Limits { max_parallel_nodes: 2, ..Limits::default() });
    sim.start(json!({}));
    assert_eq!(sim.at_work(), ["n0", "n1"]);
    sim.returns("n0", json!(0));
    assert_eq!(sim.at_work(), ["n1", "n2"]);
    for node in ["n1", "n2", "n3", "n4"] {
        sim.returns(node, json!(0));
        assert!(sim.open.len() <= 2);
    }
    sim.completed();
}

#[test]
fn a_disabled_node_is_passed() {
    let off = js_with("a", json!({"isDisabled": true}));
    let wait = node("d", "delay", json!({"isDisabled": true, "delayMinutes": 60}));
    let condition =
        node("c", "condition", json!({"isDisabled": true, "branches": [branch("yes", "1", "1")]}));
    let sim = Sim::started(&[off, wait, condition], "s->a a:success->d d->c c:default->e", json!({}));
    sim.completed();
    for node in ["a", "d", "c"] {
        assert_eq!(
            sim.state.node_output(&id(node)).unwrap().to_value(),
            json!({"skipped": true, "success": true})
        );
    }
    assert_eq!(sim.context(), json!({"input": {}, "output": {}}), "it leaves nothing behind");
}

#[test]
fn a_delay_waits_and_survives_a_crash() {
    let wait = node("d", "delay", json!({"delaySeconds": 3, "outputVariable": "waited"}));
    let mut sim = Sim::started(&[wait], "s->d d->e", json!({}));
    let key = TimerKey::Wake { node: id("d"), visit: Visit(1) };
    assert_eq!(sim.timers.keys().cloned().collect::<Vec<_>>(), [TimerKey::Run, key.clone()]);
    assert!(sim.state.is_waiting());
    assert_eq!(sim.state.active()[0].until, Some("2026-01-01T00:00:03Z".parse().unwrap()));
    assert!(matches!(sim.command(RunCommand::Timer { key: key.clone() }), Err(Refusal::TooEarly { .. })));
    sim.crash();
    assert_eq!(sim.fire(), key);
    assert_eq!(sim.kinds_of("d"), ["NODE_DISPATCHED", "NODE_SUSPENDED", "NODE_COMPLETED"]);
    assert_eq!(
        sim.state.node_output(&id("d")).unwrap().to_value(),
        json!({"delayedMs": 3000, "delayType": "fixed", "success": true})
    );
    assert_eq!(sim.context()["waited"], json!({"delayedMs": 3000, "delayType": "fixed"}));
    assert!(sim.timers.is_empty());
    sim.completed();
    assert_eq!(sim.command(RunCommand::Timer { key }), Err(Refusal::Finished(RunStatus::Completed)));
}

#[test]
fn waits_do_not_take_places_of_work() {
    let wait = |id: &str| node(id, "delay", json!({"delayMinutes": 1}));
    let source = source(&[wait("d1"), wait("d2"), js("a")], "s->d1 s->d2 s->a");
    let mut sim = Sim::of(&source, Limits { max_parallel_nodes: 1, ..Limits::default() });
    sim.start(json!({}));
    assert_eq!(sim.at_work(), ["a"]);
    sim.returns("a", json!(1));
    sim.fire();
    sim.fire();
    sim.completed();
}

#[test]
fn a_crash_dispatches_again_with_the_same_key() {
    let mut sim = Sim::started(&[js("a"), js("b")], "s->a s->b a->e", json!({"n": 1}));
    sim.returns("b", json!(2));
    let before = sim.open.clone();
    sim.crash();
    assert_eq!(sim.open.len(), 1);
    assert_eq!((&sim.open[0].node, sim.open[0].visit, sim.open[0].attempt), (&id("a"), Visit(1), Attempt(1)));
    assert_eq!(sim.open[0].timeout, before[0].timeout);
    sim.returns("a", json!(1));
    sim.completed();
}

#[test]
fn a_run_is_started_once() {
    let mut sim = Sim::of(&source(&[js("a")], "s->a a->e"), Limits::default());
    assert_eq!(sim.command(RunCommand::Cancel { reason: None }), Err(Refusal::NotStarted));
    sim.start(json!({}));
    assert_eq!(sim.command(RunCommand::Start(Default::default())), Err(Refusal::AlreadyStarted));
    sim.cancel();
    assert_eq!(
        sim.command(RunCommand::Start(Default::default())),
        Err(Refusal::Finished(RunStatus::Cancelled))
    );
}

#[test]
fn nodes_without_a_world_cost_one_step() {
    let chain: Vec<_> = (0..200).map(|n| node(&format!("d{n}"), "delay", json!({}))).collect();
    let mut edges = String::from("s->d0 d199->e ");
    for n in 1..200 {
        edges += &format!("d{}->d{n} ", n - 1);
    }
    let sim = Sim::started(&chain, &edges, json!({}));
    sim.completed();
    assert_eq!(sim.rows.len(), 1 + 2 * 202 + 1);
}
