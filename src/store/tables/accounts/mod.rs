//! Who may do what: tenants, users, members and their roles, API keys.
//!
//! Each file is a table with its row, its new row and its queries, as everywhere in
//! [`tables`](super). `auth` reads them through its `Directory`, the CLI and REST write them.

pub mod api_keys;
pub mod members;
pub mod roles;
pub mod tenants;
pub mod users;
