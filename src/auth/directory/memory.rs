//! The tables in memory, for tests of what stands on them.

use std::sync::Arc;

use parking_lot::Mutex;

use super::{
    Answer, Change, Directory, Page,
    rows::{ApiKey, AuditRow, Member, Role, Tenant, TenantPatch, User, UserPatch},
};
use crate::{
    auth::Error,
    ids::{ApiKeyId, TenantId, UserId},
};

/// Tables in memory.
#[derive(Clone, Default)]
pub struct Memory(Arc<Mutex<Tables>>);

#[derive(Clone, Default)]
struct Tables {
    tenants: Vec<Tenant>,
    users: Vec<User>,
    members: Vec<Member>,
    roles: Vec<Role>,
    keys: Vec<ApiKey>,
    audit: Vec<AuditRow>,
}

impl Memory {
    fn ask<T: Send + 'static>(&self, ask: impl FnOnce(&Tables) -> T) -> Answer<T> {
        let answer = ask(&self.0.lock());
        Box::pin(async move { Ok(answer) })
    }
}

fn page<T: Clone>(list: &[T], page: Page) -> Vec<T> {
    list.iter().skip(page.offset as usize).take(page.limit as usize).cloned().collect()
}

fn patch_tenant(row: &mut Tenant, patch: TenantPatch, at: jiff::Timestamp) {
    row.updated_at = at;
    if let Some(title) = patch.title {
        row.title = title;
    }
    if let Some(timezone) = patch.timezone {
        row.timezone = timezone;
    }
    if let Some(disabled) = patch.is_disabled {
        row.is_disabled = disabled;
        row.disabled_at = disabled.then_some(at);
        row.disable_reason = patch.disable_reason.filter(|_| disabled);
    }
}

fn patch_user(row: &mut User, patch: UserPatch, at: jiff::Timestamp) {
    row.updated_at = at;
    row.email = patch.email.or(row.email.take());
    row.first_name = patch.first_name.or(row.first_name.take());
    row.last_name = patch.last_name.or(row.last_name.take());
    row.is_disabled = patch.is_disabled.unwrap_or(row.is_disabled);
    row.is_platform_admin = patch.is_platform_admin.unwrap_or(row.is_platform_admin);
}

impl Tables {
    fn change(&mut self, change: Change, at: jiff::Timestamp) -> Result<(), Error> {
        match change {
            Change::CreateTenant(row) if self.tenants.iter().any(|t| t.id == row.id) => {
                return Err(Error::Conflict("tenant"));
            }
            Change::EnsureTenant(row) if self.tenants.iter().any(|t| t.id == row.id) => {}
            Change::CreateTenant(row) | Change::EnsureTenant(row) => self.tenants.push(row),
            Change::UpdateTenant(id, patch) => {
                let row = self.tenants.iter_mut().find(|t| t.id == id).ok_or(Error::NotFound("tenant"))?;
                patch_tenant(row, patch, at);
            }
            Change::CreateUser(row) => {
                if self.users.iter().any(|u| u.id == row.id || u.subject == row.subject) {
                    return Err(Error::Conflict("user"));
                }
                self.users.push(row);
            }
            Change::UpdateUser(id, patch) => {
                let row = self.users.iter_mut().find(|u| u.id == id).ok_or(Error::NotFound("user"))?;
                patch_user(row, patch, at);
            }
            Change::PutMember(row) => {
                if !self.tenants.iter().any(|t| t.id == row.tenant) {
                    return Err(Error::NotFound("tenant"));
                }
                if !self.users.iter().any(|u| u.id == row.user) {
                    return Err(Error::NotFound("user"));
                }
                match self.members.iter_mut().find(|m| m.tenant == row.tenant && m.user == row.user) {
                    Some(member) => {
                        member.role = row.role;
                        member.updated_at = at;
                    }
                    None => self.members.push(row),
                }
            }
            Change::DeleteMember(tenant, user) => {
                let before = self.members.len();
                self.members.retain(|m| m.tenant != tenant || m.user != user);
                if self.members.len() == before {
                    return Err(Error::NotFound("member"));
                }
            }
            Change::PutRole(row) => {
                self.roles.retain(|r| r.tenant != row.tenant || r.title != row.title);
                self.roles.push(row);
            }
            Change::DeleteRole(tenant, title) => {
                let before = self.roles.len();
                self.roles.retain(|r| r.tenant != tenant || r.title != title);
                if self.roles.len() == before {
                    return Err(Error::NotFound("role"));
                }
            }
            Change::CreateApiKey(row) => {
                if !self.tenants.iter().any(|t| t.id == row.tenant) {
                    return Err(Error::NotFound("tenant"));
                }
                self.keys.push(row);
            }
            Change::RevokeApiKey(tenant, id) => {
                let row = self.keys.iter_mut().find(|k| k.tenant == tenant && k.id == id);
                row.ok_or(Error::NotFound("API key"))?.is_disabled = true;
            }
        }
        Ok(())
    }
}

impl Directory for Memory {
    fn apply(&self, changes: Vec<Change>, audit: AuditRow) -> Answer<()> {
        let mut tables = self.0.lock();
        let mut next = tables.clone();
        let mut outcome = Ok(());
        for change in changes {
            outcome = outcome.and_then(|()| next.change(change, audit.at));
        }
        if outcome.is_ok() {
            next.audit.insert(0, audit);
            *tables = next;
        }
        Box::pin(async move { outcome })
    }
    fn user_by_subject(&self, subject: String) -> Answer<Option<User>> {
        self.ask(|t| t.users.iter().find(|u| u.subject == subject).cloned())
    }
    fn user(&self, id: UserId) -> Answer<Option<User>> {
        self.ask(|t| t.users.iter().find(|u| u.id == id).cloned())
    }
    fn users(&self, p: Page) -> Answer<Vec<User>> {
        self.ask(|t| page(&t.users, p))
    }
    fn tenant(&self, id: TenantId) -> Answer<Option<Tenant>> {
        self.ask(|t| t.tenants.iter().find(|t| t.id == id).cloned())
    }
    fn tenants(&self, p: Page) -> Answer<Vec<Tenant>> {
        self.ask(|t| page(&t.tenants, p))
    }
    fn member(&self, tenant: TenantId, user: UserId) -> Answer<Option<Member>> {
        self.ask(|t| t.members.iter().find(|m| m.tenant == tenant && m.user == user).cloned())
    }
    fn members(&self, tenant: TenantId, p: Page) -> Answer<Vec<Member>> {
        self.ask(|t| {
            let of: Vec<Member> = t.members.iter().filter(|m| m.tenant == tenant).cloned().collect();
            page(&of, p)
        })
    }
    fn memberships(&self, user: UserId) -> Answer<Vec<Member>> {
        self.ask(|t| t.members.iter().filter(|m| m.user == user).cloned().collect())
    }
    fn role(&self, tenant: TenantId, title: String) -> Answer<Option<Role>> {
        self.ask(|t| t.roles.iter().find(|r| r.tenant == tenant && r.title == title).cloned())
    }
    fn roles(&self, tenant: TenantId) -> Answer<Vec<Role>> {
        self.ask(|t| t.roles.iter().filter(|r| r.tenant == tenant).cloned().collect())
    }
    fn api_keys_by_prefix(&self, prefix: String) -> Answer<Vec<ApiKey>> {
        self.ask(|t| t.keys.iter().filter(|k| k.prefix == prefix).cloned().collect())
    }
    fn api_key(&self, tenant: TenantId, id: ApiKeyId) -> Answer<Option<ApiKey>> {
        self.ask(|t| t.keys.iter().find(|k| k.tenant == tenant && k.id == id).cloned())
    }
    fn api_keys(&self, tenant: TenantId, p: Page) -> Answer<Vec<ApiKey>> {
        self.ask(|t| {
            let of: Vec<ApiKey> = t.keys.iter().filter(|k| k.tenant == tenant).cloned().collect();
            page(&of, p)
        })
    }
    fn audit(&self, p: Page) -> Answer<Vec<AuditRow>> {
        self.ask(|t| page(&t.audit, p))
    }
}
