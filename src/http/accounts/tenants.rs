//! Tenants and the audit, for operators.

use crate::{
    auth::{NewTenant, directory::rows::TenantPatch},
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::TenantId,
};

/// The tenant that the address names; it exists.
pub(super) async fn of_path(asked: &Asked) -> Result<TenantId, Failure> {
    if let Some(tenant) = &asked.tenant {
        return Ok(tenant.clone());
    }
    let id = asked.id("tenantID", TenantId::parse)?;
    match asked.hub.parts.auth.directory().tenant(id.clone()).await? {
        Some(_) => Ok(id),
        None => Err(Failure::of(Code::NotFound)),
    }
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let page = asked.page()?;
    let part = asked.hub.parts.auth.directory().tenants(page.clone()).await?;
    listed("tenants", &part, page.page, page.page_size)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let new: NewTenant = asked.fields()?;
    let creator = asked.identity()?.user.clone();
    let tenant = asked.hub.parts.auth.create_tenant(&asked.by(), creator.as_ref(), new).await?;
    Ok(Answer::field("tenant", &tenant)?.created())
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("tenantID", TenantId::parse)?;
    let tenant = asked.hub.parts.auth.directory().tenant(id).await?;
    Answer::field("tenant", &tenant.ok_or_else(|| Failure::of(Code::NotFound))?)
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("tenantID", TenantId::parse)?;
    let patch: TenantPatch = asked.fields()?;
    Answer::field("tenant", &asked.hub.parts.auth.update_tenant(&asked.by(), &id, patch).await?)
}

pub(super) async fn audit(asked: Asked) -> Result<Answer, Failure> {
    let page = asked.page()?;
    let tenant = match asked.query.get("tenantID") {
        Some(text) => {
            Some(TenantId::parse(text).map_err(|error| Failure::invalid(format!("tenantID: {error}")))?)
        }
        None => None,
    };
    let part = asked.hub.parts.auth.directory().audit(tenant, page.clone()).await?;
    listed("audit", &part, page.page, page.page_size)
}
