//! Integration tests: one binary; the list of modules is the list of promises.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and measures real time from outside"
)]

mod bytes;
mod chat;
mod clients;
mod command;
#[cfg(feature = "failpoints")]
mod crash;
mod datasource;
mod docs;
mod engineio;
mod entities;
mod harness;
mod hub;
mod layers;
mod readme;
mod script;
mod session;
mod socketio;
mod watch;
mod widget;
mod workflow;
