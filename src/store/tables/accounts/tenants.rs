//! Tenants.

use diesel::prelude::*;
use jiff::Timestamp;

use crate::{
    ids::{TenantId, UserId},
    store::{
        Connection, Error,
        schema::tenants,
        tables::{
            ListPage, Listed,
            columns::{Id, OptId, OptTime, Time},
            to_micros,
        },
    },
};

/// A tenant.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = tenants)]
pub struct Tenant {
    /// Any string of 1 to 128 bytes.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// For people.
    pub title: String,
    /// IANA name; `UTC` unless set.
    pub timezone: String,
    /// Who made it, if a user did.
    #[diesel(deserialize_as = OptId)]
    pub creator_id: Option<UserId>,
    /// Nobody gets in.
    pub is_disabled: bool,
    /// Since when.
    #[diesel(deserialize_as = OptTime)]
    pub disabled_at: Option<Timestamp>,
    /// Why, for people.
    pub disable_reason: Option<String>,
    /// Shown by pages.
    pub logo_url: Option<String>,
    /// Made.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Changed.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// What a new tenant needs.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Any string of 1 to 128 bytes.
    pub tenant_id: TenantId,
    /// For people.
    pub title: String,
    /// IANA name.
    pub timezone: String,
    /// Who made it.
    pub creator_id: Option<UserId>,
    /// Now.
    pub at: Timestamp,
}

/// Inserts one; `Duplicate(Tenant)` when the id is taken.
pub fn insert(connection: &mut Connection, new: &NewTenant) -> Result<Tenant, Error> {
    let at = to_micros(new.at);
    diesel::insert_into(tenants::table)
        .values((
            tenants::tenant_id.eq(new.tenant_id.as_str()),
            tenants::title.eq(&new.title),
            tenants::timezone.eq(&new.timezone),
            tenants::creator_id.eq(new.creator_id.as_ref().map(UserId::as_str)),
            tenants::is_disabled.eq(false),
            tenants::created_at.eq(at),
            tenants::updated_at.eq(at),
        ))
        .execute(connection)?;
    find(connection, &new.tenant_id)?.ok_or(Error::NotFound)
}

/// One by its id.
pub fn find(connection: &mut Connection, id: &TenantId) -> Result<Option<Tenant>, Error> {
    let query = tenants::table.find(id.as_str()).select(Tenant::as_select());
    Ok(query.first(connection).optional()?)
}

/// All, newest first.
pub fn list(connection: &mut Connection, page: &ListPage) -> Result<Listed<Tenant>, Error> {
    let total = tenants::table.count().get_result(connection)?;
    let mut query = tenants::table.select(Tenant::as_select()).into_boxed();
    if let Some((at, id)) = page.after()? {
        let same = tenants::created_at.eq(at).and(tenants::tenant_id.lt(id));
        query = query.filter(tenants::created_at.lt(at).or(same));
    }
    let rows = query
        .order((tenants::created_at.desc(), tenants::tenant_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    Ok(page.finish(rows, total, |row: &Tenant| (row.created_at, row.tenant_id.to_string())))
}

/// Changes what is given; `NotFound` when there is no such tenant.
pub fn update(
    connection: &mut Connection,
    id: &TenantId,
    title: Option<&str>,
    timezone: Option<&str>,
    at: Timestamp,
) -> Result<(), Error> {
    let changed = diesel::update(tenants::table.find(id.as_str()))
        .set((
            title.map(|title| tenants::title.eq(title)),
            timezone.map(|timezone| tenants::timezone.eq(timezone)),
            tenants::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Shuts a tenant (with a reason) or opens it again; `NotFound` when there is no such tenant.
pub fn set_disabled(
    connection: &mut Connection,
    id: &TenantId,
    disabled: Option<&str>,
    at: Timestamp,
) -> Result<(), Error> {
    let changed = diesel::update(tenants::table.find(id.as_str()))
        .set((
            tenants::is_disabled.eq(disabled.is_some()),
            tenants::disabled_at.eq(disabled.map(|_| to_micros(at))),
            tenants::disable_reason.eq(disabled),
            tenants::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 { Err(Error::NotFound) } else { Ok(()) }
}
