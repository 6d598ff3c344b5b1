//! What the shell must do because of an event.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    engine::{
        CodeContext, Completed, Finished, Request, RunEvent, RunState, RunStatus, Submitter, Then,
        nodes::{Call, Kind, Work},
        rules::goes_on,
        state::{NodeFacts, Phase, Stage, code_context},
    },
    error::Code,
    ids::{Attempt, DataQueryId, NodeId, Seq, Visit, WorkflowId},
};

/// What the shell must do. All but `Dispatch` and `Interrupt` are projections: they belong into
/// the transaction of their row.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Carry out a task after the commit; answer with
    /// [`RunCommand::Result`](crate::engine::RunCommand::Result), or with
    /// [`RunCommand::Timeout`](crate::engine::RunCommand::Timeout) when it took longer than `timeout`
    /// (a timer in memory will do: after a restart [`outstanding`] begins the attempt anew).
    Dispatch {
        /// The node.
        node: NodeId,
        /// With run and node the idempotency key, the same for every attempt.
        visit: Visit,
        /// The attempt.
        attempt: Attempt,
        /// What to do.
        task: Task,
        /// Longest time.
        timeout: Duration,
    },
    /// Stop working on an attempt; its result is no longer wanted.
    Interrupt {
        /// The node.
        node: NodeId,
        /// Its visit.
        visit: Visit,
        /// The attempt.
        attempt: Attempt,
    },
    /// Set a durable timer; it answers with [`RunCommand::Timer`](crate::engine::RunCommand::Timer).
    SetTimer {
        /// Which one.
        key: TimerKey,
        /// When.
        due_at: Timestamp,
    },
    /// Remove a durable timer.
    ClearTimer {
        /// Which one.
        key: TimerKey,
    },
    /// Somebody is asked: the request of a visit.
    OpenRequest {
        /// The node that asks.
        node: NodeId,
        /// Its visit.
        visit: Visit,
        /// Its attempt.
        attempt: Attempt,
        /// What it asks.
        request: Arc<Request>,
        /// When it expires; none = never.
        expires_at: Option<Timestamp>,
    },
    /// The request of a visit takes no answer any more.
    CloseRequest {
        /// The node that asked.
        node: NodeId,
        /// Its visit.
        visit: Visit,
        /// Why.
        how: Closed,
    },
    /// There is more to do at once: the step ended early, so that its rows are not too many for one
    /// append. Answer with [`RunCommand::GoOn`](crate::engine::RunCommand::GoOn) after the commit.
    GoOn,
    /// The run is over; all its timers are cleared.
    Finished(Finished),
}

/// Why a request takes no answer any more.
#[derive(Debug, Clone, PartialEq)]
pub enum Closed {
    /// It was answered.
    Answered {
        /// The answer, as it was given.
        data: Arc<Value>,
        /// By whom.
        by: Submitter,
    },
    /// Its time is over.
    Expired,
    /// Its run is over.
    Cancelled,
}

/// What acts on the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Task {
    /// Run a tenant's code once.
    Script {
        /// The code.
        code: Arc<str>,
        /// How to read it.
        kind: ScriptKind,
        /// What it sees as `ctx`.
        ctx: CodeContext,
    },
    /// Evaluate expressions one by one over the same `ctx`; one that throws is `None` in
    /// [`Outcome::Evaluated`](crate::engine::Outcome::Evaluated) and does not fail the others.
    Expressions {
        /// JavaScript expressions.
        expressions: Vec<Arc<str>>,
        /// What they see as `ctx`.
        ctx: CodeContext,
    },
    /// Run a saved query of the tenant.
    Query {
        /// Which.
        query: DataQueryId,
        /// Its inputs, templates resolved; checked against the query's own definitions by who runs it.
        inputs: Map<String, Value>,
    },
    /// Run a saved workflow of the tenant as a child and wait for its end, answered with
    /// [`Outcome::Child`](crate::engine::Outcome::Child). The child of an attempt is always the same
    /// ([`RunId::of_child`](crate::ids::RunId::of_child)).
    Child {
        /// Which.
        workflow: WorkflowId,
        /// Its inputs: all that it sees.
        inputs: Map<String, Value>,
        /// How many runs may be above it.
        max_depth: u32,
        /// How many are.
        depth: u32,
    },
}

/// How a script is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScriptKind {
    /// The body of an async function.
    Function,
    /// One expression.
    Expression,
}

/// Names a durable timer of a run (`timers.key`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum TimerKey {
    /// The run's timeout.
    Run,
    /// The next attempt of a visit.
    Retry {
        /// The node.
        node: NodeId,
        /// Its visit.
        visit: Visit,
        /// The attempt to come.
        attempt: Attempt,
    },
    /// A visit's wait ends.
    Wake {
        /// The node.
        node: NodeId,
        /// Its visit.
        visit: Visit,
    },
}

impl fmt::Display for TimerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Retry { node, visit, attempt } => write!(f, "retry:{}:{}:{node}", visit.0, attempt.0),
            Self::Wake { node, visit } => write!(f, "wake:{}:{node}", visit.0),
        }
    }
}

/// A text that is no timer of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no timer of a run has this key")]
pub struct BadTimerKey;

impl FromStr for TimerKey {
    type Err = BadTimerKey;
    fn from_str(text: &str) -> Result<Self, BadTimerKey> {
        let number = |text: &str| text.parse::<u32>().map_err(|_| BadTimerKey);
        let node = |text: &str| NodeId::parse(text).map_err(|_| BadTimerKey);
        if text == "run" {
            return Ok(Self::Run);
        }
        // The node comes last: its id may hold colons.
        if let Some(rest) = text.strip_prefix("wake:") {
            let (visit, id) = rest.split_once(':').ok_or(BadTimerKey)?;
            return Ok(Self::Wake { node: node(id)?, visit: Visit(number(visit)?) });
        }
        let rest = text.strip_prefix("retry:").ok_or(BadTimerKey)?;
        let (visit, rest) = rest.split_once(':').ok_or(BadTimerKey)?;
        let (attempt, id) = rest.split_once(':').ok_or(BadTimerKey)?;
        Ok(Self::Retry { node: node(id)?, visit: Visit(number(visit)?), attempt: Attempt(number(attempt)?) })
    }
}

/// What must be done because of an event; `state` is the state right after it (or later: a
/// dispatch whose attempt is over meanwhile is left out).
pub fn effects(state: &RunState, event: &RunEvent) -> Vec<Effect> {
    match event {
        RunEvent::Started(started) => {
            started.due_at.map(|due_at| Effect::SetTimer { key: TimerKey::Run, due_at }).into_iter().collect()
        }
        RunEvent::Dispatched(event) => {
            let (node, visit, attempt) = (&event.node, event.visit, event.attempt);
            let retry = || Effect::ClearTimer { key: TimerKey::Retry { node: node.clone(), visit, attempt } };
            let mut out: Vec<Effect> = (attempt > Attempt(1)).then(retry).into_iter().collect();
            out.extend(dispatch(state, node).filter(|effect| is_of(effect, visit, attempt)));
            out
        }
        RunEvent::Suspended(event) => {
            let key = TimerKey::Wake { node: event.node.clone(), visit: event.visit };
            let timer = event.until.map(|due_at| Effect::SetTimer { key, due_at });
            let request = event.request.as_ref().map(|request| Effect::OpenRequest {
                node: event.node.clone(),
                visit: event.visit,
                attempt: event.attempt,
                request: request.clone(),
                expires_at: event.until,
            });
            timer.into_iter().chain(request).collect()
        }
        RunEvent::Completed(event) => {
            let node = state.definition.node(&event.node).filter(|node| !node.disabled);
            let asks = node.is_some_and(|node| node.kind.asks());
            let waits = asks || node.is_some_and(|node| matches!(node.kind, Kind::Delay(_)));
            let wake = || Effect::ClearTimer {
                key: TimerKey::Wake { node: event.node.clone(), visit: event.visit },
            };
            let close =
                || Effect::CloseRequest { node: event.node.clone(), visit: event.visit, how: closed(event) };
            waits.then(wake).into_iter().chain(asks.then(close)).collect()
        }
        RunEvent::Failed(event) => {
            let (node, visit, attempt) = (event.node.clone(), event.visit, event.attempt);
            let mut out = Vec::new();
            if event.error.code == Code::NodeTimeout.as_str() {
                out.push(Effect::Interrupt { node: node.clone(), visit, attempt });
            }
            if event.error.code == Code::CollectionExpired.as_str() {
                let key = TimerKey::Wake { node: node.clone(), visit };
                let close = Effect::CloseRequest { node: node.clone(), visit, how: Closed::Expired };
                out.extend([Effect::ClearTimer { key }, close]);
            }
            if let (Then::Item { .. }, Some(facts)) = (&event.then, state.facts.nodes.get(&node)) {
                let row = facts.seen.as_ref().map_or(Seq::ZERO, |seen| seen.seq);
                out.extend(state.facts.nodes.iter().flat_map(|(id, node)| given_up(id, node, row)));
            }
            if let Then::Retry(due_at) = event.then {
                let key = TimerKey::Retry { node, visit, attempt: Attempt(attempt.0.saturating_add(1)) };
                out.push(Effect::SetTimer { key, due_at });
            }
            out
        }
        RunEvent::Finished(finished) => {
            let asks = |phase: &Phase| matches!(phase, Phase::Suspended { request: Some(_), .. });
            let open = state.facts.nodes.iter().filter(|(_, node)| asks(&node.phase));
            let open = open.map(|(id, node)| Effect::CloseRequest {
                node: id.clone(),
                visit: node.visit,
                how: Closed::Cancelled,
            });
            let at_work = state.facts.nodes.iter().filter_map(|(id, node)| match node.phase {
                Phase::Running { attempt, timeout_ms: Some(_) } => {
                    Some(Effect::Interrupt { node: id.clone(), visit: node.visit, attempt })
                }
                _ => None,
            });
            at_work.chain(open).chain([Effect::Finished(finished.clone())]).collect()
        }
        RunEvent::Iterated(event) => {
            let key = TimerKey::Wake { node: event.node.clone(), visit: event.visit };
            vec![match event.until {
                Some(due_at) => Effect::SetTimer { key, due_at },
                None => Effect::ClearTimer { key },
            }]
        }
        RunEvent::Input(_) | RunEvent::Snapshot(_) => Vec::new(),
    }
}

/// How the request of a visit ended that ended well.
fn closed(event: &Completed) -> Closed {
    match &event.answered {
        Some(answered) => {
            let whole = || {
                let variable = event.output_variable.as_ref()?;
                event.output.get(variable).cloned()
            };
            let data = answered.data.clone().or_else(whole).unwrap_or_default();
            Closed::Answered { data, by: answered.by.clone() }
        }
        None => Closed::Expired,
    }
}

/// Takes back what was at work or waited when its pass of a loop was given up at that row.
fn given_up(id: &NodeId, node: &NodeFacts, row: Seq) -> Vec<Effect> {
    let Phase::Discarded { at, was } = &node.phase else { return Vec::new() };
    let (id, visit) = (id.clone(), node.visit);
    match was.as_ref() {
        _ if *at != row => Vec::new(),
        Phase::Running { attempt, timeout_ms: Some(_) } => {
            vec![Effect::Interrupt { node: id, visit, attempt: *attempt }]
        }
        Phase::Suspended { request, .. } => {
            let key = TimerKey::Wake { node: id.clone(), visit };
            let close = || Effect::CloseRequest { node: id, visit, how: Closed::Cancelled };
            std::iter::once(Effect::ClearTimer { key }).chain(request.is_some().then(close)).collect()
        }
        Phase::Retrying { attempt, .. } => {
            vec![Effect::ClearTimer { key: TimerKey::Retry { node: id, visit, attempt: *attempt } }]
        }
        _ => Vec::new(),
    }
}

fn is_of(effect: &Effect, visit: Visit, attempt: Attempt) -> bool {
    matches!(effect, Effect::Dispatch { visit: v, attempt: a, .. } if *v == visit && *a == attempt)
}

/// The attempt of a node that is at work in the world.
fn dispatch(state: &RunState, id: &NodeId) -> Option<Effect> {
    if state.facts.status.is_terminal() {
        return None;
    }
    let facts = state.facts.nodes.get(id)?;
    let Phase::Running { attempt, timeout_ms: Some(timeout_ms) } = facts.phase else { return None };
    let node = state.definition.node(id)?;
    let task = match node.kind.work(&state.view(node))? {
        Work::Query(query, inputs) => Task::Query { query, inputs },
        Work::Child(Call { workflow, inputs, max_depth, depth }) => {
            Task::Child { workflow, inputs, max_depth, depth }
        }
        Work::Script(code, kind) => {
            let ctx = code_context(state.view(node), std::iter::once(code.as_ref()));
            Task::Script { code, kind, ctx }
        }
        Work::Expressions(expressions) => {
            let ctx = code_context(state.view(node), expressions.iter().map(AsRef::as_ref));
            Task::Expressions { expressions, ctx }
        }
    };
    let timeout = Duration::from_millis(timeout_ms);
    Some(Effect::Dispatch { node: id.clone(), visit: facts.visit, attempt, task, timeout })
}

/// After a restart: the attempts without a result, to be dispatched again with the same key, and
/// the timers that must be set (their rows are there already; setting them again is harmless), and
/// [`Effect::GoOn`] if the last step was cut short.
pub fn outstanding(state: &RunState) -> Vec<Effect> {
    if state.facts.status != RunStatus::Running || state.facts.external {
        return Vec::new();
    }
    let run = state.facts.due_at.map(|due_at| Effect::SetTimer { key: TimerKey::Run, due_at });
    let nodes = state.facts.nodes.iter().filter_map(|(id, node)| match node.phase {
        Phase::Running { .. } => dispatch(state, id),
        Phase::Suspended { until, .. } => until.map(|due_at| Effect::SetTimer {
            key: TimerKey::Wake { node: id.clone(), visit: node.visit },
            due_at,
        }),
        Phase::Retrying { attempt, at } => {
            let key = TimerKey::Retry { node: id.clone(), visit: node.visit, attempt };
            Some(Effect::SetTimer { key, due_at: at })
        }
        Phase::Looping(ref looping) => match looping.stage {
            Stage::Pause { until } => Some(Effect::SetTimer {
                key: TimerKey::Wake { node: id.clone(), visit: node.visit },
                due_at: until,
            }),
            Stage::Pass { .. } => None,
        },
        Phase::Done { .. } | Phase::Failed { .. } | Phase::Discarded { .. } => None,
    });
    run.into_iter().chain(nodes).chain(goes_on(state).then_some(Effect::GoOn)).collect()
}

/// After a restart: attempts at work of which the context does not say any more what they were to do (another
/// branch has written over what their templates name). Nobody can carry them out: they fail.
pub fn lost(state: &RunState) -> Vec<(NodeId, Visit, Attempt)> {
    if state.facts.status != RunStatus::Running || state.facts.external {
        return Vec::new();
    }
    let at_work = state.facts.nodes.iter().filter_map(|(id, node)| match node.phase {
        Phase::Running { attempt, timeout_ms: Some(_) } => Some((id.clone(), node.visit, attempt)),
        _ => None,
    });
    at_work.filter(|(id, _, _)| dispatch(state, id).is_none()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timer_keys_round_trip_whatever_the_node_is_called() {
        let node = || NodeId::trusted("a:b:1");
        let keys = [
            TimerKey::Run,
            TimerKey::Retry { node: node(), visit: Visit(2), attempt: Attempt(3) },
            TimerKey::Wake { node: node(), visit: Visit(7) },
        ];
        for key in keys {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        for text in ["", "runs", "wake:", "wake:x:n", "retry:1:n", "retry:1:2:", "wake:1:"] {
            assert_eq!(text.parse::<TimerKey>(), Err(BadTimerKey), "{text}");
        }
    }
}
