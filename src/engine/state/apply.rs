//! The fold.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    NodeFacts, Phase, RunState, Seen,
    looping::{give_up, iterate, pass_mut},
};
use crate::{
    engine::{
        Completed, Dispatched, Failed, Fields, Finished, InputSet, NodeError, Pass, RunEvent, RunStatus,
        Started, Suspended, Then, row::WIDGET_INPUT, value::json_size,
    },
    ids::{Attempt, NodeId, Seq, Visit},
};

/// How many runs are above this one, for code and templates.
const SUB_DEPTH: &str = "__subDepth";

/// About what a row costs beside its output.
const ROW_BYTES: usize = 256;

/// Folds an event into the state; never fails: what makes no sense (a row after the end, a second
/// start) counts as a row and changes nothing else.
pub fn apply(state: &mut RunState, event: &RunEvent, seq: Seq) {
    let facts = &mut state.facts;
    facts.seq = facts.seq.max(seq);
    if facts.status.is_terminal() {
        return;
    }
    grow(state, ROW_BYTES);
    match event {
        RunEvent::Started(started) => begun(state, started, seq),
        RunEvent::Dispatched(dispatched) => dispatch(state, dispatched, seq),
        RunEvent::Completed(completed) => complete(state, completed, seq),
        RunEvent::Failed(failed) => fail(state, failed, seq),
        RunEvent::Suspended(suspended) => suspend(state, suspended, seq),
        RunEvent::Input(input) => hear(state, input),
        RunEvent::Iterated(iterated) => iterate(state, iterated, seq),
        RunEvent::Finished(finished) => finish(state, finished, seq),
        RunEvent::Snapshot(then) => {
            // Whether the rows before it were read or not.
            state.facts = (**then).clone();
            grow(state, ROW_BYTES);
            let facts = &mut state.facts;
            facts.journal_bytes = facts.journal_bytes.saturating_add(facts.snapshot_bytes);
            facts.bytes_before = facts.journal_bytes;
            facts.seq = seq;
            facts.snapshot = seq;
        }
    }
}

fn begun(state: &mut RunState, started: &Started, seq: Seq) {
    let facts = &mut state.facts;
    if facts.status != RunStatus::Pending {
        return;
    }
    facts.status = RunStatus::Running;
    facts.external = started.external;
    facts.started_at = Some(started.at);
    facts.due_at = started.due_at;
    if started.depth > 0 {
        facts.internal.insert(SUB_DEPTH, Value::from(started.depth));
    }
    grow(state, json_size(&started.input));
    set(state, seq, None, Arc::from("input"), started.input.clone());
}

/// The last word of a widget wins.
fn hear(state: &mut RunState, input: &InputSet) {
    let value = serde_json::to_value(input).unwrap_or_default();
    grow(state, json_size(&value));
    state.facts.internal.insert(WIDGET_INPUT, value);
}

fn node<'a>(state: &'a mut RunState, id: &NodeId, visit: Visit, seq: Seq) -> &'a mut NodeFacts {
    let new = || {
        Arc::new(NodeFacts {
            visit,
            iteration: None,
            since: None,
            moved: seq,
            phase: Phase::Failed { handles: None },
            seen: None,
        })
    };
    Arc::make_mut(state.facts.nodes.entry(id.clone()).or_insert_with(new))
}

fn dispatch(state: &mut RunState, event: &Dispatched, seq: Seq) {
    let node = node(state, &event.node, event.visit, seq);
    if node.visit != event.visit || event.attempt == Attempt(1) {
        node.since = Some(event.at);
    }
    node.visit = event.visit;
    node.iteration = event.iteration;
    node.moved = seq;
    node.phase = Phase::Running { attempt: event.attempt, timeout_ms: event.timeout_ms };
}

fn suspend(state: &mut RunState, event: &Suspended, seq: Seq) {
    let node = node(state, &event.node, event.visit, seq);
    node.visit = event.visit;
    node.moved = seq;
    node.phase = Phase::Suspended {
        attempt: event.attempt,
        until: event.until,
        wait_ms: event.wait_ms,
        request: event.request.clone(),
    };
    if let Some(request) = &event.request {
        grow(state, json_size(&request.config));
    }
}

/// What a visit adds to the context: the member that its variable names; else what is left of the
/// output without `success`, `error` and internal members, unwrapped when that is one member.
pub(in crate::engine) fn addition(event: &Completed) -> Option<(Arc<str>, Arc<Value>)> {
    let variable = event.output_variable.clone()?;
    if let Some(value) = event.output.get(event.output_member.as_ref().unwrap_or(&variable)) {
        return Some((variable, value.clone()));
    }
    if let Some(only) = domain(&event.output) {
        return Some((variable, only));
    }
    let all = own(&event.output).map(|(name, value)| (name.to_string(), value.as_ref().clone())).collect();
    Some((variable, Arc::new(Value::Object(all))))
}

/// All that a visit adds to the context, in order.
pub(in crate::engine) fn additions(event: &Completed) -> impl Iterator<Item = (Arc<str>, Arc<Value>)> {
    let member = |key: &Arc<str>| event.output.get(key).map(|value| (key.clone(), value.clone()));
    event.merged.iter().filter_map(member).chain(addition(event))
}

/// The members of an output that are neither `success`, `error` nor internal.
fn own(output: &Fields) -> impl Iterator<Item = (&Arc<str>, &Arc<Value>)> {
    let own = |name: &str| name != "success" && name != "error" && !name.starts_with("__");
    output.iter().filter(move |(name, _)| own(name))
}

/// The only one of them.
pub(super) fn domain(output: &Fields) -> Option<Arc<Value>> {
    let mut members = own(output);
    match (members.next(), members.next()) {
        (Some((_, only)), None) => Some(only.clone()),
        _ => None,
    }
}

/// Where a node's body is: the loop around it.
fn scope_of(state: &RunState, node: &NodeId) -> Option<usize> {
    state.definition.node(node).and_then(|node| node.scope)
}

/// Sets a member of the context, of the run's or of the pass of a loop.
fn set(state: &mut RunState, seq: Seq, scope: Option<usize>, key: Arc<str>, value: Arc<Value>) {
    if let Some(scope) = scope {
        return pass_mut(state, scope, |context, _| context.insert(key, value));
    }
    let facts = &mut state.facts;
    if facts.external { facts.told.set_untold(key, value) } else { facts.told.set(seq, key, value) }
}

fn grow(state: &mut RunState, bytes: usize) {
    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
    state.facts.journal_bytes = state.facts.journal_bytes.saturating_add(bytes);
}

/// The parts of a result row that both kinds have.
struct Ending<'a> {
    node: &'a NodeId,
    visit: Visit,
    attempt: Attempt,
    iteration: Option<u32>,
    output: &'a Fields,
    error: Option<&'a NodeError>,
    output_variable: Option<Arc<str>>,
    duration_ms: Option<u64>,
}

impl<'a> From<&'a Completed> for Ending<'a> {
    fn from(event: &'a Completed) -> Self {
        Self {
            node: &event.node,
            visit: event.visit,
            attempt: event.attempt,
            iteration: event.iteration,
            output: &event.output,
            error: None,
            // A member of another name is no variable that watchers could look for.
            output_variable: event.output_variable.clone().filter(|_| event.output_member.is_none()),
            duration_ms: event.duration_ms,
        }
    }
}

impl<'a> From<&'a Failed> for Ending<'a> {
    fn from(event: &'a Failed) -> Self {
        Self {
            node: &event.node,
            visit: event.visit,
            attempt: event.attempt,
            iteration: event.iteration,
            output: &event.output,
            error: Some(&event.error),
            output_variable: event.output_variable.clone(),
            duration_ms: event.duration_ms,
        }
    }
}

fn ended(state: &mut RunState, ending: Ending<'_>, phase: Phase, seq: Seq) {
    let scope = scope_of(state, ending.node);
    let context = (state.facts.external || scope.is_some()).then(|| state.context_in(scope).clone());
    let node = node(state, ending.node, ending.visit, seq);
    node.visit = ending.visit;
    node.iteration = ending.iteration;
    node.phase = phase;
    node.seen = Some(Seen {
        seq,
        visit: ending.visit,
        attempt: ending.attempt,
        iteration: ending.iteration,
        output: ending.output.clone(),
        error: ending.error.cloned(),
        output_variable: ending.output_variable,
        duration_ms: ending.duration_ms,
        context,
    });
}

fn told(state: &mut RunState, context: Option<&Fields>) -> bool {
    if let Some(context) = context {
        grow(state, json_size(context));
        state.facts.told.replace(context);
    }
    context.is_some()
}

fn complete(state: &mut RunState, event: &Completed, seq: Seq) {
    grow(state, json_size(&event.output));
    if !told(state, event.context_data.as_ref()) {
        let scope = scope_of(state, &event.node);
        for (key, value) in additions(event) {
            if scope.is_some() && event.output_member.is_some() {
                // An end node answers for the whole run, wherever it is.
                set(state, seq, None, key.clone(), value.clone());
            }
            set(state, seq, scope, key, value);
        }
    }
    ended(state, event.into(), Phase::Done { handles: event.handles.clone() }, seq);
}

fn fail(state: &mut RunState, event: &Failed, seq: Seq) {
    grow(state, json_size(&event.output));
    let phase = match &event.then {
        Then::Retry(at) => {
            let node = node(state, &event.node, event.visit, seq);
            node.phase = Phase::Retrying { attempt: Attempt(event.attempt.0.saturating_add(1)), at: *at };
            return;
        }
        Then::Handled(handles) => Phase::Failed { handles: Some(handles.clone()) },
        Then::Item { .. } => Phase::Failed { handles: Some(Vec::new()) },
        Then::Unhandled => Phase::Failed { handles: None },
    };
    let scope = scope_of(state, &event.node);
    if !told(state, event.context_data.as_ref()) && event.then != Then::Unhandled {
        if let Some(variable) = &event.output_variable {
            set(state, seq, scope, variable.clone(), Arc::new(Value::Null));
        }
        let kind = state.definition.node_type(&event.node).cloned();
        let error = json!({ "nodeID": event.node, "nodeType": kind, "code": event.error.code, "message": event.error.message });
        state.facts.internal.insert("__error", error);
    }
    ended(state, event.into(), phase, seq);
    if let (Then::Item { skip }, Some(scope)) = (&event.then, scope) {
        let node = event.node.clone();
        give_up(state, scope, if *skip { Pass::Skipped(node) } else { Pass::Failed(node) }, seq);
    }
}

fn finish(state: &mut RunState, event: &Finished, seq: Seq) {
    told(state, event.context_data.as_ref());
    // A row that claims an end without being one ends the run all the same: it is never reopened.
    let status = if event.status.is_terminal() { event.status } else { RunStatus::Failed };
    state.facts.status = status;
    state.facts.finished = Some((seq, Finished { status, context_data: None, ..event.clone() }));
}

/// The snapshot row that should be appended now, if one should: so that a recovery reads some
/// hundred rows, however long the run. [`step`](crate::engine::step) appends it by itself. A large
/// one is worth as many bytes of other rows, so that all of them together at most double a journal.
pub fn snapshot_due(state: &RunState) -> Option<RunEvent> {
    let facts = &state.facts;
    let rows = u64::try_from(facts.seq.0.saturating_sub(facts.snapshot.0)).unwrap_or(0);
    let bytes = facts.journal_bytes.saturating_sub(facts.bytes_before) >= facts.snapshot_bytes;
    // The contexts of an external run differ from node to node: a snapshot would hold them all.
    (rows >= state.limits.snapshot_every && bytes && facts.status == RunStatus::Running && !facts.external)
        .then(|| {
            let mut facts = facts.clone();
            facts.snapshot_bytes = u64::try_from(json_size(&facts.packed())).unwrap_or(u64::MAX);
            RunEvent::Snapshot(Box::new(facts))
        })
}
