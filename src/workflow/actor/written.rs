//! What of a step is written: its rows, and what belongs into their transaction.

use std::borrow::Cow;

use jiff::Timestamp;

use super::load::Meta;
use crate::{
    engine::{Effect, Finished, RunEvent, RunState},
    ids::RunId,
    store::{NewRow, Projection, tables::runs::RunChange},
    workflow::{collect, view::store_status},
};

/// Whether the run must be woken at start: an attempt is at work, or it waits for a place.
pub(in crate::workflow) fn needs_attention(meta: &Meta, state: &RunState, pending: bool) -> bool {
    !state.status().is_terminal() && (pending || (!meta.external && !state.is_waiting()))
}

/// A row as the journal takes it.
pub(in crate::workflow) fn new_row(event: &RunEvent, at: Timestamp) -> NewRow {
    NewRow { kind: Cow::Borrowed(event.kind().as_str()), payload: event.payload(), at }
}

/// What of the effects belongs into the transaction.
pub(in crate::workflow) fn of_effects(run: &RunId, effects: &[Effect], at: Timestamp) -> Vec<Projection> {
    let mut projections = Vec::new();
    for effect in effects {
        match effect {
            Effect::SetTimer { key, due_at } => {
                projections.push(Projection::Timer { key: key.to_string(), due_at: *due_at });
            }
            Effect::ClearTimer { key } => projections.push(Projection::TimerDone { key: key.to_string() }),
            Effect::Finished(finished) => {
                projections.push(Projection::TimersCleared);
                projections
                    .push(Projection::RunChanged { run: run.clone(), change: Box::new(end(finished)) });
            }
            Effect::OpenRequest { .. } | Effect::CloseRequest { .. } => {
                projections.extend(collect::projection(run, effect, at));
            }
            Effect::Dispatch { .. } | Effect::Interrupt { .. } | Effect::GoOn => {}
        }
    }
    projections
}

fn end(finished: &Finished) -> RunChange {
    RunChange {
        status: store_status(finished.status),
        attention: false,
        completed_at: Some(finished.at),
        error: finished.error.clone(),
        error_code: finished.error_code.clone(),
    }
}
