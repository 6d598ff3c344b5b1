//! Which version of a tenant's catalogue is the newest: queries, workflows and data sources bump it in the
//! transaction of their change.

use diesel::prelude::*;

use crate::{
    ids::TenantId,
    store::{Connection, Error, schema::catalogue_revisions},
};

/// Something that an assistant may find has changed.
pub fn bump(connection: &mut Connection, tenant: &TenantId) -> Result<(), Error> {
    let row = catalogue_revisions::table.find(tenant.as_str());
    let next = catalogue_revisions::revision.eq(catalogue_revisions::revision + 1);
    if diesel::update(row).set(next).execute(connection)? == 0 {
        let new =
            (catalogue_revisions::tenant_id.eq(tenant.as_str()), catalogue_revisions::revision.eq(1_i64));
        diesel::insert_into(catalogue_revisions::table).values(new).execute(connection)?;
    }
    Ok(())
}

/// The newest; 0 when nothing ever changed.
pub fn revision(connection: &mut Connection, tenant: &TenantId) -> Result<i64, Error> {
    let row = catalogue_revisions::table.find(tenant.as_str()).select(catalogue_revisions::revision);
    Ok(row.first(connection).optional()?.unwrap_or(0))
}
