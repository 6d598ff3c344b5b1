//! What REST shows of runs (`contract.md` 4.5, 6.4).

use std::{collections::HashSet, sync::Arc};

use serde::Serialize;
use serde_json::Value;

use super::{Error, Runs, collect, fold::Fold, waiting::Queue};
use crate::{
    clock::to_wire,
    engine,
    ids::{NodeId, RunId, Seq, TenantId, WorkflowId},
    store::{
        Row,
        tables::{
            ListPage,
            runs::{self, Run, RunFilter, RunStatus, Tests},
        },
    },
};

/// Which runs of a tenant.
#[derive(Debug, Clone)]
pub struct ListRuns {
    /// Whose.
    pub tenant: TenantId,
    /// Of this workflow only.
    pub workflow: Option<WorkflowId>,
    /// With this status only.
    pub status: Option<RunStatus>,
    /// Of the test runs only those that are shown.
    pub tests: Tests,
    /// Which part of the list.
    pub page: ListPage,
}

/// A part of the list of runs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunList {
    /// Latest start first.
    pub instances: Vec<RunRow>,
    /// Of the whole list.
    pub total_count: i64,
    /// As asked.
    pub page: u32,
    /// As asked, within its bounds.
    pub page_size: u32,
    /// For the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// A run in a list. Times are wire times.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunRow {
    /// The run.
    #[serde(rename = "instanceID")]
    pub instance_id: RunId,
    /// Of which workflow; null for a test of an unsaved graph.
    #[serde(rename = "workflowID")]
    pub workflow_id: Option<WorkflowId>,
    /// Its title when the run started.
    pub workflow_title: String,
    /// Where it is.
    pub status: &'static str,
    /// Its graph came in the request.
    pub is_test: bool,
    /// Accepted.
    pub started_at: String,
    /// Ended.
    pub completed_at: Option<String>,
    /// The run whose node started it.
    #[serde(rename = "parentInstanceID", skip_serializing_if = "Option::is_none")]
    pub parent_instance_id: Option<RunId>,
    /// That node.
    #[serde(rename = "parentNodeID", skip_serializing_if = "Option::is_none")]
    pub parent_node_id: Option<NodeId>,
    /// Of a run that waits for a place among its tenant's active ones: from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<usize>,
}

/// The whole of a run (`contract.md` 6.4), without the envelope's `success`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// What lists show.
    #[serde(flatten)]
    pub row: RunRow,
    /// The user context: no key begins with `__`.
    pub context_data: engine::Context,
    /// The end node's output.
    pub output: Option<Arc<Value>>,
    /// Why it failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Why it failed, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The last row that is in this answer.
    pub seq: Seq,
    /// Open data-collection requests.
    pub pending_requests: Vec<collect::PendingRequest>,
    /// All rows, oldest first.
    pub logs: Vec<LogView>,
}

/// A row of a run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogView {
    /// `<instanceID>:<seq>`.
    #[serde(rename = "logID")]
    pub log_id: String,
    /// Of which node; null for rows of the run.
    #[serde(rename = "nodeID")]
    pub node_id: Option<String>,
    /// `INPUT_SET`, `NODE_DISPATCHED` …
    pub event_type: String,
    /// `success`, `error`, `suspended` or null.
    pub node_status: Option<&'static str>,
    /// Under which the node's output is kept.
    pub output_variable: Option<String>,
    /// The row, without the hub's own keys.
    pub payload: Value,
    /// Why it failed.
    pub error_message: Option<String>,
    /// From 1.
    pub node_attempt: Option<u32>,
    /// In a loop's body: the index in the innermost loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// What a node in a loop's body gave; it is in no context but that of its pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// When.
    pub created_at: String,
    /// Its place.
    pub seq: Seq,
}

/// In the engine's words.
pub(super) fn engine_status(status: RunStatus) -> engine::RunStatus {
    match status {
        RunStatus::Pending => engine::RunStatus::Pending,
        RunStatus::Running => engine::RunStatus::Running,
        RunStatus::Completed => engine::RunStatus::Completed,
        RunStatus::Failed => engine::RunStatus::Failed,
        RunStatus::Cancelled => engine::RunStatus::Cancelled,
    }
}

/// In the store's words.
pub(super) fn store_status(status: engine::RunStatus) -> RunStatus {
    match status {
        engine::RunStatus::Pending => RunStatus::Pending,
        engine::RunStatus::Running => RunStatus::Running,
        engine::RunStatus::Completed => RunStatus::Completed,
        engine::RunStatus::Failed => RunStatus::Failed,
        engine::RunStatus::Cancelled => RunStatus::Cancelled,
    }
}

impl RunRow {
    fn of(run: &Run) -> Self {
        Self {
            instance_id: run.instance_id.clone(),
            workflow_id: run.workflow_id.clone(),
            workflow_title: run.workflow_title.clone(),
            status: run.status.as_str(),
            is_test: run.is_test,
            started_at: to_wire(run.started_at),
            completed_at: run.completed_at.map(to_wire),
            parent_instance_id: run.parent_instance_id.clone(),
            parent_node_id: run.parent_node_id.clone(),
            queue_position: None,
        }
    }
}

impl LogView {
    /// None for rows that only the hub needs.
    fn of(run: &RunId, event: &engine::RunEvent, row: &Row) -> Option<Self> {
        let log = event.log_row()?;
        Some(Self {
            log_id: format!("{run}:{}", row.seq),
            node_id: log.node.map(|node| node.as_str().to_owned()),
            event_type: log.kind.as_str().to_owned(),
            node_status: log.node_status,
            output_variable: log.output_variable,
            payload: Value::Object(log.payload),
            error_message: log.error,
            node_attempt: log.attempt.map(|attempt| attempt.0),
            iteration: log.iteration,
            output: log.output.map(Value::Object),
            created_at: to_wire(row.at),
            seq: row.seq,
        })
    }
}

impl Runs {
    /// All about one run of a tenant, from the journal; wakes no actor.
    pub async fn view(&self, tenant: &TenantId, run: &RunId) -> Result<RunView, Error> {
        let run = self.find(tenant, run).await?;
        let mut fold = Fold::begin(&self.hub, &run).await?;
        let mut logs = Vec::new();
        while fold
            .page(&self.hub, |_, event, row| logs.extend(LogView::of(&run.instance_id, event, row)))
            .await?
        {
            tokio::task::yield_now().await;
        }
        let state = fold.into_state()?;
        let mut row = RunRow::of(&run);
        let finished = state.finished().map(|(_, finished)| finished);
        if let Some(finished) = finished {
            // The rows may be newer than the list's row.
            row.status = finished.status.as_str();
            row.completed_at = Some(to_wire(finished.at));
        }
        self.queued(tenant, std::iter::once(&mut row)).await?;
        Ok(RunView {
            row,
            context_data: state.context().clone(),
            output: state.output().cloned(),
            error: finished.and_then(|finished| finished.error.clone()),
            error_code: finished.and_then(|finished| finished.error_code.clone()),
            seq: state.seq(),
            pending_requests: collect::pending(&run.instance_id, &state),
            logs,
        })
    }

    /// How many runs of a tenant are active and how many wait, and within which bounds.
    pub async fn queue(&self, tenant: &TenantId) -> Result<Queue, Error> {
        self.hub.admission.count(&self.hub.store, tenant).await?;
        Ok(self.hub.admission.queue(tenant))
    }

    /// Says of runs that wait for a place how many are before them.
    async fn queued<'r>(
        &self,
        tenant: &TenantId,
        rows: impl Iterator<Item = &'r mut RunRow>,
    ) -> Result<(), Error> {
        let pending = RunStatus::Pending.as_str();
        let waiting: Vec<&mut RunRow> = rows.filter(|row| row.status == pending).collect();
        if waiting.is_empty() {
            return Ok(());
        }
        self.hub.admission.count(&self.hub.store, tenant).await?;
        let ids: HashSet<RunId> = waiting.iter().map(|row| row.instance_id.clone()).collect();
        let positions = self.hub.admission.positions(tenant, &ids.iter().collect());
        for row in waiting {
            row.queue_position = positions.get(&row.instance_id).copied();
        }
        Ok(())
    }

    /// Runs of a tenant, latest start first.
    pub async fn list(&self, list: ListRuns) -> Result<RunList, Error> {
        let ListRuns { tenant, workflow, status, tests, page } = list;
        let (number, size) = (page.page, page.page_size);
        let filter = RunFilter { workflow_id: workflow, status, tests };
        let of = tenant.clone();
        let listed = self.hub.store.read(move |db| runs::list(db, &of, &filter, &page)).await?;
        let mut instances: Vec<RunRow> = listed.rows.iter().map(RunRow::of).collect();
        self.queued(&tenant, instances.iter_mut()).await?;
        Ok(RunList {
            instances,
            total_count: listed.total,
            page: number,
            page_size: size,
            next_cursor: listed.next_cursor,
        })
    }
}
