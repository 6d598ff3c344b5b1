//! Inside a worker process: the only place where JavaScript runs.
//!
//! `serve` reads jobs from the pipe, `sandbox` is what the process gave up before the first of them,
//! `run` is one execution in a fresh runtime (with prelude.js, which takes what it needs of the
//! builtins before a script can change them), `result` makes its JSON fit for the hub.
//!
//! Talks to: the hub, over its standard input and output. Never: opens, connects or starts
//! anything; keeps anything of one script for the next.

mod result;
mod run;
mod sandbox;
mod serve;

pub use serve::worker_main;
