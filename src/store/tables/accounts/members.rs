//! Members: which user is in which tenant, with which role.

use diesel::prelude::*;
use jiff::Timestamp;

use crate::{
    ids::{TenantId, UserId},
    store::{
        Connection, Error,
        schema::{members, users},
        tables::{
            ListPage, Listed,
            columns::{Id, Time},
            to_micros,
            users::User,
        },
    },
};

/// A user in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = members)]
pub struct Member {
    /// The tenant.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// The user.
    #[diesel(deserialize_as = Id)]
    pub user_id: UserId,
    /// `ADMIN`, `MEMBER`, or a role of the tenant's own.
    pub role: String,
    /// Since.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Changed.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// Adds a user; `Duplicate(Member)` when it is one, `Reference` when tenant or user is not there.
pub fn insert(
    connection: &mut Connection,
    tenant: &TenantId,
    user: &UserId,
    role: &str,
    at: Timestamp,
) -> Result<Member, Error> {
    diesel::insert_into(members::table)
        .values((
            members::tenant_id.eq(tenant.as_str()),
            members::user_id.eq(user.as_str()),
            members::role.eq(role),
            members::created_at.eq(to_micros(at)),
            members::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    find(connection, tenant, user)?.ok_or(Error::NotFound)
}

/// One membership.
pub fn find(connection: &mut Connection, tenant: &TenantId, user: &UserId) -> Result<Option<Member>, Error> {
    let query = members::table.find((tenant.as_str(), user.as_str())).select(Member::as_select());
    Ok(query.first(connection).optional()?)
}

/// All tenants of a user, by id.
pub fn of_user(connection: &mut Connection, user: &UserId) -> Result<Vec<Member>, Error> {
    let query = members::table.filter(members::user_id.eq(user.as_str())).select(Member::as_select());
    Ok(query.order(members::tenant_id.asc()).load(connection)?)
}

/// The members of a tenant with their users, newest first.
pub fn of_tenant(
    connection: &mut Connection,
    tenant: &TenantId,
    page: &ListPage,
) -> Result<Listed<(Member, User)>, Error> {
    let total =
        members::table.filter(members::tenant_id.eq(tenant.as_str())).count().get_result(connection)?;
    let mut query = members::table
        .inner_join(users::table)
        .filter(members::tenant_id.eq(tenant.as_str()))
        .select((Member::as_select(), User::as_select()))
        .into_boxed();
    if let Some((at, id)) = page.after()? {
        let same = members::created_at.eq(at).and(members::user_id.lt(id));
        query = query.filter(members::created_at.lt(at).or(same));
    }
    let rows = query
        .order((members::created_at.desc(), members::user_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    Ok(page.finish(rows, total, |(row, _): &(Member, User)| (row.created_at, row.user_id.to_string())))
}

/// Gives another role; `NotFound` when the user is no member.
pub fn set_role(
    connection: &mut Connection,
    tenant: &TenantId,
    user: &UserId,
    role: &str,
    at: Timestamp,
) -> Result<(), Error> {
    let changed = diesel::update(members::table.find((tenant.as_str(), user.as_str())))
        .set((members::role.eq(role), members::updated_at.eq(to_micros(at))))
        .execute(connection)?;
    if changed == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Takes a user out; `NotFound` when it is no member.
pub fn remove(connection: &mut Connection, tenant: &TenantId, user: &UserId) -> Result<(), Error> {
    let gone = diesel::delete(members::table.find((tenant.as_str(), user.as_str()))).execute(connection)?;
    if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
}
