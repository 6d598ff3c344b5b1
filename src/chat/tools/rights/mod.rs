//! What is asked before something is done, and again when an approved proposal is carried out: whether the
//! person may do it (`person`), and whether it is still what was proposed (`seal`).

mod person;
mod seal;

pub(super) use person::Caller;
pub(super) use seal::unchanged_plan;
