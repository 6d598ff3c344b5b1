//! Listeners: names for rooms that events are published to.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;

use super::datasources;
use super::stored::stored;
use crate::{
    ids::{DataSourceId, ListenerId, TenantId, UserId},
    store::{
        Connection, Error,
        schema::listeners,
        tables::{
            ListPage, Listed,
            columns::{Id, Json, OptId, Time},
            page::{contains, lower},
            to_micros,
        },
    },
};

/// A listener of a tenant.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = listeners)]
pub struct Listener {
    /// uuid v7.
    #[diesel(deserialize_as = Id)]
    pub listener_id: ListenerId,
    /// Whose.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// What it listens to, if that is a data source.
    #[diesel(deserialize_as = OptId)]
    pub datasource_id: Option<DataSourceId>,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `listenerType`, free.
    pub kind: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `listenerOptions`, a JSON object.
    #[diesel(deserialize_as = Json)]
    pub options: Value,
    /// Who made it, if a user did.
    #[diesel(deserialize_as = OptId)]
    pub creator_id: Option<UserId>,
    /// Made.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Saved.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// What a new listener needs.
#[derive(Debug, Clone)]
pub struct NewListener {
    /// uuid v7.
    pub listener_id: ListenerId,
    /// Whose.
    pub tenant_id: TenantId,
    /// What it listens to, if that is a data source.
    pub datasource_id: Option<DataSourceId>,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `listenerType`, free.
    pub kind: String,
    /// `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `listenerOptions`, a JSON object.
    pub options: Value,
    /// Who made it, if a user did.
    pub creator_id: Option<UserId>,
    /// Now.
    pub at: Timestamp,
}

/// What may change; an absent field stays.
#[derive(Debug, Clone, Default)]
pub struct ListenerChange {
    /// What it listens to, if that is a data source. `Some(None)` removes it.
    pub datasource_id: Option<Option<DataSourceId>>,
    /// 1 to 255 characters.
    pub title: Option<String>,
    /// For people. `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// `listenerType`, free.
    pub kind: Option<String>,
    /// `ACTIVE` or `INACTIVE`.
    pub status: Option<String>,
    /// `listenerOptions`, a JSON object.
    pub options: Option<Value>,
}

/// Inserts one; `Reference` when there is no such tenant, or the tenant has no such data source.
pub fn insert(connection: &mut Connection, new: &NewListener) -> Result<Listener, Error> {
    datasources::known(connection, &new.tenant_id, new.datasource_id.as_ref())?;
    let at = to_micros(new.at);
    diesel::insert_into(listeners::table)
        .values((
            listeners::listener_id.eq(new.listener_id.as_str()),
            listeners::tenant_id.eq(new.tenant_id.as_str()),
            listeners::datasource_id.eq(new.datasource_id.as_ref().map(DataSourceId::as_str)),
            listeners::title.eq(&new.title),
            listeners::description.eq(&new.description),
            listeners::kind.eq(&new.kind),
            listeners::status.eq(&new.status),
            listeners::options.eq(new.options.to_string()),
            listeners::creator_id.eq(new.creator_id.as_ref().map(UserId::as_str)),
            listeners::created_at.eq(at),
            listeners::updated_at.eq(at),
        ))
        .execute(connection)?;
    find(connection, &new.tenant_id, &new.listener_id)?.ok_or(Error::NotFound)
}

stored!(listeners, listener_id, Listener, ListenerId);

/// Whose a listener is, of whatever tenant: the caller answers a foreign one as a missing one.
pub fn tenant_of(connection: &mut Connection, id: &ListenerId) -> Result<Option<TenantId>, Error> {
    let query = listeners::table.find(id.as_str()).select(listeners::tenant_id);
    let tenant: Option<String> = query.first(connection).optional()?;
    Ok(tenant.map(|tenant| TenantId::trusted(&tenant)))
}

/// Changes what is given; `NotFound` when the tenant has no such listener, `Reference` when it has no such data source.
pub fn update(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &ListenerId,
    change: &ListenerChange,
    at: Timestamp,
) -> Result<Listener, Error> {
    datasources::known(connection, tenant, change.datasource_id.as_ref().and_then(Option::as_ref))?;
    let row = listeners::table.find(id.as_str()).filter(listeners::tenant_id.eq(tenant.as_str()));
    let changed = diesel::update(row)
        .set((
            change
                .datasource_id
                .as_ref()
                .map(|source| listeners::datasource_id.eq(source.as_ref().map(DataSourceId::as_str))),
            change.title.as_ref().map(|title| listeners::title.eq(title)),
            change.description.as_ref().map(|description| listeners::description.eq(description)),
            change.kind.as_ref().map(|kind| listeners::kind.eq(kind)),
            change.status.as_ref().map(|status| listeners::status.eq(status)),
            change.options.as_ref().map(|options| listeners::options.eq(options.to_string())),
            listeners::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 {
        return Err(Error::NotFound);
    }
    find(connection, tenant, id)?.ok_or(Error::NotFound)
}
