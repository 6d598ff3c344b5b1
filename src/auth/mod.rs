//! Who a client is and what it may do.
//!
//! [`Credentials`] are what a handshake or request presents; [`Auth::verify`] turns them into an
//! [`Identity`], [`Auth::authorize`] answers for REST and events alike whether it may act in a tenant.
//! The rest changes users, tenants, members, roles and API keys, each change with its audit row.
//!
//! Owns: the keys of issuers, the remembered grants. Talks to: [`directory`] (the tables), a
//! [`FetchJwks`] (the outgoing client). Asked by: the session router, REST, the control socket.
//! Never: believes an id, tenant or role of a payload; tells a client why a credential was refused;
//! writes a credential into a log line.

mod accounts;
mod claims;
pub mod directory;
mod error;
mod identity;
pub mod json;
mod keys;
pub mod permission;
mod provision;
mod revoked;
mod service;
mod token;

#[cfg(test)]
mod tests;

pub use accounts::{By, NewApiKey, NewTenant, NewUser};
pub use error::Error;
pub use identity::{Credential, Credentials, Identity, Proof, Source, redacted_query};
pub use keys::jwks::{FetchJwks, Fetched};
use keys::{api_key, jwks};
pub use permission::{ADMIN, MEMBER, Permission, Permissions};
pub use revoked::Concerned;
pub use service::{Auth, MonitorScope};
pub use token::{NewToken, SetupError, sign};
