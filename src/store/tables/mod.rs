//! The tables: one file each with its row, its new row and its queries, which are functions on a
//! [`Connection`](super::Connection) for [`Store::read`](super::Store::read) and
//! [`Store::write`](super::Store::write).
//!
//! Queries are plain and the same on both databases: no upsert (an insert's violation is an
//! answer), typed ids and times in rows, lists newest first with a page, a total and a cursor. A
//! query knows tenants only where its caller names one; rights are checked above (`auth`).

mod accounts;
pub mod audit;
pub mod catalogue;
pub mod chat;
pub mod collection;
mod columns;
pub mod definitions;
mod entities;
pub mod keys;
mod page;
pub mod registrations;
pub mod runs;
pub mod timers;

pub use accounts::{api_keys, members, roles, tenants, users};
pub(super) use columns::to_micros;
pub use entities::{dataqueries, datasources, listeners, widgets};
pub use page::{ListPage, Listed};
