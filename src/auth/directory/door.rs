//! The door to the tables.

use std::{future::Future, pin::Pin};

use super::rows::{ApiKey, AuditRow, Member, Role, Tenant, TenantPatch, User, UserPatch};
use crate::{
    auth::Error,
    ids::{ApiKeyId, TenantId, UserId},
    store::tables::{ListPage, Listed},
};

/// What a door answers, later.
pub type Answer<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

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
    /// Inserts or replaces by (tenant, title); `NotFound` when the tenant is missing.
    PutRole(Role),
    /// Deletes by (tenant, title); `NotFound` without a row.
    DeleteRole(TenantId, String),
    /// Inserts; `NotFound` when the tenant is missing.
    CreateApiKey(ApiKey),
    /// Refuses it, or admits it again; `NotFound` without a row.
    DisableApiKey(TenantId, ApiKeyId, bool),
    /// Deletes it; `NotFound` without a row.
    DeleteApiKey(TenantId, ApiKeyId),
}

/// Where the tables are. Lists are newest first, with the total and a cursor.
pub trait Directory: Send + Sync {
    /// All changes and the audit row, or nothing.
    fn apply(&self, changes: Vec<Change>, audit: AuditRow) -> Answer<()>;

    /// The user of a token's subject.
    fn user_by_subject(&self, subject: String) -> Answer<Option<User>>;
    /// A user.
    fn user(&self, id: UserId) -> Answer<Option<User>>;
    /// Users.
    fn users(&self, page: ListPage) -> Answer<Listed<User>>;

    /// A tenant.
    fn tenant(&self, id: TenantId) -> Answer<Option<Tenant>>;
    /// Tenants.
    fn tenants(&self, page: ListPage) -> Answer<Listed<Tenant>>;

    /// A membership.
    fn member(&self, tenant: TenantId, user: UserId) -> Answer<Option<Member>>;
    /// Members of a tenant, with their users.
    fn members(&self, tenant: TenantId, page: ListPage) -> Answer<Listed<(Member, User)>>;
    /// Memberships of a user, by tenant.
    fn memberships(&self, user: UserId) -> Answer<Vec<Member>>;

    /// A tenant's own role, by title.
    fn role(&self, tenant: TenantId, title: String) -> Answer<Option<Role>>;
    /// A tenant's own roles, by title.
    fn roles(&self, tenant: TenantId) -> Answer<Vec<Role>>;

    /// The key, of any tenant, with this hash.
    fn api_key_by_hash(&self, hash: String) -> Answer<Option<ApiKey>>;
    /// A key's row.
    fn api_key(&self, tenant: TenantId, id: ApiKeyId) -> Answer<Option<ApiKey>>;
    /// Keys of a tenant.
    fn api_keys(&self, tenant: TenantId, page: ListPage) -> Answer<Listed<ApiKey>>;

    /// The audit table: of one tenant, or all of it.
    fn audit(&self, tenant: Option<TenantId>, page: ListPage) -> Answer<Listed<AuditRow>>;
}
