//! What a message comes to, decided: pure, and the same for the same turn.
//!
//! Nothing is kept between two turns. `replay` says which earlier messages of the room belong to the one that is
//! answered: those that were answered with a question. They go through the same steps again (`step`), so a
//! talk that a crash cut off goes on as if nothing had been. Only what persons said is ever read as a request; of what
//! the assistant said only whether it was a question, by words that nothing but a question begins with.
//!
//! `intent` knows what is no request at all, `fit` which entry a request means, `pick` which of several an answer
//! means. `say` has all words, and makes those of the tenant harmless.

mod fit;
mod intent;
mod pick;
mod replay;
pub(super) mod say;
mod step;
#[cfg(test)]
mod tests;

pub(super) use replay::heard;
pub(super) use step::{Doing, Reply, State, step, wants};
