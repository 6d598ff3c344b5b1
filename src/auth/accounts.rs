//! Changes of tenants, users, members, roles and API keys: the same for REST and the control socket.
//! Each checks its fields, is one transaction, and leaves one audit row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    auth::{
        Auth, Error, Identity, Permission, Permissions, api_key,
        directory::{
            Change,
            rows::{ApiKey, Role, Tenant, TenantPatch, User, UserPatch},
        },
        provision::{new_member, new_tenant, valid_role},
    },
    config::Secret,
    ids::{ApiKeyId, TenantId, UserId},
};

/// Longest title, name or email.
const MAX_TEXT: usize = 320;

/// Who makes a change, for the audit row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct By {
    /// Subject of the identity, `control:<uid>` or `cli:<uid>`.
    pub who: String,
    /// The request.
    pub request: Option<String>,
    /// Address of the client.
    pub ip: Option<String>,
}

/// A tenant to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NewTenant {
    /// Its id; a new one when absent.
    #[serde(rename = "tenantID")]
    pub id: Option<TenantId>,
    /// Name for people; the id when absent.
    #[serde(rename = "tenantTitle")]
    pub title: Option<String>,
    /// IANA name; UTC when absent.
    pub timezone: Option<String>,
}

/// A user to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewUser {
    /// Subject of its tokens.
    #[serde(rename = "firebaseID")]
    pub subject: String,
    /// Email.
    pub email: Option<String>,
    /// Name.
    pub first_name: Option<String>,
    /// Name.
    pub last_name: Option<String>,
    /// Operator of the hub.
    pub is_platform_admin: bool,
}

/// An API key to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NewApiKey {
    /// Name for people.
    #[serde(rename = "apiKeyTitle")]
    pub title: String,
    /// Narrows (or, without a creator, gives) its rights; an operator's key without one is a `MEMBER`.
    pub role: Option<String>,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
}

fn text(name: &str, value: Option<&str>) -> Result<(), Error> {
    match value {
        Some(text) if text.is_empty() || text.len() > MAX_TEXT || text.chars().any(char::is_control) => {
            Err(Error::Invalid(format!("{name}: 1 to {MAX_TEXT} bytes without control characters")))
        }
        _ => Ok(()),
    }
}

fn role_name(role: &str) -> Result<(), Error> {
    if valid_role(role) {
        Ok(())
    } else {
        Err(Error::Invalid("role: 1 to 64 bytes without control characters".to_owned()))
    }
}

impl Auth {
    fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// Creates a tenant.
    pub async fn create_tenant(
        &self,
        by: &By,
        creator: Option<&UserId>,
        new: NewTenant,
    ) -> Result<Tenant, Error> {
        text("tenantTitle", new.title.as_deref())?;
        text("timezone", new.timezone.as_deref())?;
        let id = new.id.unwrap_or_else(TenantId::generate);
        let title = new.title.unwrap_or_else(|| id.as_str().to_owned());
        let mut row = new_tenant(id.clone(), &title, self.now());
        row.creator = creator.cloned();
        if let Some(timezone) = new.timezone {
            row.timezone = timezone;
        }
        let details = json!({ "tenantTitle": row.title });
        let changes = vec![Change::CreateTenant(row.clone())];
        self.change(by, "tenant.create", format!("tenant:{id}"), Some(id), details, changes).await?;
        Ok(row)
    }

    /// Changes a tenant; disabling it stops everybody but operators at once.
    pub async fn update_tenant(&self, by: &By, id: &TenantId, patch: TenantPatch) -> Result<Tenant, Error> {
        text("tenantTitle", patch.title.as_deref())?;
        text("timezone", patch.timezone.as_deref())?;
        text("disableReason", patch.disable_reason.as_deref())?;
        let details = json!({ "isDisabled": patch.is_disabled, "tenantTitle": patch.title });
        let changes = vec![Change::UpdateTenant(id.clone(), patch)];
        self.change(by, "tenant.update", format!("tenant:{id}"), Some(id.clone()), details, changes).await?;
        self.directory().tenant(id.clone()).await?.ok_or(Error::NotFound("tenant"))
    }

    /// Creates a user.
    pub async fn create_user(&self, by: &By, new: NewUser) -> Result<User, Error> {
        let row = self.new_user(new)?;
        let details = json!({ "firebaseID": row.subject, "isPlatformAdmin": row.is_platform_admin });
        let changes = vec![Change::CreateUser(row.clone())];
        self.change(by, "user.create", format!("user:{}", row.id), None, details, changes).await?;
        Ok(row)
    }

    /// Creates a user that is a member from the start: both, or, when one is refused, nothing.
    pub async fn create_member(
        &self,
        by: &By,
        tenant: &TenantId,
        new: NewUser,
        role: &str,
    ) -> Result<User, Error> {
        self.existing_role(tenant, role).await?;
        let row = self.new_user(new)?;
        let member = new_member(tenant.clone(), row.id.clone(), role, self.now());
        let details = json!({ "role": role, "firebaseID": row.subject });
        let changes = vec![Change::CreateUser(row.clone()), Change::PutMember(member)];
        self.change(by, "member.create", format!("user:{}", row.id), Some(tenant.clone()), details, changes)
            .await?;
        Ok(row)
    }

    fn new_user(&self, new: NewUser) -> Result<User, Error> {
        text("email", new.email.as_deref())?;
        text("firstName", new.first_name.as_deref())?;
        text("lastName", new.last_name.as_deref())?;
        if new.subject.is_empty()
            || new.subject.chars().count() > 128
            || new.subject.chars().any(char::is_control)
        {
            return Err(Error::Invalid("firebaseID: 1 to 128 bytes without control characters".to_owned()));
        }
        let now = self.now();
        Ok(User {
            id: UserId::generate(),
            subject: new.subject,
            email: new.email,
            first_name: new.first_name,
            last_name: new.last_name,
            is_disabled: false,
            is_platform_admin: new.is_platform_admin,
            last_seen: None,
            created_at: now,
            updated_at: now,
        })
    }

    /// Changes a user; a disabled one is refused from now on, and its sockets end.
    pub async fn update_user(&self, by: &By, id: &UserId, patch: UserPatch) -> Result<User, Error> {
        text("email", patch.email.as_deref())?;
        text("firstName", patch.first_name.as_deref())?;
        text("lastName", patch.last_name.as_deref())?;
        if !patch.is_empty() {
            let details = json!(patch);
            let changes = vec![Change::UpdateUser(id.clone(), patch)];
            self.change(by, "user.update", format!("user:{id}"), None, details, changes).await?;
        }
        self.directory().user(id.clone()).await?.ok_or(Error::NotFound("user"))
    }

    /// The user whom a text names: an id, else a subject.
    pub async fn find_user(&self, name: &str) -> Result<User, Error> {
        if let Ok(id) = UserId::parse(name)
            && let Some(user) = self.directory().user(id).await?
        {
            return Ok(user);
        }
        self.directory().user_by_subject(name.to_owned()).await?.ok_or(Error::NotFound("user"))
    }

    /// Makes somebody a member, or gives a member another role.
    pub async fn put_member(
        &self,
        by: &By,
        tenant: &TenantId,
        user: &UserId,
        role: &str,
    ) -> Result<(), Error> {
        self.existing_role(tenant, role).await?;
        let changes = vec![Change::PutMember(new_member(tenant.clone(), user.clone(), role, self.now()))];
        let details = json!({ "role": role });
        self.change(by, "member.put", format!("user:{user}"), Some(tenant.clone()), details, changes).await
    }

    /// Ends a membership.
    pub async fn delete_member(&self, by: &By, tenant: &TenantId, user: &UserId) -> Result<(), Error> {
        let changes = vec![Change::DeleteMember(tenant.clone(), user.clone())];
        let target = format!("user:{user}");
        self.change(by, "member.delete", target, Some(tenant.clone()), json!({}), changes).await
    }

    /// Creates or replaces a tenant's own role.
    pub async fn put_role(
        &self,
        by: &By,
        tenant: &TenantId,
        title: &str,
        names: Vec<String>,
    ) -> Result<Role, Error> {
        role_name(title)?;
        if Permissions::of_base_role(title).is_some() {
            return Err(Error::Invalid("roleTitle: ADMIN and MEMBER cannot be changed".to_owned()));
        }
        if let Some(unknown) = names.iter().find(|name| Permission::parse(name).is_none()) {
            // The name is repeated only when it could be one, so that no message carries a payload.
            let shown: String = unknown.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
            return Err(Error::Invalid(format!("permissions: no such permission: {shown}")));
        }
        if names.is_empty() {
            return Err(Error::Invalid("permissions: a role needs at least one".to_owned()));
        }
        let mut permissions = names;
        permissions.sort();
        permissions.dedup();
        let role = Role { tenant: tenant.clone(), title: title.to_owned(), permissions };
        let details = json!({ "permissions": role.permissions });
        let changes = vec![Change::PutRole(role.clone())];
        self.change(by, "role.put", format!("role:{title}"), Some(tenant.clone()), details, changes).await?;
        Ok(role)
    }

    /// Deletes a tenant's own role; who has it keeps the name and no rights.
    pub async fn delete_role(&self, by: &By, tenant: &TenantId, title: &str) -> Result<(), Error> {
        let changes = vec![Change::DeleteRole(tenant.clone(), title.to_owned())];
        let target = format!("role:{title}");
        self.change(by, "role.delete", target, Some(tenant.clone()), json!({}), changes).await
    }

    /// Creates an API key. The secret is answered here and never again.
    pub async fn create_api_key(
        &self,
        by: &By,
        tenant: &TenantId,
        creator: Option<&UserId>,
        new: NewApiKey,
    ) -> Result<(ApiKey, Secret), Error> {
        text("apiKeyTitle", Some(&new.title))?;
        let now = self.now();
        if new.expires_at.is_some_and(|ends| ends <= now) {
            return Err(Error::Invalid("expiresAt: lies in the past".to_owned()));
        }
        let role = match (new.role, creator) {
            (None, None) => Some(crate::auth::permission::MEMBER.to_owned()),
            (role, _) => role,
        };
        if let Some(role) = &role {
            self.existing_role(tenant, role).await?;
        }
        let (secret, prefix, hash) = api_key::generate()?;
        let row = ApiKey {
            id: ApiKeyId::generate(),
            tenant: tenant.clone(),
            title: new.title,
            prefix,
            hash,
            creator: creator.cloned(),
            role,
            is_disabled: false,
            expires_at: new.expires_at,
            created_at: now,
            updated_at: now,
        };
        let details = json!({ "apiKeyTitle": row.title, "role": row.role });
        let target = format!("apikey:{}", row.id);
        let changes = vec![Change::CreateApiKey(row.clone())];
        self.change(by, "apikey.create", target, Some(tenant.clone()), details, changes).await?;
        Ok((row, secret))
    }

    /// Refuses an API key from now on, or admits it again.
    pub async fn disable_api_key(
        &self,
        by: &By,
        tenant: &TenantId,
        id: &ApiKeyId,
        disabled: bool,
    ) -> Result<ApiKey, Error> {
        let changes = vec![Change::DisableApiKey(tenant.clone(), id.clone(), disabled)];
        let (target, details) = (format!("apikey:{id}"), json!({ "isDisabled": disabled }));
        self.change(by, "apikey.update", target, Some(tenant.clone()), details, changes).await?;
        self.directory().api_key(tenant.clone(), id.clone()).await?.ok_or(Error::NotFound("API key"))
    }

    /// Removes an API key.
    pub async fn revoke_api_key(&self, by: &By, tenant: &TenantId, id: &ApiKeyId) -> Result<(), Error> {
        let changes = vec![Change::DeleteApiKey(tenant.clone(), id.clone())];
        let target = format!("apikey:{id}");
        self.change(by, "apikey.revoke", target, Some(tenant.clone()), json!({}), changes).await
    }

    async fn existing_role(&self, tenant: &TenantId, role: &str) -> Result<(), Error> {
        role_name(role)?;
        let base = Permissions::of_base_role(role).is_some();
        if base || self.directory().role(tenant.clone(), role.to_owned()).await?.is_some() {
            return Ok(());
        }
        Err(Error::Invalid("role: neither ADMIN, MEMBER nor a role of this tenant".to_owned()))
    }

    /// Nobody grants, changes or takes away a role that can do more than they can themselves.
    pub async fn may_grant(&self, identity: &Identity, tenant: &TenantId, role: &str) -> Result<(), Error> {
        role_name(role)?;
        let own = self.permissions(identity, tenant).await?;
        let granted = self.permissions_of_role(tenant, role).await?;
        if own.covers(granted) { Ok(()) } else { Err(Error::Denied) }
    }
}
