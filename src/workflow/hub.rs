//! What every run needs of its hub.

use std::{collections::HashMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use tokio::sync::RwLock;

use super::{
    actor::{Birth, Crowd, Execute},
    children::Children,
    definitions::Definitions,
    waiting::{Admission, Timers},
    watch::{Ends, Pages},
};
use crate::{
    clock::Clock,
    config::sections,
    delivery::Shards,
    engine,
    ids::{RunId, TenantId},
    store::Store,
};

/// What [`Runs`](super::Runs) is made of.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// Where watchers are reached.
    pub shards: Shards,
    /// What runs the code of nodes.
    pub executor: Arc<dyn Execute>,
    /// The clock.
    pub clock: Clock,
    /// `[workflow]`.
    pub workflow: sections::Workflow,
    /// `[node]`.
    pub node: sections::Node,
    /// `[script]`.
    pub script: sections::Script,
    /// `[limits]`.
    pub limits: sections::Limits,
    /// `[supervise]`.
    pub supervise: sections::Supervise,
}

/// Shared by all runs.
pub(super) struct Hub {
    pub(super) store: Store,
    pub(super) shards: Shards,
    pub(super) executor: Arc<dyn Execute>,
    pub(super) clock: Clock,
    pub(super) timers: Timers,
    pub(super) admission: Admission,
    pub(super) crowd: Arc<Crowd>,
    pub(super) children: Children,
    pub(super) definitions: Definitions,
    /// Runs that have ended, for who comes late.
    pub(super) ends: Ends,
    /// Rows that many joiners read at one time.
    pub(super) pages: Pages,
    /// Under which new runs are decided.
    pub(super) limits: Arc<engine::Limits>,
    /// Largest inputs of a run.
    pub(super) max_inputs: usize,
    /// Longest wait of a command for the journal.
    pub(super) command_deadline: Duration,
    /// New runs whose first rows are committed and whose actor is not there yet: it need not read
    /// what was just written.
    pub(super) births: Mutex<HashMap<RunId, Birth>>,
    /// Held for reading while a run begins, for writing while a workflow is removed, so that no run
    /// is left without its definition.
    pub(super) starting: RwLock<()>,
}

impl Hub {
    pub(super) fn new(parts: Parts, timers: Timers, children: Children) -> Self {
        let limits = Arc::new(engine::Limits::new(&parts.workflow, &parts.node, &parts.script));
        Self {
            admission: Admission::new(
                parts.workflow.max_active_per_tenant,
                parts.workflow.max_queued_per_tenant,
            ),
            children,
            crowd: Crowd::new(parts.limits.actors_per_tenant),
            definitions: Definitions::new(Arc::clone(&limits)),
            ends: Ends::default(),
            pages: Pages::default(),
            store: parts.store,
            shards: parts.shards,
            executor: parts.executor,
            clock: parts.clock,
            timers,
            limits,
            max_inputs: *parts.limits.inputs,
            command_deadline: *parts.supervise.command_deadline,
            births: Mutex::default(),
            starting: RwLock::new(()),
        }
    }

    /// Gives the tenant's free places to those that wait.
    pub(super) fn admit_next(&self, tenant: &TenantId) {
        while let Some(run) = self.admission.next(tenant) {
            self.timers.again(&run, super::messages::Wake::Admit, self.clock.now());
        }
    }
}
