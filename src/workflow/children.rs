//! Child runs: a `subWorkflow` node's attempt is a run of its own, always the same one for the same
//! attempt, so that an attempt that begins again after a crash finds it.
//!
//! Each attempt has a minder here, apart from its run's actor: it begins the child, hears of its end
//! and tells the actor. When nobody waits for it any more it asks the parent which children it still
//! wants, and cancels those that it does not: that covers a cancel, a timeout, the end of the parent and
//! the death of its actor alike. After a start the same is asked for every child that lives
//! ([`Runs::look_after_children`]).

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use serde_json::Value;
use tokio::sync::{Notify, mpsc, oneshot};

use super::{
    Error, Job,
    messages::Ask,
    runs::Runs,
    start::{Parent, StartChild},
};
use crate::{
    engine::{ChildEnd, NodeError, Outcome, Task},
    error::{Code, Coded},
    ids::RunId,
    store::tables::runs::{self, Run},
};

/// How often a child is looked at that nobody told of.
const LOOK: Duration = Duration::from_secs(2);
/// Wait before the store, or a parent, is asked again.
const AGAIN: Duration = Duration::from_millis(500);
/// Parents read at once after a start.
const PAGE: i64 = 256;

/// An attempt that needs a child.
pub(super) struct Wanted {
    job: Job,
    reply: oneshot::Sender<Option<Outcome>>,
}

/// The runs' end of it.
pub(super) struct Children {
    wanted: mpsc::UnboundedSender<Wanted>,
    minded: Mutex<HashMap<RunId, Minded>>,
}

struct Minded {
    minders: usize,
    over: Arc<Notify>,
}

impl Children {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Wanted>) {
        let (wanted, asked) = mpsc::unbounded_channel();
        (Self { wanted, minded: Mutex::default() }, asked)
    }

    /// Carries out an attempt; `None` when it took too long.
    pub(super) fn run(&self, job: Job) -> impl Future<Output = Option<Outcome>> + 'static {
        let (reply, answer) = oneshot::channel();
        // The minders end with the hub.
        let _ = self.wanted.send(Wanted { job, reply });
        async move {
            match answer.await {
                Ok(outcome) => outcome,
                // The hub is going down: the attempt begins anew after the next start.
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// A run has ended: whoever waits for it is told.
    pub(super) fn ended(&self, run: &RunId) {
        if let Some(minded) = self.minded.lock().get(run) {
            minded.over.notify_waiters();
        }
    }

    fn mind(&self, child: &RunId) -> Arc<Notify> {
        let mut minded = self.minded.lock();
        let new = || Minded { minders: 0, over: Arc::new(Notify::new()) };
        let entry = minded.entry(child.clone()).or_insert_with(new);
        entry.minders += 1;
        Arc::clone(&entry.over)
    }

    fn leave(&self, child: &RunId) {
        let mut minded = self.minded.lock();
        if let Some(entry) = minded.get_mut(child) {
            entry.minders -= 1;
            if entry.minders == 0 {
                minded.remove(child);
            }
        }
    }

    fn has_others(&self, child: &RunId) -> bool {
        self.minded.lock().get(child).is_some_and(|minded| minded.minders > 1)
    }
}

/// Begins a minder for each attempt that comes; runs as long as the hub.
pub(super) async fn mind_all(runs: Runs, mut asked: mpsc::UnboundedReceiver<Wanted>) {
    while let Some(wanted) = asked.recv().await {
        actix_rt::spawn(mind(runs.clone(), wanted));
    }
}

async fn mind(runs: Runs, wanted: Wanted) {
    let Wanted { job, mut reply } = wanted;
    let (parent, child) = (job.run.clone(), RunId::of_child(&job.run, &job.node, job.visit, job.attempt));
    let over = runs.hub.children.mind(&child);
    let timeout = job.timeout;
    // Even when nobody waits any more: a start that is on its way cannot be called back.
    let mut start = Box::pin(begin(&runs, job, &child));
    let begun = match tokio::time::timeout(timeout, &mut start).await {
        Ok(begun) => begun,
        Err(_) => {
            // Its store is out of reach for longer than the child may take.
            let _ = reply.send(None);
            if start.await.is_ok() {
                give_up(&runs, &parent, &child).await;
            }
            return runs.hub.children.leave(&child);
        }
    };
    match begun {
        Err(error) => drop(reply.send(Some(Outcome::Failed(error)))),
        Ok(()) => tokio::select! {
            end = end_of(&runs, &child, &over) => drop(reply.send(Some(end))),
            () = too_late(&runs, &child, timeout) => {
                let _ = reply.send(None);
                give_up(&runs, &parent, &child).await;
            }
            () = reply.closed() => give_up(&runs, &parent, &child).await,
        },
    }
    runs.hub.children.leave(&child);
}

/// Until the child has had its time, which began with it: a restart of the hub gives it no further one.
async fn too_late(runs: &Runs, child: &RunId, timeout: Duration) {
    let began = loop {
        match runs.locate(child).await {
            Ok(Some(located)) => break located.run.started_at,
            // Its end says so.
            Ok(None) => return std::future::pending().await,
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    };
    let had = runs.hub.clock.now().duration_since(began);
    tokio::time::sleep(timeout.saturating_sub(Duration::try_from(had).unwrap_or_default())).await;
}

/// The child is there, or cannot be.
async fn begin(runs: &Runs, job: Job, child: &RunId) -> Result<(), NodeError> {
    let Task::Child { workflow, inputs, depth, .. } = job.task else {
        return Err(NodeError::new(Code::ServerError, "this is no child"));
    };
    let start = StartChild {
        run: child.clone(),
        tenant: job.tenant,
        workflow,
        inputs: Value::Object(inputs),
        parent: Parent { run: job.run, node: job.node, depth: depth.saturating_add(1) },
    };
    loop {
        match runs.start_child(start.clone()).await {
            Ok(()) => return Ok(()),
            Err(Error::Store(error)) if error.is_transient() => {
                log::warn!(run_id:% = child; "a child run cannot be begun, trying again: {error}");
                tokio::time::sleep(AGAIN).await;
            }
            Err(error) => return Err(failure(&error)),
        }
    }
}

fn failure(error: &Error) -> NodeError {
    match error {
        // Whether it is another tenant's or nobody's is not told (A20).
        Error::WorkflowNotFound => {
            NodeError::new(Code::PermissionDenied, "the tenant has no such workflow to run")
        }
        error => NodeError::new(error.code(), error.public_message()),
    }
}

async fn end_of(runs: &Runs, child: &RunId, over: &Notify) -> Outcome {
    loop {
        let told = over.notified();
        tokio::pin!(told);
        told.as_mut().enable();
        match look(runs, child).await {
            Ok(Some(outcome)) => return outcome,
            Ok(None) => drop(tokio::time::timeout(LOOK, told).await),
            Err(error) => {
                log::warn!(run_id:% = child; "a child run cannot be read, trying again: {error}");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

async fn look(runs: &Runs, child: &RunId) -> Result<Option<Outcome>, Error> {
    let Some(located) = runs.locate(child).await? else {
        let message = format!("the child run {child} was removed");
        return Ok(Some(Outcome::Failed(NodeError::new(Code::NodeFailed, message))));
    };
    if !located.run.status.is_terminal() {
        return Ok(None);
    }
    let ended = runs.hub.ends.get(&runs.hub, &located.run).await?;
    let state = &ended.state;
    Ok(Some(Outcome::Child(ChildEnd {
        instance: child.clone(),
        status: state.status(),
        output: state.output().map(|output| output.as_ref().clone()),
        context: state.context().fields().clone().public(),
        error: state.finished().and_then(|(_, finished)| finished.error.clone()),
    })))
}

/// Nobody waits: until the parent says that it does not want the child, the child is over, or another
/// attempt to mind it (that of a parent whose actor was restarted) has begun.
async fn give_up(runs: &Runs, parent: &RunId, child: &RunId) {
    let mut wait = Duration::from_millis(20);
    loop {
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LOOK);
        if runs.hub.children.has_others(child) {
            return;
        }
        match look_after(runs, parent).await {
            Err(error) => log::warn!(run_id:% = parent; "its children cannot be looked after: {error}"),
            Ok(()) => match runs.locate(child).await {
                Ok(Some(located)) if !located.run.status.is_terminal() => {}
                Ok(_) => return,
                Err(error) => log::warn!(run_id:% = child; "a child run cannot be read: {error}"),
            },
        }
    }
}

/// Cancels the living children of a run that it does not want. They are read before it is asked: what
/// it does not want then, it never wants again.
async fn look_after(runs: &Runs, parent: &RunId) -> Result<(), Error> {
    let of = parent.clone();
    let read =
        move |db: &mut crate::store::Connection| Ok((runs::living_children(db, &of)?, runs::find(db, &of)?));
    let (living, row) = runs.hub.store.read(read).await?;
    if living.is_empty() {
        return Ok(());
    }
    let wanted = match row {
        Some(Run { status, .. }) if !status.is_terminal() => {
            match runs.ask(parent, |reply| Ask::Children { reply }).await {
                Err(Error::RunNotFound) => Vec::new(),
                wanted => wanted?,
            }
        }
        _ => Vec::new(),
    };
    for child in living.into_iter().filter(|child| !wanted.contains(child)) {
        let reason = Some("the run that started it does not wait for it any more".to_owned());
        match runs.ask(&child, |reply| Ask::Cancel { reason, reply }).await {
            Ok(_) | Err(Error::RunNotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Runs {
    /// After a start: children whose parents ended, or gave them up, right before the hub died.
    pub(super) async fn look_after_children(&self) -> Result<(), Error> {
        let mut after: Option<RunId> = None;
        loop {
            let from = after.clone();
            let read =
                move |db: &mut crate::store::Connection| runs::parents_of_living(db, from.as_ref(), PAGE);
            let page = self.hub.store.read(read).await?;
            for parent in &page {
                if let Err(error) = look_after(self, parent).await {
                    log::warn!(run_id:% = parent; "its children cannot be looked after: {error}");
                }
            }
            after = page.last().cloned();
            if after.is_none() {
                return Ok(());
            }
        }
    }
}
