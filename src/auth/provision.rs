//! What the claims of a token change in the tables: nothing, when they say what is there. Pure.
//!
//! Only tokens of the hub's own secret and of issuers with `provision` come here
//! (`contract.md` 1.2). A claim never enables a disabled user and never ends a membership.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    auth::{
        Error,
        claims::{Claims, refuse},
        directory::{
            Change,
            rows::{Member, Tenant, User, UserPatch},
        },
        permission,
    },
    config::sections::Provision,
    ids::{TenantId, UserId},
};

/// Longest name of a role.
pub(super) const MAX_ROLE: usize = 64;

/// Memberships and operator right that a token claims.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Claimed {
    pub tenants: Vec<(TenantId, String)>,
    pub platform_admin: Option<bool>,
}

impl Claimed {
    /// Reads the claims that the issuer may provision by. A claim of the wrong shape refuses the token.
    pub fn read(claims: &Claims, provision: &Provision) -> Result<Self, Error> {
        let claim = |name: &str| if name.is_empty() { None } else { claims.all.get(name) };
        let tenants = match claim(&provision.tenants) {
            None => Vec::new(),
            Some(Value::Object(map)) => map
                .iter()
                .map(|(tenant, role)| {
                    let tenant = TenantId::parse(tenant).map_err(|_| refuse("claim_tenants"))?;
                    let role = role
                        .as_str()
                        .filter(|role| valid_role(role))
                        .ok_or_else(|| refuse("claim_tenants"))?;
                    Ok((tenant, role.to_owned()))
                })
                .collect::<Result<_, Error>>()?,
            Some(_) => return Err(refuse("claim_tenants")),
        };
        let platform_admin = match claim(&provision.platform_admin) {
            None => None,
            Some(Value::Bool(admin)) => Some(*admin),
            Some(_) => return Err(refuse("claim_platform_admin")),
        };
        Ok(Self { tenants, platform_admin })
    }

    /// Whether there is nothing to provision.
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty() && !self.platform_admin.unwrap_or(false)
    }

    /// The changes that make the tables say what the token says; empty when they do.
    pub fn changes(
        &self,
        claims: &Claims,
        user: Option<&User>,
        members: &[Member],
        now: Timestamp,
    ) -> Vec<Change> {
        let mut changes = Vec::new();
        let id = match user {
            Some(user) => {
                let patch = UserPatch {
                    email: claims.email.clone().filter(|email| user.email.as_ref() != Some(email)),
                    is_platform_admin: self.platform_admin.filter(|admin| *admin != user.is_platform_admin),
                    ..UserPatch::default()
                };
                if !patch.is_empty() {
                    changes.push(Change::UpdateUser(user.id.clone(), patch));
                }
                user.id.clone()
            }
            None if self.is_empty() => return changes,
            None => {
                let user = new_user(claims, self.platform_admin.unwrap_or(false), now);
                let id = user.id.clone();
                changes.push(Change::CreateUser(user));
                id
            }
        };
        for (tenant, role) in &self.tenants {
            let member = members.iter().find(|member| member.tenant == *tenant);
            if member.is_some_and(|member| member.role == *role) {
                continue;
            }
            if member.is_none() {
                changes.push(Change::EnsureTenant(new_tenant(tenant.clone(), tenant.as_str(), now)));
            }
            changes.push(Change::PutMember(new_member(tenant.clone(), id.clone(), role, now)));
        }
        changes
    }
}

/// Whether a text may name a role; whether the role exists is another question.
pub(super) fn valid_role(role: &str) -> bool {
    !role.is_empty() && role.len() <= MAX_ROLE && !role.chars().any(char::is_control)
}

fn new_user(claims: &Claims, platform_admin: bool, now: Timestamp) -> User {
    User {
        id: UserId::generate(),
        subject: claims.subject.clone(),
        email: claims.email.clone(),
        first_name: None,
        last_name: None,
        is_disabled: false,
        is_platform_admin: platform_admin,
        last_seen: None,
        created_at: now,
        updated_at: now,
    }
}

/// A tenant with nothing but a name.
pub(super) fn new_tenant(id: TenantId, title: &str, now: Timestamp) -> Tenant {
    Tenant {
        id,
        title: title.to_owned(),
        timezone: "UTC".to_owned(),
        creator: None,
        is_disabled: false,
        disabled_at: None,
        disable_reason: None,
        logo_url: None,
        created_at: now,
        updated_at: now,
    }
}

/// A membership as of now.
pub(super) fn new_member(tenant: TenantId, user: UserId, role: &str, now: Timestamp) -> Member {
    let role = if role.is_empty() { permission::MEMBER } else { role };
    Member { tenant, user, role: role.to_owned(), created_at: now, updated_at: now }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn claims(extra: Value) -> Claims {
        let Value::Object(all) = extra else { panic!("an object") };
        Claims { subject: "s".into(), email: Some("s@x".into()), expires_at: Timestamp::UNIX_EPOCH, all }
    }

    fn own() -> Provision {
        Provision { tenants: "tenants".into(), platform_admin: "platformAdmin".into() }
    }

    #[test]
    fn claims_are_read_or_refused() {
        for (extra, good) in [
            (json!({}), true),
            (json!({"tenants": {"t1": "ADMIN"}, "platformAdmin": true}), true),
            (json!({"tenants": ["t1"]}), false),
            (json!({"tenants": {"t1": 7}}), false),
            (json!({"tenants": {"": "ADMIN"}}), false),
            (json!({"tenants": {"t\n1": "ADMIN"}}), false),
            (json!({"platformAdmin": "true"}), false),
        ] {
            assert_eq!(Claimed::read(&claims(extra.clone()), &own()).is_ok(), good, "{extra}");
        }
        let none = Provision { tenants: String::new(), platform_admin: String::new() };
        let read = Claimed::read(&claims(json!({"tenants": {"t": "ADMIN"}, "platformAdmin": true})), &none);
        assert_eq!(read, Ok(Claimed::default()), "an issuer grants only by the claims it was given");
    }

    #[test]
    fn nothing_is_written_when_nothing_changed() {
        let now = Timestamp::UNIX_EPOCH;
        let claims = claims(json!({"tenants": {"t1": "ADMIN"}, "platformAdmin": true}));
        let claimed = Claimed::read(&claims, &own()).unwrap();
        let first = claimed.changes(&claims, None, &[], now);
        assert_eq!(first.len(), 3, "user, tenant, member: {first:?}");
        let user = new_user(&claims, true, now);
        let member = new_member(TenantId::trusted("t1"), user.id.clone(), "ADMIN", now);
        assert!(claimed.changes(&claims, Some(&user), std::slice::from_ref(&member), now).is_empty());
        let demoted = Member { role: "MEMBER".into(), ..member };
        assert_eq!(claimed.changes(&claims, Some(&user), &[demoted], now).len(), 1);
    }

    #[test]
    fn a_plain_token_creates_nobody() {
        let plain = claims(json!({}));
        let claimed = Claimed::read(&plain, &own()).unwrap();
        assert!(claimed.changes(&plain, None, &[], Timestamp::UNIX_EPOCH).is_empty());
    }
}
