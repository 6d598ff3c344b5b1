//! What carries out the tasks of nodes.

use std::{sync::Arc, time::Duration};

use futures_util::future::BoxFuture;

use crate::{
    engine::{Outcome, Task},
    ids::{Attempt, NodeId, RunId, TenantId, Visit},
};

/// One attempt of a node.
#[derive(Debug, Clone)]
pub struct Job {
    /// Whose run it is.
    pub tenant: TenantId,
    /// The run.
    pub run: RunId,
    /// The node.
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The attempt.
    pub attempt: Attempt,
    /// `<run>/<node>/<visit>`: the same for every attempt of a visit, also after a crash.
    pub idempotency_key: Arc<str>,
    /// What to do.
    pub task: Task,
    /// Longest time, from when it begins. An attempt that takes longer is dropped.
    pub timeout: Duration,
}

/// Carries out jobs off the actors' threads. Dropping the future interrupts the job.
pub trait Execute: Send + Sync + 'static {
    /// Carries one out; what goes wrong is an [`Outcome::Failed`]. `None` when it took too long.
    fn execute(&self, job: Job) -> BoxFuture<'static, Option<Outcome>>;
}
