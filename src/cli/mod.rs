//! The command line: arguments, exit codes, what is printed.
//!
//! `args.rs` is the whole surface (clap); `run.rs` takes a parsed command to the module that does the
//! work. Standard output carries results only (one token, one table), so that a shell can use them;
//! everything said to a person goes to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage,
//! 78 wrong settings (nothing was bound, opened or migrated then).
//!
//! Administration (`admin.rs`) is one [`ControlRequest`](crate::http::control::ControlRequest), sent
//! to the hub that runs on the state directory (`control.rs`), or carried out on the database itself
//! when none runs (`offline.rs`). Nothing here knows a table or a socket of a client.

mod admin;
mod args;
mod control;
mod demo;
mod logging;
mod offline;
mod output;
mod run;
mod settings;
mod token;

#[cfg(test)]
mod cli_test;

pub use args::Arguments;
pub use logging::init as init_logging;
pub use run::main;
