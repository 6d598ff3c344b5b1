//! The 10 000th row of a run costs what the 10th did, for a context of constant size.

use std::time::Duration;

use serde_json::{Value, json};

use super::sim::{Sim, js, node, source};
use crate::engine::{
    AttemptResult, Effect, Limits, NodeError, Outcome, RunCommand, RunEvent, RunState, RunStatus, Start,
    joiner, snapshot_due, step,
};

/// A run without the checks of the harness, and what its steps cost.
struct Bare {
    state: RunState,
    now: jiff::Timestamp,
    /// Bytes of each row.
    bytes: Vec<usize>,
    snapshots: usize,
    next: Vec<RunCommand>,
}

impl Bare {
    fn start(nodes: &[Value], edges: &str, inputs: Value) -> Self {
        let state = Sim::of(&source(nodes, edges), Limits::default()).state;
        let inputs = inputs.as_object().unwrap().clone();
        let start = RunCommand::Start(Start { inputs, ..Start::default() });
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        Self { state, now, bytes: Vec::new(), snapshots: 0, next: vec![start] }
    }

    /// One step; false at the end.
    fn go(&mut self, outcome: impl Fn(u32) -> Outcome) -> bool {
        let Some(command) = self.next.pop() else { return false };
        let step = step(&self.state, &command, self.now).unwrap();
        self.state = step.state;
        for (_, event) in &step.rows {
            self.bytes.push(event.payload().len());
            self.snapshots += usize::from(matches!(event, RunEvent::Snapshot(_)));
        }
        for effect in step.effects {
            match effect {
                Effect::Dispatch { node, visit, attempt, .. } => {
                    self.next.push(RunCommand::Result(AttemptResult {
                        node,
                        visit,
                        attempt,
                        outcome: outcome(visit.0),
                    }))
                }
                Effect::GoOn => self.next.push(RunCommand::GoOn),
                _ => {}
            }
        }
        true
    }
}

/// The fastest of some: what the machine does beside it is left out.
fn time(mut what: impl FnMut()) -> Duration {
    let clock = crate::clock::Clock::real();
    (0..5)
        .map(|_| {
            let begin = clock.monotonic();
            what();
            clock.monotonic() - begin
        })
        .min()
        .unwrap()
}

fn list(len: u32) -> Value {
    json!({"list": (0..len).collect::<Vec<_>>()})
}

fn over(body: &str) -> (Vec<Value>, String) {
    let l = node("l", "loop", json!({"sourceVariable": "{{ctx.input.list}}", "maxIterations": 100_000}));
    (vec![l, js("a"), js("b")], format!("s->l l:loop->a {body} l:completed->e"))
}

#[test]
fn a_long_loop_costs_the_same_at_its_end() {
    let (nodes, edges) = over("a->b");
    let mut run = Bare::start(&nodes, &edges, list(2200));
    let value = |visit| Outcome::Returned(json!({"n": visit, "text": "x".repeat(50)}));
    let mut costs = Vec::new();
    while run.state.status() != RunStatus::Completed {
        costs.push(time_once(|| {
            run.go(value);
        }));
    }
    assert!(run.bytes.len() > 11_000, "{} rows", run.bytes.len());
    assert!(run.snapshots >= 5, "{}", run.snapshots);
    // Time: the typical step of 100 around the 30th row and before the 10 000th.
    let typical = |of: &[Duration]| {
        let mut of = of.to_vec();
        of.sort_unstable();
        of[of.len() / 2]
    };
    let (early, late) = (typical(&costs[10..110]), typical(&costs[3900..4000]));
    assert!(late < early * 3, "{early:?} at first, {late:?} at last");
    // Bytes: a row, and what snapshots add to it.
    let (early, late): (usize, usize) =
        (run.bytes[..2000].iter().sum(), run.bytes[8000..10_000].iter().sum());
    assert!(late < early * 3, "{early} bytes at first, {late} at last");
    let snapshots: usize = run.bytes.iter().filter(|bytes| **bytes > 5000).sum();
    let rows: usize = run.bytes.iter().sum::<usize>() - snapshots;
    assert!(snapshots < rows, "{snapshots} bytes of snapshots beside {rows} of rows");
}

fn time_once(what: impl FnOnce()) -> Duration {
    let clock = crate::clock::Clock::real();
    let begin = clock.monotonic();
    what();
    clock.monotonic() - begin
}

#[test]
fn a_clone_costs_the_same_however_long_the_run() {
    let (nodes, edges) = over("a->b");
    let clones = |run: &Bare| time(|| (0..2000).for_each(|_| drop(run.state.clone())));
    let mut run = Bare::start(&nodes, &edges, list(3000));
    let value = |visit| Outcome::Returned(json!(visit));
    (0..70).for_each(|_| {
        run.go(value);
    });
    let early = clones(&run);
    (0..5000).for_each(|_| {
        run.go(value);
    });
    let late = clones(&run);
    assert!(late < early * 3, "{early:?} at first, {late:?} at last");
}

#[test]
fn a_long_chain_of_retries_costs_the_same_at_its_end() {
    // Rows without a loop: what is kept of a run is its last state, not its past.
    let mut run = Bare::start(
        &[node("a", "javascript", json!({"code": "1", "retryLimit": 10, "retryDelaySeconds": 0}))],
        "s->a a->e",
        json!({}),
    );
    let failure = |_| Outcome::Failed(NodeError::new(crate::error::Code::JsError, "again"));
    while run.go(failure) {}
    assert_eq!(run.state.status(), RunStatus::Failed);
    assert_eq!(run.bytes.len(), 3 + 2 * 11 + 1);
}

#[test]
fn a_snapshot_holds_results_but_no_context_twice() {
    let (mut nodes, edges) = over("a->b b->c c->d");
    nodes.extend([js("c"), js("d")]);
    let mut run = Bare::start(
        &nodes,
        &edges,
        json!({"list": (0..600).collect::<Vec<_>>(), "big": "x".repeat(100_000)}),
    );
    (0..2200).for_each(|_| {
        run.go(|visit| Outcome::Returned(json!([visit, "some words", 1.5])));
    });
    let facts = run.state.facts.packed();
    let size = serde_json::to_string(&facts).unwrap().len();
    assert!(size < 100_000 + 550 * 40 + 600 * 10 + 5000, "{size}");
    assert_eq!(facts.unpacked(), run.state.facts);
    // Beside a large context it is written as seldom as it is large.
    let before = run.snapshots;
    (0..150).for_each(|_| {
        run.go(|_| Outcome::Returned(json!(1)));
    });
    assert!(run.snapshots <= before + 1);
    let mut due = run.state.clone();
    due.facts.journal_bytes += 1_000_000;
    due.facts.seq.0 += 1000;
    assert!(snapshot_due(&due).is_some());
}

#[test]
fn a_joiner_of_a_long_run_costs_the_same() {
    let (nodes, edges) = over("a->b");
    let mut run = Bare::start(&nodes, &edges, list(3000));
    (0..5000).for_each(|_| {
        run.go(|_| Outcome::Returned(json!(1)));
    });
    assert_eq!(joiner(&run.state, true).len(), 5, "s, a, b, the loop and a node at work");
}

#[test]
fn a_step_of_a_large_definition_costs_little_more() {
    let chain = |len: usize| {
        let nodes: Vec<_> = (0..len)
            .map(|n| node(&format!("n{n}"), "javascript", json!({"code": "1", "outputVariable": "v"})))
            .collect();
        let mut edges = format!("s->n0 n{}->e ", len - 1);
        (1..len).for_each(|n| edges += &format!("n{}->n{n} ", n - 1));
        let mut run = Bare::start(&nodes, &edges, json!({}));
        (0..len / 2).for_each(|_| {
            run.go(|_| Outcome::Returned(json!(1)));
        });
        time(|| (0..3).for_each(|_| assert!(run.go(|_| Outcome::Returned(json!(1))))))
    };
    let (small, large) = (chain(40), chain(490));
    println!("a step of 40 nodes {small:?}, of 490 nodes {large:?}");
    assert!(large < small * 12, "a step of 40 nodes {small:?}, of 490 nodes {large:?}");
}
