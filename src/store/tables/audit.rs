//! Who did what: one row a change by an identity, an admin or the CLI.

use diesel::prelude::*;
use jiff::Timestamp;

use super::{
    ListPage, Listed,
    columns::{OptId, Time},
    to_micros,
};
use crate::{
    ids::{RequestId, TenantId},
    store::{Connection, Error, schema::audit},
};

/// Key of the client's address in a row's detail.
pub const IP: &str = "ip";
/// Key of what was set, beside [`IP`].
pub const SET: &str = "set";

/// The detail of what a client did: from where, and more.
pub fn detail_of(ip: Option<&str>, set: serde_json::Value) -> serde_json::Value {
    serde_json::json!({ IP: ip, SET: set })
}

/// A row of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = audit)]
pub struct Entry {
    /// uuid v7.
    pub audit_id: String,
    /// When.
    #[diesel(deserialize_as = Time)]
    pub at: Timestamp,
    /// In which tenant, if in one.
    #[diesel(deserialize_as = OptId)]
    pub tenant_id: Option<TenantId>,
    /// Who: the subject of an identity, `control:…`, `cli:…`, `hub`.
    pub actor: String,
    /// What: `workflow.update`, `apikey.create` …
    pub action: String,
    /// Upon what: `user:<id>`, `proposal:<id>` …
    pub subject: String,
    /// More, as a JSON object; never a secret. Of what a client did it is [`detail_of`].
    pub detail: String,
    /// The request that asked for it.
    #[diesel(deserialize_as = OptId)]
    pub request_id: Option<RequestId>,
}

/// What a new row needs.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// When.
    pub at: Timestamp,
    /// In which tenant, if in one.
    pub tenant: Option<&'a TenantId>,
    /// Who.
    pub actor: &'a str,
    /// What.
    pub action: &'a str,
    /// Upon what.
    pub subject: &'a str,
    /// More; never a secret.
    pub detail: serde_json::Value,
    /// The request that asked for it.
    pub request: Option<&'a RequestId>,
}

/// The one function that writes the audit; call it in the transaction of what it tells of.
pub fn record(connection: &mut Connection, entry: &NewEntry<'_>) -> Result<(), Error> {
    diesel::insert_into(audit::table)
        .values((
            audit::audit_id.eq(uuid::Uuid::now_v7().to_string()),
            audit::at.eq(to_micros(entry.at)),
            audit::tenant_id.eq(entry.tenant.map(TenantId::as_str)),
            audit::actor.eq(entry.actor),
            audit::action.eq(entry.action),
            audit::subject.eq(entry.subject),
            audit::detail.eq(entry.detail.to_string()),
            audit::request_id.eq(entry.request.map(RequestId::as_str)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Of one tenant, or all, newest first.
pub fn list(
    connection: &mut Connection,
    tenant: Option<&TenantId>,
    page: &ListPage,
) -> Result<Listed<Entry>, Error> {
    let mut count = audit::table.count().into_boxed();
    let mut query = audit::table.select(Entry::as_select()).into_boxed();
    if let Some(tenant) = tenant {
        count = count.filter(audit::tenant_id.eq(tenant.as_str()));
        query = query.filter(audit::tenant_id.eq(tenant.as_str()));
    }
    let total = count.get_result(connection)?;
    if let Some((at, id)) = page.after()? {
        let same = audit::at.eq(at).and(audit::audit_id.lt(id));
        query = query.filter(audit::at.lt(at).or(same));
    }
    let rows = query
        .order((audit::at.desc(), audit::audit_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    Ok(page.finish(rows, total, |row: &Entry| (row.at, row.audit_id.clone())))
}

/// A row that travels with the rows of a stream.
#[derive(Debug, Clone)]
pub struct NoteEntry {
    /// When.
    pub at: Timestamp,
    /// In which tenant.
    pub tenant: TenantId,
    /// Who.
    pub actor: String,
    /// What.
    pub action: &'static str,
    /// Upon what.
    pub subject: String,
    /// More; never a secret.
    pub detail: serde_json::Value,
    /// The request that asked for it.
    pub request: Option<RequestId>,
}

/// The same as [`record`], in the transaction of an append.
pub(in crate::store) fn note(connection: &mut Connection, entry: &NoteEntry) -> Result<(), Error> {
    let NoteEntry { at, tenant, actor, action, subject, detail, request } = entry;
    record(
        connection,
        &NewEntry {
            at: *at,
            tenant: Some(tenant),
            actor,
            action,
            subject,
            detail: detail.clone(),
            request: request.as_ref(),
        },
    )
}
