//! The store: everything that must be there after a crash, on SQLite or PostgreSQL.
//!
//! It has two doors. [`Journal::append`] writes rows of streams with their projections, in group
//! commits of one thread; [`Store::read`] and [`Store::write`] run a function of [`tables`] on a
//! connection, off the actors' threads. Actors, REST and the CLI use both; nothing above this
//! module names Diesel, and what differs between the databases is in `dialect.rs` alone.
//!
//! On SQLite the journal thread is the only writer of the file. A second hub on the same file is
//! refused (`lock.rs`), an unknown scheme of the URL is an error, and a setting of the database
//! that breaks a promise is warned about by the promise's name ([`Store::broken_promises`]).
//!
//! It never calls upwards, never blocks an actor's thread, and never lets the words of a database
//! reach a client.

mod connection;
mod dialect;
mod error;
mod handle;
mod index;
pub mod journal;
mod lock;
mod migrate;
mod pool;
mod schema;
pub mod tables;
#[cfg(test)]
pub(crate) mod tests;

pub use connection::{Connection, Target};
pub use dialect::BrokenPromise;
pub use error::{Error, Unique};
pub use handle::Store;
pub use index::{WordIndex, Words};
pub use journal::{Append, Appended, Journal, NewRow, Origin, Ownership, Page, Projection, Row};
pub use migrate::{Migrated, migrate};
