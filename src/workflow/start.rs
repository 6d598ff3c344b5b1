//! A run begins.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    Error, Issue,
    actor::{Birth, Meta, needs_attention, new_row, of_effects},
    definitions::{embedded, source_of},
    messages::Wake,
    runs::Runs,
    waiting::Place,
    watch::{self, About, FirstWatcher},
};
use crate::{
    engine::{self, Definition, RunState, RunStatus as Decided, Source, Step},
    error::{Code, Coded},
    ids::{ApiKeyId, NodeId, RunId, Seq, StreamId, TenantId, UserId, WorkflowId},
    metrics::{KindLabel, metrics},
    store::{
        self, Append, Origin, Projection, Unique,
        tables::{
            definitions, keys,
            runs::{self, Executor, NewRun, Run, RunStatus},
        },
    },
};

/// Who starts a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starter {
    /// The user, if one does (also the creator of the API key).
    pub user: Option<UserId>,
    /// The API key, if one was used.
    pub api_key: Option<ApiKeyId>,
}

/// Starts a run of a saved workflow.
#[derive(Debug, Clone)]
pub struct StartRun {
    /// Whose.
    pub tenant: TenantId,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// As they came ([`inputs_of`]); checked against the definition.
    pub inputs: Option<Value>,
    /// Who executes its nodes.
    pub executor: Executor,
    /// Who.
    pub starter: Starter,
    /// `Idempotency-Key`: the same key is answered with the same run.
    pub idempotency_key: Option<String>,
}

/// Starts a test run of a graph that is not saved.
#[derive(Debug, Clone)]
pub struct StartTest {
    /// Whose.
    pub tenant: TenantId,
    /// The saved workflow that it belongs to, if it does.
    pub workflow: Option<WorkflowId>,
    /// `nodes` as they came.
    pub nodes: Value,
    /// `edges` as they came.
    pub edges: Value,
    /// `workflowOptions` as they came.
    pub options: Option<Value>,
    /// As [`StartRun::inputs`].
    pub inputs: Option<Value>,
    /// Who.
    pub starter: Starter,
}

/// A run was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The run.
    #[serde(rename = "instanceID")]
    pub instance_id: RunId,
    /// `RUNNING`, or `PENDING` when it waits for a place.
    pub status: &'static str,
    /// Its graph came in the request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_test: bool,
}

/// The inputs in a body: `inputArgs`, then `inputParams`, then `inputValues` wins, key by key. A
/// value of one of these names that is no object is handed on as it is, to be refused.
pub fn inputs_of(body: &Map<String, Value>) -> Option<Value> {
    let mut merged: Option<Map<String, Value>> = None;
    for name in ["inputArgs", "inputParams", "inputValues"] {
        match body.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(object)) => merged.get_or_insert_default().extend(object.clone()),
            Some(other) => return Some(other.clone()),
        }
    }
    merged.map(Value::Object)
}

/// The node that starts a run as its child.
#[derive(Debug, Clone)]
pub(super) struct Parent {
    /// Its run.
    pub(super) run: RunId,
    /// The node.
    pub(super) node: NodeId,
    /// How many runs are above the child.
    pub(super) depth: u32,
}

/// Starts a child.
#[derive(Debug, Clone)]
pub(super) struct StartChild {
    /// The child.
    pub(super) run: RunId,
    /// Whose.
    pub(super) tenant: TenantId,
    /// Of which workflow.
    pub(super) workflow: WorkflowId,
    /// All that it sees.
    pub(super) inputs: Value,
    /// Who starts it.
    pub(super) parent: Parent,
}

/// A run on its way.
struct New {
    run: RunId,
    tenant: TenantId,
    workflow: Option<WorkflowId>,
    title: String,
    version: Option<i64>,
    definition: Arc<Definition>,
    /// What the first row carries when no saved version does.
    embedded: Option<Value>,
    inputs: Map<String, Value>,
    external: bool,
    starter: Starter,
    /// Scope, key and value.
    key: Option<(String, String, String)>,
    first: Option<FirstWatcher>,
    parent: Option<Parent>,
    is_test: bool,
}

impl Runs {
    /// Starts a run of a saved workflow: answers when its first rows are committed. `PENDING` when the
    /// tenant's active runs are at their limit, `RateLimited` when its queue is full too.
    pub async fn start(&self, start: StartRun) -> Result<Started, Error> {
        self.start_for(start, None).await
    }

    /// The same with somebody who watches it before its first row is published.
    pub async fn start_watched(&self, start: StartRun, first: FirstWatcher) -> Result<Started, Error> {
        self.start_for(start, Some(first)).await
    }

    async fn start_for(&self, start: StartRun, first: Option<FirstWatcher>) -> Result<Started, Error> {
        let hub = &self.hub;
        check_size(start.inputs.as_ref(), hub.max_inputs)?;
        let scope = scope_of(&start.tenant, &start.workflow);
        let fingerprint = fingerprint(&start);
        let _starting = hub.starting.read().await;
        let (tenant, workflow, key) =
            (start.tenant.clone(), start.workflow.clone(), start.idempotency_key.clone());
        let in_scope = scope.clone();
        let (workflow, known) = hub
            .store
            .read(move |db| {
                let known = match &key {
                    Some(key) => keys::idempotent(db, &in_scope, key)?,
                    None => None,
                };
                Ok((definitions::find(db, &tenant, &workflow)?, known))
            })
            .await?;
        let workflow = workflow.ok_or(Error::WorkflowNotFound)?;
        if let Some(known) = known {
            return self.started_before(&known, &fingerprint).await;
        }
        if workflow.row.is_disabled {
            return Err(Error::Conflict("the workflow is disabled".to_owned()));
        }
        let definition = hub.definitions.to_run(&workflow.graph, start.executor)?;
        let options = source_of(&workflow.graph)?.options;
        let inputs = resolve(&options, start.inputs.as_ref())?;
        let run = RunId::generate();
        let value = json!({ "instanceID": run, "request": fingerprint }).to_string();
        let key = start.idempotency_key.map(|key| (scope.clone(), key, value));
        let retried = key.as_ref().map(|(_, key, _)| key.clone());
        let new = New {
            run,
            tenant: start.tenant,
            workflow: Some(workflow.row.workflow_id),
            title: workflow.row.title,
            version: Some(workflow.graph.version),
            definition,
            embedded: None,
            inputs,
            external: start.executor == Executor::External,
            starter: start.starter,
            key,
            first,
            parent: None,
            is_test: false,
        };
        match self.create(new).await {
            Err(Error::Store(store::Error::Duplicate(Unique::IdempotencyKey))) => {
                // The same request at the same time was faster.
                let key = retried.unwrap_or_default();
                let known = hub.store.read(move |db| keys::idempotent(db, &scope, &key)).await?;
                self.started_before(&known.ok_or(Error::Lost)?, &fingerprint).await
            }
            started => started,
        }
    }

    /// Starts a test run of the graph in the request.
    pub async fn start_test(&self, start: StartTest) -> Result<Started, Error> {
        let hub = &self.hub;
        check_size(start.inputs.as_ref(), hub.max_inputs)?;
        let _starting = hub.starting.read().await;
        let mut title = "Test run".to_owned();
        if let Some(workflow) = &start.workflow {
            let (tenant, id) = (start.tenant.clone(), workflow.clone());
            let saved = hub.store.read(move |db| definitions::find(db, &tenant, &id)).await?;
            title = saved.ok_or(Error::WorkflowNotFound)?.row.title;
        }
        let options = start.options.unwrap_or(Value::Null);
        let source = Source { nodes: start.nodes, edges: start.edges, options };
        let definition = Arc::new(hub.definitions.check(&source, Executor::Internal)?);
        let inputs = resolve(&source.options, start.inputs.as_ref())?;
        self.create(New {
            run: RunId::generate(),
            tenant: start.tenant,
            workflow: start.workflow,
            title,
            version: None,
            definition,
            embedded: Some(embedded(&source)),
            inputs,
            external: false,
            starter: start.starter,
            key: None,
            first: None,
            parent: None,
            is_test: true,
        })
        .await
    }

    /// Starts a child, unless it is there already.
    pub(super) async fn start_child(&self, start: StartChild) -> Result<(), Error> {
        let hub = &self.hub;
        let _starting = hub.starting.read().await;
        let StartChild { run, tenant, workflow, inputs, parent } = start;
        let (of, id, child) = (tenant.clone(), workflow.clone(), run.clone());
        let (found, known) =
            hub.store.read(move |db| Ok((definitions::find(db, &of, &id)?, runs::find(db, &child)?))).await?;
        if known.is_some() {
            return Ok(());
        }
        let found = found.ok_or(Error::WorkflowNotFound)?;
        let row = self.find(&tenant, &parent.run).await?;
        if self.runs_above(&row, &workflow).await? {
            let message = "the workflow is its own child, or a child of its children".to_owned();
            return Err(Error::Decided { code: Code::NodeFailed, message });
        }
        if found.row.is_disabled {
            let message = "the child's workflow is disabled".to_owned();
            return Err(Error::Decided { code: Code::NodeFailed, message });
        }
        check_size(Some(&inputs), hub.max_inputs)?;
        let definition = hub.definitions.to_run(&found.graph, Executor::Internal)?;
        let inputs = resolve(&source_of(&found.graph)?.options, Some(&inputs))?;
        let new = New {
            run,
            tenant,
            workflow: Some(found.row.workflow_id),
            title: found.row.title,
            version: Some(found.graph.version),
            definition,
            embedded: None,
            inputs,
            external: false,
            starter: Starter { user: row.starter_user_id, api_key: row.starter_api_key_id },
            key: None,
            first: None,
            parent: Some(parent),
            is_test: row.is_test,
        };
        match self.create(new).await {
            // Another minder was faster.
            Err(Error::Store(store::Error::Duplicate(_))) => Ok(()),
            created => created.map(|_| ()),
        }
    }

    /// Whether a run, or one of those above it, is of that workflow.
    async fn runs_above(&self, run: &Run, workflow: &WorkflowId) -> Result<bool, Error> {
        let mut at = run.clone();
        loop {
            if at.workflow_id.as_ref() == Some(workflow) {
                return Ok(true);
            }
            let Some(above) = at.parent_instance_id else { return Ok(false) };
            match self.locate(&above).await? {
                Some(above) => at = above.run,
                None => return Ok(false),
            }
        }
    }

    /// Appends the first rows and gives the run its actor.
    async fn create(&self, new: New) -> Result<Started, Error> {
        let hub = &self.hub;
        hub.admission.count(&hub.store, &new.tenant).await?;
        let place = match (new.external, &new.parent) {
            (true, _) => hub.admission.enter_external(&new.tenant, &new.run)?,
            (false, Some(_)) => hub.admission.enter_child(&new.tenant, &new.run)?,
            (false, None) => hub.admission.enter(&new.tenant, &new.run)?,
        };
        let (tenant, run) = (new.tenant.clone(), new.run.clone());
        let created = self.append_first(new, place).await;
        if created.is_err() {
            match place {
                Place::Active => hub.admission.leave(&tenant, &run),
                Place::Waiting => hub.admission.withdraw(&tenant, &run),
            }
            hub.admit_next(&tenant);
        }
        created
    }

    async fn append_first(&self, new: New, place: Place) -> Result<Started, Error> {
        let hub = &self.hub;
        let (now, is_test, pending) = (hub.clock.now(), new.is_test, place == Place::Waiting);
        let state = RunState::new(new.definition, Arc::clone(&hub.limits));
        let depth = new.parent.as_ref().map_or(0, |parent| parent.depth);
        let start =
            engine::Start { inputs: new.inputs, external: new.external, depth, definition: new.embedded };
        let mut step = engine::step(&state, &engine::RunCommand::Start(start), now)
            .map_err(|refusal| Error::Decided { code: refusal.code(), message: refusal.to_string() })?;
        if pending {
            // Only what it is; what it does comes when it has a place.
            step = first_row(&state, step);
        }
        let meta = Meta { tenant: new.tenant.clone(), external: new.external };
        let attention = needs_attention(&meta, &step.state, pending);
        let title = Arc::from(new.title.as_str());
        let about = About { workflow: new.workflow.clone(), title, is_test };
        let status = if pending { RunStatus::Pending } else { RunStatus::Running };
        let (parent, node) = new.parent.map(|parent| (parent.run, parent.node)).unzip();
        let row = NewRun {
            instance_id: new.run.clone(),
            tenant_id: new.tenant,
            workflow_id: new.workflow,
            workflow_title: new.title,
            version: new.version,
            status,
            is_test,
            executor: if new.external { Executor::External } else { Executor::Internal },
            starter_user_id: new.starter.user,
            starter_api_key_id: new.starter.api_key,
            parent_instance_id: parent,
            parent_node_id: node,
            started_at: now,
            attention,
            ended: None,
        };
        let mut projections = vec![Projection::RunInserted(Box::new(row))];
        projections.extend(of_effects(&new.run, &step.effects, now));
        fold_end(&mut projections);
        if let Some((scope, key, value)) = new.key {
            projections.push(Projection::IdempotencyKey { scope, key, value, at: now });
        }
        let first = new.first.map(|FirstWatcher { registrant, mut row, hub }| {
            row.instance_id = new.run.clone();
            projections.push(Projection::Registered { row, hub, at: now });
            registrant
        });
        let append = Append {
            stream: StreamId::of_run(&new.run),
            create: true,
            expected_head: Seq::ZERO,
            owner_version: 1,
            rows: step.rows.iter().map(|(_, event)| new_row(event, now)).collect(),
            projections,
            origin: Origin::Client,
        };
        hub.store.journal().append(append).await?;
        metrics().runs.started.inc();
        if let Some(registrant) = first {
            // Before anything else of this run is published, by whoever.
            let begun =
                (&after_first(&state, &step), if pending { Decided::Pending } else { Decided::Running });
            watch::begin(hub, &new.run, &about, registrant, begun, std::mem::take(&mut step.updates));
        }
        let ended = step.state.status().is_terminal();
        if ended {
            // Start to end without anything to wait for: it needs no actor.
            let kind = step.state.status().as_str();
            metrics().runs.ended.get_or_create(&KindLabel { kind }).inc();
            hub.admission.leave(&meta.tenant, &new.run);
            hub.admit_next(&meta.tenant);
            hub.children.ended(&new.run);
        } else {
            let birth = Birth { meta, state: step.state, effects: step.effects, pending, attention };
            hub.births.lock().insert(new.run.clone(), birth);
            self.wake(&new.run, Wake::GoOn);
        }
        Ok(Started { instance_id: new.run, status: status.as_str(), is_test })
    }

    async fn started_before(&self, known: &str, fingerprint: &str) -> Result<Started, Error> {
        let known: Value = serde_json::from_str(known).unwrap_or_default();
        if known.get("request").and_then(Value::as_str) != Some(fingerprint) {
            let message = "this Idempotency-Key was used for another request";
            return Err(Error::Conflict(message.to_owned()));
        }
        let run = RunId::trusted(known.get("instanceID").and_then(Value::as_str).unwrap_or_default());
        let located = self.locate(&run).await?.ok_or(Error::RunNotFound)?;
        let (status, is_test) = (located.run.status.as_str(), located.run.is_test);
        Ok(Started { instance_id: run, status, is_test })
    }
}

/// Where a new run is when it has its inputs.
fn after_first(before: &RunState, step: &Step) -> RunState {
    let mut state = before.clone();
    if let Some((seq, event)) = step.rows.first() {
        engine::apply(&mut state, event, *seq);
    }
    state
}

/// A run that ends with its first rows is written as it ended, and has no timers to clear.
fn fold_end(projections: &mut Vec<Projection>) {
    let is_end = |projection: &Projection| matches!(projection, Projection::RunChanged { change, .. } if change.status.is_terminal());
    let Some(at) = projections.iter().position(is_end) else { return };
    let Projection::RunChanged { change, .. } = projections.remove(at) else { return };
    projections.retain(|projection| !matches!(projection, Projection::TimersCleared));
    if let Some(Projection::RunInserted(new)) = projections.first_mut() {
        new.ended = Some(*change);
    }
}

/// A start without what follows from it.
fn first_row(before: &RunState, step: Step) -> Step {
    let mut state = before.clone();
    let rows: Vec<_> = step.rows.into_iter().take(1).collect();
    let mut effects = Vec::new();
    for (seq, event) in &rows {
        engine::apply(&mut state, event, *seq);
        effects.extend(engine::effects(&state, event));
    }
    Step { rows, state, effects, updates: Vec::new() }
}

fn resolve(options: &Value, given: Option<&Value>) -> Result<Map<String, Value>, Error> {
    engine::resolve_inputs(options, given).map_err(|problems| {
        let issue = |problem: engine::InputProblem| Issue::new(problem.key, problem.message);
        Error::Inputs(problems.into_iter().map(issue).collect())
    })
}

fn check_size(inputs: Option<&Value>, most: usize) -> Result<(), Error> {
    let size = inputs.map_or(0, |inputs| inputs.to_string().len());
    if size > most {
        return Err(Error::TooLarge(format!("the inputs have {size} bytes, limits.inputs allows {most}")));
    }
    Ok(())
}

/// Where the keys of a workflow's starts are.
pub(super) fn scope_of(tenant: &TenantId, workflow: &WorkflowId) -> String {
    format!("execute:{tenant}:{workflow}")
}

/// The run that a key was used for.
pub(super) fn run_of_key(known: &str) -> Option<RunId> {
    let known: Value = serde_json::from_str(known).ok()?;
    known.get("instanceID").and_then(Value::as_str).map(RunId::trusted)
}

/// Tells a repeated request from another one under the same key.
fn fingerprint(start: &StartRun) -> String {
    use sha2::Digest;
    let inputs = start.inputs.as_ref().map(Value::to_string).unwrap_or_default();
    let digest = sha2::Sha256::digest(format!("{}\n{inputs}", start.executor.as_str()).as_bytes());
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
