//! Engine.IO v4 as a client sees it: every case of the official suite (protocol.md 1.12, numbered
//! here as there) and the rest of protocol.md 1, against examples/conformance.

pub mod close;
mod errors;
pub mod handshake;
mod headers;
pub mod heartbeat;
mod polling;
mod suite;
mod upgrade;
mod websocket;
