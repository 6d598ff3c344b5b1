//! Events of nodes and of the end, folded into a copy of the state as they are made.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{decide::Step, retry, schedule, void::without_void};
use crate::{
    engine::{
        Answered, Completed, Dispatched, Effect, Failed, Fields, Finished, NodeError, Refusal, RunEvent,
        RunState, RunStatus, Submission, Suspended, apply,
        definition::Node,
        effects,
        nodes::{Begin, Ended, Kind},
        snapshot_due,
        state::{Phase, additions},
        update,
        value::json_size,
    },
    error::Code,
    ids::{Attempt, NodeId, Visit},
};

/// Rows of a step after which it leaves the rest to the next one: an append has its bounds, and other
/// commands their turn.
const STEP_ROWS: usize = 256;

/// Events in the making.
pub(super) struct Work<'a> {
    pub(super) step: Step,
    /// The state that the command came to.
    before: &'a RunState,
    pub(super) now: Timestamp,
}

/// A visit's attempt.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) node: NodeId,
    pub(super) visit: Visit,
    pub(super) attempt: Attempt,
    pub(super) iteration: Option<u32>,
}

impl<'a> Work<'a> {
    pub(super) fn new(state: &'a RunState, now: Timestamp) -> Self {
        let step = Step { rows: Vec::new(), state: state.clone(), effects: Vec::new(), updates: Vec::new() };
        // Rows keep microseconds, timers too: whole milliseconds are the same everywhere.
        Self { step, before: state, now: Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now) }
    }

    pub(super) fn state(&self) -> &RunState {
        &self.step.state
    }

    /// Appends an event and folds it.
    pub(super) fn push(&mut self, event: RunEvent) {
        let seq = self.step.state.seq().next();
        apply(&mut self.step.state, &event, seq);
        self.step.effects.extend(effects(&self.step.state, &event));
        self.step.updates.extend(update(&self.step.state, &event, seq));
        self.step.rows.push((seq, event));
    }

    /// What came out, without effects that the same step made void.
    pub(super) fn finish(mut self) -> Step {
        if let Some(snapshot) = snapshot_due(&self.step.state) {
            self.push(snapshot);
        }
        let effects = std::mem::take(&mut self.step.effects);
        let over = self.step.state.status().is_terminal();
        self.step.effects = without_void(effects, self.before, over);
        self.step
    }

    /// Starts what is ready, as far as it goes without the world, then what needs it, up to
    /// `max_parallel_nodes`; ends the run when nothing is left. With many rows it stops in between.
    pub(super) fn advance(&mut self) {
        while !self.state().status().is_terminal() {
            let definition = self.state().definition.clone();
            let plan = schedule::plan(self.state());
            if let Some(node) = plan.half.first().and_then(|at| definition.nodes().get(*at)) {
                self.follow(node);
                continue;
            }
            if let Some(message) = self.over_limit() {
                return self.end(RunStatus::Failed, None, Some((Code::RateLimited, message)));
            }
            if self.step.rows.len() >= STEP_ROWS {
                return self.step.effects.push(Effect::GoOn);
            }
            let nodes = || plan.ready.iter().filter_map(|at| definition.nodes().get(*at));
            // What needs nobody goes first: it may end the run.
            if nodes().any(|node| self.inline(node)) {
                continue;
            }
            if let Some(at) = plan.over.first() {
                self.turn(*at);
                continue;
            }
            let free = self.state().limits.max_parallel_nodes.max(1).saturating_sub(plan.busy);
            for node in nodes().take(free) {
                let place = self.arrive(node);
                self.dispatch(&place, node.policy.timeout.as_millis());
            }
            if plan.stuck || (plan.ready.is_empty() && plan.active == 0) {
                let stuck = (plan.waiting > 0)
                    .then(|| (Code::Deadlock, format!("{} nodes wait for each other", plan.waiting)));
                let status = if stuck.is_some() { RunStatus::Failed } else { RunStatus::Completed };
                self.end(status, None, stuck);
            }
            return;
        }
    }

    /// What follows at once from the last row of a node.
    fn follow(&mut self, node: &Node) {
        let Some(facts) = self.state().facts.nodes.get(&node.id).cloned() else { return };
        let seen = facts.seen.as_ref();
        match (&facts.phase, &node.kind) {
            (Phase::Retrying { attempt, .. }, _) => {
                let (visit, attempt) = (facts.visit, *attempt);
                let place = Place { node: node.id.clone(), visit, attempt, iteration: facts.iteration };
                self.again(node, &place);
            }
            (Phase::Running { attempt, .. }, _) => {
                let (visit, attempt) = (facts.visit, *attempt);
                let place = Place { node: node.id.clone(), visit, attempt, iteration: facts.iteration };
                let begin = self.what_begins(node);
                self.goes_through(node, &place, begin);
            }
            (Phase::Done { .. }, Kind::End(end)) => {
                let output = seen.and_then(|seen| seen.output.get("workflowOutput")).cloned();
                let failed = || {
                    let message =
                        format!("the workflow ended at node {} with status {}", node.id, end.status());
                    (Code::NodeFailed, message)
                };
                let error = end.fails().then(failed);
                let status = if error.is_some() { RunStatus::Failed } else { RunStatus::Completed };
                self.end(status, output, error);
            }
            _ => {
                let error = seen.and_then(|seen| seen.error.as_ref()).map_or("", |error| &error.message);
                let message = format!("Node {} failed: {error}", node.id);
                self.end(RunStatus::Failed, None, Some((Code::NodeFailed, message)));
            }
        }
    }

    /// Why the run may not go on.
    fn over_limit(&self) -> Option<String> {
        let (state, limits) = (self.state(), &self.state().limits);
        let rows = u64::try_from(state.seq().0).unwrap_or(0);
        if rows >= limits.max_rows {
            return Some(format!("the run has more than {} rows (workflow.max_rows)", limits.max_rows));
        }
        (state.facts.journal_bytes >= limits.max_run_journal).then(|| {
            format!(
                "the run's rows have more than {} bytes (workflow.max_run_journal)",
                limits.max_run_journal
            )
        })
    }

    /// The next arrival at a node.
    fn arrive(&self, node: &Node) -> Place {
        let state = self.state();
        let visit = state.facts.nodes.get(&node.id).map_or(1, |facts| facts.visit.0.saturating_add(1));
        let iteration = node.scope.and_then(|at| state.looping(at)).map(|looping| looping.iteration);
        Place { node: node.id.clone(), visit: Visit(visit), attempt: Attempt(1), iteration }
    }

    /// Carries out a node that needs nobody; false = it does.
    fn inline(&mut self, node: &Node) -> bool {
        let begin = self.what_begins(node);
        if matches!(begin, Some(Begin::Task)) {
            return false;
        }
        let place = self.arrive(node);
        self.dispatched(&place, None);
        self.goes_through(node, &place, begin);
        true
    }

    /// None = it is disabled.
    fn what_begins(&self, node: &Node) -> Option<Begin> {
        (!node.disabled)
            .then(|| node.kind.begin(&self.state().view(node), node.output_variable.as_ref(), self.now))
    }

    fn goes_through(&mut self, node: &Node, place: &Place, begin: Option<Begin>) {
        match begin {
            None => {
                // Not carried out: it leaves nothing behind, so its variable stays unset.
                let output = Fields::new().with("skipped", true).with("success", true);
                let handles = node.kind.normal(node.normal);
                self.completed(place, Completed { handles, ..blank(place, output) });
            }
            Some(begin) => self.begun(node, place, begin),
        }
    }

    /// A visit that needs nobody began.
    fn begun(&mut self, node: &Node, place: &Place, begin: Begin) {
        match begin {
            Begin::Wait { until, wait_ms, request } => {
                let Place { node, visit, attempt, iteration } = place.clone();
                let request = request.map(Arc::new);
                self.push(RunEvent::Suspended(Suspended {
                    node,
                    visit,
                    attempt,
                    iteration,
                    until,
                    wait_ms,
                    request,
                }));
            }
            Begin::Loop(items) => self.enter(node, place, &items),
            Begin::Ended(ended) => self.ended(place, ended),
            // What needs the world was dispatched with a timeout.
            Begin::Task => self.dispatch(place, node.policy.timeout.as_millis()),
        }
    }

    /// Begins a further attempt of a visit.
    pub(super) fn again(&mut self, node: &Node, place: &Place) {
        match self.what_begins(node) {
            Some(Begin::Task) => self.dispatch(place, node.policy.timeout.as_millis()),
            begin => {
                self.dispatched(place, None);
                self.goes_through(node, place, begin);
            }
        }
    }

    fn dispatched(&mut self, place: &Place, timeout_ms: Option<u64>) {
        let Place { node, visit, attempt, iteration } = place.clone();
        self.push(RunEvent::Dispatched(Dispatched {
            node,
            visit,
            attempt,
            iteration,
            at: self.now,
            timeout_ms,
        }));
    }

    /// Begins an attempt in the world.
    pub(super) fn dispatch(&mut self, place: &Place, timeout_ms: u128) {
        self.dispatched(place, Some(u64::try_from(timeout_ms).unwrap_or(u64::MAX)));
    }

    /// A visit ended, well or badly.
    pub(super) fn ended(&mut self, place: &Place, ended: Ended) {
        let definition = self.state().definition.clone();
        let Some(node) = definition.node(&place.node) else { return };
        match ended {
            Err(error) => self.failed(node, place, error),
            Ok(left) => {
                let mut event = blank(place, left.output);
                event.merged = left.merged;
                if let Kind::End(_) = node.kind {
                    event.output_variable = Some(Arc::from("output"));
                    event.output_member = Some(Arc::from("workflowOutput"));
                } else {
                    event.handles = left.handles;
                    event.output_variable = node.output_variable.clone();
                }
                match self.too_large(node, &event) {
                    Some(error) => self.failed(node, place, error),
                    None => self.completed(place, event),
                }
            }
        }
    }

    /// Somebody answered a visit that waits for it.
    pub(super) fn answered(&mut self, place: &Place, submission: &Submission) -> Result<(), Refusal> {
        let definition = self.state().definition.clone();
        let node = definition.node(&place.node).ok_or(Refusal::Closed)?;
        let (left, whole) = node.kind.answered(&submission.answer).map_err(Refusal::Answer)?;
        let data = (!whole).then(|| Arc::new(submission.answer.clone()));
        let answered = Some(Box::new(Answered { by: submission.by.clone(), data }));
        let output_variable = node.output_variable.clone();
        let event =
            Completed { handles: left.handles, answered, output_variable, ..blank(place, left.output) };
        if let Some(error) = self.too_large(node, &event) {
            let code = if error.code == Code::ContextTooLarge.as_str() {
                Code::ContextTooLarge
            } else {
                Code::PayloadTooLarge
            };
            return Err(Refusal::TooLarge { code, message: error.message });
        }
        self.completed(place, event);
        Ok(())
    }

    fn too_large(&self, node: &Node, event: &Completed) -> Option<NodeError> {
        let limits = &self.state().limits;
        // What an end node or a loop puts together was looked at piece by piece.
        if !matches!(node.kind, Kind::End(_) | Kind::Loop(_)) && json_size(&event.output) > limits.max_output
        {
            let message = format!("the output has more than {} bytes (node.output)", limits.max_output);
            return Some(NodeError::new(Code::PayloadTooLarge, message));
        }
        let mut grown = self.state().context_in(node.scope).clone();
        for (key, value) in additions(event) {
            grown.insert(key, value);
        }
        (grown.bytes() > limits.max_context).then(|| {
            let message = format!(
                "the context would have more than {} bytes (workflow.max_context)",
                limits.max_context
            );
            NodeError::new(Code::ContextTooLarge, message)
        })
    }

    fn duration(&self, place: &Place) -> Option<u64> {
        let since = self.state().facts.nodes.get(&place.node)?.since?;
        u64::try_from(self.now.as_millisecond().saturating_sub(since.as_millisecond())).ok()
    }

    fn completed(&mut self, place: &Place, mut event: Completed) {
        event.duration_ms = self.duration(place);
        self.push(RunEvent::Completed(event));
    }

    /// An attempt failed. What follows is read off its row.
    pub(super) fn failed(&mut self, node: &Node, place: &Place, error: NodeError) {
        let error = retry::bounded(error);
        let then = retry::then(&self.state().definition, node, place.attempt, &error, self.now);
        let mut output = Fields::new().with("success", false).with("error", json!(shown(&error)));
        if let Some(variable) = &node.output_variable {
            output.insert(variable.clone(), Value::Null);
        }
        self.push(RunEvent::Failed(Failed {
            node: place.node.clone(),
            visit: place.visit,
            attempt: place.attempt,
            iteration: place.iteration,
            error,
            then,
            output_variable: node.output_variable.clone(),
            output,
            context_data: None,
            duration_ms: self.duration(place),
        }));
    }

    /// Ends the run; whatever still runs is discarded.
    pub(super) fn end(
        &mut self,
        status: RunStatus,
        output: Option<Arc<Value>>,
        error: Option<(Code, String)>,
    ) {
        let (code, error) = error.unzip();
        let error_code = code.map(|code| code.as_str().to_owned());
        self.push(RunEvent::Finished(Finished {
            status,
            at: self.now,
            output,
            error,
            error_code,
            context_data: None,
        }));
    }

    /// The same on request: its reason has no code, nothing went wrong.
    pub(super) fn cancel(&mut self, reason: Option<String>) {
        self.push(RunEvent::Finished(Finished {
            status: RunStatus::Cancelled,
            at: self.now,
            output: None,
            error: reason,
            error_code: None,
            context_data: None,
        }));
    }
}

/// `{ message, name?, code }`: no stack, no bodies.
fn shown(error: &NodeError) -> Value {
    let mut out = json!({ "message": error.message, "code": error.code });
    if let (Some(name), Some(map)) = (&error.name, out.as_object_mut()) {
        map.insert("name".to_owned(), Value::from(name.as_str()));
    }
    out
}

fn blank(place: &Place, output: Fields) -> Completed {
    Completed {
        node: place.node.clone(),
        visit: place.visit,
        attempt: place.attempt,
        iteration: place.iteration,
        handles: Vec::new(),
        output_variable: None,
        output_member: None,
        output,
        merged: Vec::new(),
        answered: None,
        context_data: None,
        duration_ms: None,
    }
}
