//! Users, tenants, members, roles, API keys and the audit table: what `auth` reads and changes.
//!
//! [`rows`] are the entities as REST shows them (`contract.md` 7). [`Directory`] is the door to where
//! they are kept: reads, and one function that applies changes and writes the audit row in the same
//! transaction. The door knows no rules; those are in `auth::accounts`. [`StoreDirectory`] keeps them
//! in the store's tables; columns and wire names meet there.

mod door;
pub mod rows;
mod store;
#[cfg(test)]
mod store_test;

pub use door::{Answer, Change, Directory};
pub use store::StoreDirectory;
