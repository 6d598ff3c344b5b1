//! Runs that are executed elsewhere.

use serde_json::{Value, json};

use super::sim::{Sim, id, js, node, source};
use crate::{
    engine::{Fields, Ingested, Limits, Refusal, RunCommand, RunStatus, Start, Update, joiner},
    error::{Code, Coded},
};

fn fields(value: Value) -> Fields {
    Fields::from(value.as_object().unwrap().clone())
}

fn ended(node: &str, output: Value, context: Option<Value>) -> Ingested {
    Ingested::Node {
        node: id(node),
        error: None,
        output: fields(output),
        context: context.map(fields),
        iteration: None,
    }
}

fn over(status: RunStatus) -> Ingested {
    Ingested::Status { status, context: None, output: None, error: None }
}

fn sim(limits: Limits) -> Sim {
    let strange = node("l", "loop", json!({}));
    let mut sim = Sim::external(&source(&[js("a"), strange], "s->a a->l l->a"), limits);
    sim.command(RunCommand::Start(Start { external: true, ..Start::default() })).unwrap();
    sim
}

#[test]
fn nothing_is_dispatched_and_each_event_is_a_row() {
    let mut sim = sim(Limits::default());
    assert_eq!(sim.trace(), ["INPUT_SET"]);
    assert!(sim.timers.is_empty() && sim.open.is_empty());
    let failed = Ingested::Node {
        node: id("a"),
        error: Some("no".to_owned()),
        output: fields(json!({"a": null})),
        context: None,
        iteration: Some(4),
    };
    let batch = vec![
        ended("a", json!({"a": 1}), Some(json!({"input": {"q": 1}, "a": 1, "__secret": 2}))),
        ended("l", json!({"loopResults": [1], "success": true}), None),
        failed,
        ended("a", json!({"a": 2}), None),
    ];
    sim.command(RunCommand::Ingest(batch)).unwrap();
    assert_eq!(
        sim.trace()[1..],
        ["NODE_COMPLETED a", "NODE_COMPLETED l", "NODE_FAILED a", "NODE_COMPLETED a"]
    );
    let seen: Vec<_> = sim
        .updates
        .iter()
        .filter_map(|update| match update {
            Update::Node(update) => Some((
                update.node.to_string(),
                update.visit.0,
                update.success,
                update.iteration,
                serde_json::to_value(update.context.as_ref().unwrap()).unwrap(),
            )),
            _ => None,
        })
        .collect();
    let told = json!({"input": {"q": 1}, "a": 1});
    let looped = json!({"input": {"q": 1}, "a": 1, "loopResults": [1]});
    let last = json!({"input": {"q": 1}, "a": 2, "loopResults": [1]});
    let expected = [
        ("a".to_owned(), 1, true, None, told),
        ("l".to_owned(), 1, true, None, looped.clone()),
        ("a".to_owned(), 2, false, Some(4), looped.clone()),
        ("a".to_owned(), 3, true, None, last.clone()),
    ];
    assert_eq!(seen, expected);
    assert_eq!(sim.state.status(), RunStatus::Running, "a failed node is the executor's business");

    let end = Ingested::Status {
        status: RunStatus::Completed,
        context: Some(fields(json!({"x": 1}))),
        output: Some(json!({"t": 1})),
        error: None,
    };
    sim.command(RunCommand::Ingest(vec![end])).unwrap();
    assert_eq!(sim.context(), json!({"x": 1}));
    assert_eq!(sim.state.output().unwrap().as_ref(), &json!({"t": 1}));
    let joined = joiner(&sim.state, true);
    let contexts: Vec<_> = joined
        .iter()
        .map(|update| match update {
            Update::Node(update) => serde_json::to_value(update.context.as_ref().unwrap()).unwrap(),
            Update::Status(update) => serde_json::to_value(&update.context).unwrap(),
            Update::Progress(_) | Update::Request(_) => json!("none"),
        })
        .collect();
    assert_eq!(contexts, [looped, last, json!({"x": 1})]);
    sim.completed();
    let more = sim.command(RunCommand::Ingest(vec![ended("a", json!({}), None)]));
    assert_eq!(more, Err(Refusal::Finished(RunStatus::Completed)));
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let limits = Limits { max_output: 50, max_context: 100, max_rows: 4, ..Limits::default() };
    let big = "x".repeat(200);
    let refused = [
        (vec![ended("a", json!({}), None), ended("b", json!({}), None)], Code::InvalidRequest),
        (vec![ended("a", json!({}), None), over(RunStatus::Running)], Code::InvalidRequest),
        (vec![over(RunStatus::Completed), ended("a", json!({}), None)], Code::RunNotRunning),
        (vec![ended("a", json!({"a": big}), None)], Code::PayloadTooLarge),
        (vec![ended("a", json!({}), Some(json!({"a": big})))], Code::ContextTooLarge),
        (
            vec![
                ended("a", json!({}), None),
                ended("a", json!({}), None),
                ended("a", json!({}), None),
                ended("a", json!({}), None),
            ],
            Code::RateLimited,
        ),
    ];
    for (batch, code) in refused {
        let mut sim = sim(limits.clone());
        assert_eq!(sim.command(RunCommand::Ingest(batch)).unwrap_err().code(), code);
        assert_eq!(sim.rows.len(), 1);
    }
}

#[test]
fn a_failure_has_a_reason() {
    let mut sim = sim(Limits::default());
    sim.command(RunCommand::Ingest(vec![over(RunStatus::Failed)])).unwrap();
    assert_eq!(
        sim.ended(),
        (RunStatus::Failed, Some("NODE_FAILED"), Some("the executor reported a failure"))
    );
    assert_eq!(sim.trace().last().unwrap(), "NODE_FAILED");
    sim.check();
}

#[test]
fn a_run_of_the_hub_takes_no_events() {
    let mut sim = Sim::started(&[js("a")], "s->a", json!({}));
    assert_eq!(sim.command(RunCommand::Ingest(vec![over(RunStatus::Completed)])), Err(Refusal::NotExternal));
}

#[test]
fn an_external_run_can_be_cancelled() {
    let mut sim = sim(Limits::default());
    sim.cancel();
    assert_eq!(sim.ended().0, RunStatus::Cancelled);
    sim.check();
}
