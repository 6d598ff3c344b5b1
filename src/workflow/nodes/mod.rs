//! Nodes that act on the world, one file a kind of task; what only decides is in `engine`.
//!
//! [`Nodes`] takes the attempts of all runs ([`Execute`](super::Execute)) and hands each to what can
//! carry it out. The next kinds (queries, HTTP, forms, child runs) get a file and a field here.

mod fair;
mod javascript;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Execute, Job};
use crate::{
    config::sections::Script,
    engine::{Outcome, Task},
    script::ScriptPool,
};
use fair::Turns;
use javascript::JavaScript;

/// Carries out the attempts of nodes.
pub struct Nodes {
    scripts: Arc<JavaScript>,
}

impl Nodes {
    /// With the pool of script workers.
    pub fn new(pool: ScriptPool, settings: &Script) -> Self {
        let turns = Turns::new(settings.queue);
        Self { scripts: Arc::new(JavaScript { pool, turns }) }
    }
}

impl Execute for Nodes {
    fn execute(&self, job: Job) -> BoxFuture<'static, Option<Outcome>> {
        match job.task {
            Task::Script { .. } | Task::Expressions { .. } => {
                let scripts = Arc::clone(&self.scripts);
                Box::pin(async move { scripts.run(job).await })
            }
        }
    }
}
