//! Socket.IO 5 packets: what a client may send, and what the hub answers.
//!
//! What it is: socketioxide's codec with the checks that it leaves to its user (`protocol.md` 2.4 and
//! 6.5): valid JSON, its depth and number of keys, event names, attachments and their places, ack ids.
//! A payload stays the client's text, so numbers of any size travel unharmed; only a lone surrogate,
//! which no UTF-8 text can hold, becomes U+FFFD.
//!
//! What it owns: one [`Decoder`] a session, which waits for attachments.
//!
//! Who talks to it: the session, with the messages of Engine.IO; domain actors and routers, for the
//! frames of answers.
//!
//! What it never does: know namespaces that exist, or what an event means.

mod decode;
mod encode;
mod event;
mod json;

pub use decode::{Decoder, Limits, Packet, Violation};
pub use encode::{
    ack_error, ack_frame, ack_raw, connect, connect_error, disconnect, event_raw, event_with_ack,
};
pub use event::{Ack, AckId, Event};
