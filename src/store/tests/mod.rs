//! The store on both databases: each test's body runs on a SQLite file and on a PostgreSQL database of
//! its own (`bed`; `TEST_POSTGRES_URL`, or one that answers on this machine). A test that
//! names a database says why.
//!
//! What only a dying process can show runs in a child process (`process.rs`), which is this test
//! binary again.

mod append;
mod batch;
pub(crate) mod bed;
mod chat;
mod entities;
mod migrate;
mod outage;
mod process;
mod projections;
mod read;
mod schema;
mod tables;
