//! What the command line asks: by the control socket of a running hub, or on the database itself when
//! none runs. One function, so that both ways do the same and leave the same audit rows.

use super::control::{ControlReply, ControlRequest};
use crate::{
    auth::{
        Auth, By, Error, NewApiKey, NewTenant, NewUser,
        directory::rows::{TenantPatch, UserPatch},
    },
    clock::{Clock, to_wire},
    error::Coded,
    ids::{ApiKeyId, IdError, TenantId, UserId},
    store::tables::{ListPage, Listed},
};

/// Most rows of one table.
const MOST: usize = 10_000;

/// Carries a request out.
pub async fn carry_out(auth: &Auth, by: &By, clock: &Clock, request: ControlRequest) -> ControlReply {
    match answer(auth, by, clock, request).await {
        Ok(reply) => reply,
        Err(error) => {
            ControlReply::Refused { code: error.code().as_str().to_owned(), message: error.public_message() }
        }
    }
}

async fn answer(auth: &Auth, by: &By, clock: &Clock, request: ControlRequest) -> Result<ControlReply, Error> {
    match request {
        ControlRequest::TenantCreate { id, name } => {
            let new = NewTenant { id: Some(tenant(&id)?), title: Some(name), timezone: None };
            let row = auth.create_tenant(by, None, new).await?;
            Ok(ControlReply::Created { id: row.id.as_str().to_owned() })
        }
        ControlRequest::TenantDisable { id, disabled } => {
            let patch = TenantPatch { is_disabled: Some(disabled), ..TenantPatch::default() };
            auth.update_tenant(by, &tenant(&id)?, patch).await?;
            Ok(ControlReply::Done)
        }
        ControlRequest::UserCreate { id, email, platform_admin } => {
            let new = NewUser { subject: id, email, is_platform_admin: platform_admin, ..NewUser::default() };
            let row = auth.create_user(by, new).await?;
            Ok(ControlReply::Created { id: row.subject })
        }
        ControlRequest::UserDisable { id, disabled } => {
            let patch = UserPatch { is_disabled: Some(disabled), ..UserPatch::default() };
            auth.update_user(by, &user(auth, &id).await?, patch).await?;
            Ok(ControlReply::Done)
        }
        ControlRequest::MemberCreate { tenant: of, user: who, role } => {
            let (of, who) = (existing(auth, &of).await?, user(auth, &who).await?);
            auth.put_member(by, &of, &who, &role).await?;
            Ok(ControlReply::Done)
        }
        ControlRequest::MemberRevoke { tenant: of, user: who } => {
            let (of, who) = (existing(auth, &of).await?, user(auth, &who).await?);
            auth.delete_member(by, &of, &who).await?;
            Ok(ControlReply::Done)
        }
        ControlRequest::ApikeyCreate { tenant: of, user: who, name, ttl_seconds } => {
            let (of, who) = (existing(auth, &of).await?, user(auth, &who).await?);
            if auth.directory().member(of.clone(), who.clone()).await?.is_none() {
                return Err(Error::NotFound("member"));
            }
            let ends = |seconds| clock.now().checked_add(std::time::Duration::from_secs(seconds)).ok();
            let expires_at = ttl_seconds.and_then(ends);
            if ttl_seconds.is_some() && expires_at.is_none() {
                return Err(Error::Invalid("ttl: too long".to_owned()));
            }
            let new = NewApiKey { title: name, role: None, expires_at };
            let (row, key) = auth.create_api_key(by, &of, Some(&who), new).await?;
            Ok(ControlReply::Key { id: row.id.as_str().to_owned(), key })
        }
        ControlRequest::ApikeyDisable { tenant: of, id } => {
            auth.disable_api_key(by, &tenant(&of)?, &api_key(&id)?, true).await?;
            Ok(ControlReply::Done)
        }
        ControlRequest::ApikeyRevoke { tenant: of, id } => {
            auth.revoke_api_key(by, &tenant(&of)?, &api_key(&id)?).await?;
            Ok(ControlReply::Done)
        }
        ControlRequest::TenantList
        | ControlRequest::UserList
        | ControlRequest::MemberList { .. }
        | ControlRequest::ApikeyList { .. } => list(auth, request).await,
    }
}

async fn list(auth: &Auth, request: ControlRequest) -> Result<ControlReply, Error> {
    let directory = auth.directory();
    let yes = |yes: bool| if yes { "yes" } else { "" }.to_owned();
    match request {
        ControlRequest::UserList => {
            let rows = all(|page| directory.users(page)).await?;
            Ok(table(
                &["id", "user id", "email", "platform admin", "disabled", "created"],
                rows.into_iter().map(|row| {
                    let (id, email) = (row.id.as_str().to_owned(), row.email.unwrap_or_default());
                    let (admin, off) = (yes(row.is_platform_admin), yes(row.is_disabled));
                    vec![row.subject, id, email, admin, off, to_wire(row.created_at)]
                }),
            ))
        }
        ControlRequest::MemberList { tenant: of } => {
            let of = existing(auth, &of).await?;
            let rows = all(|page| directory.members(of.clone(), page)).await?;
            Ok(table(
                &["user", "role", "email", "disabled", "created"],
                rows.into_iter().map(|(member, row)| {
                    let (email, off) = (row.email.unwrap_or_default(), yes(row.is_disabled));
                    vec![row.subject, member.role, email, off, to_wire(member.created_at)]
                }),
            ))
        }
        ControlRequest::ApikeyList { tenant: of } => {
            let of = existing(auth, &of).await?;
            let rows = all(|page| directory.api_keys(of.clone(), page)).await?;
            Ok(table(
                &["id", "name", "begins with", "role", "disabled", "expires", "created"],
                rows.into_iter().map(|row| {
                    let (id, role) = (row.id.as_str().to_owned(), row.role.unwrap_or_default());
                    let ends = row.expires_at.map(to_wire).unwrap_or_default();
                    let off = yes(row.is_disabled);
                    vec![id, row.title, row.prefix, role, off, ends, to_wire(row.created_at)]
                }),
            ))
        }
        _ => {
            let rows = all(|page| directory.tenants(page)).await?;
            Ok(table(
                &["id", "name", "disabled", "created"],
                rows.into_iter().map(|row| {
                    let (id, off) = (row.id.as_str().to_owned(), yes(row.is_disabled));
                    vec![id, row.title, off, to_wire(row.created_at)]
                }),
            ))
        }
    }
}

/// All pages of a list.
async fn all<T, A>(mut ask: impl FnMut(ListPage) -> A) -> Result<Vec<T>, Error>
where
    A: Future<Output = Result<Listed<T>, Error>>,
{
    let mut page = ListPage { page_size: 500, ..ListPage::default() };
    let mut rows = Vec::new();
    loop {
        let mut part = ask(page.clone()).await?;
        rows.append(&mut part.rows);
        match part.next_cursor {
            Some(cursor) if rows.len() < MOST => page.cursor = Some(cursor),
            _ => return Ok(rows),
        }
    }
}

fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>) -> ControlReply {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    ControlReply::Table { columns, rows: rows.collect() }
}

fn id<T>(name: &str, parsed: Result<T, IdError>) -> Result<T, Error> {
    parsed.map_err(|error| Error::Invalid(format!("{name}: {error}")))
}

fn tenant(text: &str) -> Result<TenantId, Error> {
    id("tenant", TenantId::parse(text))
}

fn api_key(text: &str) -> Result<ApiKeyId, Error> {
    id("id", ApiKeyId::parse(text))
}

async fn existing(auth: &Auth, text: &str) -> Result<TenantId, Error> {
    let id = tenant(text)?;
    auth.directory().tenant(id.clone()).await?.map(|_| id).ok_or(Error::NotFound("tenant"))
}

async fn user(auth: &Auth, name: &str) -> Result<UserId, Error> {
    Ok(auth.find_user(name).await?.id)
}
