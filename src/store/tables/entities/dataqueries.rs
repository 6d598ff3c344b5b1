//! Saved queries over data sources.

use diesel::prelude::*;
use jiff::Timestamp;
use serde_json::Value;

use super::datasources;
use super::stored::stored;
use crate::{
    ids::{DataQueryId, DataSourceId, TenantId, UserId},
    store::{
        Connection, Error,
        schema::dataqueries,
        tables::{
            ListPage, Listed, catalogue,
            columns::{Id, Json, OptId, Time},
            page::{contains, lower},
            to_micros,
        },
    },
};

/// A saved query of a tenant.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = dataqueries)]
pub struct DataQuery {
    /// uuid v7.
    #[diesel(deserialize_as = Id)]
    pub data_query_id: DataQueryId,
    /// Whose.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// Where it runs; none when a query service knows.
    #[diesel(deserialize_as = OptId)]
    pub datasource_id: Option<DataSourceId>,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `dataQueryOptions`, a JSON object: the query, its definitions of inputs, its limits.
    #[diesel(deserialize_as = Json)]
    pub options: Value,
    /// Where pages show it.
    pub folder_id: Option<String>,
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

/// What a new query needs.
#[derive(Debug, Clone)]
pub struct NewDataQuery {
    /// uuid v7.
    pub data_query_id: DataQueryId,
    /// Whose.
    pub tenant_id: TenantId,
    /// Where it runs; none when a query service knows.
    pub datasource_id: Option<DataSourceId>,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `dataQueryOptions`, a JSON object: the query, its definitions of inputs, its limits.
    pub options: Value,
    /// Where pages show it.
    pub folder_id: Option<String>,
    /// Who made it, if a user did.
    pub creator_id: Option<UserId>,
    /// Now.
    pub at: Timestamp,
}

/// What may change; an absent field stays.
#[derive(Debug, Clone, Default)]
pub struct DataQueryChange {
    /// Where it runs; none when a query service knows. `Some(None)` removes it.
    pub datasource_id: Option<Option<DataSourceId>>,
    /// 1 to 255 characters.
    pub title: Option<String>,
    /// For people. `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// `dataQueryOptions`, a JSON object: the query, its definitions of inputs, its limits.
    pub options: Option<Value>,
    /// Where pages show it. `Some(None)` removes it.
    pub folder_id: Option<Option<String>>,
}

/// Inserts one; `Reference` when there is no such tenant, or the tenant has no such data source.
pub fn insert(connection: &mut Connection, new: &NewDataQuery) -> Result<DataQuery, Error> {
    datasources::known(connection, &new.tenant_id, new.datasource_id.as_ref())?;
    let at = to_micros(new.at);
    diesel::insert_into(dataqueries::table)
        .values((
            dataqueries::data_query_id.eq(new.data_query_id.as_str()),
            dataqueries::tenant_id.eq(new.tenant_id.as_str()),
            dataqueries::datasource_id.eq(new.datasource_id.as_ref().map(DataSourceId::as_str)),
            dataqueries::title.eq(&new.title),
            dataqueries::description.eq(&new.description),
            dataqueries::options.eq(new.options.to_string()),
            dataqueries::folder_id.eq(&new.folder_id),
            dataqueries::creator_id.eq(new.creator_id.as_ref().map(UserId::as_str)),
            dataqueries::created_at.eq(at),
            dataqueries::updated_at.eq(at),
        ))
        .execute(connection)?;
    catalogue::bump(connection, &new.tenant_id)?;
    find(connection, &new.tenant_id, &new.data_query_id)?.ok_or(Error::NotFound)
}

/// Which of these queries a tenant has.
pub fn known(connection: &mut Connection, tenant: &TenantId, ids: &[String]) -> Result<Vec<String>, Error> {
    let query = dataqueries::table
        .filter(dataqueries::tenant_id.eq(tenant.as_str()))
        .filter(dataqueries::data_query_id.eq_any(ids))
        .select(dataqueries::data_query_id);
    Ok(query.load(connection)?)
}

stored!(dataqueries, data_query_id, DataQuery, DataQueryId, catalogue::bump);

/// Changes what is given; `NotFound` when the tenant has no such query, `Reference` when it has no such data source.
pub fn update(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &DataQueryId,
    change: &DataQueryChange,
    at: Timestamp,
) -> Result<DataQuery, Error> {
    datasources::known(connection, tenant, change.datasource_id.as_ref().and_then(Option::as_ref))?;
    let row = dataqueries::table.find(id.as_str()).filter(dataqueries::tenant_id.eq(tenant.as_str()));
    let changed = diesel::update(row)
        .set((
            change
                .datasource_id
                .as_ref()
                .map(|source| dataqueries::datasource_id.eq(source.as_ref().map(DataSourceId::as_str))),
            change.title.as_ref().map(|title| dataqueries::title.eq(title)),
            change.description.as_ref().map(|description| dataqueries::description.eq(description)),
            change.options.as_ref().map(|options| dataqueries::options.eq(options.to_string())),
            change.folder_id.as_ref().map(|folder_id| dataqueries::folder_id.eq(folder_id)),
            dataqueries::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 {
        return Err(Error::NotFound);
    }
    catalogue::bump(connection, tenant)?;
    find(connection, tenant, id)?.ok_or(Error::NotFound)
}
