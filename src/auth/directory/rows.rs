//! The entities, with the names that REST shows (`contract.md` 7). Pure.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, Serializer};

use crate::{
    clock::to_wire,
    ids::{ApiKeyId, TenantId, UserId},
};

/// A tenant (`tblTenants`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tenant {
    /// Id.
    #[serde(rename = "tenantID")]
    pub id: TenantId,
    /// Name for people.
    #[serde(rename = "tenantTitle")]
    pub title: String,
    /// IANA name; default UTC.
    pub timezone: String,
    /// Who created it, when a user did.
    #[serde(rename = "creatorID")]
    pub creator: Option<UserId>,
    /// Nobody may act in it.
    pub is_disabled: bool,
    /// Since when.
    #[serde(serialize_with = "optional_time")]
    pub disabled_at: Option<Timestamp>,
    /// Why.
    pub disable_reason: Option<String>,
    /// Its logo.
    #[serde(rename = "tenantLogoURL")]
    pub logo_url: Option<String>,
    /// When it was created.
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "time")]
    pub updated_at: Timestamp,
}

/// Fields of a tenant to set; an absent one stays.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TenantPatch {
    /// Name for people.
    #[serde(rename = "tenantTitle")]
    pub title: Option<String>,
    /// IANA name.
    pub timezone: Option<String>,
    /// Disables or enables.
    pub is_disabled: Option<bool>,
    /// Why it is disabled.
    pub disable_reason: Option<String>,
}

/// A user (`tblUsers`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Id.
    #[serde(rename = "userID")]
    pub id: UserId,
    /// The subject of its tokens.
    #[serde(rename = "firebaseID")]
    pub subject: String,
    /// Email.
    pub email: Option<String>,
    /// Name.
    pub first_name: Option<String>,
    /// Name.
    pub last_name: Option<String>,
    /// May not connect.
    pub is_disabled: bool,
    /// Operator of the hub.
    pub is_platform_admin: bool,
    /// When it connected last, if that is kept.
    #[serde(serialize_with = "optional_time")]
    pub last_seen: Option<Timestamp>,
    /// When it was created.
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "time")]
    pub updated_at: Timestamp,
}

/// Fields of a user to set; an absent one stays.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UserPatch {
    /// Email.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Disables or enables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_disabled: Option<bool>,
    /// Makes it an operator, or no longer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_platform_admin: Option<bool>,
}

impl UserPatch {
    /// Whether it sets nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A membership (`tblUsersTenantsRelationship`).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The tenant.
    #[serde(rename = "tenantID")]
    pub tenant: TenantId,
    /// The user.
    #[serde(rename = "userID")]
    pub user: UserId,
    /// `ADMIN`, `MEMBER`, or the title of a role of the tenant.
    pub role: String,
    /// When it was created.
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "time")]
    pub updated_at: Timestamp,
}

/// A role of a tenant (`tblRoles` with its mappings).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Role {
    /// Whose.
    #[serde(rename = "tenantID")]
    pub tenant: TenantId,
    /// Name, unique in its tenant; memberships name it. It is the id as well: a role without a
    /// permission does not exist, so there is no row of its own for it.
    #[serde(rename = "roleTitle")]
    pub title: String,
    /// Names of permissions, sorted; at least one.
    pub permissions: Vec<String>,
}

/// An API key (`tblAPIKeys`); its hash never leaves the hub.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Id.
    #[serde(rename = "apiKeyID")]
    pub id: ApiKeyId,
    /// The one tenant it may act in.
    #[serde(rename = "tenantID")]
    pub tenant: TenantId,
    /// Name for people.
    #[serde(rename = "apiKeyTitle")]
    pub title: String,
    /// Its first eight characters.
    #[serde(rename = "apiKeyPrefix")]
    pub prefix: String,
    /// SHA-256 of the key in hexadecimal digits.
    #[serde(skip)]
    pub hash: String,
    /// Whose rights it has; `None`: made by an operator, has those of its role.
    #[serde(rename = "creatorID")]
    pub creator: Option<UserId>,
    /// Narrows (or, without a creator, gives) its rights.
    pub role: Option<String>,
    /// Revoked.
    pub is_disabled: bool,
    /// When it ends by itself.
    #[serde(serialize_with = "optional_time")]
    pub expires_at: Option<Timestamp>,
    /// When it was created.
    #[serde(serialize_with = "time")]
    pub created_at: Timestamp,
    /// When it was changed last.
    #[serde(serialize_with = "time")]
    pub updated_at: Timestamp,
}

/// Who changed what, when, from where. The id is given by the table when the row is written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// Id; rises with time.
    #[serde(rename = "auditID")]
    pub id: String,
    /// When.
    #[serde(serialize_with = "time")]
    pub at: Timestamp,
    /// Subject of the identity, or `control:<uid>` for the control socket, `cli:<uid>` without a hub.
    pub who: String,
    /// What was done: `tenant.create` and so on.
    pub action: String,
    /// To what: `user:<id>` and so on.
    pub target: String,
    /// In which tenant, when in one.
    #[serde(rename = "tenantID")]
    pub tenant: Option<TenantId>,
    /// The request.
    #[serde(rename = "requestID")]
    pub request: Option<String>,
    /// Address of the client.
    pub ip: Option<String>,
    /// What was set; never a secret.
    pub details: serde_json::Value,
}

fn time<S: Serializer>(at: &Timestamp, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_str(&to_wire(*at))
}

fn optional_time<S: Serializer>(at: &Option<Timestamp>, s: S) -> Result<S::Ok, S::Error> {
    match at {
        Some(at) => time(at, s),
        None => s.serialize_none(),
    }
}
