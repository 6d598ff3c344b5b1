//! Roles of a tenant's own: role to permission names. `ADMIN` and `MEMBER` are no rows.

use diesel::prelude::*;

use crate::{
    ids::TenantId,
    store::{Connection, Error, schema::role_permissions},
};

/// The permissions of a role, sorted; empty when the tenant has no such role.
pub fn permissions(connection: &mut Connection, tenant: &TenantId, role: &str) -> Result<Vec<String>, Error> {
    let query = role_permissions::table
        .filter(role_permissions::tenant_id.eq(tenant.as_str()))
        .filter(role_permissions::role.eq(role))
        .select(role_permissions::permission)
        .order(role_permissions::permission.asc());
    Ok(query.load(connection)?)
}

/// All roles of a tenant as pairs of role and permission, sorted.
pub fn of_tenant(connection: &mut Connection, tenant: &TenantId) -> Result<Vec<(String, String)>, Error> {
    let query = role_permissions::table
        .filter(role_permissions::tenant_id.eq(tenant.as_str()))
        .select((role_permissions::role, role_permissions::permission))
        .order((role_permissions::role.asc(), role_permissions::permission.asc()));
    Ok(query.load(connection)?)
}

/// Makes these the permissions of the role; with none the role is gone.
pub fn set(
    connection: &mut Connection,
    tenant: &TenantId,
    role: &str,
    permissions: &[String],
) -> Result<(), Error> {
    let old = role_permissions::table
        .filter(role_permissions::tenant_id.eq(tenant.as_str()))
        .filter(role_permissions::role.eq(role));
    diesel::delete(old).execute(connection)?;
    for permission in permissions {
        diesel::insert_into(role_permissions::table)
            .values((
                role_permissions::tenant_id.eq(tenant.as_str()),
                role_permissions::role.eq(role),
                role_permissions::permission.eq(permission),
            ))
            .execute(connection)?;
    }
    Ok(())
}
