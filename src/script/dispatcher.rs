//! Who waits, who runs, which process serves whom.
//!
//! It lives on a thread of its own with its own small runtime: a busy actor never delays the end of
//! a script, and the processes are children of a thread that lives as long as the pool.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use tokio::{
    sync::{mpsc, oneshot},
    task::AbortHandle,
};

use super::{
    execution::{Execution, Shared},
    fair::Fair,
    process::Worker,
};
use crate::{
    config::sections as config,
    crash_point,
    ids::TenantId,
    metrics::{Reason, metrics},
    script::{Error, Output, Script},
};

/// Where a script's outcome goes.
pub(super) type Answer = oneshot::Sender<Result<Output, Error>>;

/// What the pool's thread is told.
pub(super) enum Ask {
    /// Run a script.
    Run { id: u64, script: Script, reply: Answer },
    /// Nobody waits for this one any more.
    Withdraw(u64),
    /// A script has ended; the worker comes back if it may serve its tenant again.
    Ended { id: u64, tenant: TenantId, worker: Option<Box<Worker>> },
}

/// Starts the pool's thread. It ends when the last of the `asks` is gone.
pub(super) fn start(
    settings: Arc<config::Script>,
    program: PathBuf,
    asks: &mpsc::UnboundedSender<Ask>,
    inbox: mpsc::UnboundedReceiver<Ask>,
) {
    let shared = Arc::new(Shared { settings, program, asks: asks.downgrade() });
    let thread = std::thread::Builder::new().name("script-pool".to_owned());
    let started = thread.spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return log::error!("the script pool has no runtime: {error}"),
        };
        let ended = runtime.block_on(async { tokio::spawn(Dispatcher::new(shared).live(inbox)).await });
        if let Err(error) = ended {
            // Without it no script ends any more: a hub that is half alive is worse than a restart.
            log::error!("the script pool failed: {error}");
            std::process::abort();
        }
    });
    if let Err(error) = started {
        // The inbox went with the closure: every script is answered with NoWorker.
        log::error!("the script pool has no thread: {error}");
    }
}

struct Dispatcher {
    shared: Arc<Shared>,
    workers: usize,
    fair: Fair<(Script, Answer)>,
    running: HashMap<u64, AbortHandle>,
    /// Processes without work, the longest idle first; at least one of them has no tenant yet.
    idle: Vec<Worker>,
    /// The last start failed, and that has been logged.
    barren: bool,
}

impl Dispatcher {
    fn new(shared: Arc<Shared>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        let workers = shared.settings.worker_count(cores);
        let fair = Fair::new(workers, shared.settings.queue);
        Self { shared, workers, fair, running: HashMap::new(), idle: Vec::new(), barren: false }
    }

    async fn live(mut self, mut inbox: mpsc::UnboundedReceiver<Ask>) {
        self.keep_spare();
        while let Some(ask) = inbox.recv().await {
            crash_point!("script.dispatch");
            match ask {
                Ask::Run { id, script, reply } => {
                    let offered = self.fair.offer(id, script.tenant.clone(), (script, reply));
                    if let Err((_, reply)) = offered {
                        // Who asked may be gone.
                        let _ = reply.send(Err(Error::Busy));
                    }
                }
                Ask::Withdraw(id) => {
                    if self.fair.withdraw(id).is_none()
                        && let Some(execution) = self.running.remove(&id)
                    {
                        // Its process is killed with it, and it tells that it has ended.
                        execution.abort();
                        killed("withdrawn");
                    }
                }
                Ask::Ended { id, tenant, worker } => {
                    self.running.remove(&id);
                    self.fair.finished(&tenant);
                    self.idle.extend(worker.map(|worker| *worker));
                }
            }
            while let Some((id, tenant, (script, reply))) = self.fair.start_next() {
                let worker = self.take(&tenant);
                let execution = Execution { id, script, worker, shared: self.shared.clone() };
                self.running.insert(id, tokio::spawn(execution.carry_out(reply)).abort_handle());
            }
            self.keep_spare();
            metrics().scripts.queued.set(i64::try_from(self.fair.waiting()).unwrap_or(i64::MAX));
        }
    }

    /// A process that has served this tenant, or nobody yet.
    fn take(&mut self, tenant: &TenantId) -> Option<Worker> {
        let own = self.idle.iter().rposition(|worker| worker.tenant.as_ref() == Some(tenant));
        let at = own.or_else(|| self.idle.iter().position(|worker| worker.tenant.is_none()))?;
        Some(self.idle.remove(at))
    }

    /// Ends processes beyond the number, those of tenants who asked longest ago first, and keeps
    /// one warm that nobody has used.
    fn keep_spare(&mut self) {
        let room = self.workers.saturating_sub(self.running.len());
        let mut served = self.idle.iter().filter(|worker| worker.tenant.is_some()).count();
        while served > room
            && let Some(at) = self.idle.iter().position(|worker| worker.tenant.is_some())
        {
            self.idle.remove(at);
            served -= 1;
            killed("replaced");
        }
        if self.idle.len() > served {
            return;
        }
        match Worker::start(&self.shared.program) {
            Ok(worker) => {
                self.barren = false;
                self.idle.push(worker);
            }
            Err(error) if !self.barren => {
                self.barren = true;
                log::error!(program:% = self.shared.program.display(); "no script worker can be started: {error}");
            }
            Err(_) => {}
        }
    }
}

/// Counts a process that was ended.
pub(super) fn killed(reason: &'static str) {
    metrics().scripts.killed.get_or_create(&Reason { reason }).inc();
}
