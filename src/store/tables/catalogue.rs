//! What an assistant may find of a tenant, and which version of it is the newest: queries, workflows and
//! data sources bump it in the transaction of their change.

use std::collections::HashMap;

use diesel::{
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::Text,
};

use crate::{
    ids::{DataQueryId, DataSourceId, TenantId, WorkflowId},
    store::{
        Connection, Error,
        connection::MultiBackend,
        schema::{catalogue_revisions, dataqueries, datasources, workflows},
        tables::columns::{Id, OptId},
    },
};

/// Something that an assistant may find has changed. The last statement of a change: whoever waits for this
/// row must hold nothing that its holder may still ask for.
pub(super) fn bump(connection: &mut Connection, tenant: &TenantId) -> Result<(), Error> {
    Bump { tenant: tenant.as_str() }.execute(connection)?;
    Ok(())
}

/// Written out, because Diesel has no upsert for two databases; both read the same text.
struct Bump<'a> {
    tenant: &'a str,
}

impl QueryFragment<MultiBackend> for Bump<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO catalogue_revisions (tenant_id, revision) VALUES (");
        out.push_bind_param::<Text, str>(self.tenant)?;
        out.push_sql(
            ", 1) ON CONFLICT (tenant_id) DO UPDATE SET revision = catalogue_revisions.revision + 1",
        );
        Ok(())
    }
}

impl QueryId for Bump<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<Connection> for Bump<'_> {}

/// The newest; 0 when nothing ever changed.
pub fn revision(connection: &mut Connection, tenant: &TenantId) -> Result<i64, Error> {
    let row = catalogue_revisions::table.find(tenant.as_str()).select(catalogue_revisions::revision);
    Ok(row.first(connection).optional()?.unwrap_or(0))
}

/// A saved query, as far as it can be found.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = dataqueries)]
pub struct QueryText {
    /// Its id.
    #[diesel(deserialize_as = Id)]
    pub data_query_id: DataQueryId,
    /// Where it runs; none when a query service knows.
    #[diesel(deserialize_as = OptId)]
    pub datasource_id: Option<DataSourceId>,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `dataQueryOptions`, a JSON object.
    pub options: String,
}

/// A workflow, as far as it can be found.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable)]
#[diesel(table_name = workflows)]
pub struct WorkflowText {
    /// Its id.
    #[diesel(deserialize_as = Id)]
    pub workflow_id: WorkflowId,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `workflowOptions`, a JSON object.
    pub options: String,
}

/// All of it, with the revision that it has at least.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Texts {
    /// It may be newer than this, never older.
    pub revision: i64,
    /// Saved queries, the newest first.
    pub queries: Vec<QueryText>,
    /// Workflows that may be run, the newest first.
    pub workflows: Vec<WorkflowText>,
    /// Titles of data sources.
    pub sources: HashMap<DataSourceId, String>,
}

/// What a tenant has, at most so many rows of each kind.
pub fn texts(connection: &mut Connection, tenant: &TenantId, most: i64) -> Result<Texts, Error> {
    // First: what is committed after this is read again.
    let revision = revision(connection, tenant)?;
    let queries = dataqueries::table
        .filter(dataqueries::tenant_id.eq(tenant.as_str()))
        .order((dataqueries::created_at.desc(), dataqueries::data_query_id.desc()))
        .limit(most)
        .select(QueryText::as_select())
        .load(connection)?;
    let workflows = workflows::table
        .filter(workflows::tenant_id.eq(tenant.as_str()))
        .filter(workflows::is_disabled.eq(false))
        .order((workflows::created_at.desc(), workflows::workflow_id.desc()))
        .limit(most)
        .select(WorkflowText::as_select())
        .load(connection)?;
    let sources: Vec<(String, String)> = datasources::table
        .filter(datasources::tenant_id.eq(tenant.as_str()))
        .order(datasources::datasource_id)
        .limit(most)
        .select((datasources::datasource_id, datasources::title))
        .load(connection)?;
    let sources = sources.into_iter().map(|(id, title)| (DataSourceId::trusted(&id), title)).collect();
    Ok(Texts { revision, queries, workflows, sources })
}
