//! Runs that wait: for a time (`timers`), for a place among their tenant's active ones
//! (`admission`), for the hub to start again (`recover`). None of them costs an actor.

mod admission;
mod recover;
mod timers;

pub(super) use self::{
    admission::{Admission, Place},
    timers::Timers,
};
