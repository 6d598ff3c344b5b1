//! What goes over the wire; pure: codecs, frames, event types.

pub mod engineio;
pub mod events;
pub mod frame;
mod rope;
pub mod socketio;

pub use rope::{EventFrame, Json};
