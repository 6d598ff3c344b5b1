//! Who waits, who runs, which process serves whom.
//!
//! It lives on a thread of its own with its own small runtime: a busy actor never delays the end of
//! a script, and the processes are children of a thread that lives as long as the pool.

use std::{collections::HashMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};

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

/// Scripts of one tenant that a worker gets at once, if they are quick: it need not sleep between two.
const MOST: usize = 16;
/// What quick is.
const QUICK: Duration = Duration::from_millis(1);
/// Tenants whose pace is remembered.
const REMEMBERED: usize = 1024;
/// Asks that are heard before anything is started.
const HEARD: usize = 256;

/// Where a script's outcome goes.
pub(super) type Answer = oneshot::Sender<Result<Output, Error>>;

/// A script with whoever waits for it.
pub(super) struct Task {
    pub(super) id: u64,
    pub(super) script: Script,
    pub(super) reply: Answer,
}

/// What the pool's thread is told.
pub(super) enum Ask {
    /// Run a script.
    Run(Task),
    /// Nobody waits for this one any more. One that runs hears it from its reply.
    Withdraw(u64),
    /// They wait behind one that takes its time: others may have them.
    Back(Vec<Task>),
    /// The scripts of a worker have ended, each in about so long; it comes back if it may serve its
    /// tenant again.
    Ended { tenant: TenantId, worker: Option<Box<Worker>>, pace: Duration },
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
    fair: Fair<Task>,
    /// Workers that have something to do.
    running: usize,
    /// How long a script of a tenant takes, about.
    paces: HashMap<TenantId, Duration>,
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
        Self { shared, workers, fair, running: 0, paces: HashMap::new(), idle: Vec::new(), barren: false }
    }

    async fn live(mut self, mut inbox: mpsc::UnboundedReceiver<Ask>) {
        self.keep_spare();
        let mut asks = Vec::with_capacity(HEARD);
        while inbox.recv_many(&mut asks, HEARD).await > 0 {
            crash_point!("script.dispatch");
            for ask in asks.drain(..) {
                self.hear(ask);
            }
            while let Some((_, tenant, task)) = self.fair.start_next() {
                let mut tasks = vec![task];
                if self.paces.get(&tenant).is_some_and(|pace| *pace < QUICK) {
                    tasks.extend(self.fair.more(&tenant, MOST - 1));
                }
                let worker = self.take(&tenant);
                self.running += 1;
                let execution =
                    Execution { tenant, tasks: tasks.into(), worker, shared: self.shared.clone() };
                tokio::spawn(execution.carry_out());
            }
            self.keep_spare();
            metrics().scripts.queued.set(i64::try_from(self.fair.waiting()).unwrap_or(i64::MAX));
        }
    }

    fn hear(&mut self, ask: Ask) {
        match ask {
            Ask::Run(task) => {
                if let Err(task) = self.fair.offer(task.id, task.script.tenant.clone(), task) {
                    // Who asked may be gone.
                    let _ = task.reply.send(Err(Error::Busy));
                }
            }
            Ask::Withdraw(id) => drop(self.fair.withdraw(id)),
            Ask::Back(tasks) => {
                for task in tasks.into_iter().rev() {
                    self.paces.remove(&task.script.tenant);
                    self.fair.back(task.id, task.script.tenant.clone(), task);
                }
            }
            Ask::Ended { tenant, worker, pace } => {
                self.running -= 1;
                self.fair.finished(&tenant);
                self.idle.extend(worker.map(|worker| *worker));
                if self.paces.len() >= REMEMBERED {
                    self.paces.clear();
                }
                let known = self.paces.entry(tenant).or_insert(pace);
                *known = (*known * 3 + pace) / 4;
            }
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
        let room = self.workers.saturating_sub(self.running);
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
