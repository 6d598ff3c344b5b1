//! Who a client is and what it may do.
//!
//! Here now: the forms in which a client presents itself (`identity`), the permissions and base
//! roles (`permission`), the errors with their codes (`error`). Pure; verification of tokens and
//! keys, and the one `authorize`, come on top of them.
mod error;
mod identity;
mod permission;

pub use self::{
    error::Error,
    identity::{Credential, Credentials, Identity, Proof, Secret, Source, redacted_query},
    permission::{ADMIN, MEMBER, Permission, Permissions},
};
