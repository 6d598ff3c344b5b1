//! Bounds of a run.

use serde_json::{Value, json};

use super::sim::{Sim, js, node, source};
use crate::engine::{Limits, RunEvent, RunStatus, Source, Update, joiner};

fn with(limits: Limits, nodes: &[Value], edges: &str) -> Sim {
    let mut sim = Sim::of(&source(nodes, edges), limits);
    sim.start(json!({}));
    sim
}

fn code_of_failure(sim: &Sim) -> String {
    let failure = sim.rows.iter().find_map(|(_, event)| match event {
        RunEvent::Failed(failed) => Some(failed.error.code.clone()),
        _ => None,
    });
    failure.expect("a node failed")
}

#[test]
fn an_output_that_is_too_large_fails_its_node() {
    let limits = Limits { max_output: 100, ..Limits::default() };
    let mut sim = with(limits, &[js("a")], "s->a a->e");
    sim.returns("a", json!("x".repeat(200)));
    assert_eq!(code_of_failure(&sim), "PAYLOAD_TOO_LARGE");
    assert!(sim.ended().2.unwrap().contains("node.output"));
    sim.check();
}

#[test]
fn a_context_that_is_too_large_fails_its_node() {
    let limits = Limits { max_context: 300, ..Limits::default() };
    let mut sim = with(limits, &[js("a"), js("b"), js("h")], "s->a a->b b:error->h b->e h->e");
    sim.returns("a", json!("x".repeat(200)));
    sim.returns("b", json!("x".repeat(200)));
    assert_eq!(code_of_failure(&sim), "CONTEXT_TOO_LARGE");
    sim.returns("h", json!(1));
    sim.completed();
    assert_eq!(sim.context()["b"], json!(null));
}

#[test]
fn a_large_context_is_left_out_of_updates_but_not_of_the_end() {
    let limits = Limits { max_context_in_updates: 150, ..Limits::default() };
    let mut sim = with(limits, &[js("a"), js("b")], "s->a a->b b->e");
    sim.returns("a", json!("x".repeat(200)));
    sim.returns("b", json!(1));
    let told: Vec<bool> = joiner(&sim.state, false)
        .iter()
        .map(|update| match update {
            Update::Node(update) => update.context.is_some(),
            Update::Status(update) => update.context.bytes() > 200,
            Update::Progress(_) | Update::Request(_) => false,
        })
        .collect();
    assert_eq!(told, [true, false, false, false, true]);
}

#[test]
fn the_size_of_a_context_is_kept_as_it_changes() {
    let mut sim = Sim::started(&[js("a"), js("b")], "s->a a->b b->e", json!({"q": [1, "two"]}));
    sim.returns("a", json!({"x": "\"\u{1F600}\n"}));
    sim.returns("b", json!(null));
    let bytes = serde_json::to_string(sim.state.context()).unwrap().len();
    let kept = sim.state.context().bytes();
    assert_eq!(kept, bytes);
    assert_eq!(sim.refolded().context().bytes(), kept);
}

#[test]
fn a_run_with_too_many_rows_fails_and_names_the_limit() {
    let limits = Limits { max_rows: 6, ..Limits::default() };
    let mut sim = with(limits, &[js("a"), js("b"), js("c")], "s->a a->b b->c c->e");
    sim.returns("a", json!(1));
    sim.returns("b", json!(1));
    let (status, code, error) = sim.ended();
    assert_eq!((status, code), (RunStatus::Failed, Some("RATE_LIMITED")));
    assert!(error.unwrap().contains("workflow.max_rows"));
    sim.check();
}

#[test]
fn a_run_with_too_many_bytes_fails_and_names_the_limit() {
    let limits = Limits { max_run_journal: 3000, ..Limits::default() };
    let mut sim = with(limits, &[js("a"), js("b")], "s->a a->b b->e");
    sim.returns("a", json!("x".repeat(4000)));
    assert!(sim.ended().2.unwrap().contains("workflow.max_run_journal"));
}

#[test]
fn a_long_run_has_snapshots_from_which_it_recovers() {
    let chain: Vec<_> = (0..400)
        .map(|n| node(&format!("d{n}"), "delay", json!({"delayMs": 1, "outputVariable": format!("v{n}")})))
        .collect();
    let mut edges = String::from("s->d0 d399->e ");
    for n in 1..400 {
        edges += &format!("d{}->d{n} ", n - 1);
    }
    let source = Source { edges: super::sim::edges(&edges), ..source(&chain, "") };
    let mut sim = Sim::of(&source, Limits::default());
    sim.start(json!({}));
    while !sim.state.status().is_terminal() {
        sim.fire();
    }
    sim.completed();
    let at =
        sim.rows.iter().position(|(_, event)| matches!(event, RunEvent::Snapshot(_))).expect("a snapshot");
    assert_eq!(sim.rows.iter().filter(|(_, event)| matches!(event, RunEvent::Snapshot(_))).count(), 1);
    let new = crate::engine::RunState::new(sim.state.definition.clone(), sim.state.limits.clone());
    let recovered = super::sim::refold(&new, &sim.rows[at..]);
    assert!(recovered.facts == sim.state.facts, "the same state");
    assert_eq!(joiner(&recovered, true), joiner(&sim.state, true));
    let snapshot = sim.rows[at].1.payload().len();
    assert!(snapshot < 300 * 400 * 2, "a snapshot tells nothing twice: {snapshot} bytes");
}
