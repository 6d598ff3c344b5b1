//! Runs: start, test, list, show, stop.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    definitions::may_run_queries,
    told::{starter, told},
};
use crate::{
    auth::Permission,
    http::{Answer, Asked, Failure},
    ids::{RunId, WorkflowId},
    store::tables::runs::{Executor, RunStatus, Tests},
    widget::processed,
    workflow::{ListRuns, StartRun, StartTest, inputs_of},
};

#[derive(Deserialize)]
struct Graph {
    nodes: Value,
    edges: Value,
    #[serde(default, rename = "workflowOptions")]
    options: Option<Value>,
    #[serde(default, rename = "workflowID")]
    workflow: Option<WorkflowId>,
}

pub(super) async fn execute(mut asked: Asked) -> Result<Answer, Failure> {
    let workflow = asked.id("workflowID", WorkflowId::parse)?;
    let body: Map<String, Value> = asked.optional_fields()?;
    let start = StartRun {
        tenant: asked.tenant()?.clone(),
        workflow,
        inputs: inputs_of(&body),
        executor: executor(&body)?,
        starter: starter(asked.identity()?),
        idempotency_key: asked.idempotency_key.clone(),
    };
    Answer::object(&asked.hub.parts.runs.start(start).await.map_err(told)?)
}

fn executor(body: &Map<String, Value>) -> Result<Executor, Failure> {
    let text = match body.get("executor") {
        None | Some(Value::Null) => return Ok(Executor::Internal),
        Some(value) => value.as_str(),
    };
    let known = [Executor::Internal, Executor::External];
    known.into_iter().find(|executor| Some(executor.as_str()) == text).ok_or_else(|| {
        Failure::validation(vec![("executor".into(), "must be \"internal\" or \"external\"".into())])
    })
}

pub(super) async fn test(asked: Asked) -> Result<Answer, Failure> {
    let body: Map<String, Value> = asked.fields()?;
    let graph: Graph = asked.fields()?;
    may_run_queries(&asked, Some(&graph.nodes)).await?;
    let start = StartTest {
        tenant: asked.tenant()?.clone(),
        workflow: graph.workflow,
        nodes: graph.nodes,
        edges: graph.edges,
        options: graph.options,
        inputs: inputs_of(&body),
        starter: starter(asked.identity()?),
    };
    Answer::object(&asked.hub.parts.runs.start_test(start).await.map_err(told)?)
}

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let given = |name: &str| asked.query.get(name).filter(|text| !text.is_empty());
    let workflow = match given("workflowID") {
        Some(text) => {
            let parsed = WorkflowId::parse(text);
            Some(parsed.map_err(|error| Failure::invalid(format!("workflowID: {error}")))?)
        }
        None => None,
    };
    let status = match given("status") {
        Some(text) => Some(RunStatus::parse(text).ok_or_else(|| {
            let rule = "must be PENDING, RUNNING, COMPLETED, FAILED or CANCELLED";
            Failure::validation(vec![("status".into(), rule.into())])
        })?),
        None => None,
    };
    let (tenant, identity) = (asked.tenant()?, asked.identity()?);
    let permissions = asked.hub.parts.auth.permissions(identity, tenant).await?;
    let tests = match permissions.contains(Permission::WorkflowTest) {
        true => Tests::All,
        false => Tests::Of(identity.user.clone()),
    };
    let list = ListRuns { tenant: tenant.clone(), workflow, status, tests, page: asked.page()? };
    Answer::object(&asked.hub.parts.runs.list(list).await.map_err(told)?)
}

/// How many runs are active and how many wait, and within which bounds.
pub(super) async fn queue(asked: Asked) -> Result<Answer, Failure> {
    Answer::object(&asked.hub.parts.runs.queue(asked.tenant()?).await.map_err(told)?)
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let run = asked.id("instanceID", RunId::parse)?;
    own_test(&asked, &run).await?;
    Answer::object(&asked.hub.parts.runs.view(asked.tenant()?, &run).await.map_err(told)?)
}

/// The same, with what a widget shows of it (`contract.md` 3.11).
pub(super) async fn widget(mut asked: Asked) -> Result<Answer, Failure> {
    let run = asked.id("instanceID", RunId::parse)?;
    let body: Map<String, Value> = asked.optional_fields()?;
    own_test(&asked, &run).await?;
    let view = asked.hub.parts.runs.view(asked.tenant()?, &run).await.map_err(told)?;
    let given = |name: &str| body.get(name);
    let processed = processed(
        given("widgetType"),
        given("datasetFields"),
        given("parameters"),
        given("widgetConfig"),
        &view.context_data,
    );
    Answer::object(&view)?.and("processedData", &processed)
}

pub(super) async fn stop(asked: Asked) -> Result<Answer, Failure> {
    let run = asked.id("instanceID", RunId::parse)?;
    own_test(&asked, &run).await?;
    Answer::object(&asked.hub.parts.runs.stop(asked.tenant()?, &run).await.map_err(told)?)
}

/// A test run is its starter's, and of those who may test, as for who joins it (`contract.md` 2.4).
async fn own_test(asked: &Asked, run: &RunId) -> Result<(), Failure> {
    let (tenant, identity) = (asked.tenant()?, asked.identity()?);
    let Some(located) = asked.hub.parts.runs.locate(run).await.map_err(told)? else { return Ok(()) };
    // That of another tenant is answered as a missing one.
    let is_test = located.run.is_test && located.run.tenant_id == *tenant;
    let is_own = identity.user.is_some() && identity.user == located.run.starter_user_id;
    if is_test && !is_own {
        asked.hub.parts.auth.authorize(identity, Permission::WorkflowTest, tenant).await?;
    }
    Ok(())
}
