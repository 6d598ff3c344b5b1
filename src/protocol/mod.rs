//! What goes over the wire; pure: codecs, frames, event types.

pub mod engineio;
pub mod events;
pub mod frame;
pub mod socketio;
