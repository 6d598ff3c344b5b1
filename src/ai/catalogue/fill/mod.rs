//! Fills inputs from the words of a message. Pure: the time and its zone come in. It never guesses.

mod names;
mod numbers;

pub use names::{named, quoted, yes_no};
pub use numbers::{Number, numbers};
