//! Command to events or refusal.

use jiff::Timestamp;

use crate::{
    engine::{Effect, Refusal, RunCommand, RunEvent, RunState, Update},
    ids::Seq,
};

/// A decided command: everything an actor needs for its append and what follows it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The rows, with the seq each must get.
    pub rows: Vec<(Seq, RunEvent)>,
    /// The state after them; takes the place of the old one after the commit.
    pub state: RunState,
    /// What must be done: timers and the end in the transaction, dispatches and interrupts after it.
    pub effects: Vec<Effect>,
    /// What watchers see, in row order.
    pub updates: Vec<Update>,
}

/// The events of a command: what it causes, the dispatches that this makes ready, and the end of
/// the run. An accepted command has at least one.
pub fn decide(state: &RunState, command: &RunCommand, now: Timestamp) -> Result<Vec<RunEvent>, Refusal> {
    step(state, command, now).map(|step| step.rows.into_iter().map(|(_, event)| event).collect())
}

/// [`decide`], [`apply`](crate::engine::apply), [`effects`](crate::engine::effects) and
/// [`update`](crate::engine::update) in one go, for an actor that appends first and changes its
/// state after the commit.
pub fn step(state: &RunState, command: &RunCommand, now: Timestamp) -> Result<Step, Refusal> {
    let _ = (state, command, now);
    Err(Refusal::NotStarted)
}
