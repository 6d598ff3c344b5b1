//! Workflows and their versions: every save makes a version that never changes, so that a run works
//! on the graph as it was when it started.

use diesel::prelude::*;
use jiff::Timestamp;

use super::{
    ListPage, Listed, catalogue,
    columns::{Id, OptId, OptTime, Time},
    page::{contains, lower},
    to_micros,
};
use crate::{
    ids::{ApiKeyId, TenantId, UserId, WorkflowId},
    store::{
        Connection, Error,
        schema::{workflow_versions, workflows},
    },
};

/// A workflow without its graph.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = workflows)]
pub struct WorkflowRow {
    /// uuid v7.
    #[diesel(deserialize_as = Id)]
    pub workflow_id: WorkflowId,
    /// Whose.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// `workflowOptions`, a JSON object.
    pub options: String,
    /// Where pages show it.
    pub folder_id: Option<String>,
    /// The newest version; from 1.
    pub version: i64,
    /// Who made it, if a user did.
    #[diesel(deserialize_as = OptId)]
    pub creator_id: Option<UserId>,
    /// Who made it, if a key did.
    #[diesel(deserialize_as = OptId)]
    pub created_by_api_key_id: Option<ApiKeyId>,
    /// Not to be run.
    pub is_disabled: bool,
    /// Since when.
    #[diesel(deserialize_as = OptTime)]
    pub disabled_at: Option<Timestamp>,
    /// Made.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Saved.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// A saved version: what a run is pinned to.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = workflow_versions)]
pub struct VersionRow {
    /// The workflow.
    #[diesel(deserialize_as = Id)]
    pub workflow_id: WorkflowId,
    /// From 1, without holes.
    pub version: i64,
    /// The title then.
    pub title: String,
    /// `workflowOptions` then, a JSON object.
    pub options: String,
    /// The nodes, a JSON array in the form that its writer chose.
    pub nodes: String,
    /// The edges, a JSON array.
    pub edges: String,
    /// Who saved it.
    #[diesel(deserialize_as = OptId)]
    pub author: Option<UserId>,
    /// When.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
}

/// A version without its graph.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = workflow_versions)]
pub struct VersionHead {
    /// From 1, without holes.
    pub version: i64,
    /// The title then.
    pub title: String,
    /// Who saved it.
    #[diesel(deserialize_as = OptId)]
    pub author: Option<UserId>,
    /// When.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
}

/// A workflow with its newest graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// The workflow.
    pub row: WorkflowRow,
    /// Its newest version.
    pub graph: VersionRow,
}

/// What a new workflow needs.
#[derive(Debug, Clone)]
pub struct NewWorkflow {
    /// uuid v7.
    pub workflow_id: WorkflowId,
    /// Whose.
    pub tenant_id: TenantId,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    pub description: Option<String>,
    /// A JSON object.
    pub options: String,
    /// Where pages show it.
    pub folder_id: Option<String>,
    /// A JSON array.
    pub nodes: String,
    /// A JSON array.
    pub edges: String,
    /// Who makes it, if a user does.
    pub creator_id: Option<UserId>,
    /// Who makes it, if a key does.
    pub created_by_api_key_id: Option<ApiKeyId>,
    /// Now.
    pub at: Timestamp,
}

/// What a save changes; an absent field stays.
#[derive(Debug, Clone, Default)]
pub struct WorkflowChange {
    /// 1 to 255 characters.
    pub title: Option<String>,
    /// For people; `Some(None)` removes it.
    pub description: Option<Option<String>>,
    /// A JSON object.
    pub options: Option<String>,
    /// Where pages show it; `Some(None)` removes it.
    pub folder_id: Option<Option<String>>,
    /// A JSON array.
    pub nodes: Option<String>,
    /// A JSON array.
    pub edges: Option<String>,
    /// Who saves it.
    pub author: Option<UserId>,
}

impl WorkflowChange {
    /// Whether something differs that a run is pinned to.
    fn makes_a_version(&self, old: &Workflow) -> bool {
        let differs = |new: &Option<String>, old: &String| new.as_ref().is_some_and(|new| new != old);
        differs(&self.title, &old.row.title)
            || differs(&self.options, &old.row.options)
            || differs(&self.nodes, &old.graph.nodes)
            || differs(&self.edges, &old.graph.edges)
    }
}

/// Makes a workflow with its version 1; `Reference` when there is no such tenant.
pub fn insert(connection: &mut Connection, new: &NewWorkflow) -> Result<Workflow, Error> {
    let at = to_micros(new.at);
    diesel::insert_into(workflows::table)
        .values((
            workflows::workflow_id.eq(new.workflow_id.as_str()),
            workflows::tenant_id.eq(new.tenant_id.as_str()),
            workflows::title.eq(&new.title),
            workflows::description.eq(&new.description),
            workflows::options.eq(&new.options),
            workflows::folder_id.eq(&new.folder_id),
            workflows::version.eq(1_i64),
            workflows::creator_id.eq(new.creator_id.as_ref().map(UserId::as_str)),
            workflows::created_by_api_key_id.eq(new.created_by_api_key_id.as_ref().map(ApiKeyId::as_str)),
            workflows::is_disabled.eq(false),
            workflows::created_at.eq(at),
            workflows::updated_at.eq(at),
        ))
        .execute(connection)?;
    let graph = VersionRow {
        workflow_id: new.workflow_id.clone(),
        version: 1,
        title: new.title.clone(),
        options: new.options.clone(),
        nodes: new.nodes.clone(),
        edges: new.edges.clone(),
        author: new.creator_id.clone(),
        created_at: new.at,
    };
    insert_version(connection, &graph)?;
    catalogue::bump(connection, &new.tenant_id)?;
    find(connection, &new.tenant_id, &new.workflow_id)?.ok_or(Error::NotFound)
}

fn insert_version(connection: &mut Connection, row: &VersionRow) -> Result<(), Error> {
    diesel::insert_into(workflow_versions::table)
        .values((
            workflow_versions::workflow_id.eq(row.workflow_id.as_str()),
            workflow_versions::version.eq(row.version),
            workflow_versions::title.eq(&row.title),
            workflow_versions::options.eq(&row.options),
            workflow_versions::nodes.eq(&row.nodes),
            workflow_versions::edges.eq(&row.edges),
            workflow_versions::author.eq(row.author.as_ref().map(UserId::as_str)),
            workflow_versions::created_at.eq(to_micros(row.created_at)),
        ))
        .execute(connection)?;
    Ok(())
}

/// One of a tenant, with its newest graph.
pub fn find(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &WorkflowId,
) -> Result<Option<Workflow>, Error> {
    let row: Option<WorkflowRow> = workflows::table
        .find(id.as_str())
        .filter(workflows::tenant_id.eq(tenant.as_str()))
        .select(WorkflowRow::as_select())
        .first(connection)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let graph = version(connection, id, row.version)?;
    Ok(graph.map(|graph| Workflow { row, graph }))
}

/// Whose a workflow is, when nobody said in which tenant to look.
pub fn tenant_of(connection: &mut Connection, id: &WorkflowId) -> Result<Option<TenantId>, Error> {
    let query = workflows::table.find(id.as_str()).select(workflows::tenant_id);
    let found: Option<String> = query.first(connection).optional()?;
    Ok(found.map(|tenant| TenantId::trusted(&tenant)))
}

/// A version that a run is pinned to.
pub fn version(
    connection: &mut Connection,
    id: &WorkflowId,
    version: i64,
) -> Result<Option<VersionRow>, Error> {
    let query = workflow_versions::table.find((id.as_str(), version)).select(VersionRow::as_select());
    Ok(query.first(connection).optional()?)
}

/// The versions of a workflow without their graphs, newest first: number, title, author, time.
pub fn versions(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &WorkflowId,
    most: i64,
) -> Result<Vec<VersionHead>, Error> {
    let query = workflow_versions::table
        .inner_join(workflows::table.on(workflows::workflow_id.eq(workflow_versions::workflow_id)))
        .filter(workflow_versions::workflow_id.eq(id.as_str()))
        .filter(workflows::tenant_id.eq(tenant.as_str()))
        .select(VersionHead::as_select())
        .order(workflow_versions::version.desc())
        .limit(most);
    Ok(query.load(connection)?)
}

/// Which of these workflows a tenant has.
pub fn known(connection: &mut Connection, tenant: &TenantId, ids: &[String]) -> Result<Vec<String>, Error> {
    let query = workflows::table
        .filter(workflows::tenant_id.eq(tenant.as_str()))
        .filter(workflows::workflow_id.eq_any(ids))
        .select(workflows::workflow_id);
    Ok(query.load(connection)?)
}

/// Saves a change; `NotFound` when the tenant has no such workflow, `Fenced` when another save came in
/// between (PostgreSQL only). What runs see (title, options, graph) makes the next version; anything
/// else changes the workflow only, and nothing at all changes nothing.
pub fn update(
    connection: &mut Connection,
    tenant: &TenantId,
    id: &WorkflowId,
    change: &WorkflowChange,
    at: Timestamp,
) -> Result<Workflow, Error> {
    let old = find(connection, tenant, id)?.ok_or(Error::NotFound)?;
    let is_version = change.makes_a_version(&old);
    let kept = |new: &Option<Option<String>>, old: &Option<String>| new.as_ref().is_none_or(|new| new == old);
    if !is_version
        && kept(&change.description, &old.row.description)
        && kept(&change.folder_id, &old.row.folder_id)
    {
        return Ok(old);
    }
    let graph = VersionRow {
        workflow_id: id.clone(),
        version: old.row.version + i64::from(is_version),
        title: change.title.clone().unwrap_or(old.row.title),
        options: change.options.clone().unwrap_or(old.row.options),
        nodes: change.nodes.clone().unwrap_or(old.graph.nodes),
        edges: change.edges.clone().unwrap_or(old.graph.edges),
        author: change.author.clone(),
        created_at: at,
    };
    let row = workflows::table.find(id.as_str()).filter(workflows::version.eq(old.row.version));
    let changed = diesel::update(row)
        .set((
            workflows::title.eq(&graph.title),
            workflows::options.eq(&graph.options),
            workflows::version.eq(graph.version),
            change.description.as_ref().map(|description| workflows::description.eq(description)),
            change.folder_id.as_ref().map(|folder| workflows::folder_id.eq(folder)),
            workflows::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 {
        return Err(Error::Fenced);
    }
    if is_version {
        insert_version(connection, &graph)?;
    }
    catalogue::bump(connection, tenant)?;
    find(connection, tenant, id)?.ok_or(Error::NotFound)
}

/// Removes a workflow with its versions; its runs are the caller's. `NotFound` when the tenant has
/// no such workflow.
pub fn remove(connection: &mut Connection, tenant: &TenantId, id: &WorkflowId) -> Result<(), Error> {
    let row = workflows::table.find(id.as_str()).filter(workflows::tenant_id.eq(tenant.as_str()));
    let gone = diesel::delete(row).execute(connection)?;
    if gone == 0 {
        return Err(Error::NotFound);
    }
    catalogue::bump(connection, tenant)
}

/// Which workflows of a tenant.
#[derive(Debug, Clone, Default)]
pub struct WorkflowFilter {
    /// Part of the title, in any case.
    pub search: Option<String>,
    /// In this folder only.
    pub folder_id: Option<String>,
}

/// The workflows of a tenant with their newest graphs, newest first.
pub fn list(
    connection: &mut Connection,
    tenant: &TenantId,
    filter: &WorkflowFilter,
    page: &ListPage,
) -> Result<Listed<Workflow>, Error> {
    let mut count = workflows::table.filter(workflows::tenant_id.eq(tenant.as_str())).count().into_boxed();
    let mut query = workflows::table
        .inner_join(
            workflow_versions::table.on(workflow_versions::workflow_id
                .eq(workflows::workflow_id)
                .and(workflow_versions::version.eq(workflows::version))),
        )
        .filter(workflows::tenant_id.eq(tenant.as_str()))
        .select((WorkflowRow::as_select(), VersionRow::as_select()))
        .into_boxed();
    if let Some(search) = &filter.search {
        count = count.filter(lower(workflows::title).like(contains(search)).escape('\\'));
        query = query.filter(lower(workflows::title).like(contains(search)).escape('\\'));
    }
    if let Some(folder) = &filter.folder_id {
        count = count.filter(workflows::folder_id.eq(folder));
        query = query.filter(workflows::folder_id.eq(folder));
    }
    let total = count.get_result(connection)?;
    if let Some((at, id)) = page.after()? {
        let same = workflows::created_at.eq(at).and(workflows::workflow_id.lt(id));
        query = query.filter(workflows::created_at.lt(at).or(same));
    }
    let rows: Vec<(WorkflowRow, VersionRow)> = query
        .order((workflows::created_at.desc(), workflows::workflow_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    let listed = page.finish(rows, total, |(row, _)| (row.created_at, row.workflow_id.to_string()));
    Ok(listed.map(|(row, graph)| Workflow { row, graph }))
}
