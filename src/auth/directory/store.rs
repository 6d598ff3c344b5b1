//! The tables of the store as `auth` sees them.

use super::{
    Answer, Change, Directory,
    rows::{ApiKey, AuditRow, Member, Role, Tenant, TenantPatch, User, UserPatch},
};
use crate::{
    auth::Error,
    ids::{ApiKeyId, RequestId, TenantId, UserId},
    store::{
        self, Connection, Store, Unique,
        tables::{self, ListPage, Listed, api_keys, audit, members, roles, tenants, users},
    },
};

/// Users, tenants, members, roles, keys and audit in the hub's database.
#[derive(Clone)]
pub struct StoreDirectory {
    store: Store,
}

impl StoreDirectory {
    /// Over an open store.
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    fn read<T, F>(&self, f: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, store::Error> + Send + 'static,
    {
        let store = self.store.clone();
        Box::pin(async move { store.read(f).await.map_err(failed) })
    }
}

/// What a failure of the store means to whoever changes accounts. Its own words go to the log.
fn failed(error: store::Error) -> Error {
    match error {
        store::Error::Duplicate(unique) => Error::Conflict(match unique {
            Unique::Tenant => "tenant",
            Unique::User => "user",
            Unique::Member => "member",
            Unique::ApiKey => "API key",
            _ => "row",
        }),
        store::Error::NotFound => Error::NotFound("row"),
        store::Error::Reference => Error::NotFound("tenant or user"),
        store::Error::Cursor => Error::Invalid("cursor: not one that this hub gave out".to_owned()),
        store::Error::Busy
        | store::Error::Unavailable(_)
        | store::Error::Unknown
        | store::Error::Fenced
        | store::Error::Closed => {
            log::warn!("accounts cannot be read or written: {error}");
            Error::Unavailable
        }
        error => {
            log::error!("accounts cannot be read or written: {error}");
            Error::Internal
        }
    }
}

/// Inside a transaction: an error of the store, or a rule of [`Change`] that was broken.
enum Refused {
    Store(store::Error),
    Missing(&'static str),
}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}

/// A missing row is told by its name.
fn existing<T>(result: Result<T, store::Error>, what: &'static str) -> Result<T, Refused> {
    match result {
        Err(store::Error::NotFound | store::Error::Reference) => Err(Refused::Missing(what)),
        result => Ok(result?),
    }
}

fn change(connection: &mut Connection, change: Change, at: jiff::Timestamp) -> Result<(), Refused> {
    match change {
        Change::CreateTenant(row) => create_tenant(connection, row),
        Change::EnsureTenant(row) => match tenants::find(connection, &row.id)? {
            Some(_) => Ok(()),
            None => create_tenant(connection, row),
        },
        Change::UpdateTenant(id, patch) => update_tenant(connection, &id, patch, at),
        Change::CreateUser(row) => create_user(connection, row),
        Change::UpdateUser(id, patch) => existing(update_user(connection, &id, patch, at), "user"),
        Change::PutMember(row) => {
            if members::find(connection, &row.tenant, &row.user)?.is_some() {
                return Ok(members::set_role(connection, &row.tenant, &row.user, &row.role, at)?);
            }
            if tenants::find(connection, &row.tenant)?.is_none() {
                return Err(Refused::Missing("tenant"));
            }
            existing(members::insert(connection, &row.tenant, &row.user, &row.role, at), "user").map(drop)
        }
        Change::DeleteMember(tenant, user) => existing(members::remove(connection, &tenant, &user), "member"),
        Change::PutRole(row) => {
            existing(roles::set(connection, &row.tenant, &row.title, &row.permissions), "tenant")
        }
        Change::DeleteRole(tenant, title) => {
            if roles::permissions(connection, &tenant, &title)?.is_empty() {
                return Err(Refused::Missing("role"));
            }
            Ok(roles::set(connection, &tenant, &title, &[])?)
        }
        Change::CreateApiKey(row) => {
            let new = api_keys::NewApiKey {
                api_key_id: row.id,
                tenant_id: row.tenant,
                title: row.title,
                prefix: row.prefix,
                hash: row.hash,
                role: row.role.unwrap_or_default(),
                creator_id: row.creator,
                expires_at: row.expires_at,
                at: row.created_at,
            };
            existing(api_keys::insert(connection, &new), "tenant").map(drop)
        }
        Change::DisableApiKey(tenant, id, disabled) => {
            let change =
                api_keys::ApiKeyChange { is_disabled: Some(disabled), ..api_keys::ApiKeyChange::default() };
            existing(api_keys::update(connection, &tenant, &id, &change, at), "API key")
        }
        Change::DeleteApiKey(tenant, id) => existing(api_keys::remove(connection, &tenant, &id), "API key"),
    }
}

fn create_tenant(connection: &mut Connection, row: Tenant) -> Result<(), Refused> {
    let new = tenants::NewTenant {
        tenant_id: row.id,
        title: row.title,
        timezone: row.timezone,
        creator_id: row.creator,
        at: row.created_at,
    };
    tenants::insert(connection, &new)?;
    Ok(())
}

fn update_tenant(
    connection: &mut Connection,
    id: &TenantId,
    patch: TenantPatch,
    at: jiff::Timestamp,
) -> Result<(), Refused> {
    let (title, timezone) = (patch.title.as_deref(), patch.timezone.as_deref());
    existing(tenants::update(connection, id, title, timezone, at), "tenant")?;
    if let Some(disabled) = patch.is_disabled {
        let reason = disabled.then(|| patch.disable_reason.unwrap_or_default());
        tenants::set_disabled(connection, id, reason.as_deref(), at)?;
    }
    Ok(())
}

fn create_user(connection: &mut Connection, row: User) -> Result<(), Refused> {
    let new = users::NewUser {
        user_id: row.id,
        subject: row.subject,
        email: row.email,
        first_name: row.first_name,
        last_name: row.last_name,
        is_platform_admin: row.is_platform_admin,
        at: row.created_at,
    };
    users::insert(connection, &new)?;
    Ok(())
}

fn update_user(
    connection: &mut Connection,
    id: &UserId,
    patch: UserPatch,
    at: jiff::Timestamp,
) -> Result<(), store::Error> {
    let change = users::UserChange {
        email: patch.email,
        first_name: patch.first_name,
        last_name: patch.last_name,
        is_disabled: patch.is_disabled,
        is_platform_admin: patch.is_platform_admin,
        tokens_valid_after: None,
    };
    users::update(connection, id, &change, at)
}

fn record(connection: &mut Connection, row: &AuditRow) -> Result<(), store::Error> {
    let request = row.request.as_deref().map(RequestId::trusted);
    let entry = audit::NewEntry {
        at: row.at,
        tenant: row.tenant.as_ref(),
        actor: &row.who,
        action: &row.action,
        subject: &row.target,
        detail: audit::detail_of(row.ip.as_deref(), row.details.clone()),
        request: request.as_ref(),
    };
    audit::record(connection, &entry)
}

fn tenant(row: tenants::Tenant) -> Tenant {
    Tenant {
        id: row.tenant_id,
        title: row.title,
        timezone: row.timezone,
        creator: row.creator_id,
        is_disabled: row.is_disabled,
        disabled_at: row.disabled_at,
        disable_reason: row.disable_reason.filter(|reason| !reason.is_empty()),
        logo_url: row.logo_url,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn user(row: users::User) -> User {
    User {
        id: row.user_id,
        subject: row.subject,
        email: row.email,
        first_name: row.first_name,
        last_name: row.last_name,
        is_disabled: row.is_disabled,
        is_platform_admin: row.is_platform_admin,
        last_seen: row.last_seen,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn member(row: members::Member) -> Member {
    Member {
        tenant: row.tenant_id,
        user: row.user_id,
        role: row.role,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn api_key(row: api_keys::ApiKey) -> ApiKey {
    ApiKey {
        id: row.api_key_id,
        tenant: row.tenant_id,
        title: row.title,
        prefix: row.prefix,
        hash: row.hash,
        creator: row.creator_id,
        // The column has no null: an empty role is none.
        role: Some(row.role).filter(|role| !role.is_empty()),
        is_disabled: row.is_disabled,
        expires_at: row.expires_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

fn audit_row(row: audit::Entry) -> AuditRow {
    let mut detail: serde_json::Value = serde_json::from_str(&row.detail).unwrap_or_default();
    let ip = detail.get(audit::IP).and_then(|ip| ip.as_str()).map(str::to_owned);
    let details = match detail.get_mut(audit::SET) {
        Some(set) => set.take(),
        None => detail,
    };
    AuditRow {
        id: row.audit_id,
        at: row.at,
        who: row.actor,
        action: row.action,
        target: row.subject,
        tenant: row.tenant_id,
        request: row.request_id.map(|id| id.as_str().to_owned()),
        ip,
        details,
    }
}

fn grouped(tenant: &TenantId, pairs: Vec<(String, String)>) -> Vec<Role> {
    let mut roles: Vec<Role> = Vec::new();
    for (title, permission) in pairs {
        match roles.last_mut().filter(|role| role.title == title) {
            Some(role) => role.permissions.push(permission),
            None => roles.push(Role { tenant: tenant.clone(), title, permissions: vec![permission] }),
        }
    }
    roles
}

impl Directory for StoreDirectory {
    fn apply(&self, changes: Vec<Change>, audit: AuditRow) -> Answer<()> {
        let store = self.store.clone();
        Box::pin(async move {
            // A refusal must roll back, and only an error of the store does: it is carried past it.
            let missing = std::sync::Arc::new(parking_lot::Mutex::new(None));
            let found = std::sync::Arc::clone(&missing);
            let written = store
                .write(move |connection| {
                    for one in changes {
                        change(connection, one, audit.at).map_err(|refused| match refused {
                            Refused::Store(error) => error,
                            Refused::Missing(what) => {
                                *found.lock() = Some(what);
                                store::Error::NotFound
                            }
                        })?;
                    }
                    record(connection, &audit)
                })
                .await;
            match (written, *missing.lock()) {
                (Err(store::Error::NotFound), Some(what)) => Err(Error::NotFound(what)),
                (written, _) => written.map_err(failed),
            }
        })
    }

    fn user_by_subject(&self, subject: String) -> Answer<Option<User>> {
        self.read(move |c| Ok(users::by_subject(c, &subject)?.map(user)))
    }
    fn user(&self, id: UserId) -> Answer<Option<User>> {
        self.read(move |c| Ok(users::find(c, &id)?.map(user)))
    }
    fn users(&self, page: ListPage) -> Answer<Listed<User>> {
        self.read(move |c| Ok(users::list(c, &page)?.map(user)))
    }

    fn tenant(&self, id: TenantId) -> Answer<Option<Tenant>> {
        self.read(move |c| Ok(tenants::find(c, &id)?.map(tenant)))
    }
    fn tenants(&self, page: ListPage) -> Answer<Listed<Tenant>> {
        self.read(move |c| Ok(tenants::list(c, &page)?.map(tenant)))
    }

    fn member(&self, tenant: TenantId, user: UserId) -> Answer<Option<Member>> {
        self.read(move |c| Ok(members::find(c, &tenant, &user)?.map(member)))
    }
    fn members(&self, tenant: TenantId, page: ListPage) -> Answer<Listed<(Member, User)>> {
        self.read(move |c| {
            let listed = members::of_tenant(c, &tenant, &page)?;
            Ok(listed.map(|(of, who)| (member(of), user(who))))
        })
    }
    fn memberships(&self, user: UserId) -> Answer<Vec<Member>> {
        self.read(move |c| Ok(members::of_user(c, &user)?.into_iter().map(member).collect()))
    }

    fn role(&self, tenant: TenantId, title: String) -> Answer<Option<Role>> {
        self.read(move |c| {
            let permissions = tables::roles::permissions(c, &tenant, &title)?;
            Ok((!permissions.is_empty()).then_some(Role { tenant, title, permissions }))
        })
    }
    fn roles(&self, tenant: TenantId) -> Answer<Vec<Role>> {
        self.read(move |c| Ok(grouped(&tenant, roles::of_tenant(c, &tenant)?)))
    }

    fn api_key_by_hash(&self, hash: String) -> Answer<Option<ApiKey>> {
        self.read(move |c| Ok(api_keys::by_hash(c, &hash)?.map(api_key)))
    }
    fn api_key(&self, tenant: TenantId, id: ApiKeyId) -> Answer<Option<ApiKey>> {
        self.read(move |c| Ok(api_keys::find(c, &tenant, &id)?.map(api_key)))
    }
    fn api_keys(&self, tenant: TenantId, page: ListPage) -> Answer<Listed<ApiKey>> {
        self.read(move |c| Ok(api_keys::list(c, &tenant, &page)?.map(api_key)))
    }

    fn audit(&self, tenant: Option<TenantId>, page: ListPage) -> Answer<Listed<AuditRow>> {
        self.read(move |c| Ok(audit::list(c, tenant.as_ref(), &page)?.map(audit_row)))
    }
}
