//! Which kind of task goes where.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{fair::Turns, javascript::JavaScript, query};
use crate::{
    config::sections::Script,
    datasource::DataSources,
    engine::{NodeError, Outcome, Task},
    error::Code,
    script::ScriptPool,
    workflow::{Execute, Job},
};

/// Carries out the attempts of nodes.
pub struct Nodes {
    scripts: Arc<JavaScript>,
    sources: DataSources,
}

impl Nodes {
    /// With the pool of script workers and what runs queries.
    pub fn new(pool: ScriptPool, settings: &Script, sources: DataSources) -> Self {
        let turns = Turns::new(settings.queue);
        Self { scripts: Arc::new(JavaScript { pool, turns }), sources }
    }
}

impl Execute for Nodes {
    fn execute(&self, job: Job) -> BoxFuture<'static, Option<Outcome>> {
        match job.task {
            Task::Script { .. } | Task::Expressions { .. } => {
                let scripts = Arc::clone(&self.scripts);
                Box::pin(async move { scripts.run(job).await })
            }
            Task::Query { .. } => Box::pin(query::run(self.sources.clone(), job)),
            Task::Child { .. } => {
                let error = NodeError::new(Code::QueryUnavailable, "this hub cannot carry out the node");
                Box::pin(std::future::ready(Some(Outcome::Failed(error))))
            }
        }
    }
}
