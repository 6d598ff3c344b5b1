//! Transports: how bytes move between a client and its session.
//!
//! What it is: long polling; a websocket on a socket that the hub owns; a websocket mounted in
//! somebody else's actix-web application. All of them hand packets to the session's actor and write
//! what its queue holds; they pass the same tests.
//!
//! What it owns: the handshake (the order of its checks, its codes), frames of websockets, CORS of
//! the Engine.IO path.
//!
//! Who talks to it: the HTTP server, with requests and sockets; the session, with the end.
//!
//! What it never does: know what a message means.

mod answers;
mod frames;
mod handshake;
pub(in crate::session) mod mounted;
pub(in crate::session) mod owned;
pub(in crate::session) mod polling;
mod websocket;

pub(in crate::session) use frames::Rules;
pub(in crate::session) use websocket::{Pump, Wire};
