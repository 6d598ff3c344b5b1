//! `start_workflow`: planned, shown, started once.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::{
    Plan, Start, StartTest, Trouble,
    hands::{Inner, failed, stored},
    rights::{Caller, unchanged_plan},
    words,
};
use crate::{
    ai::{Called, Output, ToolError},
    chat::{Answered, Proposal},
    datasource::Effect,
    engine::resolve_inputs,
    error::Code,
    ids::{DataQueryId, RunId, TenantId, WorkflowId},
    store::tables::dataqueries,
};

/// First wait before the host is asked again; doubles.
const AGAIN: Duration = Duration::from_millis(50);
/// How often it is asked.
const TRIES: u32 = 6;
/// How long a preview waits for the end of its test run.
const SHOWN: Duration = Duration::from_secs(3);
/// First wait before it looks again; grows.
const LOOK: Duration = Duration::from_millis(30);
/// Queries that a plan names.
const NAMED: usize = 10;

impl Inner {
    /// A workflow of the tenant with the inputs that it would run with.
    pub(super) async fn plan(
        &self,
        caller: &Caller,
        workflow: &WorkflowId,
        inputs: &Map<String, Value>,
    ) -> Result<(Plan, Map<String, Value>), ToolError> {
        let plan = self.host.plan(caller.tenant.clone(), workflow.clone()).await;
        let plan = plan.map_err(|trouble| trouble.error)?.ok_or(ToolError::NotFound("workflow"))?;
        if plan.is_disabled {
            let message = "the workflow is disabled".to_owned();
            return Err(ToolError::Failed { code: Code::Conflict, message });
        }
        let given = Value::Object(inputs.clone());
        let resolved = resolve_inputs(&plan.options, Some(&given)).map_err(|problems| {
            let list: Vec<String> =
                problems.iter().map(|problem| words::error(&problem.to_string())).collect();
            ToolError::Invalid(list.join("; "))
        })?;
        super::query::all_known(inputs, &resolved)?;
        Ok((plan, resolved))
    }

    /// Starts what was approved. Under the same proposal it is the same run, also when the hub died
    /// between the start and the row that tells of it, and whatever the person may do by then.
    pub(super) async fn start(
        &self,
        caller: &Caller,
        proposal: &Proposal,
        workflow: &WorkflowId,
        inputs: &Map<String, Value>,
    ) -> Answered {
        let key = proposal.id.as_str().to_owned();
        let before = tried(|| self.host.started(caller.tenant.clone(), workflow.clone(), key.clone())).await;
        match before {
            Ok(Some(run)) => return Answered::Done(Box::new(begun(&run))),
            Ok(None) => {}
            // An earlier try of the same proposal may have come to a run.
            Err(trouble) => return Answered::Unknown(trouble.error),
        }
        if let Err(error) = self.admit(caller, &proposal.call).await {
            return Answered::Failed(error);
        }
        let planned = self.plan(caller, workflow, inputs).await;
        if let Err(error) = planned.and_then(|(plan, _)| unchanged_plan(proposal, &plan)) {
            return Answered::Failed(error);
        }
        let start = Start {
            tenant: caller.tenant.clone(),
            workflow: workflow.clone(),
            inputs: inputs.clone(),
            person: caller.person.clone(),
            key,
        };
        match tried(|| self.host.start(start.clone())).await {
            Ok(run) => Answered::Done(Box::new(begun(&run))),
            Err(trouble) => ended(trouble),
        }
    }

    /// A test run when nothing that it runs can write, else its plan in words.
    pub(super) async fn show_workflow(
        &self,
        caller: &Caller,
        workflow: &WorkflowId,
        inputs: &Map<String, Value>,
    ) -> Called {
        let (plan, resolved) = self.plan(caller, workflow, inputs).await?;
        let mut writes = Vec::new();
        for query in &plan.queries {
            let reads = match query {
                Some(query) => {
                    let effect = self.sources.effect(&caller.tenant, query).await;
                    effect.map_err(|error| failed(&error))? == Some(Effect::Reads)
                }
                None => false,
            };
            if !reads {
                writes.push(query.clone());
            }
        }
        if !writes.is_empty() {
            return self.in_words(caller, &plan, &resolved, writes).await;
        }
        let start = StartTest {
            tenant: caller.tenant.clone(),
            workflow: workflow.clone(),
            plan,
            inputs: inputs.clone(),
            person: caller.person.clone(),
        };
        let run = self.host.start_test(start).await.map_err(|trouble| trouble.error)?;
        self.watch(caller, &run).await
    }

    /// A test run, at its end if that comes soon.
    async fn watch(&self, caller: &Caller, run: &RunId) -> Called {
        let until = self.clock.monotonic() + SHOWN.min(self.timeout() / 2);
        let mut wait = LOOK;
        loop {
            let seen = self.host.run(caller.tenant.clone(), run.clone()).await;
            let seen = seen.map_err(|trouble| trouble.error)?.ok_or(ToolError::NotFound("run"))?;
            let waits = seen.waits_for > 0;
            if seen.has_ended() || waits || self.clock.monotonic() >= until {
                let mut output = self.told_of(run, &seen);
                output.text = format!("A test run was started. {}", output.text);
                return Ok(output);
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(SHOWN / 4);
        }
    }

    async fn in_words(
        &self,
        caller: &Caller,
        plan: &Plan,
        resolved: &Map<String, Value>,
        writes: Vec<Option<DataQueryId>>,
    ) -> Called {
        let unknown = writes.iter().any(Option::is_none);
        let mut titles = Vec::new();
        for query in writes.iter().flatten().take(NAMED) {
            titles.push(self.title_of(&caller.tenant, query).await?);
        }
        let more = writes.iter().flatten().count() > titles.len();
        let mut text = format!(
            "It would run {} with {} steps{}.",
            words::named(&plan.title),
            plan.steps,
            words::with_inputs(resolved),
        );
        if !titles.is_empty() {
            let list = titles.join(", ");
            let more = if more { " and others" } else { "" };
            text.push_str(&format!(" It may change something, by {list}{more}."));
        }
        if unknown {
            text.push_str(" Which queries it runs is only known while it runs.");
        }
        text.push_str(" So no test run was made, and nothing was started.");
        let value =
            json!({ "workflow": words::named(&plan.title), "steps": plan.steps, "mayChange": titles });
        Ok(Output { text, data: None, run: None, value })
    }

    async fn title_of(&self, tenant: &TenantId, query: &DataQueryId) -> Result<String, ToolError> {
        let (of, id) = (tenant.clone(), query.clone());
        let found = self.store.read(move |db| dataqueries::find(db, &of, &id)).await;
        let found = found.map_err(|error| stored(&error))?;
        Ok(found.map_or_else(|| "a query that is not here".to_owned(), |query| words::named(&query.title)))
    }
}

/// The run of an approved start.
fn begun(run: &RunId) -> Output {
    Output {
        text: format!("The workflow was started; its run is {run}."),
        data: None,
        run: Some(run.clone()),
        value: json!({ "instanceID": run, "started": true }),
    }
}

/// A start that came to no run, as far as is known.
fn ended(trouble: Trouble) -> Answered {
    if trouble.unsure { Answered::Unknown(trouble.error) } else { Answered::Failed(trouble.error) }
}

/// Asks until there is an answer that will not be another one in a moment. What one of the answers left
/// open stays open.
async fn tried<T>(ask: impl Fn() -> BoxFuture<'static, Result<T, Trouble>>) -> Result<T, Trouble> {
    let (mut wait, mut unsure) = (AGAIN, false);
    for _ in 1..TRIES {
        match ask().await {
            Err(trouble) if trouble.again => {
                log::warn!("a start of a workflow from the chat is tried again: {}", trouble.error);
                unsure |= trouble.unsure;
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            answer => return answer,
        }
    }
    ask().await.map_err(|trouble| Trouble { unsure: unsure | trouble.unsure, ..trouble })
}
