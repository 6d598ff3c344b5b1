//! What goes over the wire; pure: codecs, frames, event types.

pub mod events;
pub mod frame;
