//! What happens next: commands to events.
//!
//! `decide` works on a copy of the state and folds each event into it as it goes, so that a
//! result, the nodes it makes ready, those of them that need nobody (start, end, conditions
//! without code, waits) and the end of the run come out as one list, for one append.
mod decide;

pub use self::decide::{Step, decide, step};
