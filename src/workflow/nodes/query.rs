//! Saved queries of tenants.

use crate::{
    datasource::{DataSources, Error, QueryCall},
    engine::{NodeError, Outcome, Task},
    error::{Code, Coded},
    ids::{NodeId, RunId},
    workflow::Job,
};

/// Runs the query of a node; `None` when it took too long.
pub(super) async fn run(sources: DataSources, job: Job) -> Option<Outcome> {
    let Task::Query { query, inputs } = job.task else {
        return Some(Outcome::Failed(NodeError::new(Code::ServerError, "this is no query")));
    };
    let key = job.idempotency_key;
    let run = key.split_once('/').map(|(run, _)| RunId::trusted(run));
    let node = key.split_once('/').and_then(|(_, rest)| rest.rsplit_once('/'));
    let call = QueryCall {
        tenant: job.tenant,
        query,
        inputs,
        node: node.map(|(node, _)| NodeId::trusted(node)),
        // What asks is a run, also under a key of another form: a stop fails none of its nodes.
        run: Some(run.unwrap_or_else(|| RunId::trusted(&key))),
        idempotency_key: Some(key),
        timeout: job.timeout,
    };
    match sources.run(call).await {
        Ok(value) => Some(Outcome::Returned(value)),
        Err(Error::Timeout(limit)) if limit >= job.timeout => None,
        Err(error) => {
            let reason = error.reason();
            Some(Outcome::Failed(NodeError {
                name: Some(reason.to_owned()),
                ..NodeError::new(error.code(), error.public_message())
            }))
        }
    }
}
