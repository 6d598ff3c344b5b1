//! What happens to a run: by chance, or always the same for the same state.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};

use super::chance::Tape;
use crate::{
    engine::{
        AttemptResult, ChildEnd, Fields, NodeError, Outcome, Refusal, RunCommand, RunState, RunStatus,
        Submission, Submitter, Task, TimerKey, Update, WidgetInput, joiner,
        tests::sim::{Open, Sim, refold},
    },
    error::Code,
    ids::{RunId, Visit, WidgetId},
};

/// Something that a run waits for.
#[derive(Debug, Clone)]
pub(super) enum Next {
    Attempt(Open),
    Timer(TimerKey),
    Answer(crate::ids::NodeId, Visit),
}

/// All of it but the run's timeout, in an order that follows from the state alone.
pub(super) fn awaited(sim: &Sim) -> Vec<Next> {
    let mut next: Vec<(String, u32, u8, Next)> = Vec::new();
    for open in &sim.open {
        next.push((open.node.to_string(), open.visit.0, 0, Next::Attempt(open.clone())));
    }
    for (node, visit) in &sim.asked {
        next.push((node.to_string(), visit.0, 1, Next::Answer(node.clone(), *visit)));
    }
    for key in sim.timers.keys() {
        if let TimerKey::Retry { node, visit, .. } | TimerKey::Wake { node, visit } = key {
            next.push((node.to_string(), visit.0, 2, Next::Timer(key.clone())));
        }
    }
    next.sort_by(|a, b| (&a.0, a.1, a.2).cmp(&(&b.0, b.1, b.2)));
    next.into_iter().map(|(_, _, _, next)| next).collect()
}

/// A number that is the same for the same attempt.
pub(super) fn fate(seed: u8, what: &impl Hash) -> usize {
    let mut hasher = DefaultHasher::new();
    (seed, what).hash(&mut hasher);
    usize::try_from(hasher.finish() >> 32).unwrap()
}

fn outcome(task: &Task, fate: usize) -> Outcome {
    if fate.is_multiple_of(5) {
        return Outcome::Failed(NodeError::new(Code::JsError, "thrown"));
    }
    let value = |fate: usize| {
        [json!(1), json!(fate % 3), json!([1, 2]), json!(null), json!({"a": [fate]})][fate % 5].clone()
    };
    match task {
        Task::Script { .. } | Task::Query { .. } => Outcome::Returned(value(fate / 7)),
        Task::Expressions { expressions, .. } => Outcome::Evaluated(
            expressions
                .iter()
                .map(|_| (!fate.is_multiple_of(3)).then(|| Value::from(fate.is_multiple_of(2))))
                .collect(),
        ),
        Task::Child { .. } => Outcome::Child(ChildEnd {
            instance: RunId::trusted("child"),
            status: if fate.is_multiple_of(3) { RunStatus::Failed } else { RunStatus::Completed },
            output: Some(value(fate / 7)),
            context: Fields::new().with("input", 1).with("w", value(fate / 11)),
            error: None,
        }),
    }
}

/// Lets one thing happen.
pub(super) fn happen(sim: &mut Sim, next: Next, fate: usize) {
    match next {
        Next::Attempt(open) if fate.is_multiple_of(19) => sim.times_out(open.node.as_str()),
        Next::Attempt(open) => sim.outcome(open.node.as_str(), outcome(&open.task, fate)),
        Next::Timer(key) => {
            sim.now = sim.now.max(sim.timers[&key]);
            sim.command(RunCommand::Timer { key }).unwrap();
        }
        Next::Answer(node, visit) => {
            let answer = match sim.state.definition().node_type(&node).unwrap().as_ref() {
                "approval" => {
                    json!({"decision": if fate.is_multiple_of(2) { "approve" } else { "reject" }, "comment": "ok"})
                }
                _ => json!({"name": fate % 4}),
            };
            let submission = Submission { node, visit, answer, by: Submitter::default() };
            // Its time may be over although its timer has not fired.
            match sim.command(RunCommand::Submit(submission.clone())) {
                Ok(()) => {}
                Err(Refusal::Expired) => {
                    let key = TimerKey::Wake { node: submission.node, visit: submission.visit };
                    sim.command(RunCommand::Timer { key }).unwrap();
                }
                Err(other) => panic!("{other}"),
            }
        }
    }
}

/// What was over before: whoever reports for it is too late.
#[derive(Default)]
pub(super) struct Past(Vec<Next>);

impl Past {
    pub(super) fn add(&mut self, next: &Next) {
        self.0.push(next.clone());
    }

    /// All of it is refused and changes nothing.
    pub(super) fn check(&self, sim: &mut Sim, tape: &mut Tape<'_>) {
        let Some(next) = self.0.get(tape.below(self.0.len())).cloned() else { return };
        let commands = match next {
            Next::Attempt(Open { node, visit, attempt, task, .. }) => {
                if sim
                    .open
                    .iter()
                    .any(|open| (&open.node, open.visit, open.attempt) == (&node, visit, attempt))
                {
                    return;
                }
                let outcome = outcome(&task, 1);
                vec![
                    RunCommand::Timeout { node: node.clone(), visit, attempt },
                    RunCommand::Result(AttemptResult { node, visit, attempt, outcome }),
                ]
            }
            Next::Timer(key) if sim.timers.contains_key(&key) => return,
            Next::Timer(key) => vec![RunCommand::Timer { key }],
            Next::Answer(node, visit) if sim.asked.contains(&(node.clone(), visit)) => return,
            Next::Answer(node, visit) => {
                let answer = json!({"decision": "approve"});
                vec![RunCommand::Submit(Submission { node, visit, answer, by: Submitter::default() })]
            }
        };
        for command in commands {
            let refused = sim.command(command.clone());
            assert!(
                matches!(
                    refused,
                    Err(Refusal::Stale | Refusal::Finished(_) | Refusal::Closed | Refusal::Expired)
                ),
                "{command:?}: {refused:?}"
            );
        }
    }
}

/// A joiner gets what was told live, from the living state and from the rows.
pub(super) fn check_joiner(sim: &Sim) {
    let told = |state: &RunState| -> Vec<Update> {
        let of_nodes = |update: &Update| matches!(update, Update::Node(_) | Update::Status(_));
        joiner(state, false).into_iter().filter(of_nodes).collect()
    };
    assert_eq!(told(&sim.state), sim.last_updates());
    assert_eq!(told(&sim.refolded()), sim.last_updates());
}

/// A widget that speaks at any time changes nothing but what later nodes see.
pub(super) fn say(sim: &mut Sim) {
    let input = WidgetInput {
        widget: WidgetId::trusted("w1"),
        input_type: "filter".to_owned(),
        data: json!(1),
        answers: None,
    };
    sim.command(RunCommand::Input(input)).unwrap();
}

/// The run as a hub would find it that has these rows only.
pub(super) fn cut(of: &Sim, rows: usize, at: jiff::Timestamp) -> Sim {
    let new = RunState::new(of.state.definition().clone(), of.state.limits.clone());
    let mut sim = Sim::over(new.clone());
    sim.rows = of.rows[..rows].to_vec();
    sim.now = at;
    sim.recover(refold(&new, &of.rows[..rows]));
    sim
}
