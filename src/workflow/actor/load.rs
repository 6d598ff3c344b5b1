//! From the journal to a living run.

use std::time::Duration;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::{
    dispatch::AttemptId,
    shell::{Alive, RunActor},
};
use crate::{
    engine::{self, Effect, RunState, Update},
    ids::{RunId, Seq, TenantId},
    store::{
        self,
        tables::runs::{self, Executor, Run, RunStatus},
    },
    workflow::{Error, fold::Fold, hub::Hub, watch},
};

/// Wait between two tries when the store cannot answer.
const RETRY: Duration = Duration::from_millis(500);
/// Longest wait for the workers to say what watchers have.
const RESYNC: Duration = Duration::from_secs(2);

/// What a run's row says that never changes.
#[derive(Debug, Clone)]
pub(in crate::workflow) struct Meta {
    pub(in crate::workflow) tenant: TenantId,
    pub(in crate::workflow) external: bool,
}

impl Meta {
    pub(in crate::workflow) fn of(run: &Run) -> Self {
        Self { tenant: run.tenant_id.clone(), external: run.executor == Executor::External }
    }
}

/// A run whose first rows were just committed: its actor need not read them.
pub(in crate::workflow) struct Birth {
    pub(in crate::workflow) meta: Meta,
    pub(in crate::workflow) state: RunState,
    pub(in crate::workflow) effects: Vec<Effect>,
    pub(in crate::workflow) pending: bool,
    pub(in crate::workflow) attention: bool,
}

/// Where a run goes on.
pub(super) struct Loaded {
    pub(super) alive: Alive,
    /// What must be done: attempts to begin, timers to hear of.
    pub(super) effects: Vec<Effect>,
    /// Rows that watchers may not have seen.
    pub(super) unseen: Vec<Update>,
    /// Attempts of which nobody can say any more what they were to do.
    pub(super) lost: Vec<AttemptId>,
}

impl Birth {
    /// Who made the stream owns it with version 1.
    pub(super) fn into_loaded(self, hub: &Hub) -> Loaded {
        let Self { meta, state, effects, pending, attention } = self;
        let guest = hub.crowd.enter(&meta.tenant);
        let alive = Alive { meta, state, owner_version: 1, attention, pending, guest };
        Loaded { alive, effects, unseen: Vec::new(), lost: Vec::new() }
    }
}

impl RunActor {
    /// Folds the rows; commands wait meanwhile, in the registry or in the inbox.
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        self.phase = super::shell::Phase::Loading;
        self.beat(ctx);
        self.life.doing(|| "reading its rows".to_owned());
        let (hub, id) = (std::sync::Arc::clone(&self.hub), self.life.id().clone());
        let load = async move {
            loop {
                match load(&hub, &id).await {
                    Err(Error::Store(error)) if error.is_transient() => {
                        log::warn!(run_id:% = id; "a run cannot be read, trying again: {error}");
                        tokio::time::sleep(RETRY).await;
                    }
                    loaded => return loaded,
                }
            }
        };
        ctx.spawn(load.into_actor(self).map(|loaded, actor, ctx| match loaded {
            Ok(loaded) => actor.begin(loaded, ctx),
            Err(Error::RunNotFound) => actor.gone(ctx),
            Err(error) => actor.fail(error, ctx),
        }));
    }
}

async fn load(hub: &Hub, id: &RunId) -> Result<Loaded, Error> {
    let key = id.clone();
    let run = hub.store.read(move |db| runs::find(db, &key)).await?.ok_or(Error::RunNotFound)?;
    let subject = watch::subject(id);
    // From here on nobody else writes; what was queued before is in the rows.
    let owner = hub.store.journal().acquire(&subject).await.map_err(|error| match error {
        store::Error::NotFound => Error::RunNotFound,
        error => Error::Store(error),
    })?;
    let seen = watchers_have(hub, &subject).await;
    // What watchers miss is told with the context of its time.
    let near = seen.map_or(owner.head, |seen| seen.min(owner.head));
    let mut fold = Fold::begin_near(hub, &run, near).await?;
    let mut unseen = Vec::new();
    while fold
        .page(hub, |state, event, row| {
            if seen.is_some_and(|seen| row.seq > seen) {
                unseen.extend(engine::update(state, event, row.seq));
            }
        })
        .await?
    {
        tokio::task::yield_now().await;
    }
    let state = fold.into_state()?;
    let pending = run.status == RunStatus::Pending;
    let effects = if pending { Vec::new() } else { engine::outstanding(&state) };
    let lost = if pending { Vec::new() } else { engine::lost(&state) };
    let alive = Alive {
        meta: Meta::of(&run),
        state,
        owner_version: owner.owner_version,
        attention: run.attention,
        pending,
        guest: hub.crowd.enter(&run.tenant_id),
    };
    Ok(Loaded { alive, effects, unseen, lost })
}

/// The lowest row that all watchers have; none without watchers.
async fn watchers_have(hub: &Hub, subject: &crate::delivery::Subject) -> Option<Seq> {
    if hub.shards.members(subject) == 0 {
        return None;
    }
    match tokio::time::timeout(RESYNC, hub.shards.resync(subject)).await {
        Ok(Ok(lowest)) => lowest,
        // Nobody could say: everything again, a shard skips what its members have.
        Ok(Err(_)) | Err(_) => Some(Seq::ZERO),
    }
}
