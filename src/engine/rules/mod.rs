//! What happens next: commands to events.
//!
//! `decide` works on a copy of the state and folds each event into it as it goes, so that a
//! result, the nodes it makes ready, those of them that need nobody (start, end, conditions
//! without code, waits) and the end of the run come out as one list, for one append.
//!
//! `decide` reads the command, `work` makes the events of nodes and of the end, `schedule` says
//! which nodes are ready, `passes` how loops go through their items, `retry` what follows a failure,
//! `void` leaves out what a step itself takes back, `external` takes what others report.
mod decide;
mod external;
mod passes;
mod retry;
mod schedule;
mod void;
mod work;

pub use self::decide::{Step, decide, step};
pub(in crate::engine) use self::schedule::goes_on;
