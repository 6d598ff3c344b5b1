//! What the command line asks a running hub over `control.sock` (state directory, mode 0600), and
//! what it answers: one JSON line each way. Whoever can open the socket is the hub's own user, so no
//! token is asked for. Pure.

use serde::{Deserialize, Serialize};

use crate::config::Secret;

/// Name of the socket in the state directory.
pub const SOCKET: &str = "control.sock";
/// Longest request line, in bytes.
pub const MAX_REQUEST: u64 = 64 * 1024;
/// Longest reply line, in bytes.
pub const MAX_REPLY: u64 = 64 * 1024 * 1024;

/// One request. Ids are as tokens and events carry them: a user's id is the claim `sub`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum ControlRequest {
    /// Creates a tenant; `CONFLICT` when it exists.
    TenantCreate {
        /// Its id.
        id: String,
        /// Its name.
        name: String,
    },
    /// All tenants.
    TenantList,
    /// Refuses everybody in a tenant, or admits them again.
    TenantDisable {
        /// The tenant.
        id: String,
        /// Whether it is to be disabled.
        disabled: bool,
    },
    /// Creates a user; `CONFLICT` when it exists.
    UserCreate {
        /// The claim `sub` of its tokens.
        id: String,
        /// Its e-mail address.
        email: Option<String>,
        /// Whether it may administrate the whole hub.
        platform_admin: bool,
    },
    /// All users.
    UserList,
    /// Refuses a user, or admits it again.
    UserDisable {
        /// The user.
        id: String,
        /// Whether it is to be disabled.
        disabled: bool,
    },
    /// Makes a user a member of a tenant, or changes its role.
    MemberCreate {
        /// The tenant.
        tenant: String,
        /// The user.
        user: String,
        /// A base role or a role row of the tenant.
        role: String,
    },
    /// The members of a tenant.
    MemberList {
        /// The tenant.
        tenant: String,
    },
    /// Ends a membership.
    MemberRevoke {
        /// The tenant.
        tenant: String,
        /// The user.
        user: String,
    },
    /// Creates a key and answers it once.
    ApikeyCreate {
        /// The tenant in which it acts.
        tenant: String,
        /// The user in whose name it acts.
        user: String,
        /// What it is for.
        name: String,
        /// How long it is valid; `None`: for ever.
        ttl_seconds: Option<u64>,
    },
    /// The keys of a tenant, without the keys themselves.
    ApikeyList {
        /// The tenant.
        tenant: String,
    },
    /// Refuses a key from now on.
    ApikeyDisable {
        /// The key's tenant.
        tenant: String,
        /// The key's id.
        id: String,
    },
    /// Removes a key.
    ApikeyRevoke {
        /// The key's tenant.
        tenant: String,
        /// The key's id.
        id: String,
    },
}

/// The answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum ControlReply {
    /// It is so now.
    Done,
    /// What was created.
    Created {
        /// Its id.
        id: String,
    },
    /// A new API key: shown once, stored hashed.
    Key {
        /// Its id.
        id: String,
        /// The key itself.
        #[serde(serialize_with = "in_clear")]
        key: Secret,
    },
    /// A list.
    Table {
        /// Heads of the columns.
        columns: Vec<String>,
        /// One row each, a cell a column.
        rows: Vec<Vec<String>>,
    },
    /// It was not done.
    Refused {
        /// A code of `error::TABLE`.
        code: String,
        /// Why.
        message: String,
    },
}

/// The one place where a secret is written out: to its owner, once.
fn in_clear<S: serde::Serializer>(key: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(key.expose())
}
