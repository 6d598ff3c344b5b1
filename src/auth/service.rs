//! The façade: `verify` says who somebody is, `authorize` whether it may.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::Mutex;

use crate::{
    auth::{
        By, Credential, Credentials, Error, FetchJwks, Identity, Permission, Permissions, Proof, SetupError,
        Source, api_key,
        directory::{
            Change, Directory,
            rows::{AuditRow, User},
        },
        permission,
        provision::Claimed,
        revoked::{Concerned, Revoked},
        token::{Verified, Verifier},
    },
    clock::Clock,
    config::{Secret, sections::Auth as Settings},
    ids::{ApiKeyId, TenantId, UserId},
    metrics::{Reason, metrics},
};

/// How long what this hub read of a membership is believed, when another hub may have changed it.
/// Changes made here are seen at once.
const GRANT_TTL: Duration = Duration::from_secs(10);
/// Most remembered grants; then all are forgotten and read again.
const MAX_GRANTS: usize = 10_000;

/// Who may do what. Cheap to clone.
#[derive(Clone)]
pub struct Auth {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    verifier: Option<Verifier>,
    pub directory: Arc<dyn Directory>,
    pub clock: Clock,
    grants: Mutex<Grants>,
    pub revoked: Revoked,
}

#[derive(Default)]
struct Grants {
    /// Raised by every change, so that what was read before it is not remembered after it.
    generation: u64,
    known: HashMap<(Holder, TenantId), Grant>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Holder {
    User(UserId),
    Key(ApiKeyId),
}

/// What somebody may do in one tenant.
#[derive(Clone, Copy)]
struct Grant {
    outcome: Outcome,
    read: Instant,
    ends: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Outcome {
    /// No membership: the tenant does not exist for this one.
    Stranger,
    /// A member that may do nothing: the user, key or tenant is disabled.
    Disabled,
    May(Permissions),
}

/// Whose lines a watcher of `/monitor` sees (`contract.md` 3.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MonitorScope {
    /// All (platform admin).
    All,
    /// Those of these tenants (their `ADMIN`).
    Tenants(Vec<TenantId>),
}

impl Auth {
    /// Builds it; reads key files. Fails without any way to verify a token.
    pub fn new(
        settings: &Settings,
        directory: Arc<dyn Directory>,
        fetcher: Arc<dyn FetchJwks>,
        clock: Clock,
    ) -> Result<Self, SetupError> {
        let verifier = Verifier::new(settings, &fetcher, &clock)?;
        Ok(Self::build(Some(verifier), directory, clock))
    }

    /// Fails as [`Auth::new`] would, before anything else is opened.
    pub fn check(settings: &Settings, fetcher: &Arc<dyn FetchJwks>, clock: &Clock) -> Result<(), SetupError> {
        Verifier::new(settings, fetcher, clock).map(drop)
    }

    /// Without a verifier: for the CLI, which changes the tables when no hub runs. `verify` of a token
    /// answers `Unavailable`.
    pub fn offline(directory: Arc<dyn Directory>, clock: Clock) -> Self {
        Self::build(None, directory, clock)
    }

    fn build(verifier: Option<Verifier>, directory: Arc<dyn Directory>, clock: Clock) -> Self {
        Self {
            inner: Arc::new(Inner {
                verifier,
                directory,
                clock,
                grants: Mutex::default(),
                revoked: Revoked::default(),
            }),
        }
    }

    /// Fetches the key sets that are behind addresses: call once at start, in the background.
    pub async fn warm(&self) {
        if let Some(verifier) = &self.inner.verifier {
            verifier.warm().await;
        }
    }

    /// The tables.
    pub fn directory(&self) -> &dyn Directory {
        &*self.inner.directory
    }

    /// Verifies the credential of a handshake or request. Writes rows only when the claims of a token
    /// that may provision say something new.
    pub async fn verify(&self, credentials: Credentials) -> Result<Identity, Error> {
        let (source, verdict) = match &credentials.credential {
            None => (None, Err(Error::Missing)),
            Some((source, Credential::Token(token))) => (Some(*source), self.token(token).await),
            Some((source, Credential::ApiKey(key))) => (Some(*source), self.api_key(key).await),
        };
        let reason = verdict.as_ref().err().map_or("ok", Error::reason);
        metrics().auth.verified.get_or_create(&Reason { reason }).inc();
        match &verdict {
            Err(error) => log_refusal(error, source),
            Ok(identity) => {
                if credentials.claimed_subject.is_some_and(|claimed| claimed != identity.subject) {
                    log::info!(subject = identity.subject.as_str(); "auth.firebase_id differs from the token's subject and is ignored");
                }
            }
        }
        verdict
    }

    async fn token(&self, token: &Secret) -> Result<Identity, Error> {
        let verifier = self.inner.verifier.as_ref().ok_or(Error::Unavailable)?;
        let verified = verifier.verify(token.expose()).await?;
        let user = match self.provision(&verified).await {
            // Another handshake of the same new user was faster: its rows are there now.
            Err(Error::Conflict(_)) => self.provision(&verified).await?,
            outcome => outcome?,
        };
        let claims = verified.claims;
        if user.as_ref().is_some_and(|user| user.is_disabled) {
            return Err(Error::Denied);
        }
        Ok(Identity {
            subject: claims.subject,
            email: claims.email.or_else(|| user.as_ref().and_then(|user| user.email.clone())),
            platform_admin: user.as_ref().is_some_and(|user| user.is_platform_admin),
            user: user.map(|user| user.id),
            proof: Proof::Token { expires_at: claims.expires_at },
        })
    }

    /// The user of a token, after its claims took effect.
    async fn provision(&self, verified: &Verified) -> Result<Option<User>, Error> {
        let directory = &self.inner.directory;
        let claims = &verified.claims;
        let user = directory.user_by_subject(claims.subject.clone()).await?;
        let Some(provision) = &verified.provision else { return Ok(user) };
        if user.as_ref().is_some_and(|user| user.is_disabled) {
            return Ok(user);
        }
        let claimed = Claimed::read(claims, provision)?;
        if claimed == Claimed::default() {
            return Ok(user);
        }
        let members = match &user {
            Some(user) if !claimed.tenants.is_empty() => directory.memberships(user.id.clone()).await?,
            _ => Vec::new(),
        };
        let changes = claimed.changes(claims, user.as_ref(), &members, self.inner.clock.now());
        if changes.is_empty() {
            return Ok(user);
        }
        let by = By { who: claims.subject.clone(), request: None, ip: None };
        let details = serde_json::json!({ "changes": changes.len() });
        self.change(&by, "user.provision", format!("subject:{}", claims.subject), None, details, changes)
            .await?;
        directory.user_by_subject(claims.subject.clone()).await
    }

    async fn api_key(&self, key: &Secret) -> Result<Identity, Error> {
        let refuse = |reason| Error::ApiKey { reason };
        let hash = api_key::hash(key.expose()).ok_or_else(|| refuse("key_malformed"))?;
        let row = self.inner.directory.api_key_by_hash(hash.clone()).await?;
        let row = row.filter(|row| api_key::same(&row.hash, &hash)).ok_or_else(|| refuse("key_unknown"))?;
        if row.is_disabled {
            return Err(refuse("key_disabled"));
        }
        if row.expires_at.is_some_and(|ends| ends <= self.inner.clock.now()) {
            return Err(refuse("key_expired"));
        }
        let creator = match &row.creator {
            Some(id) => {
                Some(self.inner.directory.user(id.clone()).await?.ok_or_else(|| refuse("key_creator"))?)
            }
            None => None,
        };
        if creator.as_ref().is_some_and(|user| user.is_disabled) {
            return Err(Error::Denied);
        }
        Ok(Identity {
            subject: row.id.as_str().to_owned(),
            email: creator.and_then(|user| user.email),
            user: row.creator,
            platform_admin: false,
            proof: Proof::ApiKey { id: row.id, tenant: row.tenant, role: row.role },
        })
    }

    /// Whether the identity may do this in the tenant: the one answer for REST and events.
    /// `NotAMember` must be answered as a subject that does not exist, `Denied` as a refusal.
    pub async fn authorize(
        &self,
        identity: &Identity,
        permission: Permission,
        tenant: &TenantId,
    ) -> Result<(), Error> {
        if self.permissions(identity, tenant).await?.contains(permission) {
            Ok(())
        } else {
            Err(Error::Denied)
        }
    }

    /// All that the identity may do in the tenant.
    pub async fn permissions(&self, identity: &Identity, tenant: &TenantId) -> Result<Permissions, Error> {
        let holder = match (&identity.proof, &identity.user) {
            (Proof::ApiKey { tenant: own, .. }, _) if own != tenant => return Err(Error::NotAMember),
            (Proof::ApiKey { id, .. }, _) => Holder::Key(id.clone()),
            (Proof::Token { .. }, Some(user)) => Holder::User(user.clone()),
            (Proof::Token { .. }, None) => return Err(Error::NotAMember),
        };
        self.granted(holder, tenant).await
    }

    /// All that a user may do in the tenant now, without a credential at hand: for what they asked for
    /// earlier. With the API key that they used: no more than it. `NotAMember` and `Denied` as in
    /// [`Auth::authorize`].
    pub async fn permissions_of(
        &self,
        user: &UserId,
        key: Option<&ApiKeyId>,
        tenant: &TenantId,
    ) -> Result<Permissions, Error> {
        let own = self.granted(Holder::User(user.clone()), tenant).await?;
        let Some(key) = key else { return Ok(own) };
        // A key of another tenant is none here.
        Ok(own.intersect(self.granted(Holder::Key(key.clone()), tenant).await?))
    }

    async fn granted(&self, holder: Holder, tenant: &TenantId) -> Result<Permissions, Error> {
        let grant = match self.remembered(&holder, tenant) {
            Ok(grant) => grant,
            Err(generation) => {
                let grant = self.read_grant(&holder, tenant).await?;
                self.remember(generation, holder, tenant, grant);
                grant
            }
        };
        if grant.ends.is_some_and(|ends| ends <= self.inner.clock.now()) {
            return Err(Error::Denied);
        }
        match grant.outcome {
            Outcome::Stranger => Err(Error::NotAMember),
            Outcome::Disabled => Err(Error::Denied),
            Outcome::May(permissions) => Ok(permissions),
        }
    }

    fn remembered(&self, holder: &Holder, tenant: &TenantId) -> Result<Grant, u64> {
        let grants = self.inner.grants.lock();
        let now = self.inner.clock.monotonic();
        match grants.known.get(&(holder.clone(), tenant.clone())) {
            Some(grant) if now.saturating_duration_since(grant.read) < GRANT_TTL => Ok(*grant),
            _ => Err(grants.generation),
        }
    }

    fn remember(&self, generation: u64, holder: Holder, tenant: &TenantId, grant: Grant) {
        let mut grants = self.inner.grants.lock();
        if grants.generation == generation {
            if grants.known.len() >= MAX_GRANTS {
                grants.known.clear();
            }
            grants.known.insert((holder, tenant.clone()), grant);
        }
    }

    /// Forgets what was read of memberships: after every change.
    pub(super) fn forget_grants(&self) {
        let mut grants = self.inner.grants.lock();
        grants.generation += 1;
        grants.known.clear();
    }

    async fn read_grant(&self, holder: &Holder, tenant: &TenantId) -> Result<Grant, Error> {
        let read = self.inner.clock.monotonic();
        let grant = |outcome, ends| Ok(Grant { outcome, read, ends });
        let directory = &self.inner.directory;
        match directory.tenant(tenant.clone()).await? {
            None => return grant(Outcome::Stranger, None),
            Some(row) if row.is_disabled => {
                return match self.outcome_of(holder, tenant).await? {
                    (Outcome::Stranger, ends) => grant(Outcome::Stranger, ends),
                    (_, ends) => grant(Outcome::Disabled, ends),
                };
            }
            Some(_) => {}
        }
        let (outcome, ends) = self.outcome_of(holder, tenant).await?;
        grant(outcome, ends)
    }

    async fn outcome_of(
        &self,
        holder: &Holder,
        tenant: &TenantId,
    ) -> Result<(Outcome, Option<Timestamp>), Error> {
        match holder {
            Holder::User(user) => Ok((self.outcome_of_user(user, tenant).await?, None)),
            Holder::Key(id) => {
                let Some(key) = self.inner.directory.api_key(tenant.clone(), id.clone()).await? else {
                    return Ok((Outcome::Stranger, None));
                };
                if key.is_disabled {
                    return Ok((Outcome::Disabled, None));
                }
                let of_role = match &key.role {
                    Some(role) => Some(self.permissions_of_role(tenant, role).await?),
                    None => None,
                };
                let of_creator = match &key.creator {
                    Some(user) => self.outcome_of_user(user, tenant).await?,
                    None => Outcome::May(of_role.unwrap_or(Permissions::NONE)),
                };
                let outcome = match (of_creator, of_role) {
                    (Outcome::May(all), Some(role)) => Outcome::May(all.intersect(role)),
                    // The key itself belongs to the tenant: it is refused, not unknown.
                    (Outcome::Stranger, _) => Outcome::Disabled,
                    (outcome, _) => outcome,
                };
                Ok((outcome, key.expires_at))
            }
        }
    }

    async fn outcome_of_user(&self, user: &UserId, tenant: &TenantId) -> Result<Outcome, Error> {
        let directory = &self.inner.directory;
        let Some(member) = directory.member(tenant.clone(), user.clone()).await? else {
            return Ok(Outcome::Stranger);
        };
        match directory.user(user.clone()).await? {
            Some(row) if !row.is_disabled => {
                Ok(Outcome::May(self.permissions_of_role(tenant, &member.role).await?))
            }
            _ => Ok(Outcome::Disabled),
        }
    }

    /// What a role grants in a tenant; a role that is neither base nor a row grants nothing.
    pub(super) async fn permissions_of_role(
        &self,
        tenant: &TenantId,
        role: &str,
    ) -> Result<Permissions, Error> {
        if let Some(base) = Permissions::of_base_role(role) {
            return Ok(base);
        }
        let row = self.inner.directory.role(tenant.clone(), role.to_owned()).await?;
        Ok(row.map_or(Permissions::NONE, |row| {
            Permissions::of_names(row.permissions.iter().map(String::as_str))
        }))
    }

    /// What a watcher of `/monitor` may see: a platform admin all, an `ADMIN` its tenants' lines.
    pub async fn monitor_scope(&self, identity: &Identity) -> Result<MonitorScope, Error> {
        if identity.platform_admin {
            return Ok(MonitorScope::All);
        }
        if let Proof::ApiKey { tenant, role, .. } = &identity.proof {
            let of_creator = match &identity.user {
                Some(user) => {
                    self.inner.directory.member(tenant.clone(), user.clone()).await?.map(|m| m.role)
                }
                None => role.clone(),
            };
            // The key's own role narrows, as everywhere.
            let is_admin = of_creator.is_some_and(|role| role == permission::ADMIN)
                && role.as_ref().is_none_or(|role| role == permission::ADMIN);
            let scope = MonitorScope::Tenants(vec![tenant.clone()]);
            return if is_admin { Ok(scope) } else { Err(Error::Denied) };
        }
        let Some(user) = &identity.user else { return Err(Error::Denied) };
        let memberships = self.inner.directory.memberships(user.clone()).await?;
        let tenants: Vec<TenantId> =
            memberships.into_iter().filter(|m| m.role == permission::ADMIN).map(|m| m.tenant).collect();
        if tenants.is_empty() { Err(Error::Denied) } else { Ok(MonitorScope::Tenants(tenants)) }
    }

    /// Notes something that an operator did and that changes no account.
    pub async fn note(&self, by: &By, action: &str, target: String) -> Result<(), Error> {
        self.change(by, action, target, None, serde_json::json!({}), Vec::new()).await
    }

    /// The one function that changes the tables: with its audit row, in one transaction.
    pub(super) async fn change(
        &self,
        by: &By,
        action: &str,
        target: String,
        tenant: Option<TenantId>,
        details: serde_json::Value,
        changes: Vec<Change>,
    ) -> Result<(), Error> {
        let audit = AuditRow {
            id: uuid::Uuid::now_v7().to_string(),
            at: self.inner.clock.now(),
            who: by.who.clone(),
            action: action.to_owned(),
            target,
            tenant,
            request: by.request.clone(),
            ip: by.ip.clone(),
            details,
        };
        let concerned = Concerned::by(&changes);
        let outcome = self.inner.directory.apply(changes, audit).await;
        // Also after an error: a lost answer may hide a commit.
        self.forget_grants();
        self.inner.revoked.tell(concerned);
        outcome
    }
}

fn log_refusal(error: &Error, source: Option<Source>) {
    let source = source.map_or_else(|| "none".to_owned(), |source| format!("{source:?}"));
    match error {
        Error::Unavailable | Error::Internal => {
            log::warn!(reason = error.reason(), source = source.as_str(); "a credential could not be verified");
        }
        _ => log::info!(reason = error.reason(), source = source.as_str(); "credential refused"),
    }
}
