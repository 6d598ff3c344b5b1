//! The assistant that asks a model, with the real binary between real clients and an endpoint.
//!
//! `endpoint` is a scripted one: what it does with a call is decided by what was said last. `modes`: `faults.md`
//! F46, whatever the endpoint does. `apart`: A61 to A63 and A65, whatever the model says. `streams`: answers that
//! grow, and that are stopped. `killed`: `kill -9` in the middle of one. `aimock`: an endpoint of others.

mod aimock;
mod apart;
mod endpoint;
#[cfg(feature = "failpoints")]
mod killed;
mod modes;
mod stage;
mod streams;
