//! Workflows, as the tools of a chat need them: `chat` and `workflow` are of one floor and do not know each other.

use std::collections::HashSet;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::{
    ai::ToolError,
    chat::tools::{Host, Plan, RunSeen, Start, StartTest, Trouble},
    error::{Class, Code, Coded},
    ids::{DataQueryId, RunId, TenantId, WorkflowId},
    store::tables::runs::Executor,
    workflow::{self, Catalogue, Error, NodeView, Runs, StartRun, Starter},
};

/// Most workflows that are looked at for one plan; what is beyond them is not known.
const MOST: usize = 200;

/// The doors to runs and definitions, for the tools of a chat.
pub struct OfWorkflows {
    /// Runs.
    pub runs: Runs,
    /// Saved workflows.
    pub catalogue: Catalogue,
}

fn trouble(error: &Error) -> Trouble {
    let again = error.code().class() == Class::Unavailable;
    // The answer to a write was lost, or that of an actor.
    let unsure = error.code() == Code::RunLost;
    let told = match error {
        Error::WorkflowNotFound => ToolError::NotFound("workflow"),
        Error::RunNotFound => ToolError::NotFound("run"),
        Error::Inputs(_) | Error::TooLarge(_) => ToolError::Invalid(error.public_message()),
        error => ToolError::Failed { code: error.code(), message: error.public_message() },
    };
    if error.code().class() == Class::Bug {
        log::error!("a workflow was not reached from the chat: {error}");
    }
    Trouble { error: told, again, unsure }
}

fn missing<T>(found: Result<T, Error>) -> Result<Option<T>, Trouble> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Error::WorkflowNotFound | Error::RunNotFound) => Ok(None),
        Err(error) => Err(trouble(&error)),
    }
}

impl Host for OfWorkflows {
    fn plan(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
    ) -> BoxFuture<'static, Result<Option<Plan>, Trouble>> {
        let catalogue = self.catalogue.clone();
        Box::pin(async move {
            let Some(view) = missing(catalogue.get(&tenant, &workflow).await)? else { return Ok(None) };
            let mut plan = Plan {
                title: view.title.clone(),
                is_disabled: view.is_disabled,
                options: view.workflow_options.clone(),
                nodes: json!(view.nodes),
                edges: json!(view.edges),
                steps: 0,
                queries: Vec::new(),
            };
            let mut seen = HashSet::from([workflow]);
            let mut below = look_at(&view.nodes, &mut plan);
            while let Some(child) = below.pop() {
                if seen.contains(&child) {
                    continue;
                }
                if seen.len() >= MOST {
                    plan.queries.push(None);
                    break;
                }
                // A child that is not there fails its node.
                if let Some(view) = missing(catalogue.get(&tenant, &child).await)? {
                    below.extend(look_at(&view.nodes, &mut plan));
                }
                seen.insert(child);
            }
            Ok(Some(plan))
        })
    }

    fn started(
        &self,
        tenant: TenantId,
        workflow: WorkflowId,
        key: String,
    ) -> BoxFuture<'static, Result<Option<RunId>, Trouble>> {
        let runs = self.runs.clone();
        Box::pin(async move {
            runs.started_under(&tenant, &workflow, &key).await.map_err(|error| trouble(&error))
        })
    }

    fn start(&self, start: Start) -> BoxFuture<'static, Result<RunId, Trouble>> {
        let runs = self.runs.clone();
        let start = StartRun {
            tenant: start.tenant,
            workflow: start.workflow,
            inputs: Some(Value::Object(start.inputs)),
            executor: Executor::Internal,
            starter: Starter { user: Some(start.person.user), api_key: start.person.api_key },
            idempotency_key: Some(start.key),
        };
        Box::pin(async move {
            let started = runs.start(start).await;
            started.map(|started| started.instance_id).map_err(|error| trouble(&error))
        })
    }

    fn start_test(&self, start: StartTest) -> BoxFuture<'static, Result<RunId, Trouble>> {
        let runs = self.runs.clone();
        let Plan { nodes, edges, options, .. } = start.plan;
        let start = workflow::StartTest {
            tenant: start.tenant,
            workflow: Some(start.workflow),
            nodes,
            edges,
            options: Some(options),
            inputs: Some(Value::Object(start.inputs)),
            starter: Starter { user: Some(start.person.user), api_key: start.person.api_key },
        };
        Box::pin(async move {
            let started = runs.start_test(start).await;
            started.map(|started| started.instance_id).map_err(|error| trouble(&error))
        })
    }

    fn run(&self, tenant: TenantId, run: RunId) -> BoxFuture<'static, Result<Option<RunSeen>, Trouble>> {
        let runs = self.runs.clone();
        Box::pin(async move {
            let located = runs.locate(&run).await.map_err(|error| trouble(&error))?;
            let Some(located) = located.filter(|located| located.run.tenant_id == tenant) else {
                return Ok(None);
            };
            let Some(view) = missing(runs.view(&tenant, &run).await)? else { return Ok(None) };
            Ok(Some(RunSeen {
                title: view.row.workflow_title,
                status: view.row.status,
                is_test: view.row.is_test,
                starter: located.run.starter_user_id,
                output: view.output.map(|output| output.as_ref().clone()),
                error: view.error,
                waits_for: view.pending_requests.len(),
            }))
        })
    }
}

/// Notes what a workflow's nodes do; its children are left to be looked at.
fn look_at(nodes: &[NodeView], plan: &mut Plan) -> Vec<WorkflowId> {
    let mut children = Vec::new();
    for node in nodes {
        plan.steps += 1;
        if node.node_config.get("isDisabled") == Some(&Value::Bool(true)) {
            continue;
        }
        match node.node_type.as_str() {
            "dataQuery" => {
                plan.queries.push(named(node, "dataQueryID").and_then(|id| DataQueryId::parse(id).ok()));
            }
            "subWorkflow" => match named(node, "childWorkflowID").and_then(|id| WorkflowId::parse(id).ok()) {
                Some(child) => children.push(child),
                None => plan.queries.push(None),
            },
            _ => {}
        }
    }
    children
}

/// What a field names, unless only a run can tell.
fn named<'n>(node: &'n NodeView, field: &str) -> Option<&'n str> {
    let text = node.node_config.get(field)?.as_str()?.trim();
    (!text.is_empty() && !text.contains("{{")).then_some(text)
}
