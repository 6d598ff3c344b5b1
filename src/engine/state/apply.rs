//! The fold.

use crate::{
    engine::{RunEvent, RunState},
    ids::Seq,
};

/// Folds an event into the state; never fails: what makes no sense changes as little as it can.
pub fn apply(state: &mut RunState, event: &RunEvent, seq: Seq) {
    let _ = (state, event, seq);
}

/// The snapshot row that should be appended now, if one should: when a recovery would read more
/// rows since the last one than it is worth.
pub fn snapshot_due(state: &RunState) -> Option<RunEvent> {
    let _ = state;
    None
}
