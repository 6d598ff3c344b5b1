//! Socket.IO v5 as a client sees it: every case of the official suite (protocol.md 2.7; its engine
//! part is the cases of `engineio` on the other path), and the rest of protocol.md 2.

mod acks;
mod binary;
mod connect;
mod engine;
mod events;
mod leave;
mod suite;
