//! A hub of runs in a folder, which can be stopped hard and started again.

use std::{path::Path, sync::Arc, time::Duration};

use actix_rt::Arbiter;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::{
    clock::Clock,
    config::sections,
    delivery::Shards,
    engine::{NodeError, Outcome, Task},
    error::Code,
    ids::{HubId, RunId, TenantId, WorkflowId},
    store::{Store, tables::runs::Executor},
    workflow::{Catalogue, Execute, Job, Parts, RunView, Runs, SaveWorkflow, StartRun, Started, Starter},
};

/// Does what the code says: `return <json>`, `throw <words>`, `hang`, `wait <json>` (until released),
/// `pause <milliseconds>`.
#[derive(Clone)]
pub(crate) struct Fake {
    keys: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
}

impl Default for Fake {
    fn default() -> Self {
        Self { keys: Arc::default(), gate: Arc::new(Semaphore::new(0)) }
    }
}

impl Fake {
    /// Idempotency keys, one an attempt, without the run.
    pub(crate) fn keys(&self) -> Vec<String> {
        let keys = self.keys.lock();
        keys.iter().map(|key| key.split_once('/').map_or("", |(_, rest)| rest).to_owned()).collect()
    }
    /// Lets so many attempts that wait go on.
    pub(crate) fn release(&self, attempts: usize) {
        self.gate.add_permits(attempts);
    }
    pub(crate) async fn until_attempts(&self, attempts: usize) {
        until("attempts", || async { (self.keys.lock().len() >= attempts).then_some(()) }).await;
    }
}

impl Execute for Fake {
    fn execute(&self, job: Job) -> BoxFuture<'static, Option<Outcome>> {
        self.keys.lock().push(job.idempotency_key.to_string());
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            let code = match job.task {
                Task::Script { code, .. } => code,
                Task::Expressions { expressions, .. } => {
                    let value = |text: &Arc<str>| serde_json::from_str(text).ok();
                    return Some(Outcome::Evaluated(expressions.iter().map(value).collect()));
                }
                Task::Query { .. } | Task::Child { .. } => {
                    return Some(Outcome::Failed(NodeError::new(Code::QueryUnavailable, "not here")));
                }
            };
            let (word, rest) = code.split_once(' ').unwrap_or((&*code, "null"));
            let value: Value = serde_json::from_str(rest).unwrap_or_default();
            match word {
                "return" => Some(Outcome::Returned(value)),
                "pause" => {
                    tokio::time::sleep(Duration::from_millis(value.as_u64().unwrap_or(1))).await;
                    Some(Outcome::Returned(value))
                }
                "throw" => Some(Outcome::Failed(NodeError::new(Code::JsError, rest))),
                "wait" => {
                    gate.acquire().await.unwrap().forget();
                    Some(Outcome::Returned(value))
                }
                _ => match tokio::time::timeout(job.timeout, std::future::pending::<()>()).await {
                    Ok(()) => unreachable!(),
                    Err(_) => None,
                },
            }
        })
    }
}

/// The hub's part that this module is about.
pub(crate) struct Rig {
    pub(crate) runs: Runs,
    pub(crate) catalogue: Catalogue,
    pub(crate) store: Store,
    pub(crate) shards: Shards,
    pub(crate) fake: Fake,
    pub(crate) tenant: TenantId,
    arbiters: Vec<Arbiter>,
}

impl Rig {
    pub(crate) fn start(dir: &Path) -> Self {
        Self::with(dir, Fake::default(), Clock::real(), |_| {})
    }

    pub(crate) fn with(dir: &Path, fake: Fake, clock: Clock, change: impl FnOnce(&mut Parts)) -> Self {
        let (database, journal) = (sections::Database::default(), sections::Journal::default());
        let store = Store::open(&database, &journal, dir, HubId::generate(), clock.clone()).unwrap();
        let shards = Shards::new(1);
        let mut parts = Parts {
            store: store.clone(),
            shards: shards.clone(),
            executor: Arc::new(fake.clone()),
            clock,
            workflow: sections::Workflow::default(),
            node: sections::Node::default(),
            script: sections::Script::default(),
            limits: sections::Limits::default(),
            supervise: sections::Supervise::default(),
        };
        change(&mut parts);
        let arbiters: Vec<Arbiter> = (0..3).map(|_| Arbiter::new()).collect();
        let children = arbiters.iter().skip(1).map(Arbiter::handle).collect();
        let runs = Runs::launch(parts, arbiters[0].handle(), children);
        let catalogue = Catalogue::new(runs.clone());
        Self { runs, catalogue, store, shards, fake, tenant: TenantId::trusted("t1"), arbiters }
    }

    /// Ends as by `kill -9`: no actor is asked. The next one may take the folder.
    pub(crate) async fn kill(mut self) -> Fake {
        for arbiter in self.arbiters.drain(..) {
            arbiter.stop();
            let _ = arbiter.join();
        }
        self.store.close().await;
        self.fake.clone()
    }

    /// Saves a workflow of these nodes in a row, from a start to an end.
    pub(crate) async fn chain(&self, nodes: &[Value]) -> WorkflowId {
        let mut all = vec![json!({"id": "start", "type": "start", "data": {}})];
        all.extend_from_slice(nodes);
        let end = json!({"status": "success", "outputParameters": [{"name": "total", "sourceVariable": "{{ctx.jsResult}}"}]});
        all.push(json!({"id": "end", "type": "end", "data": end}));
        let id = |node: &Value| node["id"].as_str().unwrap_or_default().to_owned();
        let handle = |node: &Value| match node["type"].as_str() {
            Some("javascript") => "success",
            _ => "output",
        };
        let edges: Vec<Value> = all
            .windows(2)
            .map(|pair| json!({"source": id(&pair[0]), "target": id(&pair[1]), "sourceHandle": handle(&pair[0])}))
            .collect();
        self.save(json!(all), json!(edges)).await
    }

    pub(crate) async fn save(&self, nodes: Value, edges: Value) -> WorkflowId {
        let save = SaveWorkflow {
            title: Some("Sales".to_owned()),
            nodes: Some(nodes),
            edges: Some(edges),
            ..SaveWorkflow::default()
        };
        self.tenant_row(&self.tenant).await;
        self.catalogue.create(&self.tenant, &Starter::default(), save).await.unwrap().workflow_id
    }

    /// The tenant's row, which a workflow refers to.
    async fn tenant_row(&self, id: &TenantId) {
        use crate::store::tables::tenants;
        let tenant = tenants::NewTenant {
            tenant_id: id.clone(),
            title: "T".to_owned(),
            timezone: "UTC".to_owned(),
            creator_id: None,
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        let _ = self.store.write(move |db| tenants::insert(db, &tenant)).await;
    }

    pub(crate) fn start_of(&self, workflow: &WorkflowId) -> StartRun {
        StartRun {
            tenant: self.tenant.clone(),
            workflow: workflow.clone(),
            inputs: Some(json!({"x": 1})),
            executor: Executor::Internal,
            starter: Starter::default(),
            idempotency_key: None,
        }
    }

    pub(crate) async fn run(&self, workflow: &WorkflowId) -> Started {
        self.runs.start(self.start_of(workflow)).await.unwrap()
    }

    /// A run of another tenant; its workflow is saved there, too.
    pub(crate) async fn foreign(&self, mut start: StartRun) -> RunId {
        let tenant = start.tenant.clone();
        self.tenant_row(&tenant).await;
        let save = SaveWorkflow {
            title: Some("Theirs".to_owned()),
            nodes: Some(json!([{"id": "start", "type": "start"}, js("js", "wait 1")])),
            edges: Some(json!([{"source": "start", "target": "js"}])),
            ..SaveWorkflow::default()
        };
        let saved = self.catalogue.create(&tenant, &Starter::default(), save).await.unwrap();
        start.workflow = saved.workflow_id;
        self.runs.start(start).await.unwrap().instance_id
    }

    pub(crate) async fn view(&self, run: &RunId) -> RunView {
        self.runs.view(&self.tenant, run).await.unwrap()
    }

    /// Waits until the run has that status.
    pub(crate) async fn until(&self, run: &RunId, status: &str) -> RunView {
        until(status, || async {
            let view = self.view(run).await;
            (view.row.status == status).then_some(view)
        })
        .await
    }
}

/// Waits for a condition; a test that waits longer than anything may take has failed.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    for _ in 0..5000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("never: {what}")
}

/// A javascript node.
pub(crate) fn js(id: &str, code: &str) -> Value {
    json!({"id": id, "type": "javascript", "data": {"code": code}})
}

/// What the rows of a run say, for comparing.
pub(crate) fn trace(view: &RunView) -> Vec<String> {
    let line = |log: &crate::workflow::LogView| {
        format!("{} {} {}", log.seq, log.event_type, log.node_id.as_deref().unwrap_or("-"))
    };
    view.logs.iter().map(line).collect()
}
