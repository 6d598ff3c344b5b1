//! Integration tests: one binary; the list of modules is the list of promises.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg_attr(
    feature = "conformance",
    expect(
        clippy::expect_used,
        clippy::panic,
        clippy::disallowed_methods,
        reason = "a test fails by panicking, and measures real time from outside"
    )
)]

// Cases against examples/conformance: compiled by `make check`, run once the example is there.
#[cfg(feature = "conformance")]
mod bytes;
#[cfg(feature = "conformance")]
mod clients;
mod command;
#[cfg(feature = "conformance")]
mod engineio;
#[cfg(feature = "conformance")]
mod harness;
mod layers;
#[cfg(feature = "conformance")]
mod socketio;
