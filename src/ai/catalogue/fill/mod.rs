//! Fills inputs from the words of a message. Pure: the time and its zone come in. It never guesses: what is not
//! said for certain is left, and `talk` asks for it.
//!
//! `message` reads a message once: `times`, quoted strings and yes or no (`names`), `numbers`. `inputs` is the door:
//! what is said goes to the inputs that it fits, each word to one of them; `days` knows the ends of a range,
//! `texts` what follows a name.

mod days;
mod inputs;
mod message;
mod names;
mod numbers;
#[cfg(test)]
mod tests;
mod texts;
pub mod times;

pub use inputs::{Filled, Unclear, fill, range_of};
pub use message::Message;
pub use names::{named, quoted, yes_no};
pub use numbers::{Number, numbers};
pub use times::{Span, When, spans};
