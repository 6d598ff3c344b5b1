//! Attempts: from an effect to whatever carries it out, and back as a command.

use std::sync::Arc;

use futures_util::future::Either;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::{
    commit::Work,
    shell::{Phase, RunActor},
    tasks::Job,
};
use crate::{
    crash_point,
    engine::{AttemptResult, Effect, RunCommand as Decide, Task},
    ids::{Attempt, NodeId, Visit},
};

/// Which attempt.
pub(super) type AttemptId = (NodeId, Visit, Attempt);

impl RunActor {
    /// Does what committed rows ask for. Projections were in their transaction; the timer task hears
    /// of timers here.
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>, ctx: &mut Context<Self>) {
        for effect in effects {
            match effect {
                Effect::Dispatch { node, visit, attempt, task, timeout } => {
                    if self.finishing {
                        continue;
                    }
                    let Phase::Alive(alive) = &self.phase else { continue };
                    let id = (node, visit, attempt);
                    if self.tasks.contains_key(&id) {
                        continue;
                    }
                    crash_point!("node.after_dispatched_row");
                    let key = format!("{}/{}/{}", self.life.id(), id.0, id.1.0);
                    let job = Job {
                        tenant: alive.meta.tenant.clone(),
                        run: self.life.id().clone(),
                        node: id.0.clone(),
                        visit: id.1,
                        attempt: id.2,
                        idempotency_key: Arc::from(key),
                        task,
                        timeout,
                    };
                    self.dispatch(id, job, ctx);
                }
                Effect::Interrupt { node, visit, attempt } => {
                    if let Some(task) = self.tasks.remove(&(node, visit, attempt)) {
                        ctx.cancel_future(task);
                    }
                }
                Effect::SetTimer { key, due_at } => {
                    self.hub.timers.set(self.life.id(), &key.to_string(), due_at);
                }
                // A timer that fires in vain is refused as stale.
                Effect::ClearTimer { .. } => {}
                Effect::OpenRequest { .. } | Effect::CloseRequest { .. } => {}
                // The next start does it.
                Effect::GoOn if self.finishing => {}
                Effect::GoOn => {
                    self.inbox.push_back(Work::by_hub(Decide::GoOn, self.hub.clock.monotonic()));
                }
                Effect::Finished(_) => {
                    for (_, task) in self.tasks.drain() {
                        ctx.cancel_future(task);
                    }
                }
            }
        }
    }

    fn dispatch(&mut self, id: AttemptId, job: Job, ctx: &mut Context<Self>) {
        let work = match job.task {
            Task::Child { .. } => Either::Left(self.hub.children.run(job)),
            _ => Either::Right(self.hub.executor.execute(job)),
        };
        let attempt = async move {
            crash_point!("node.mid_handler");
            let outcome = work.await;
            crash_point!("node.after_effect");
            outcome
        };
        let key = id.clone();
        let attempt = attempt.into_actor(self).map(move |outcome, actor, ctx| {
            actor.tasks.remove(&key);
            let (node, visit, attempt) = key;
            let command = match outcome {
                Some(outcome) => Decide::Result(AttemptResult { node, visit, attempt, outcome }),
                None => Decide::Timeout { node, visit, attempt },
            };
            actor.inbox.push_back(Work::by_hub(command, actor.hub.clock.monotonic()));
            actor.pump(ctx);
        });
        let handle = ctx.spawn(attempt);
        self.tasks.insert(id, handle);
    }
}
