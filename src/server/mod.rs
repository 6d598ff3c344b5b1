//! The hub as a whole: built in the order of the floors, run, and stopped without losing anything.
//!
//! `start.rs` is the one screen that shows how the parts are put together: listeners are bound, the
//! store is opened and migrated, accounts, scripts, runs and sessions are put on it, HTTP answers,
//! and only then is the hub said to be there. `drain.rs` is the way back, within `drain.deadline`, and
//! waits for the `attempts.rs` of nodes that have begun.
//! `control.rs` answers the command line on `control.sock`, `os/` is what
//! the machine says and hears. `chats.rs` says who answers in chat rooms and with whose hands.
//!
//! Owns: threads, listeners, the state directory. Used by `cli` (`serve`, `demo`). Never: decides
//! anything about a request, a run or a session.

mod arbiters;
mod attempts;
mod chats;
mod control;
mod drain;
mod error;
mod front;
mod keys;
mod listen;
mod os;
mod start;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use start::{Running, serve, start};
