//! What the shell must do because of an event.

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    engine::{CodeContext, Finished, RunEvent, RunState},
    ids::{Attempt, NodeId, Visit},
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
    /// The run is over; all its timers are cleared.
    Finished(Finished),
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
/// dispatch that was overtaken by the end of its run is left out).
pub fn effects(state: &RunState, event: &RunEvent) -> Vec<Effect> {
    let _ = (state, event);
    Vec::new()
}

/// After a restart: the attempts without a result, to be dispatched again with the same key, and
/// the timers that must be set (their rows are there already; setting them again is harmless).
pub fn outstanding(state: &RunState) -> Vec<Effect> {
    let _ = state;
    Vec::new()
}
