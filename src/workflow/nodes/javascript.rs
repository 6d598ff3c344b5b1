//! Tenants' JavaScript, through the pool of worker processes.

use std::{sync::Arc, time::Duration};

use super::fair::Turns;
use crate::{
    engine::{CodeContext, NodeError, Outcome, ScriptKind, Task},
    error::{Code, Coded},
    ids::TenantId,
    script::{Error, Kind, Output, Script, ScriptPool},
    workflow::Job,
};

/// Wait before a full pool, or one without workers, is asked again.
const AGAIN: Duration = Duration::from_millis(100);
/// A context of so many bytes is written where it is.
const INLINE: usize = 32 * 1024;
/// Tries while no worker can be started.
const TRIES: u32 = 50;

pub(super) struct JavaScript {
    pub(super) pool: ScriptPool,
    pub(super) turns: Turns,
}

impl JavaScript {
    pub(super) async fn run(&self, job: Job) -> Option<Outcome> {
        let _turn = self.turns.wait(&job.tenant).await?;
        match job.task {
            Task::Script { code, kind, ctx } => {
                let ctx = json(ctx).await;
                let kind = match kind {
                    ScriptKind::Function => Kind::Function,
                    ScriptKind::Expression => Kind::Expression,
                };
                let script = Script { tenant: job.tenant, code, ctx, kind, timeout: Some(job.timeout) };
                let outcome = self.execute(script).await;
                let console = match &outcome {
                    Ok(output) => output.console.as_slice(),
                    Err(Error::Thrown(thrown)) => thrown.console.as_slice(),
                    Err(_) => &[],
                };
                for line in console {
                    log::debug!(
                        target: "jethub::console", run_id:% = job.run, node_id:% = job.node, visit = job.visit.0,
                        attempt = job.attempt.0; "{line}"
                    );
                }
                Some(match outcome {
                    Ok(output) => Outcome::Returned(output.value),
                    Err(error) => Outcome::Failed(failure(&error)),
                })
            }
            Task::Expressions { expressions, ctx } => {
                let ctx = json(ctx).await;
                self.evaluate(&job.tenant, &expressions, &ctx, job.timeout).await
            }
            Task::Query { .. } | Task::Child { .. } => {
                Some(Outcome::Failed(NodeError::new(Code::ServerError, "this is no script")))
            }
        }
    }

    /// One after the other; the time is that of all together.
    async fn evaluate(
        &self,
        tenant: &TenantId,
        expressions: &[Arc<str>],
        ctx: &Arc<str>,
        timeout: Duration,
    ) -> Option<Outcome> {
        let all = async {
            let mut values = Vec::with_capacity(expressions.len());
            for code in expressions {
                let script = Script {
                    tenant: tenant.clone(),
                    code: Arc::clone(code),
                    ctx: Arc::clone(ctx),
                    kind: Kind::Expression,
                    timeout: Some(timeout),
                };
                match self.execute(script).await {
                    Ok(output) => values.push(Some(output.value)),
                    Err(Error::Thrown(_) | Error::SourceTooLong { .. }) => values.push(None),
                    Err(error) => return Outcome::Failed(failure(&error)),
                }
            }
            Outcome::Evaluated(values)
        };
        tokio::time::timeout(timeout, all).await.ok()
    }

    async fn execute(&self, script: Script) -> Result<Output, Error> {
        let mut tries = 0;
        loop {
            let error = match self.pool.run(script.clone()).await {
                Err(error @ (Error::Busy | Error::NoWorker(_))) => error,
                result => return result,
            };
            // The hub's own trouble, not the script's: it waits.
            if matches!(error, Error::NoWorker(_)) {
                tries += 1;
                if tries >= TRIES {
                    return Err(error);
                }
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

/// What code sees, as JSON; a large one is written off the actor's thread.
async fn json(ctx: CodeContext) -> Arc<str> {
    let large = ctx.context.bytes() > INLINE || !ctx.internal.is_empty();
    let write = move || Arc::from(serde_json::to_string(&ctx).unwrap_or_default());
    if large { tokio::task::spawn_blocking(write).await.unwrap_or_else(|_| Arc::from("{}")) } else { write() }
}

fn failure(error: &Error) -> NodeError {
    let code = match error.code() {
        Code::Busy => Code::ServerError,
        code => code,
    };
    let name = match error {
        Error::Thrown(thrown) => thrown.name.clone(),
        _ => None,
    };
    NodeError { name, ..NodeError::new(code, error.public_message()) }
}
