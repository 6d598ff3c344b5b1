//! What the store's tests stand on: databases of their own on both servers, a proxy that cuts
//! connections, and short words for what is written and read.
//!
//! `database` knows nothing of the crate; `words` opens stores on it. Nothing here is a test.

mod database;
mod proxy;
mod words;

pub(super) use database::server;
pub(crate) use database::{Database, both};
pub(super) use proxy::{Cut, Proxy};
pub(crate) use words::open;
pub(super) use words::{
    all, append, assert_whole, at, beside, first, hold_writes, new_run, next, open_at, open_with, rows,
    run_beside, stream, wait_for,
};
