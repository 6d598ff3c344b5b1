//! JavaScript of nodes and conditions, run in worker processes.
//!
//! Owns: the worker processes, their limits, the order in which scripts of different tenants get
//! one. A script computes: it sees `ctx`, `args` and a `console`, and has no network, no files, no
//! timers. QuickJS is C and can be made to ignore its interrupt (`dependencies.md` 4.3), so the
//! engine lives only in processes that have given up every right and that are killed
//! when they do not answer in time.
//!
//! One script, seven files: `pool` (the door), `dispatcher` (who waits, who runs; `fair` decides who
//! is next), `execution` (one script's way through a `process`), `wire` (frames of the pipe), and in
//! the process `worker`, which gives up its rights and builds a fresh runtime for every execution.
//!
//! Used by `workflow` (nodes, conditions); the hidden command `script-worker` is [`worker_main`].
//! Never: runs JavaScript in the hub's own process, keeps anything of a script for the next one.

mod api;
mod dispatcher;
mod error;
mod execution;
mod fair;
mod pool;
mod process;
mod wire;
mod worker;

pub use api::{Kind, Output, Script};
pub use error::{Error, Thrown};
pub use pool::ScriptPool;
pub use worker::worker_main;
