//! One script on its way through a worker process.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::{sync::mpsc, time::Instant};

use super::{
    dispatcher::{Answer, Ask, killed},
    process::{NoReply, Worker},
    wire::{Job, Reply},
};
use crate::{
    config::sections as config,
    ids::TenantId,
    script::{Error, Kind, Output, Script, Thrown},
};

/// How long a worker has, beyond the limit, to end a script by itself.
const GRACE: Duration = Duration::from_millis(50);
/// Processes that are tried before a script is told that there is none.
const STARTS: usize = 3;
/// Scripts after which a process is replaced, so that nothing adds up in it.
const EXECUTIONS: u32 = 10_000;
/// Work after which a process is replaced: with one more script far below the limit that it has set
/// itself (`sandbox::CPU_SECONDS`).
const WORK: Duration = Duration::from_secs(30 * 60);

/// What all executions of a pool share.
pub(super) struct Shared {
    pub settings: Arc<config::Script>,
    pub program: PathBuf,
    pub asks: mpsc::WeakUnboundedSender<Ask>,
}

/// A script that has been given a place.
pub(super) struct Execution {
    pub id: u64,
    pub script: Script,
    /// A process; otherwise one is started.
    pub worker: Option<Worker>,
    pub shared: Arc<Shared>,
}

/// Tells the dispatcher that the place is free again, also when the task is aborted or panics.
struct Place {
    id: u64,
    tenant: TenantId,
    worker: Option<Worker>,
    shared: Arc<Shared>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(asks) = self.shared.asks.upgrade() {
            let (id, tenant, worker) = (self.id, self.tenant.clone(), self.worker.take().map(Box::new));
            // A pool that is ending needs no workers.
            let _ = asks.send(Ask::Ended { id, tenant, worker });
        }
    }
}

impl Execution {
    /// Carries it out; the process is given back if it may go on. The place is taken now, not at the
    /// first poll: a task that is aborted before it ran gives it back as well.
    pub fn carry_out(mut self, reply: Answer) -> impl Future<Output = ()> + Send {
        let tenant = self.script.tenant.clone();
        let mut place = Place { id: self.id, tenant, worker: None, shared: self.shared.clone() };
        async move {
            let outcome = match self.frame() {
                Ok(frame) => self.exchange(&frame, &mut place).await,
                Err(error) => {
                    place.worker = self.worker.take();
                    Err(error)
                }
            };
            // The place is free before the caller can ask again.
            drop(place);
            // Who asked may be gone.
            let _ = reply.send(outcome);
        }
    }

    fn limit(&self) -> Duration {
        self.script.timeout.unwrap_or(self.shared.settings.timeout.get())
    }

    fn frame(&self) -> Result<Vec<u8>, Error> {
        let too_large = || {
            Error::Thrown(Thrown {
                message: "the context of the script is too large".to_owned(),
                name: None,
                programming: true,
                console: Vec::new(),
            })
        };
        let job = Job {
            expression: self.script.kind == Kind::Expression,
            timeout: self.limit(),
            memory: self.shared.settings.memory.get(),
            stack: self.shared.settings.stack.get(),
            code: self.script.code.to_string(),
            ctx: serde_json::to_string(&*self.script.ctx).map_err(|_| too_large())?,
        };
        job.encode().ok_or_else(too_large)
    }

    /// The script's outcome. A process that died while it had nothing to do costs no attempt:
    /// another one is taken.
    async fn exchange(&mut self, frame: &[u8], place: &mut Place) -> Result<Output, Error> {
        let mut why = String::new();
        for _ in 0..STARTS {
            let worker = self.worker.take().map_or_else(|| Worker::start(&self.shared.program), Ok);
            let mut worker = worker.map_err(|error| Error::NoWorker(error.to_string()))?;
            why = match worker.ready().await {
                Err(words) => words,
                Ok(()) => {
                    worker.tenant = Some(self.script.tenant.clone());
                    match worker.execute(frame, Instant::now() + self.limit() + GRACE).await {
                        Err(NoReply::NotTaken(words)) => words,
                        reply => return self.outcome(reply, worker, place),
                    }
                }
            };
            log::warn!("a script worker was not ready: {why}");
            killed("not_ready");
        }
        Err(Error::NoWorker(why))
    }

    fn outcome(
        &self,
        reply: Result<Reply, NoReply>,
        worker: Worker,
        place: &mut Place,
    ) -> Result<Output, Error> {
        let outcome = match reply {
            Ok(Reply::Done { value, truthy, console }) => match serde_json::from_str(&value) {
                Ok(value) => Ok(Output { value, truthy, console }),
                Err(_) => Err(Error::Died("its result was no JSON".to_owned())),
            },
            Ok(Reply::Threw { message, name, programming, console }) => {
                Err(Error::Thrown(Thrown { message, name, programming, console }))
            }
            Ok(Reply::Memory) => Err(Error::Memory(self.shared.settings.memory.get())),
            Ok(Reply::Timeout) | Err(NoReply::Late) => Err(Error::Timeout(self.limit())),
            Ok(Reply::Ready | Reply::Refused(_)) => Err(Error::Died("it spoke out of turn".to_owned())),
            Err(NoReply::Gone(words) | NoReply::NotTaken(words)) => Err(Error::Died(words)),
        };
        match &outcome {
            Ok(_) | Err(Error::Thrown(_)) => {
                if worker.executions < EXECUTIONS && worker.spent < WORK {
                    place.worker = Some(worker);
                } else {
                    killed("old");
                }
            }
            // What a script did that hit a limit stays in the process: the heap's pages, at least.
            Err(error) => {
                if let Error::Died(words) = error {
                    log::warn!(tenant:% = self.script.tenant, worker = worker.id(); "a script worker ended: {words}");
                }
                killed(error.reason());
            }
        }
        outcome
    }
}
