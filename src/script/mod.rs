//! JavaScript of nodes and conditions, run in worker processes.
//!
//! Owns: the worker processes, their limits, the order in which scripts of different tenants get
//! one. A script computes: it sees `ctx`, `args` and a `console`, and has no network, no files, no
//! timers. QuickJS is C and can be made to ignore its interrupt (`dependencies.md` 4.3), so the
//! engine lives only in processes that have given up every right (`sandbox`) and that are killed
//! when they do not answer in time.
//!
//! One script, five files: `api` (what is asked and answered), `pool` (queue, workers, deadlines;
//! `fair` decides who is next), `wire` (frames of the pipe), and in the process `worker`, which
//! builds a fresh `sandbox`ed runtime in `run` for every execution.
//!
//! Used by `workflow` (nodes, conditions); the hidden command `script-worker` is [`worker_main`].
//! Never: runs JavaScript in the hub's own process, keeps anything of a script for the next one.

mod api;
mod error;
mod pool;

pub use api::{Kind, Output, Script};
pub use error::{Error, Thrown};
pub use pool::{ScriptPool, worker_main};
