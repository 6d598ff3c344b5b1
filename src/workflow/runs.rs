//! The door to runs.

use std::sync::Arc;

use actix_rt::ArbiterHandle;
use serde::Serialize;
use tokio::sync::oneshot;

use super::{
    Error,
    actor::RunKind,
    children::{Children, mind_all},
    hub::{Hub, Parts},
    messages::{Ask, Reply, RunCommand, Wake},
    start::{run_of_key, scope_of},
    waiting::{Timers, keep_house},
};
use crate::{
    engine::RunStatus,
    ids::{RunId, TenantId, WorkflowId},
    store::tables::{
        definitions, keys,
        runs::{self, Run},
    },
    supervise::{Handle, Limits},
};

/// Starts, stops, shows, feeds and watches runs. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Runs {
    pub(super) hub: Arc<Hub>,
    pub(super) registry: Handle<RunKind>,
}

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

/// A run that was found, for those who must check a right before they touch it.
#[derive(Debug, Clone)]
pub struct Located {
    /// Its row.
    pub run: Run,
}

impl Runs {
    /// Starts the registry of runs on `home`, with its children on `arbiters` (at least one), and the
    /// task of their timers. Call [`Runs::recover`] next.
    pub fn launch(parts: Parts, home: ArbiterHandle, arbiters: Vec<ArbiterHandle>) -> Self {
        let (timers, task) = Timers::new(parts.store.clone(), parts.clock.clone());
        let (children, wanted) = Children::new();
        let (limits, clock) = (Limits::new(&parts.supervise), parts.clock.clone());
        let hub = Arc::new(Hub::new(parts, timers, children));
        let kind = RunKind { hub: Arc::clone(&hub) };
        let registry = Handle::start(kind, limits, clock, home.clone(), arbiters);
        let runs = Self { hub, registry };
        let (sender, load) = (runs.clone(), runs.registry.clone());
        home.spawn(async move {
            let send = |run: RunId, wake: Wake| sender.send(run, Ask::Wake(wake.clone())).map_err(|_| wake);
            task.run(send, || load.open()).await;
        });
        home.spawn(mind_all(runs.clone(), wanted));
        home.spawn(keep_house(Arc::downgrade(&runs.hub)));
        runs
    }

    /// The registry, for ops: list, inspect, restart.
    pub fn registry(&self) -> &Handle<RunKind> {
        &self.registry
    }

    /// The run's row, of whatever tenant: the caller checks the right in `run.tenant_id` and answers a
    /// foreign run exactly as a missing one.
    pub async fn locate(&self, run: &RunId) -> Result<Option<Located>, Error> {
        let id = run.clone();
        let row = self.hub.store.read(move |db| runs::find(db, &id)).await?;
        Ok(row.map(|run| Located { run }))
    }

    /// Whose a workflow is, when a client did not say in which tenant to look.
    pub async fn tenant_of(&self, workflow: &WorkflowId) -> Result<Option<TenantId>, Error> {
        let id = workflow.clone();
        Ok(self.hub.store.read(move |db| definitions::tenant_of(db, &id)).await?)
    }

    /// The run that was started under this `Idempotency-Key`, if one was.
    pub async fn started_under(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        key: &str,
    ) -> Result<Option<RunId>, Error> {
        let (scope, key) = (scope_of(tenant, workflow), key.to_owned());
        let known = self.hub.store.read(move |db| keys::idempotent(db, &scope, &key)).await?;
        Ok(known.as_deref().and_then(run_of_key))
    }

    /// A run of this tenant.
    pub(super) async fn find(&self, tenant: &TenantId, run: &RunId) -> Result<Run, Error> {
        let located = self.locate(run).await?.map(|located| located.run);
        located.filter(|run| run.tenant_id == *tenant).ok_or(Error::RunNotFound)
    }

    /// Stops a run: a test run is cancelled and removed, any other is cancelled and kept. Idempotent:
    /// a finished run answers with its status.
    pub async fn stop(&self, tenant: &TenantId, run: &RunId) -> Result<Stopped, Error> {
        let row = self.find(tenant, run).await?;
        let status = self.cancel(&row, None).await?;
        if row.is_test {
            self.remove_test(run).await?;
            return Ok(Stopped { instance_id: None, status: None });
        }
        Ok(Stopped { instance_id: Some(run.clone()), status: Some(status.as_str()) })
    }

    /// Ends a run as `CANCELLED`, unless it has ended; the status that it has then.
    pub(super) async fn cancel(&self, run: &Run, reason: Option<String>) -> Result<RunStatus, Error> {
        if run.status.is_terminal() {
            return Ok(super::view::engine_status(run.status));
        }
        self.ask(&run.instance_id, |reply| Ask::Cancel { reason, reply }).await
    }

    /// Removes a test run that has ended, with the runs that it started.
    async fn remove_test(&self, run: &RunId) -> Result<(), Error> {
        // Nothing is on its way to begin: who comes later finds no parent.
        let _none = self.hub.starting.write().await;
        let (mut below, mut at) = (vec![run.clone()], 0);
        while let Some(parent) = below.get(at).cloned() {
            at += 1;
            let children = self.hub.store.read(move |db| runs::children(db, &parent)).await?;
            for child in children {
                let reason = Some("the test run that started it was stopped".to_owned());
                match self.cancel(&child, reason).await {
                    Ok(_) | Err(Error::RunNotFound) => below.push(child.instance_id),
                    Err(error) => return Err(error),
                }
            }
        }
        for run in below.iter().rev() {
            self.remove(run).await?;
        }
        Ok(())
    }

    /// Removes a run that has ended, with its rows.
    pub(super) async fn remove(&self, run: &RunId) -> Result<(), Error> {
        let id = run.clone();
        self.hub.ends.forget(run);
        match self.hub.store.write(move |db| runs::remove(db, &id)).await {
            // Somebody else removed it at the same time.
            Ok(()) | Err(crate::store::Error::NotFound) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Sends a run's actor a command and waits for its answer.
    pub(super) async fn ask<T>(&self, run: &RunId, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.registry.ask(run.clone(), self.command(run, ask(reply)));
        // No answer in time is no silence: the command may have been carried out or not.
        let answer = tokio::time::timeout(self.hub.command_deadline, answer).await;
        answer.ok().and_then(Result::ok).unwrap_or(Err(Error::Lost))
    }

    /// Wakes a run; refused, it is tried again.
    pub(super) fn wake(&self, run: &RunId, wake: Wake) {
        self.registry.ask(run.clone(), self.command(run, Ask::Wake(wake)));
    }

    /// Sends a command, or gives it back when the registry is full.
    pub(super) fn send(&self, run: RunId, ask: Ask) -> Result<(), Ask> {
        let command = self.command(&run, ask);
        self.registry.send(run, command).map_err(|command| command.ask)
    }

    fn command(&self, run: &RunId, ask: Ask) -> RunCommand {
        RunCommand { run: run.clone(), ask, timers: self.hub.timers.clone(), clock: self.hub.clock.clone() }
    }
}
