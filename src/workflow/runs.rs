//! The door to runs.

use serde::Serialize;
use serde_json::Value;

use super::{Error, Ingest, IngestResult, ListRuns, RunList, RunView, StartRun, StartTest, Started};
use crate::{
    ids::{RunId, Seq, TenantId},
    store::tables::runs::{Run, RunStatus},
};

/// Starts, stops, shows, feeds and watches runs. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Runs {}

/// A stopped run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// The run; none when a test run was stopped and removed.
    #[serde(rename = "instanceID", skip_serializing_if = "Option::is_none")]
    pub instance_id: Option<RunId>,
    /// Its terminal status; none when it was removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<&'static str>,
}

/// Where a run is, for those who must check a right before they touch it.
#[derive(Debug, Clone)]
pub struct Located {
    /// Its row.
    pub run: Run,
}

/// A socket wants to watch a run. The right to is checked before.
#[derive(Debug, Clone)]
pub struct Join {
    /// The run.
    pub run: Located,
    /// Only what is after it, all of it; none: the last update of each node.
    pub since: Option<Seq>,
    /// Also updates of nodes that begin or wait.
    pub progress: bool,
    /// The socket watches this run already: no snapshot, unless `since` asks for one.
    pub again: bool,
}

impl Runs {
    /// Starts a run of a saved workflow: answers when its first rows are committed. `PENDING` when the
    /// tenant's active runs are at their limit, `RateLimited` when its queue is full too.
    pub async fn start(&self, start: StartRun) -> Result<Started, Error> {
        unimplemented!("{start:?}")
    }

    /// Starts a test run of the graph in the request.
    pub async fn start_test(&self, start: StartTest) -> Result<Started, Error> {
        unimplemented!("{start:?}")
    }

    /// All about one run of a tenant, from the journal; wakes no actor.
    pub async fn view(&self, tenant: &TenantId, run: &RunId) -> Result<RunView, Error> {
        unimplemented!("{tenant} {run}")
    }

    /// Runs of a tenant, latest start first.
    pub async fn list(&self, list: ListRuns) -> Result<RunList, Error> {
        unimplemented!("{list:?}")
    }

    /// Stops a run: a test run is cancelled and removed, any other is cancelled and kept. Idempotent:
    /// a finished run answers with its status.
    pub async fn stop(&self, tenant: &TenantId, run: &RunId) -> Result<Stopped, Error> {
        unimplemented!("{tenant} {run}")
    }

    /// Takes the events of a run that is executed elsewhere, all or none, and answers in their order.
    pub async fn ingest(&self, ingest: Ingest) -> Result<Vec<IngestResult>, Error> {
        unimplemented!("{ingest:?}")
    }

    /// The run's row, of whatever tenant: the caller checks the right in `run.tenant_id` and answers a
    /// foreign run exactly as a missing one.
    pub async fn locate(&self, run: &RunId) -> Result<Option<Located>, Error> {
        unimplemented!("{run}")
    }

    /// Wakes what must go on after a start: runs with a node in flight, then those that wait for a
    /// place; some hundreds at a time. Waiting runs cost nothing.
    pub async fn recover(&self) -> Result<usize, Error> {
        unimplemented!()
    }

    /// The status and last output of a run, for lists that show it: terminal or not.
    pub async fn status(&self, run: &RunId) -> Result<Option<(RunStatus, Option<Value>)>, Error> {
        unimplemented!("{run}")
    }
}
