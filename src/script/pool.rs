//! The door of the pool: a script goes in, its output comes out, a dropped future takes it back.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::{mpsc, oneshot};

use super::{
    dispatcher::{self, Ask, Task},
    process::own_program,
};
use crate::{
    config::sections as config,
    metrics::{Reason, metrics},
    script::{Error, Output, Script},
};

/// The pool of worker processes. Cheap to clone; with the last clone its processes end.
#[derive(Clone)]
pub struct ScriptPool {
    settings: Arc<config::Script>,
    asks: mpsc::UnboundedSender<Ask>,
    last_id: Arc<AtomicU64>,
}

impl fmt::Debug for ScriptPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptPool").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl ScriptPool {
    /// Starts the pool; its workers are this program with the argument `script-worker`.
    pub fn start(settings: &config::Script) -> Self {
        Self::with_program(settings, own_program())
    }

    /// Starts the pool with another program as worker (tests: their own binary is not the hub).
    pub fn with_program(settings: &config::Script, program: PathBuf) -> Self {
        let settings = Arc::new(settings.clone());
        let (asks, inbox) = mpsc::unbounded_channel();
        if settings.enabled {
            dispatcher::start(settings.clone(), program, &asks, inbox);
        }
        Self { settings, asks, last_id: Arc::default() }
    }

    /// Runs a script when a worker is free. Its time counts from the start of the execution, not
    /// from here. Dropping the future takes it out of the queue, or ends its process.
    pub async fn run(&self, script: Script) -> Result<Output, Error> {
        let outcome = self.carry_out(script).await;
        let reason = outcome.as_ref().map_or_else(Error::reason, |_| "ok");
        metrics().scripts.executions.get_or_create(&Reason { reason }).inc();
        outcome
    }

    async fn carry_out(&self, script: Script) -> Result<Output, Error> {
        if !self.settings.enabled {
            return Err(Error::Disabled);
        }
        let (length, limit) = (script.code.len(), self.settings.source.get());
        if length > limit {
            return Err(Error::SourceTooLong { length, limit });
        }
        let ended = || Error::NoWorker("the pool has ended".to_owned());
        let id = self.last_id.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        self.asks.send(Ask::Run(Task { id, script, reply })).map_err(|_| ended())?;
        let mut withdraw = Withdraw { id, asks: Some(&self.asks) };
        let outcome = answer.await;
        withdraw.asks = None;
        outcome.map_err(|_| ended())?
    }
}

/// Tells the pool that nobody waits any more.
struct Withdraw<'a> {
    id: u64,
    asks: Option<&'a mpsc::UnboundedSender<Ask>>,
}

impl Drop for Withdraw<'_> {
    fn drop(&mut self) {
        if let Some(asks) = self.asks {
            // No pool, no script.
            let _ = asks.send(Ask::Withdraw(self.id));
        }
    }
}
