//! Runs as lists and permissions see them. The truth about a run is its stream; these rows are
//! projections of it.

use diesel::prelude::*;
use jiff::Timestamp;

use super::{
    ListPage, Listed, collection,
    columns::{Id, OptId, OptTime, Time, plain, unknown},
    timers, to_micros,
};
use crate::{
    ids::{ApiKeyId, NodeId, RunId, StreamId, TenantId, UserId, WorkflowId},
    store::{
        Connection, Error,
        schema::{ingest_keys, journal, runs, streams},
    },
};

/// Status of a run (`contract.md` 5.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RunStatus {
    /// Accepted, not started.
    Pending,
    /// On its way.
    Running,
    /// Ended well.
    Completed,
    /// Ended badly.
    Failed,
    /// Ended because it was asked to.
    Cancelled,
}

impl RunStatus {
    /// Spelling on the wire and in the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Completed => "COMPLETED",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
    /// From its spelling on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Pending, Self::Running, Self::Completed, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
    /// It never changes again.
    pub fn is_terminal(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

impl TryFrom<Id> for RunStatus {
    type Error = Error;
    fn try_from(column: Id) -> Result<Self, Error> {
        Self::parse(&column.0).ok_or_else(|| unknown("run status", &column.0))
    }
}

/// Who executes the nodes of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Executor {
    /// This hub.
    Internal,
    /// Somebody who reports by ingest; the hub dispatches nothing.
    External,
}

impl Executor {
    /// Spelling on the wire and in the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
        }
    }
}

impl TryFrom<Id> for Executor {
    type Error = Error;
    fn try_from(column: Id) -> Result<Self, Error> {
        match column.0.as_str() {
            "internal" => Ok(Self::Internal),
            "external" => Ok(Self::External),
            other => Err(unknown("executor", other)),
        }
    }
}

/// A run.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = runs)]
pub struct Run {
    /// `instanceID`.
    #[diesel(deserialize_as = Id)]
    pub instance_id: RunId,
    /// Whose.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// Of which workflow; a test run may have none.
    #[diesel(deserialize_as = OptId)]
    pub workflow_id: Option<WorkflowId>,
    /// Its title when the run started.
    pub workflow_title: String,
    /// Pinned version; none when the run carries its own definition.
    pub version: Option<i64>,
    /// Where it is.
    #[diesel(deserialize_as = Id)]
    pub status: RunStatus,
    /// Its graph came in the request.
    pub is_test: bool,
    /// Who executes it.
    #[diesel(deserialize_as = Id)]
    pub executor: Executor,
    /// Who started it, if a user did.
    #[diesel(deserialize_as = OptId)]
    pub starter_user_id: Option<UserId>,
    /// Who started it, if a key did.
    #[diesel(deserialize_as = OptId)]
    pub starter_api_key_id: Option<ApiKeyId>,
    /// The run whose node started it.
    #[diesel(deserialize_as = OptId)]
    pub parent_instance_id: Option<RunId>,
    /// That node.
    #[diesel(deserialize_as = OptId)]
    pub parent_node_id: Option<NodeId>,
    /// Accepted.
    #[diesel(deserialize_as = Time)]
    pub started_at: Timestamp,
    /// Ended.
    #[diesel(deserialize_as = OptTime)]
    pub completed_at: Option<Timestamp>,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// Why it failed, for programs.
    pub error_code: Option<String>,
    /// It must be woken at start: a node is dispatched without a result, or a result unprocessed.
    pub attention: bool,
}

/// What a new run needs; inserted with its first rows by [`Projection::RunInserted`](crate::store::Projection).
#[derive(Debug, Clone)]
pub struct NewRun {
    /// `instanceID`.
    pub instance_id: RunId,
    /// Whose.
    pub tenant_id: TenantId,
    /// Of which workflow.
    pub workflow_id: Option<WorkflowId>,
    /// Its title now.
    pub workflow_title: String,
    /// Pinned version.
    pub version: Option<i64>,
    /// Where it begins.
    pub status: RunStatus,
    /// Its graph came in the request.
    pub is_test: bool,
    /// Who executes it.
    pub executor: Executor,
    /// Who starts it, if a user does.
    pub starter_user_id: Option<UserId>,
    /// Who starts it, if a key does.
    pub starter_api_key_id: Option<ApiKeyId>,
    /// The run whose node starts it.
    pub parent_instance_id: Option<RunId>,
    /// That node.
    pub parent_node_id: Option<NodeId>,
    /// Now.
    pub started_at: Timestamp,
    /// It must be woken at start.
    pub attention: bool,
    /// It ended with its first rows: nothing of it need be written twice.
    pub ended: Option<RunChange>,
}

/// Where a run is now; a field without value stays.
#[derive(Debug, Clone)]
pub struct RunChange {
    /// Where it is.
    pub status: RunStatus,
    /// It must be woken at start.
    pub attention: bool,
    /// Ended.
    pub completed_at: Option<Timestamp>,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// Why it failed, for programs.
    pub error_code: Option<String>,
}

pub(in crate::store) fn insert(connection: &mut Connection, new: &NewRun) -> Result<(), Error> {
    let ended = new.ended.as_ref();
    diesel::insert_into(runs::table)
        .values((
            runs::instance_id.eq(new.instance_id.as_str()),
            runs::tenant_id.eq(new.tenant_id.as_str()),
            runs::workflow_id.eq(new.workflow_id.as_ref().map(WorkflowId::as_str)),
            runs::workflow_title.eq(plain(&new.workflow_title)),
            runs::version.eq(new.version),
            runs::status.eq(ended.map_or(new.status, |ended| ended.status).as_str()),
            runs::is_test.eq(new.is_test),
            runs::executor.eq(new.executor.as_str()),
            runs::starter_user_id.eq(new.starter_user_id.as_ref().map(UserId::as_str)),
            runs::starter_api_key_id.eq(new.starter_api_key_id.as_ref().map(ApiKeyId::as_str)),
            runs::parent_instance_id.eq(new.parent_instance_id.as_ref().map(RunId::as_str)),
            runs::parent_node_id.eq(new.parent_node_id.as_ref().map(NodeId::as_str)),
            runs::started_at.eq(to_micros(new.started_at)),
            runs::attention.eq(new.attention && ended.is_none()),
            runs::completed_at.eq(ended.and_then(|ended| ended.completed_at).map(to_micros)),
            runs::error.eq(ended.and_then(|ended| ended.error.as_deref()).map(plain)),
            runs::error_code.eq(ended.and_then(|ended| ended.error_code.as_deref()).map(plain)),
        ))
        .execute(connection)?;
    Ok(())
}

pub(in crate::store) fn update(
    connection: &mut Connection,
    id: &RunId,
    change: &RunChange,
) -> Result<(), Error> {
    diesel::update(runs::table.find(id.as_str()))
        .set((
            runs::status.eq(change.status.as_str()),
            runs::attention.eq(change.attention),
            change.completed_at.map(|at| runs::completed_at.eq(to_micros(at))),
            change.error.as_deref().map(|error| runs::error.eq(plain(error))),
            change.error_code.as_deref().map(|code| runs::error_code.eq(plain(code))),
        ))
        .execute(connection)?;
    Ok(())
}

pub(in crate::store) fn set_attention(
    connection: &mut Connection,
    id: &RunId,
    on: bool,
) -> Result<(), Error> {
    diesel::update(runs::table.find(id.as_str())).set(runs::attention.eq(on)).execute(connection)?;
    Ok(())
}

/// One by id, of any tenant: the caller compares.
pub fn find(connection: &mut Connection, id: &RunId) -> Result<Option<Run>, Error> {
    let query = runs::table.find(id.as_str()).select(Run::as_select());
    Ok(query.first(connection).optional()?)
}

/// Which runs of a tenant.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Of this workflow only.
    pub workflow_id: Option<WorkflowId>,
    /// With this status only.
    pub status: Option<RunStatus>,
    /// Of the test runs only those that are shown.
    pub tests: Tests,
}

/// Which test runs are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Tests {
    /// All.
    #[default]
    All,
    /// Those of this user; of nobody none.
    Of(Option<UserId>),
}

/// The runs of a tenant, latest start first.
pub fn list(
    connection: &mut Connection,
    tenant: &TenantId,
    filter: &RunFilter,
    page: &ListPage,
) -> Result<Listed<Run>, Error> {
    let mut count = runs::table.filter(runs::tenant_id.eq(tenant.as_str())).count().into_boxed();
    let mut query =
        runs::table.filter(runs::tenant_id.eq(tenant.as_str())).select(Run::as_select()).into_boxed();
    if let Some(workflow) = &filter.workflow_id {
        count = count.filter(runs::workflow_id.eq(workflow.as_str()));
        query = query.filter(runs::workflow_id.eq(workflow.as_str()));
    }
    if let Some(status) = filter.status {
        count = count.filter(runs::status.eq(status.as_str()));
        query = query.filter(runs::status.eq(status.as_str()));
    }
    if let Tests::Of(user) = &filter.tests {
        let user = user.as_ref().map_or("", UserId::as_str).to_owned();
        let shown = || {
            runs::is_test.eq(false).or(runs::starter_user_id
                .is_not_null()
                .and(runs::starter_user_id.assume_not_null().eq(user.clone())))
        };
        count = count.filter(shown());
        query = query.filter(shown());
    }
    let total = count.get_result(connection)?;
    if let Some((at, id)) = page.after()? {
        let same = runs::started_at.eq(at).and(runs::instance_id.lt(id));
        query = query.filter(runs::started_at.lt(at).or(same));
    }
    let rows = query
        .order((runs::started_at.desc(), runs::instance_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    Ok(page.finish(rows, total, |row: &Run| (row.started_at, row.instance_id.to_string())))
}

/// Runs that must be woken at start, by id, behind `after`. Waiting runs cost nothing here: the
/// index holds the others only.
pub fn needing_attention(
    connection: &mut Connection,
    after: Option<&RunId>,
    limit: i64,
) -> Result<Vec<Run>, Error> {
    let mut query = runs::table.filter(runs::attention).select(Run::as_select()).into_boxed();
    if let Some(after) = after {
        query = query.filter(runs::instance_id.gt(after.as_str()));
    }
    Ok(query.order(runs::instance_id.asc()).limit(limit).load(connection)?)
}

/// Unfinished runs of a workflow (all of them, by id): they are cancelled before it goes.
pub fn active_of_workflow(connection: &mut Connection, workflow: &WorkflowId) -> Result<Vec<RunId>, Error> {
    let active = [RunStatus::Pending.as_str(), RunStatus::Running.as_str()];
    let ids: Vec<String> = runs::table
        .filter(runs::workflow_id.eq(workflow.as_str()))
        .filter(runs::status.eq_any(active))
        .select(runs::instance_id)
        .order(runs::instance_id.asc())
        .load(connection)?;
    Ok(ids.iter().map(|id| RunId::trusted(id)).collect())
}

/// Children of a run that have not ended, by id.
pub fn living_children(connection: &mut Connection, parent: &RunId) -> Result<Vec<RunId>, Error> {
    let active = [RunStatus::Pending.as_str(), RunStatus::Running.as_str()];
    let ids: Vec<String> = runs::table
        .filter(runs::parent_instance_id.eq(parent.as_str()))
        .filter(runs::status.eq_any(active))
        .select(runs::instance_id)
        .order(runs::instance_id.asc())
        .load(connection)?;
    Ok(ids.iter().map(|id| RunId::trusted(id)).collect())
}

/// Runs that have a child which has not ended, by id, behind `after`; each of them once.
pub fn parents_of_living(
    connection: &mut Connection,
    after: Option<&RunId>,
    limit: i64,
) -> Result<Vec<RunId>, Error> {
    let active = [RunStatus::Pending.as_str(), RunStatus::Running.as_str()];
    let mut query = runs::table
        .filter(runs::parent_instance_id.is_not_null())
        .filter(runs::status.eq_any(active))
        .select(runs::parent_instance_id)
        .distinct()
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(runs::parent_instance_id.gt(after.as_str()));
    }
    let ids: Vec<Option<String>> =
        query.order(runs::parent_instance_id.asc()).limit(limit).load(connection)?;
    Ok(ids.iter().flatten().map(|id| RunId::trusted(id)).collect())
}

/// The runs of a tenant that are running, by who executes them.
pub fn running(
    connection: &mut Connection,
    tenant: &TenantId,
    executor: Executor,
) -> Result<Vec<RunId>, Error> {
    let ids: Vec<String> = runs::table
        .filter(runs::tenant_id.eq(tenant.as_str()))
        .filter(runs::status.eq(RunStatus::Running.as_str()))
        .filter(runs::executor.eq(executor.as_str()))
        .select(runs::instance_id)
        .load(connection)?;
    Ok(ids.iter().map(|id| RunId::trusted(id)).collect())
}

/// The children of a run, whatever became of them.
pub fn children(connection: &mut Connection, parent: &RunId) -> Result<Vec<Run>, Error> {
    let query = runs::table.filter(runs::parent_instance_id.eq(parent.as_str())).select(Run::as_select());
    Ok(query.order(runs::instance_id.asc()).load(connection)?)
}

/// The runs of a tenant that wait for a place, in their order.
pub fn pending(connection: &mut Connection, tenant: &TenantId) -> Result<Vec<RunId>, Error> {
    let ids: Vec<String> = runs::table
        .filter(runs::tenant_id.eq(tenant.as_str()))
        .filter(runs::status.eq(RunStatus::Pending.as_str()))
        .select(runs::instance_id)
        .order((runs::started_at.asc(), runs::instance_id.asc()))
        .load(connection)?;
    Ok(ids.iter().map(|id| RunId::trusted(id)).collect())
}

/// Ids of some runs of a workflow that have ended, to remove them in parts.
pub fn ended_of_workflow(
    connection: &mut Connection,
    workflow: &WorkflowId,
    limit: i64,
) -> Result<Vec<RunId>, Error> {
    let active = [RunStatus::Pending.as_str(), RunStatus::Running.as_str()];
    let ids: Vec<String> = runs::table
        .filter(runs::workflow_id.eq(workflow.as_str()))
        .filter(runs::status.ne_all(active))
        .select(runs::instance_id)
        .limit(limit)
        .load(connection)?;
    Ok(ids.iter().map(|id| RunId::trusted(id)).collect())
}

/// Whether a workflow has runs.
pub fn any_of_workflow(connection: &mut Connection, workflow: &WorkflowId) -> Result<bool, Error> {
    let runs = runs::table.filter(runs::workflow_id.eq(workflow.as_str()));
    Ok(diesel::select(diesel::dsl::exists(runs)).get_result(connection)?)
}

/// Removes a run with its stream, rows, timers and keys. Its actor must have ended: an append of it
/// that comes later finds no stream and is fenced.
pub fn remove(connection: &mut Connection, id: &RunId) -> Result<(), Error> {
    let stream = StreamId::of_run(id);
    diesel::delete(streams::table.find(stream.as_str())).execute(connection)?;
    diesel::delete(journal::table.filter(journal::stream.eq(stream.as_str()))).execute(connection)?;
    diesel::delete(ingest_keys::table.filter(ingest_keys::instance_id.eq(id.as_str())))
        .execute(connection)?;
    timers::clear_all(connection, &stream)?;
    collection::remove_of_run(connection, id)?;
    let gone = diesel::delete(runs::table.find(id.as_str())).execute(connection)?;
    if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
}
