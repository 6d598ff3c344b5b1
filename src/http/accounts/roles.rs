//! A tenant's own roles: a title and the permissions it grants.

use serde::Deserialize;

use super::{members::may_grant, tenants::of_path};
use crate::{
    auth::{self, Permission, Permissions},
    http::{Answer, Asked, Failure},
    ids::TenantId,
};

#[derive(Deserialize)]
struct New {
    permissions: Vec<String>,
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let roles = asked.hub.parts.auth.directory().roles(tenant).await?;
    let known: Vec<&str> = Permission::ALL.iter().map(|permission| permission.as_str()).collect();
    Answer::field("roles", &roles)?.and("baseRoles", &[auth::ADMIN, auth::MEMBER])?.and("permissions", &known)
}

pub(super) async fn put(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let new: New = asked.fields()?;
    let title = asked.part("roleTitle");
    may_grant(&asked, &tenant, title).await?;
    covers(&asked, &tenant, &new.permissions).await?;
    Answer::field("role", &asked.hub.parts.auth.put_role(&asked.by(), &tenant, title, new.permissions).await?)
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let tenant = of_path(&asked).await?;
    let title = asked.part("roleTitle");
    may_grant(&asked, &tenant, title).await?;
    asked.hub.parts.auth.delete_role(&asked.by(), &tenant, title).await?;
    Ok(Answer::empty())
}

/// Nobody makes a role that can do more than they can.
async fn covers(asked: &Asked, tenant: &TenantId, names: &[String]) -> Result<(), Failure> {
    if asked.tenant.is_none() {
        return Ok(());
    }
    let own = asked.hub.parts.auth.permissions(asked.identity()?, tenant).await?;
    let wanted = Permissions::of_names(names.iter().map(String::as_str));
    if own.covers(wanted) { Ok(()) } else { Err(auth::Error::Denied.into()) }
}
