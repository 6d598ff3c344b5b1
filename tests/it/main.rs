//! Integration tests: one binary; the list of modules is the list of promises.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and measures real time from outside"
)]

// Cases against examples/conformance: compiled by `make check`, run once the example is there.
#[cfg(feature = "conformance")]
mod bytes;
#[cfg(feature = "conformance")]
mod clients;
mod command;
#[cfg(all(feature = "conformance", feature = "failpoints"))]
mod crash;
mod docs;
#[cfg(feature = "conformance")]
mod engineio;
#[cfg_attr(
    not(feature = "conformance"),
    expect(dead_code, unused_imports, unused_macros, reason = "the wire cases use the rest of it")
)]
mod harness;
mod hub;
mod layers;
mod script;
#[cfg(feature = "conformance")]
mod socketio;
#[cfg(feature = "conformance")]
mod watch;
