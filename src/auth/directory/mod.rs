//! Users, tenants, members, roles, API keys and the audit table: what `auth` reads and changes.
//!
//! [`rows`] are the entities as REST shows them (`contract.md` 7). [`Directory`] is the door to where
//! they are kept: reads, and one function that applies changes and writes the audit row in the same
//! transaction. The door knows no rules; those are in `auth::accounts`.

mod door;
#[cfg(test)]
mod memory;
pub mod rows;

pub use door::{Answer, Change, Directory, Page};
#[cfg(test)]
pub use memory::Memory;
