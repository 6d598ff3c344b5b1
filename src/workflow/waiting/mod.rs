//! Runs that wait: for a time (`supervise::Timers`), for a place among their tenant's active ones
//! (`admission`), for the hub to start again (`recover`). None of them costs an actor.
//! What waited long enough to be forgotten goes (`housekeeping`).

mod admission;
mod housekeeping;
mod recover;

pub use self::admission::Queue;
pub(super) use self::{
    admission::{Admission, Place},
    housekeeping::keep_house,
};

/// Wakes runs.
pub(super) type Timers = crate::supervise::Timers<super::messages::Wake>;
