//! API keys: the hash and the first eight characters; the key itself is shown once and never stored.

use diesel::prelude::*;
use jiff::Timestamp;

use crate::{
    ids::{ApiKeyId, TenantId, UserId},
    store::{
        Connection, Error,
        schema::api_keys,
        tables::{
            ListPage, Listed,
            columns::{Id, OptId, OptTime, Time},
            to_micros,
        },
    },
};

/// An API key of a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = api_keys)]
pub struct ApiKey {
    /// The row, not the key.
    #[diesel(deserialize_as = Id)]
    pub api_key_id: ApiKeyId,
    /// The one tenant that it opens.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// For people.
    pub title: String,
    /// First 8 characters, to recognise it in a list.
    pub prefix: String,
    /// SHA-256 of the whole key, hexadecimal; unique.
    pub hash: String,
    /// Its role in the tenant.
    pub role: String,
    /// Who made it.
    #[diesel(deserialize_as = OptId)]
    pub creator_id: Option<UserId>,
    /// Revoked.
    pub is_disabled: bool,
    /// Not valid from then on.
    #[diesel(deserialize_as = OptTime)]
    pub expires_at: Option<Timestamp>,
    /// Made.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Changed.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// What a new key needs.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// The row.
    pub api_key_id: ApiKeyId,
    /// The tenant.
    pub tenant_id: TenantId,
    /// For people.
    pub title: String,
    /// First 8 characters of the key.
    pub prefix: String,
    /// SHA-256 of the key, hexadecimal.
    pub hash: String,
    /// Its role in the tenant.
    pub role: String,
    /// Who made it.
    pub creator_id: Option<UserId>,
    /// Not valid from then on.
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub at: Timestamp,
}

/// Inserts one; `Reference` when there is no such tenant.
pub fn insert(connection: &mut Connection, new: &NewApiKey) -> Result<ApiKey, Error> {
    let at = to_micros(new.at);
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::api_key_id.eq(new.api_key_id.as_str()),
            api_keys::tenant_id.eq(new.tenant_id.as_str()),
            api_keys::title.eq(&new.title),
            api_keys::prefix.eq(&new.prefix),
            api_keys::hash.eq(&new.hash),
            api_keys::role.eq(&new.role),
            api_keys::creator_id.eq(new.creator_id.as_ref().map(UserId::as_str)),
            api_keys::is_disabled.eq(false),
            api_keys::expires_at.eq(new.expires_at.map(to_micros)),
            api_keys::created_at.eq(at),
            api_keys::updated_at.eq(at),
        ))
        .execute(connection)?;
    find(connection, &new.tenant_id, &new.api_key_id)?.ok_or(Error::NotFound)
}

/// One of a tenant.
pub fn find(connection: &mut Connection, tenant: &TenantId, id: &ApiKeyId) -> Result<Option<ApiKey>, Error> {
    let query = api_keys::table
        .find(id.as_str())
        .filter(api_keys::tenant_id.eq(tenant.as_str()))
        .select(ApiKey::as_select());
    Ok(query.first(connection).optional()?)
}

/// The key with this hash, valid or not.
pub fn by_hash(connection: &mut Connection, hash: &str) -> Result<Option<ApiKey>, Error> {
    let query = api_keys::table.filter(api_keys::hash.eq(hash)).select(ApiKey::as_select());
    Ok(query.first(connection).optional()?)
}

/// The keys of a tenant, newest first.
pub fn list(
    connection: &mut Connection,
    tenant: &TenantId,
    page: &ListPage,
) -> Result<Listed<ApiKey>, Error> {
    let of_tenant = api_keys::table.filter(api_keys::tenant_id.eq(tenant.as_str()));
    let total = of_tenant.count().get_result(connection)?;
    let mut query = of_tenant.select(ApiKey::as_select()).into_boxed();
    if let Some((at, id)) = page.after()? {
        let same = api_keys::created_at.eq(at).and(api_keys::api_key_id.lt(id));
        query = query.filter(api_keys::created_at.lt(at).or(same));
    }
    let rows = query
        .order((api_keys::created_at.desc(), api_keys::api_key_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    Ok(page.finish(rows, total, |row: &ApiKey| (row.created_at, row.api_key_id.to_string())))
}

/// What may change; an absent field stays.
#[derive(Debug, Clone, Default)]
pub struct ApiKeyChange {
    /// For people.
    pub title: Option<String>,
    /// Its role in the tenant.
    pub role: Option<String>,
    /// Revoked, or valid again.
    pub is_disabled: Option<bool>,
    /// Not valid from then on.
    pub expires_at: Option<Timestamp>,
}

/// Changes what is given; `NotFound` when the tenant has no such key.
pub fn update(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &ApiKeyId,
    change: &ApiKeyChange,
    at: Timestamp,
) -> Result<(), Error> {
    let row = api_keys::table.find(id.as_str()).filter(api_keys::tenant_id.eq(tenant.as_str()));
    let changed = diesel::update(row)
        .set((
            change.title.as_ref().map(|title| api_keys::title.eq(title)),
            change.role.as_ref().map(|role| api_keys::role.eq(role)),
            change.is_disabled.map(|disabled| api_keys::is_disabled.eq(disabled)),
            change.expires_at.map(|expires| api_keys::expires_at.eq(to_micros(expires))),
            api_keys::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Removes one; `NotFound` when the tenant has no such key.
pub fn remove(connection: &mut Connection, tenant: &TenantId, id: &ApiKeyId) -> Result<(), Error> {
    let row = api_keys::table.find(id.as_str()).filter(api_keys::tenant_id.eq(tenant.as_str()));
    let gone = diesel::delete(row).execute(connection)?;
    if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
}
