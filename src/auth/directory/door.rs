//! The door to the tables.

use std::{future::Future, pin::Pin};

use super::rows::{ApiKey, AuditRow, Member, Role, Tenant, TenantPatch, User, UserPatch};
use crate::{
    auth::Error,
    ids::{ApiKeyId, TenantId, UserId},
};

/// What a door answers, later.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

/// A part of a list.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Rows to skip.
    pub offset: i64,
    /// Most rows to give.
    pub limit: i64,
}

impl Page {
    /// The first rows.
    pub fn first(limit: i64) -> Self {
        Self { offset: 0, limit }
    }
}

/// One change of the tables.
#[derive(Clone, Debug)]
pub enum Change {
    /// Inserts; `Conflict` when the id exists.
    CreateTenant(Tenant),
    /// Inserts unless the id exists.
    EnsureTenant(Tenant),
    /// Sets the given fields; `NotFound` without a row.
    UpdateTenant(TenantId, TenantPatch),
    /// Inserts; `Conflict` when id or subject exists.
    CreateUser(User),
    /// Sets the given fields; `NotFound` without a row.
    UpdateUser(UserId, UserPatch),
    /// Inserts or sets the role; `NotFound` when tenant or user is missing.
    PutMember(Member),
    /// Deletes; `NotFound` without a row.
    DeleteMember(TenantId, UserId),
    /// Inserts or replaces by (tenant, title).
    PutRole(Role),
    /// Deletes by (tenant, title); `NotFound` without a row.
    DeleteRole(TenantId, String),
    /// Inserts; `NotFound` when the tenant is missing.
    CreateApiKey(ApiKey),
    /// Disables it, for ever; `NotFound` without a row.
    RevokeApiKey(TenantId, ApiKeyId),
}

/// Where the tables are. Lists are in order of creation, the audit table newest first.
pub trait Directory: Send + Sync {
    /// All changes and the audit row, or nothing.
    fn apply(&self, changes: Vec<Change>, audit: AuditRow) -> Answer<()>;

    /// The user of a token's subject.
    fn user_by_subject(&self, subject: String) -> Answer<Option<User>>;
    /// A user.
    fn user(&self, id: UserId) -> Answer<Option<User>>;
    /// Users.
    fn users(&self, page: Page) -> Answer<Vec<User>>;

    /// A tenant.
    fn tenant(&self, id: TenantId) -> Answer<Option<Tenant>>;
    /// Tenants.
    fn tenants(&self, page: Page) -> Answer<Vec<Tenant>>;

    /// A membership.
    fn member(&self, tenant: TenantId, user: UserId) -> Answer<Option<Member>>;
    /// Members of a tenant.
    fn members(&self, tenant: TenantId, page: Page) -> Answer<Vec<Member>>;
    /// Memberships of a user (at most 1 000).
    fn memberships(&self, user: UserId) -> Answer<Vec<Member>>;

    /// A tenant's own role, by title.
    fn role(&self, tenant: TenantId, title: String) -> Answer<Option<Role>>;
    /// A tenant's own roles (at most 1 000).
    fn roles(&self, tenant: TenantId) -> Answer<Vec<Role>>;

    /// Keys, of any tenant, that begin with these eight characters (at most 16).
    fn api_keys_by_prefix(&self, prefix: String) -> Answer<Vec<ApiKey>>;
    /// A key's row.
    fn api_key(&self, tenant: TenantId, id: ApiKeyId) -> Answer<Option<ApiKey>>;
    /// Keys of a tenant.
    fn api_keys(&self, tenant: TenantId, page: Page) -> Answer<Vec<ApiKey>>;

    /// The audit table, newest first.
    fn audit(&self, page: Page) -> Answer<Vec<AuditRow>>;
}
