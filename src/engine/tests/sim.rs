//! The harness: a run whose world is the test.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::{
    engine::{
        AttemptResult, Closed, Effect, Limits, NodeError, Outcome, Refusal, RunCommand, RunEvent, RunState,
        RunStatus, Source, Start, Task, TimerKey, Update, apply, decide, effects, invariants, outstanding,
        step, update, validate, validate_external,
    },
    error::Code,
    ids::{Attempt, NodeId, Seq, Visit},
};

/// An attempt that the world works on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Open {
    pub(super) node: NodeId,
    pub(super) visit: Visit,
    pub(super) attempt: Attempt,
    pub(super) task: Task,
    pub(super) timeout: Duration,
}

/// A run.
pub(super) struct Sim {
    pub(super) state: RunState,
    pub(super) rows: Vec<(Seq, RunEvent)>,
    pub(super) updates: Vec<Update>,
    pub(super) open: Vec<Open>,
    pub(super) timers: BTreeMap<TimerKey, Timestamp>,
    pub(super) interrupted: Vec<String>,
    /// The last step was cut short.
    goes_on: bool,
    /// When each row was decided.
    pub(super) times: Vec<Timestamp>,
    /// How many steps there were, and the most rows of one.
    pub(super) steps: usize,
    pub(super) most_rows: usize,
    /// Requests that are open.
    pub(super) asked: BTreeSet<(NodeId, Visit)>,
    pub(super) closed: Vec<(String, Closed)>,
    pub(super) now: Timestamp,
}

pub(super) fn id(text: &str) -> NodeId {
    NodeId::trusted(text)
}

/// `a->b`, `a:success->b`, separated by blanks.
pub(super) fn edges(text: &str) -> Value {
    let edge = |edge: &str| {
        let (from, to) = edge.split_once("->").unwrap();
        let (from, handle) = from.split_once(':').map_or((from, None), |(from, handle)| (from, Some(handle)));
        json!({"source": from, "target": to, "sourceHandle": handle})
    };
    text.split_whitespace().map(edge).collect()
}

/// A node.
pub(super) fn node(id: &str, kind: &str, data: Value) -> Value {
    json!({"id": id, "type": kind, "data": data})
}

/// A `javascript` node whose variable is its id.
pub(super) fn js(id: &str) -> Value {
    node(id, "javascript", json!({"code": "return 1", "outputVariable": id}))
}

/// The same with more fields.
pub(super) fn js_with(id: &str, more: Value) -> Value {
    let mut out = js(id);
    for (key, value) in more.as_object().unwrap() {
        out["data"][key] = value.clone();
    }
    out
}

/// A start node `s`, an end node `e`, and these.
pub(super) fn source(nodes: &[Value], edge_list: &str) -> Source {
    let mut all = vec![node("s", "start", json!({})), node("e", "end", json!({}))];
    all.extend_from_slice(nodes);
    Source { nodes: json!(all), edges: edges(edge_list), options: json!({}) }
}

impl Sim {
    pub(super) fn of(source: &Source, limits: Limits) -> Self {
        let definition = validate(source, &limits).unwrap();
        Self::over(RunState::new(Arc::new(definition), Arc::new(limits)))
    }
    pub(super) fn external(source: &Source, limits: Limits) -> Self {
        let definition = validate_external(source, &limits).unwrap();
        Self::over(RunState::new(Arc::new(definition), Arc::new(limits)))
    }
    pub(super) fn over(state: RunState) -> Self {
        Self {
            state,
            rows: Vec::new(),
            updates: Vec::new(),
            open: Vec::new(),
            timers: BTreeMap::new(),
            interrupted: Vec::new(),
            goes_on: false,
            times: Vec::new(),
            steps: 0,
            most_rows: 0,
            asked: BTreeSet::new(),
            closed: Vec::new(),
            now: "2026-01-01T00:00:00Z".parse().unwrap(),
        }
    }
    /// A run that was started, with these inputs.
    pub(super) fn started(nodes: &[Value], edge_list: &str, inputs: Value) -> Self {
        let mut sim = Self::of(&source(nodes, edge_list), Limits::default());
        sim.start(inputs);
        sim
    }
    pub(super) fn start(&mut self, inputs: Value) {
        let inputs: Map<String, Value> = inputs.as_object().unwrap().clone();
        self.command(RunCommand::Start(Start { inputs, ..Start::default() })).unwrap();
    }

    pub(super) fn command(&mut self, command: RunCommand) -> Result<(), Refusal> {
        self.one(command)?;
        self.go_on();
        Ok(())
    }
    /// Does what steps that were cut short have left.
    fn go_on(&mut self) {
        while std::mem::take(&mut self.goes_on) {
            self.one(RunCommand::GoOn).unwrap();
        }
    }
    fn one(&mut self, command: RunCommand) -> Result<(), Refusal> {
        let step = step(&self.state, &command, self.now)?;
        let events: Vec<RunEvent> = step.rows.iter().map(|(_, event)| event.clone()).collect();
        assert_eq!(decide(&self.state, &command, self.now).unwrap(), events);
        assert!(!events.is_empty(), "an accepted command has a row: {command:?}");

        // The three functions one by one come to the same.
        let mut folded = self.state.clone();
        let mut seen = Vec::new();
        for (seq, event) in &step.rows {
            invariants::allows(&folded, event).unwrap();
            invariants::follows(folded.seq(), *seq).unwrap();
            apply(&mut folded, event, *seq);
            let _ = effects(&folded, event);
            seen.extend(update(&folded, event, *seq));
        }
        assert!(folded.facts == step.state.facts, "{:?}", step.rows);
        assert_eq!(seen, step.updates);

        self.steps += 1;
        self.most_rows = self.most_rows.max(step.rows.len());
        self.times.extend(step.rows.iter().map(|_| self.now));
        self.rows.extend(step.rows);
        self.updates.extend(step.updates);
        self.state = step.state;
        for effect in step.effects {
            self.carry_out(effect);
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Dispatch { node, visit, attempt, task, timeout } => {
                self.open.push(Open { node, visit, attempt, task, timeout });
            }
            Effect::Interrupt { node, visit, attempt } => {
                let before = self.open.len();
                self.open.retain(|open| (&open.node, open.visit, open.attempt) != (&node, visit, attempt));
                assert_eq!(self.open.len() + 1, before, "what is interrupted was at work: {node}");
                self.interrupted.push(node.to_string());
            }
            Effect::SetTimer { key, due_at } => drop(self.timers.insert(key, due_at)),
            Effect::ClearTimer { key } => {
                assert!(self.timers.remove(&key).is_some(), "no timer that was never set is cleared: {key}");
            }
            Effect::OpenRequest { node, visit, .. } => {
                assert!(self.asked.insert((node, visit)), "a visit asks once");
            }
            Effect::CloseRequest { node, visit, how } => {
                assert!(self.asked.remove(&(node.clone(), visit)), "it asked: {node}");
                self.closed.push((node.to_string(), how));
            }
            Effect::GoOn => self.goes_on = true,
            Effect::Finished(_) => {
                assert!(self.asked.is_empty(), "nobody is asked for a run that is over: {:?}", self.asked);
                self.timers.clear();
                assert!(self.open.is_empty(), "nothing works for a run that is over: {:?}", self.open);
            }
        }
    }

    fn take(&mut self, node: &str) -> Open {
        let at = self.open.iter().position(|open| open.node == id(node));
        self.open.remove(at.unwrap_or_else(|| panic!("{node} is not at work: {:?}", self.at_work())))
    }
    pub(super) fn outcome(&mut self, node: &str, outcome: Outcome) {
        let Open { node, visit, attempt, .. } = self.take(node);
        self.command(RunCommand::Result(AttemptResult { node, visit, attempt, outcome })).unwrap();
    }
    pub(super) fn returns(&mut self, node: &str, value: Value) {
        self.outcome(node, Outcome::Returned(value));
    }
    pub(super) fn throws(&mut self, node: &str, message: &str) {
        self.outcome(node, Outcome::Failed(NodeError::new(Code::JsError, message)));
    }
    pub(super) fn times_out(&mut self, node: &str) {
        let at = self.open.iter().position(|open| open.node == id(node)).unwrap();
        let Open { node, visit, attempt, .. } = self.open[at].clone();
        self.command(RunCommand::Timeout { node, visit, attempt }).unwrap();
    }
    /// Moves to the first timer and lets it fire.
    pub(super) fn fire(&mut self) -> TimerKey {
        let (key, due_at) = self.timers.iter().min_by_key(|(_, due_at)| **due_at).unwrap();
        let (key, due_at) = (key.clone(), *due_at);
        self.now = self.now.max(due_at);
        self.command(RunCommand::Timer { key: key.clone() }).unwrap();
        key
    }
    pub(super) fn cancel(&mut self) {
        self.command(RunCommand::Cancel { reason: None }).unwrap();
    }

    /// What the code of a node at work sees as `ctx`.
    pub(super) fn seen(&self, node: &str) -> Value {
        let open = self.open.iter().find(|open| open.node == id(node)).expect("it is at work");
        let (Task::Script { ctx, .. } | Task::Expressions { ctx, .. }) = &open.task else {
            panic!("no code")
        };
        serde_json::to_value(ctx).unwrap()
    }
    /// The last update of each node that was told live, in row order, and the end.
    pub(super) fn last_updates(&self) -> Vec<Update> {
        let mut last: BTreeMap<Option<NodeId>, Update> = BTreeMap::new();
        for update in &self.updates {
            match update {
                Update::Node(node) => drop(last.insert(Some(node.node.clone()), update.clone())),
                Update::Status(_) => drop(last.insert(None, update.clone())),
                Update::Progress(_) | Update::Request(_) => {}
            }
        }
        let mut last: Vec<_> = last.into_values().collect();
        last.sort_by_key(Update::seq);
        last
    }

    pub(super) fn at_work(&self) -> Vec<String> {
        self.open.iter().map(|open| open.node.to_string()).collect()
    }
    /// `KIND node`, a row each.
    pub(super) fn trace(&self) -> Vec<String> {
        self.rows.iter().map(|(_, event)| line(event)).collect()
    }
    pub(super) fn kinds_of(&self, node: &str) -> Vec<&'static str> {
        let of = |event: &RunEvent| event.log_row().is_some_and(|row| row.node == Some(id(node)));
        self.rows.iter().filter(|(_, event)| of(event)).map(|(_, event)| event.kind().as_str()).collect()
    }
    pub(super) fn context(&self) -> Value {
        self.state.context().fields().to_value()
    }
    /// Status, error code and error.
    pub(super) fn ended(&self) -> (RunStatus, Option<&str>, Option<&str>) {
        let (_, finished) = self.state.finished().expect("the run has ended");
        assert_eq!(finished.status, self.state.status());
        (finished.status, finished.error_code.as_deref(), finished.error.as_deref())
    }
    pub(super) fn completed(&self) {
        assert_eq!(self.ended(), (RunStatus::Completed, None, None));
        self.check();
    }

    /// The state that a recovery would build from the rows' text.
    pub(super) fn refolded(&self) -> RunState {
        refold(&RunState::new(self.state.definition.clone(), self.state.limits.clone()), &self.rows)
    }
    /// The journal as a whole, and the recovery from it.
    pub(super) fn check(&self) {
        invariants::check_stream(self.rows.iter().map(|(seq, event)| (*seq, event))).unwrap();
        assert!(self.refolded().facts == self.state.facts, "{:?}", self.trace());
        // A snapshot row stands for all before it.
        if let Some(at) = self.rows.iter().rposition(|(_, event)| matches!(event, RunEvent::Snapshot(_))) {
            let new = RunState::new(self.state.definition.clone(), self.state.limits.clone());
            assert!(refold(&new, &self.rows[at..]).facts == self.state.facts, "{:?}", self.trace());
        }
    }
    /// The hub died and comes back: what was at work begins anew, with the same keys.
    pub(super) fn crash(&mut self) {
        let (timers, asked) = (self.timers.clone(), self.asked.clone());
        self.recover(self.refolded());
        assert_eq!(self.timers, timers, "timers are rows: a recovery sets the same");
        assert_eq!(self.asked, asked, "requests, too");
    }
    /// Goes on with a state that was read from rows.
    pub(super) fn recover(&mut self, state: RunState) {
        self.state = state;
        self.open.clear();
        self.timers.clear();
        self.asked = self.state.open_requests().into_iter().map(|open| (open.node, open.visit)).collect();
        for effect in outstanding(&self.state) {
            self.carry_out(effect);
        }
        self.go_on();
    }
}

/// Folds rows read back from their text.
pub(super) fn refold(new: &RunState, rows: &[(Seq, RunEvent)]) -> RunState {
    let mut state = new.clone();
    for (seq, event) in rows {
        let read = RunEvent::from_row(event.kind().as_str(), &event.payload()).unwrap();
        assert_eq!(&read, event, "a row says what happened");
        apply(&mut state, &read, *seq);
    }
    state
}

pub(super) fn line(event: &RunEvent) -> String {
    match event.log_row().and_then(|row| row.node) {
        Some(node) => format!("{} {node}", event.kind()),
        None => event.kind().to_string(),
    }
}
