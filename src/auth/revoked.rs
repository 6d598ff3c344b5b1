//! What was taken from somebody is told to those who serve it (`faults.md` A9): not only the next
//! request or event is refused, what is under way ends.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::broadcast;

use super::{Auth, Error, Identity, Proof, directory::Change};
use crate::ids::{ApiKeyId, TenantId, UserId};

/// Changes that a listener may be behind; one that is further behind looks at everybody again.
const BEHIND: usize = 256;

/// Whom a change may have taken something from. It says where to look, not what is true now: that is
/// asked again ([`Auth::again`], [`Auth::permissions`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Concerned {
    /// A user, with its keys.
    User(UserId),
    /// An API key.
    Key(ApiKeyId),
    /// Everybody who acts in a tenant.
    Tenant(TenantId),
}

impl Concerned {
    /// By these changes of the tables.
    pub(super) fn by(changes: &[Change]) -> Vec<Self> {
        let is_new = |user: &UserId| {
            changes.iter().any(|change| matches!(change, Change::CreateUser(row) if row.id == *user))
        };
        let concerned = changes.iter().filter_map(|change| match change {
            Change::UpdateTenant(id, patch) => {
                (patch.is_disabled == Some(true)).then(|| Self::Tenant(id.clone()))
            }
            Change::UpdateUser(id, patch) => (patch.is_disabled == Some(true)
                || patch.is_platform_admin == Some(false))
            .then(|| Self::User(id.clone())),
            // A membership that comes with its user takes nothing.
            Change::PutMember(row) => (!is_new(&row.user)).then(|| Self::User(row.user.clone())),
            Change::DeleteMember(_, user) => Some(Self::User(user.clone())),
            Change::PutRole(role) => Some(Self::Tenant(role.tenant.clone())),
            Change::DeleteRole(tenant, _) => Some(Self::Tenant(tenant.clone())),
            Change::DisableApiKey(_, id, disabled) => disabled.then(|| Self::Key(id.clone())),
            Change::DeleteApiKey(_, id) => Some(Self::Key(id.clone())),
            Change::CreateTenant(_)
            | Change::EnsureTenant(_)
            | Change::CreateUser(_)
            | Change::CreateApiKey(_) => None,
        });
        concerned.collect()
    }
}

/// The listeners, and how often they were told.
pub(super) struct Revoked {
    told: AtomicU64,
    listeners: broadcast::Sender<Concerned>,
}

impl Default for Revoked {
    fn default() -> Self {
        Self { told: AtomicU64::new(0), listeners: broadcast::Sender::new(BEHIND) }
    }
}

impl Revoked {
    /// After the commit, and after what was remembered of memberships is forgotten.
    pub fn tell(&self, concerned: Vec<Concerned>) {
        for one in concerned {
            // First the count: who reads the same one before and after is in what listeners look at.
            self.told.fetch_add(1, Ordering::AcqRel);
            let _ = self.listeners.send(one);
        }
    }
}

impl Auth {
    /// What is taken from somebody in this process, from now on.
    pub fn revocations(&self) -> broadcast::Receiver<Concerned> {
        self.inner.revoked.listeners.subscribe()
    }

    /// How often something was taken. Who verified before the count rose, and begins to be looked at
    /// after it, must be verified again.
    pub fn revoked(&self) -> u64 {
        self.inner.revoked.told.load(Ordering::Acquire)
    }

    /// Whether an identity that was verified before would be now, apart from its token's end: as it is
    /// now, or why it is refused.
    pub async fn again(&self, identity: &Identity) -> Result<Identity, Error> {
        let directory = self.directory();
        let mut now = identity.clone();
        if let Proof::ApiKey { id, tenant, .. } = &identity.proof {
            let refuse = |reason| Error::ApiKey { reason };
            let key = directory.api_key(tenant.clone(), id.clone()).await?;
            if key.ok_or_else(|| refuse("key_unknown"))?.is_disabled {
                return Err(refuse("key_disabled"));
            }
        }
        if let Some(user) = &identity.user {
            let row = directory.user(user.clone()).await?.filter(|row| !row.is_disabled);
            let row = row.ok_or(Error::Denied)?;
            now.platform_admin = row.is_platform_admin && matches!(identity.proof, Proof::Token { .. });
        }
        Ok(now)
    }

    /// Whether anybody may do anything in the tenant.
    pub async fn is_open(&self, tenant: &TenantId) -> Result<bool, Error> {
        Ok(self.directory().tenant(tenant.clone()).await?.is_some_and(|row| !row.is_disabled))
    }
}
