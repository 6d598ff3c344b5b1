//! SQLite files below `datasource.sqlite_dir`.
//!
//! Each query opens a connection of its own: read-only unless the query says otherwise, hardened
//! (no other file, no extension, no change of the schema, no trust in what the schema says), and
//! stopped by its progress handler when its time is over or nobody waits any more.

mod file;
mod guard;
mod run;

pub(super) use self::{
    file::{find, problems},
    run::{Stop, run, test},
};
