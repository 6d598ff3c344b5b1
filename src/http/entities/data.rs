//! The data of a workflow's widget: a run, and what it gave (`contract.md` 4.4, 6.3).

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::{form::Form, widgets::find};
use crate::{
    error::Code,
    http::{
        Answer, Asked, Failure,
        workflows::told::{starter, told},
    },
    ids::{RunId, WorkflowId},
    store::tables::runs::{Executor, Run},
    widget::processed,
    workflow::{RunView, StartRun, inputs_of},
};

/// Longest wait for a run.
const WAIT: Duration = Duration::from_secs(30);
/// How often its row is looked at: soon after its start, then less often.
const FIRST_LOOK: Duration = Duration::from_millis(5);
const LAST_LOOK: Duration = Duration::from_millis(250);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Instance {
    #[serde(rename = "instanceID")]
    instance_id: RunId,
    status: &'static str,
    workflow_title: String,
    #[serde(rename = "workflowID")]
    workflow: WorkflowId,
    /// Of a run that has ended well.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<String>,
}

/// What a widget shows of a run: the fields of its configuration and of the body.
struct Shown {
    kind: Option<Value>,
    fields: Option<Value>,
    parameters: Option<Value>,
    config: Option<Value>,
}

/// Of a widget that is not saved.
pub(super) async fn of_unsaved(asked: Asked) -> Result<Answer, Failure> {
    let config = match asked.body.get("widgetConfig") {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(config)) => config.clone(),
        Some(_) => {
            return Err(Failure::validation(vec![("widgetConfig".into(), "must be an object".into())]));
        }
    };
    answer(&asked, asked.body.get("widgetType").cloned(), config).await
}

/// Of a saved widget; what the body says comes first.
pub(super) async fn of_saved(mut asked: Asked) -> Result<Answer, Failure> {
    let row = find(&asked).await?;
    let _: Map<String, Value> = asked.optional_fields()?;
    let config = row.config.as_object().cloned().unwrap_or_default();
    answer(&asked, Some(Value::String(row.kind)), config).await
}

async fn answer(asked: &Asked, kind: Option<Value>, config: Map<String, Value>) -> Result<Answer, Failure> {
    let mut form = Form::of(asked)?;
    let workflow = form.id("workflowID", WorkflowId::parse).flatten().or_else(|| of_config(&config));
    if workflow.is_none() {
        form.wrong("workflowID", "is missing: this is no widget of a workflow");
    }
    let mode = form.word(&["executionMode"], 16);
    let mode = mode.or_else(|| config.get("executionMode")?.as_str().map(str::to_owned));
    let waits = match mode.as_deref() {
        Some(mode) if mode.eq_ignore_ascii_case("SYNC") => true,
        None => false,
        Some(mode) if mode.eq_ignore_ascii_case("ASYNC") => false,
        Some(_) => {
            form.wrong("executionMode", "must be SYNC or ASYNC");
            false
        }
    };
    form.finish()?;
    let workflow = workflow.ok_or_else(|| Failure::of(Code::WorkflowNotFound))?;
    let body = asked.body.as_object().cloned().unwrap_or_default();
    let start = StartRun {
        tenant: asked.tenant()?.clone(),
        workflow: workflow.clone(),
        inputs: merged(inputs_of(&config), inputs_of(&body)),
        executor: Executor::Internal,
        starter: starter(asked.identity()?),
        idempotency_key: asked.idempotency_key.clone(),
    };
    let started = asked.hub.parts.runs.start(start).await.map_err(told)?;
    let (run, ended) = wait(asked, &started.instance_id, waits).await?;
    let mut instance = Instance {
        instance_id: started.instance_id,
        status: if waits { run.status.as_str() } else { "PENDING" },
        workflow_title: run.workflow_title,
        workflow,
        data: None,
        error: None,
        error_code: None,
    };
    if let Some(view) = ended {
        let given = |name: &str| body.get(name).or_else(|| config.get(name)).cloned();
        let (fields, parameters) = (given("datasetFields"), given("parameters"));
        let config = body.get("widgetConfig").cloned().unwrap_or(Value::Object(config));
        // One without templates would be shown instead of the data.
        let config = Some(config).filter(|config| config.to_string().contains("{{"));
        let shown = Shown { kind, fields, parameters, config };
        instance.status = view.row.status;
        if view.row.status == "COMPLETED" {
            instance.data = Some(data(&view, &shown));
        }
        (instance.error, instance.error_code) = (view.error, view.error_code);
    }
    Answer::field("workflowInstances", &instance)
}

/// The workflow that a configuration names.
fn of_config(config: &Map<String, Value>) -> Option<WorkflowId> {
    let nested = || config.get("workflowConfig").and_then(|nested| nested.get("workflowID"));
    let id = config.get("workflowID").or_else(nested)?;
    WorkflowId::parse(id.as_str()?).ok()
}

/// Inputs of the configuration, then those of the body, key by key.
fn merged(config: Option<Value>, body: Option<Value>) -> Option<Value> {
    match (config, body) {
        (Some(Value::Object(mut below)), Some(Value::Object(above))) => {
            below.extend(above);
            Some(Value::Object(below))
        }
        (below, None) => below,
        (_, above) => above,
    }
}

/// The run, and all about it if it has ended in time.
async fn wait(asked: &Asked, id: &RunId, waits: bool) -> Result<(Run, Option<RunView>), Failure> {
    let parts = &asked.hub.parts;
    let until = parts.clock.monotonic() + WAIT;
    let mut pause = FIRST_LOOK;
    loop {
        let located = parts.runs.locate(id).await.map_err(told)?;
        let run = located.ok_or_else(|| Failure::of(Code::RunNotFound))?.run;
        if !waits {
            return Ok((run, None));
        }
        if run.status.is_terminal() {
            let view = parts.runs.view(asked.tenant()?, id).await.map_err(told)?;
            return Ok((run, Some(view)));
        }
        if parts.clock.monotonic() >= until || asked.hub.is_draining() {
            return Ok((run, None));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LAST_LOOK);
    }
}

/// What a chart is drawn from: `processedData`, else the end node's output, else the context.
fn data(view: &RunView, shown: &Shown) -> Value {
    let of = |value: &Option<Value>| value.clone();
    let (kind, fields) = (of(&shown.kind), of(&shown.fields));
    let (parameters, config) = (of(&shown.parameters), of(&shown.config));
    let ready =
        processed(kind.as_ref(), fields.as_ref(), parameters.as_ref(), config.as_ref(), &view.context_data);
    if !ready.is_null() {
        return ready;
    }
    match &view.output {
        Some(output) => Value::clone(output),
        None => serde_json::to_value(&view.context_data).unwrap_or_default(),
    }
}
