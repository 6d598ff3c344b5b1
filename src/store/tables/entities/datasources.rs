//! Data sources: where saved queries run. What opens them is sealed (`datasource::seal`) before it comes here.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;

use super::stored::stored;
use crate::{
    ids::{DataQueryId, DataSourceId, ListenerId, TenantId, UserId},
    store::{
        Connection, Error,
        schema::{dataqueries, datasources, listeners},
        tables::{
            ListPage, Listed, catalogue,
            columns::{Id, Json, OptId, Time},
            page::{contains, lower},
            to_micros,
        },
    },
};

/// A data source of a tenant.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = datasources)]
pub struct DataSource {
    /// uuid v7.
    #[diesel(deserialize_as = Id)]
    pub datasource_id: DataSourceId,
    /// Whose.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `postgresql`, `mysql`, `sqlite`, `http`.
    pub kind: String,
    /// Its settings, a JSON object without anything secret.
    #[diesel(deserialize_as = Json)]
    pub options: Value,
    /// Its sealed credentials.
    pub secret: Option<String>,
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

/// What a new data source needs.
#[derive(Debug, Clone)]
pub struct NewDataSource {
    /// uuid v7.
    pub datasource_id: DataSourceId,
    /// Whose.
    pub tenant_id: TenantId,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `postgresql`, `mysql`, `sqlite`, `http`.
    pub kind: String,
    /// Its settings, a JSON object without anything secret.
    pub options: Value,
    /// Its sealed credentials.
    pub secret: Option<String>,
    /// Who made it, if a user did.
    pub creator_id: Option<UserId>,
    /// Now.
    pub at: Timestamp,
}

/// What may change; an absent field stays.
#[derive(Debug, Clone, Default)]
pub struct DataSourceChange {
    /// 1 to 255 characters.
    pub title: Option<String>,
    /// For people. `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// Its settings, a JSON object without anything secret.
    pub options: Option<Value>,
    /// Its sealed credentials. `Some(None)` removes it.
    pub secret: Option<Option<String>>,
}

/// Inserts one; `Reference` when there is no such tenant.
pub fn insert(connection: &mut Connection, new: &NewDataSource) -> Result<DataSource, Error> {
    let at = to_micros(new.at);
    diesel::insert_into(datasources::table)
        .values((
            datasources::datasource_id.eq(new.datasource_id.as_str()),
            datasources::tenant_id.eq(new.tenant_id.as_str()),
            datasources::title.eq(&new.title),
            datasources::description.eq(&new.description),
            datasources::kind.eq(&new.kind),
            datasources::options.eq(new.options.to_string()),
            datasources::secret.eq(&new.secret),
            datasources::creator_id.eq(new.creator_id.as_ref().map(UserId::as_str)),
            datasources::created_at.eq(at),
            datasources::updated_at.eq(at),
        ))
        .execute(connection)?;
    catalogue::bump(connection, &new.tenant_id)?;
    find(connection, &new.tenant_id, &new.datasource_id)?.ok_or(Error::NotFound)
}

stored!(datasources, datasource_id, DataSource, DataSourceId, catalogue::bump);

/// Changes what is given; `NotFound` when the tenant has no such data source.
pub fn update(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &DataSourceId,
    change: &DataSourceChange,
    at: Timestamp,
) -> Result<DataSource, Error> {
    let row = datasources::table.find(id.as_str()).filter(datasources::tenant_id.eq(tenant.as_str()));
    let changed = diesel::update(row)
        .set((
            change.title.as_ref().map(|title| datasources::title.eq(title)),
            change.description.as_ref().map(|description| datasources::description.eq(description)),
            change.options.as_ref().map(|options| datasources::options.eq(options.to_string())),
            change.secret.as_ref().map(|secret| datasources::secret.eq(secret)),
            datasources::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 {
        return Err(Error::NotFound);
    }
    catalogue::bump(connection, tenant)?;
    find(connection, tenant, id)?.ok_or(Error::NotFound)
}

/// Refuses a data source that the tenant does not have with `Reference`.
pub(super) fn known(
    connection: &mut Connection,
    tenant: &TenantId,
    id: Option<&DataSourceId>,
) -> Result<(), Error> {
    match id {
        Some(id) if find(connection, tenant, id)?.is_none() => Err(Error::Reference),
        _ => Ok(()),
    }
}

/// What names a data source: ids and titles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Users {
    /// Queries over it.
    pub queries: Vec<(DataQueryId, String)>,
    /// Listeners to it.
    pub listeners: Vec<(ListenerId, String)>,
}

/// What names a data source, at most so many each.
pub fn users(connection: &mut Connection, id: &DataSourceId, limit: i64) -> Result<Users, Error> {
    let queries: Vec<(String, String)> = dataqueries::table
        .filter(dataqueries::datasource_id.eq(id.as_str()))
        .order(dataqueries::data_query_id)
        .select((dataqueries::data_query_id, dataqueries::title))
        .limit(limit)
        .load(connection)?;
    let heard: Vec<(String, String)> = listeners::table
        .filter(listeners::datasource_id.eq(id.as_str()))
        .order(listeners::listener_id)
        .select((listeners::listener_id, listeners::title))
        .limit(limit)
        .load(connection)?;
    Ok(Users {
        queries: queries.into_iter().map(|(id, title)| (DataQueryId::trusted(&id), title)).collect(),
        listeners: heard.into_iter().map(|(id, title)| (ListenerId::trusted(&id), title)).collect(),
    })
}
