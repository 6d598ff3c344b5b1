//! Runs: start, test, list, show, stop.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{starter, told};
use crate::{
    http::{Answer, Asked, Failure},
    ids::{RunId, WorkflowId},
    store::tables::runs::{Executor, RunStatus},
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
    let list = ListRuns { tenant: asked.tenant()?.clone(), workflow, status, page: asked.page()? };
    Answer::object(&asked.hub.parts.runs.list(list).await.map_err(told)?)
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let run = asked.id("instanceID", RunId::parse)?;
    Answer::object(&asked.hub.parts.runs.view(asked.tenant()?, &run).await.map_err(told)?)
}

pub(super) async fn stop(asked: Asked) -> Result<Answer, Failure> {
    let run = asked.id("instanceID", RunId::parse)?;
    Answer::object(&asked.hub.parts.runs.stop(asked.tenant()?, &run).await.map_err(told)?)
}
