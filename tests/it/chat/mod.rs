//! Chat rooms, as pages use them: unmodified clients against the real binary.

mod consents;
mod hostile;
#[cfg(feature = "failpoints")]
mod kills;
mod llm;
mod model;
mod rooms;
mod shop;
mod talks;
mod turns;
