//! What a failure does.

use serde_json::{Value, json};

use super::sim::{Sim, id, js, js_with, node};
use crate::{
    engine::{AttemptResult, NodeError, Outcome, Refusal, RunCommand, RunEvent, RunStatus, TimerKey, Update},
    error::Code,
    ids::{Attempt, Visit},
};

fn failed(sim: &Sim) -> &str {
    let (status, code, error) = sim.ended();
    assert_eq!((status, code), (RunStatus::Failed, Some("NODE_FAILED")));
    sim.check();
    error.unwrap()
}

#[test]
fn without_an_error_edge_the_run_fails() {
    for mode in [
        Value::Null,
        json!("fail_workflow"),
        json!("continue"),
        json!("skip_item"),
        json!("retry_then_continue"),
    ] {
        let mut sim = Sim::started(
            &[js_with("a", json!({"errorHandling": mode})), js("b")],
            "s->a a->b b->e",
            json!({}),
        );
        sim.throws("a", "it broke");
        assert_eq!(failed(&sim), "Node a failed: it broke", "{mode}");
        let rows = sim.trace();
        assert_eq!(rows[rows.len() - 2..], ["NODE_FAILED a", "NODE_FAILED"]);
        assert_eq!(sim.context(), json!({"input": {}}), "an unhandled failure adds nothing");
    }
}

#[test]
fn with_an_error_edge_the_run_goes_on_there() {
    for mode in [Value::Null, json!("continue"), json!("continue_default"), json!("retry_then_continue")] {
        let nodes = [
            js_with("a", json!({"errorHandling": mode})),
            js("b"),
            js_with("h", json!({"code": "return ctx.__error"})),
        ];
        let mut sim = Sim::started(&nodes, "s->a a->b a:error->h h->e b->e", json!({}));
        sim.throws("a", "it broke");
        assert_eq!(sim.at_work(), ["h"], "{mode}");
        let output =
            json!({"a": null, "success": false, "error": {"message": "it broke", "code": "JS_ERROR"}});
        assert_eq!(sim.state.node_output(&id("a")).unwrap().to_value(), output);
        assert_eq!(sim.context(), json!({"input": {}, "a": null}), "clients never see __error");
        let crate::engine::Task::Script { ctx, .. } = &sim.open[0].task else { panic!("a script") };
        assert_eq!(
            serde_json::to_value(ctx).unwrap()["__error"],
            json!({"nodeID": "a", "nodeType": "javascript", "code": "JS_ERROR", "message": "it broke"})
        );
        let seen = sim.updates.iter().find_map(|update| match update {
            Update::Node(update) if update.node == id("a") => Some(update.clone()),
            _ => None,
        });
        let seen = seen.unwrap();
        assert_eq!(
            (seen.success, seen.error.as_deref(), seen.error_code.as_deref()),
            (false, Some("it broke"), Some("JS_ERROR"))
        );
        sim.returns("h", json!(1));
        sim.completed();
    }
}

#[test]
fn fail_workflow_fails_although_an_error_edge_is_there() {
    let mut sim = Sim::started(
        &[js_with("a", json!({"errorHandling": "fail_workflow"})), js("h")],
        "s->a a:error->h",
        json!({}),
    );
    sim.throws("a", "no");
    failed(&sim);
}

#[test]
fn continue_default_goes_on_with_null() {
    let mut sim = Sim::started(
        &[js_with("a", json!({"errorHandling": "continue_default"})), js("b")],
        "s->a a:success->b b->e",
        json!({}),
    );
    sim.throws("a", "no");
    assert_eq!(sim.at_work(), ["b"]);
    assert_eq!(sim.context(), json!({"input": {}, "a": null}));
    sim.returns("b", json!(1));
    sim.completed();
}

#[test]
fn retries_wait_and_then_fail() {
    let nodes =
        [js_with("a", json!({"retryLimit": 2, "retryDelaySeconds": 7, "errorHandling": "retry_then_fail"}))];
    let mut sim = Sim::started(&nodes, "s->a a->e", json!({}));
    for attempt in 1..=2 {
        sim.throws("a", "flaky");
        assert!(sim.open.is_empty() && sim.state.is_waiting());
        assert!(
            sim.updates.iter().all(|update| !matches!(update, Update::Node(update) if !update.success)),
            "what is tried again is not told"
        );
        let key = TimerKey::Retry { node: id("a"), visit: Visit(1), attempt: Attempt(attempt + 1) };
        let early = sim.command(RunCommand::Timer { key: key.clone() });
        assert!(matches!(early, Err(Refusal::TooEarly { .. })));
        sim.crash();
        assert_eq!(sim.fire(), key);
        assert_eq!(sim.open[0].attempt, Attempt(attempt + 1));
        assert_eq!(sim.open[0].visit, Visit(1), "the key of a visit is the same for every attempt");
        assert_eq!(sim.command(RunCommand::Timer { key }), Err(Refusal::Stale));
    }
    sim.throws("a", "flaky");
    assert_eq!(failed(&sim), "Node a failed: flaky");
    assert_eq!(
        sim.kinds_of("a"),
        [
            "NODE_DISPATCHED",
            "NODE_FAILED",
            "NODE_DISPATCHED",
            "NODE_FAILED",
            "NODE_DISPATCHED",
            "NODE_FAILED"
        ]
    );
    let last = sim.updates.iter().rev().find_map(|update| match update {
        Update::Node(update) => Some(update.clone()),
        _ => None,
    });
    let last = last.unwrap();
    assert_eq!((last.attempt, last.duration_ms), (Attempt(3), Some(14_000)));
}

#[test]
fn retries_may_end_well_or_go_on() {
    let flaky =
        |mode: &str| js_with("a", json!({"retryLimit": 1, "retryDelaySeconds": 0, "errorHandling": mode}));
    let mut sim = Sim::started(&[flaky("retry_then_fail")], "s->a a->e", json!({}));
    sim.throws("a", "once");
    assert_eq!(sim.open[0].attempt, Attempt(2), "no delay, no timer");
    assert_eq!(sim.timers.len(), 1);
    sim.returns("a", json!("fine"));
    sim.completed();
    assert_eq!(sim.context()["a"], json!("fine"));

    let mut sim = Sim::started(&[flaky("retry_then_continue"), js("h")], "s->a a:error->h h->e", json!({}));
    sim.throws("a", "once");
    sim.throws("a", "twice");
    sim.returns("h", json!(1));
    sim.completed();
}

#[test]
fn only_what_may_help_is_tried_again() {
    let cases = [
        ("continue", JS, "x", false),
        ("fail_workflow", JS, "x", true),
        ("retry_then_fail", JS, "ReferenceError: x is not defined", false),
        ("retry_then_fail", JS, "ctx.f is not a function", false),
        ("retry_then_fail", JS, "SyntaxError: unexpected token", false),
        ("retry_then_fail", Code::JsTimeout, "x is not defined", true),
    ];
    const JS: Code = Code::JsError;
    for (mode, code, message, again) in cases {
        let nodes = [js_with("a", json!({"retryLimit": 3, "errorHandling": mode})), js("h")];
        let mut sim = Sim::started(&nodes, "s->a a:error->h", json!({}));
        sim.outcome("a", Outcome::Failed(NodeError::new(code, message)));
        let retried = sim.timers.keys().any(|key| matches!(key, TimerKey::Retry { .. }));
        assert_eq!(retried, again, "{mode} {code} {message}");
    }
}

#[test]
fn an_attempt_that_is_too_long_is_interrupted_and_its_late_result_dropped() {
    let nodes = [js_with("a", json!({"timeoutSeconds": 2, "retryLimit": 1, "retryDelaySeconds": 1}))];
    let mut sim = Sim::started(&nodes, "s->a a->e", json!({}));
    assert_eq!(sim.open[0].timeout.as_secs(), 2);
    sim.times_out("a");
    assert_eq!(sim.interrupted, ["a"]);
    let late = |attempt: u32| {
        let outcome = Outcome::Returned(json!("late"));
        RunCommand::Result(AttemptResult {
            node: id("a"),
            visit: Visit(1),
            attempt: Attempt(attempt),
            outcome,
        })
    };
    assert_eq!(sim.command(late(1)), Err(Refusal::Stale));
    sim.fire();
    assert_eq!(sim.command(late(1)), Err(Refusal::Stale));
    assert_eq!(sim.command(late(7)), Err(Refusal::Stale));
    sim.times_out("a");
    assert_eq!(failed(&sim), "Node a failed: no result within 2 s");
    assert_eq!(sim.command(late(2)), Err(Refusal::Finished(RunStatus::Failed)));
    let RunEvent::Failed(event) = &sim.rows[sim.rows.len() - 2].1 else { panic!("a failure") };
    assert_eq!(event.error.code, "NODE_TIMEOUT");
}

#[test]
fn a_delay_that_cannot_be_told_fails() {
    let wait = |more: Value| node("d", "delay", more);
    let dynamic = wait(json!({"delayType": "dynamic", "delayVariable": "{{ctx.input.ms}}"}));
    let sim = Sim::started(std::slice::from_ref(&dynamic), "s->d d->e", json!({"ms": -1}));
    assert!(failed(&sim).starts_with("Node d failed: the delay is -1"));
    let mut sim = Sim::started(&[dynamic, js("h")], "s->d d:error->h d->e h->e", json!({"ms": "x"}));
    sim.returns("h", json!(0));
    sim.completed();
    assert_eq!(
        sim.context(),
        json!({"input": {"ms": "x"}, "h": 0, "output": {}}),
        "a delay has no variable of its own"
    );
}

#[test]
fn cancel_ends_everything_once() {
    let wait = node("d", "delay", json!({"delayMinutes": 1}));
    let mut sim = Sim::started(&[js("a"), js("b"), wait], "s->a s->b s->d", json!({}));
    sim.cancel();
    assert_eq!(sim.ended(), (RunStatus::Cancelled, None, None));
    assert_eq!(sim.interrupted, ["a", "b"]);
    assert!(sim.timers.is_empty() && sim.open.is_empty() && sim.state.active().is_empty());
    assert_eq!(sim.trace().last().unwrap(), "SYSTEM_SET");
    let ends = sim.updates.iter().filter(|update| matches!(update, Update::Status(_))).count();
    assert_eq!(ends, 1);
    assert_eq!(
        sim.command(RunCommand::Cancel { reason: None }),
        Err(Refusal::Finished(RunStatus::Cancelled))
    );
    sim.crash();
    assert!(sim.open.is_empty());
    sim.check();
}

#[test]
fn a_run_that_is_too_old_fails() {
    let mut sim = Sim::started(&[js("a")], "s->a a->e", json!({}));
    let early = sim.command(RunCommand::Timer { key: TimerKey::Run });
    assert!(matches!(early, Err(Refusal::TooEarly { .. })));
    assert_eq!(sim.fire(), TimerKey::Run);
    assert_eq!(sim.now, "2026-01-08T00:00:00Z".parse().unwrap());
    assert_eq!((sim.ended().0, sim.ended().1), (RunStatus::Failed, Some("RUN_TIMEOUT")));
    assert_eq!(sim.interrupted, ["a"]);
}

#[test]
fn the_hub_may_fail_a_run() {
    let mut sim = Sim::started(&[js("a")], "s->a a->e", json!({}));
    sim.command(RunCommand::Fail { code: Code::RunLost, message: "gone".to_owned() }).unwrap();
    assert_eq!(sim.ended(), (RunStatus::Failed, Some("RUN_LOST"), Some("gone")));
}

#[test]
fn a_result_that_does_not_fit_is_a_failure() {
    let mut sim = Sim::started(&[js("a")], "s->a a->e", json!({}));
    sim.outcome("a", Outcome::Evaluated(vec![None]));
    assert_eq!(failed(&sim), "Node a failed: the result does not fit the node's task");
}

#[test]
fn a_long_message_is_cut() {
    let mut sim = Sim::started(&[js("a")], "s->a a->e", json!({}));
    sim.throws("a", &"é".repeat(100_000));
    assert!(failed(&sim).chars().count() < 2100);
}
