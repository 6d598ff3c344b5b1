//! Inside a worker process: the only place where JavaScript runs.
//!
//! `serve` reads jobs from the pipe, `sandbox` is what the process gave up before the first of them,
//! `room` is a fresh runtime made ahead, `run` is one execution in it, `told` what a script says (its
//! console, its result, its error), `result` makes its JSON fit for the hub.
//!
//! Talks to: the hub, over its standard input and output. Never: opens, connects or starts
//! anything; keeps anything of one script for the next.

mod result;
mod room;
mod run;
mod sandbox;
mod serve;
mod told;

pub use serve::worker_main;
