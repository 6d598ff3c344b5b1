//! What tools need of workflows. `chat` and `workflow` are of one floor and do not know each other.

use futures_util::future::BoxFuture;
use serde_json::{Map, Value};

use crate::{
    ai::{Person, ToolError},
    ids::{DataQueryId, RunId, TenantId, UserId, WorkflowId},
};

/// The runs and workflows of tenants. It asks for no rights; what is another tenant's is none.
pub trait Host: Send + Sync + 'static {
    /// What a workflow would do.
    fn plan(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
    ) -> BoxFuture<'static, Result<Option<Plan>, Trouble>>;
    /// The run that was started under this key, if one was.
    fn started(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
        key: String,
    ) -> BoxFuture<'static, Result<Option<RunId>, Trouble>>;
    /// Starts a workflow; the same key is answered with the same run.
    fn start(&self, start: Start) -> BoxFuture<'static, Result<RunId, Trouble>>;
    /// Starts a test run of the graph of a plan.
    fn start_test(&self, start: StartTest) -> BoxFuture<'static, Result<RunId, Trouble>>;
    /// Where a run is.
    fn run(&self, tenant: TenantId, run: RunId) -> BoxFuture<'static, Result<Option<RunSeen>, Trouble>>;
}

/// Why a host did not do it.
#[derive(Debug, Clone)]
pub struct Trouble {
    /// Why.
    pub error: ToolError,
    /// It may go well in a moment: a start may be asked for again under its key.
    pub again: bool,
    /// It may have been done all the same.
    pub unsure: bool,
}

/// A saved workflow, looked at before it runs.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Its title.
    pub title: String,
    /// Not to be run.
    pub is_disabled: bool,
    /// `workflowOptions`: its definitions of inputs are in it.
    pub options: Value,
    /// The graph, as a test run takes it.
    pub nodes: Value,
    /// The graph, as a test run takes it.
    pub edges: Value,
    /// Nodes, those of its children included.
    pub steps: usize,
    /// The queries that it and its children may run; none for one that only a run can tell.
    pub queries: Vec<Option<DataQueryId>>,
}

/// Starts a saved workflow.
#[derive(Debug, Clone)]
pub struct Start {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub workflow: WorkflowId,
    /// Its inputs.
    pub inputs: Map<String, Value>,
    /// For whom.
    pub person: Person,
    /// Names this one start.
    pub key: String,
}

/// Starts a test run.
#[derive(Debug, Clone)]
pub struct StartTest {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub workflow: WorkflowId,
    /// As it was looked at.
    pub plan: Plan,
    /// Its inputs.
    pub inputs: Map<String, Value>,
    /// For whom.
    pub person: Person,
}

/// A run, as far as a chat shows it.
#[derive(Debug, Clone)]
pub struct RunSeen {
    /// The title of its workflow.
    pub title: String,
    /// `RUNNING` …
    pub status: &'static str,
    /// It is a test run: its starter's.
    pub is_test: bool,
    /// Who started it, if a user did.
    pub starter: Option<UserId>,
    /// What its end node gave.
    pub output: Option<Value>,
    /// Why it failed.
    pub error: Option<String>,
    /// Answers of people that it waits for.
    pub waits_for: usize,
}

impl RunSeen {
    /// It never changes again.
    pub fn has_ended(&self) -> bool {
        !matches!(self.status, "PENDING" | "RUNNING")
    }
}
