//! Scripts on their way through a worker process.

use std::{collections::VecDeque, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::{
    dispatcher::{Ask, Task, killed},
    process::Worker,
    wire::{JobRef, Reply},
};
use crate::{
    config::sections as config,
    ids::TenantId,
    script::{Error, Kind, Output, Thrown},
};

/// How long a worker has, beyond the limit, to end a script by itself.
const GRACE: Duration = Duration::from_millis(50);
/// A script that takes longer is no reason for others to wait.
const SLOW: Duration = Duration::from_millis(10);
/// Bytes that a pipe takes without anybody reading (64 KiB), and room.
const PIPE: usize = 48 * 1024;
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

/// Scripts of one tenant that have been given a place.
pub(super) struct Execution {
    pub tenant: TenantId,
    /// In order; one after the other.
    pub tasks: VecDeque<Task>,
    /// A process; otherwise one is started.
    pub worker: Option<Worker>,
    pub shared: Arc<Shared>,
}

/// Tells the dispatcher that the place is free again, also when the task ends early or panics.
struct Place {
    tenant: TenantId,
    worker: Option<Worker>,
    begun: Instant,
    ended: u32,
    shared: Arc<Shared>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(asks) = self.shared.asks.upgrade() {
            let (tenant, worker) = (self.tenant.clone(), self.worker.take().map(Box::new));
            let pace = self.begun.elapsed() / self.ended.max(1);
            // A pool that is ending needs no workers.
            let _ = asks.send(Ask::Ended { tenant, worker, pace });
        }
    }
}

/// How a job ended without a reply.
enum NoReply {
    /// Not in time.
    Late,
    /// Nobody waits for it.
    Unwanted,
    /// The process is gone, or said what none of ours says; the words are for people.
    Gone(String),
}

impl Execution {
    /// Carries them out; the process is given back if it may go on. The place is taken now, not at the
    /// first poll: a task that is dropped before it ran gives it back as well.
    pub fn carry_out(mut self) -> impl Future<Output = ()> + Send {
        let (tenant, shared, begun) = (self.tenant.clone(), self.shared.clone(), Instant::now());
        let mut place = Place { tenant, worker: self.worker.take(), begun, ended: 0, shared };
        async move {
            let mut last = None;
            while !self.tasks.is_empty() {
                self.round(&mut place, &mut last).await;
            }
            // The place is free before the caller can ask again.
            drop(place);
            tell(last);
        }
    }

    /// Gives a process what fits into its pipe and takes its replies, as long as it goes on. A process
    /// that died while it had nothing to do costs no attempt: another one is taken.
    async fn round(&mut self, place: &mut Place, last: &mut Option<(Task, Outcome)>) {
        let (jobs, count) = self.frames(place, last);
        if count == 0 {
            return;
        }
        let mut worker = match self.handed_over(&jobs, place.worker.take()).await {
            Ok(worker) => worker,
            Err(error) => {
                // Of one that does not read, the first is at fault; without one none can run.
                let many = if matches!(error, Error::NoWorker(_)) { self.tasks.len() } else { 1 };
                for _ in 0..many {
                    let Some(task) = self.tasks.pop_front() else { break };
                    self.ended(last, task, Err(error.clone()));
                }
                return;
            }
        };
        let mut sole = true;
        for _ in 0..count {
            let Some(mut task) = self.tasks.pop_front() else { break };
            let begun = Instant::now();
            let reply = self.reply(&mut worker, &mut task, begun, &mut sole).await;
            worker.spent += begun.elapsed();
            worker.executions += 1;
            place.ended += 1;
            let lives = matches!(reply, Ok(Reply::Done { .. } | Reply::Threw { .. }));
            if matches!(reply, Err(NoReply::Unwanted)) {
                killed("withdrawn");
            } else {
                let outcome = self.outcome(reply, &task, &worker);
                self.ended(last, task, outcome);
            }
            if !lives {
                return;
            }
        }
        if !sole {
            // It has jobs in its pipe that others have now.
            killed("replaced");
        } else if worker.executions < EXECUTIONS && worker.spent < WORK {
            place.worker = Some(worker);
        } else {
            killed("old");
        }
    }

    /// The last outcome waits until the place is free; the others are told at once.
    fn ended(&self, last: &mut Option<(Task, Outcome)>, task: Task, outcome: Outcome) {
        tell(if self.tasks.is_empty() { last.replace((task, outcome)) } else { Some((task, outcome)) });
    }

    /// A process that has taken the jobs.
    async fn handed_over(&self, jobs: &[u8], mut worker: Option<Worker>) -> Result<Worker, Error> {
        let mut why = String::new();
        for _ in 0..STARTS {
            let worker = worker.take().map_or_else(|| Worker::start(&self.shared.program), Ok);
            let mut worker = worker.map_err(|error| Error::NoWorker(error.to_string()))?;
            why = match worker.ready().await {
                Err(words) => words,
                Ok(()) => {
                    worker.tenant = Some(self.tenant.clone());
                    let limit = self.tasks.front().map_or(GRACE, |task| self.limit(task));
                    match timeout(limit + GRACE, worker.give(jobs)).await {
                        Ok(Ok(())) => return Ok(worker),
                        Ok(Err(words)) => words,
                        Err(_) => {
                            killed("timeout");
                            return Err(Error::Timeout(limit));
                        }
                    }
                }
            };
            log::warn!("a script worker was not ready: {why}");
            killed("not_ready");
        }
        Err(Error::NoWorker(why))
    }

    /// The reply to the task that is first now. Those behind it are given to others when it takes its
    /// time.
    async fn reply(
        &mut self,
        worker: &mut Worker,
        task: &mut Task,
        begun: Instant,
        sole: &mut bool,
    ) -> Result<Reply, NoReply> {
        let deadline = begun + self.limit(task) + GRACE;
        loop {
            let alarm = if self.tasks.is_empty() { deadline } else { deadline.min(begun + SLOW) };
            tokio::select! {
                biased;
                reply = worker.read() => {
                    return match reply {
                        Ok(Reply::Ready | Reply::Refused(_)) => {
                            Err(NoReply::Gone("it spoke out of turn".to_owned()))
                        }
                        Ok(reply) => Ok(reply),
                        Err(words) => Err(NoReply::Gone(worker.end().await.unwrap_or(words))),
                    };
                }
                () = task.reply.closed() => return Err(NoReply::Unwanted),
                () = sleep_until(alarm) => {
                    if Instant::now() >= deadline {
                        return Err(NoReply::Late);
                    }
                    if let Some(asks) = self.shared.asks.upgrade() {
                        // A pool that is ending runs nothing more.
                        let _ = asks.send(Ask::Back(self.tasks.drain(..).collect()));
                    }
                    *sole = false;
                }
            }
        }
    }

    fn limit(&self, task: &Task) -> Duration {
        task.script.timeout.unwrap_or(self.shared.settings.timeout.get())
    }

    /// The first tasks as frames, as many as fit into a pipe or a larger one alone; those that are no
    /// frame are told.
    fn frames(&mut self, place: &mut Place, last: &mut Option<(Task, Outcome)>) -> (Vec<u8>, usize) {
        let (mut jobs, mut count) = (Vec::new(), 0);
        while let Some(task) = self.tasks.get(count) {
            let settings = &self.shared.settings;
            let job = JobRef {
                expression: task.script.kind == Kind::Expression,
                timeout: self.limit(task),
                memory: settings.memory.get(),
                stack: settings.stack.get(),
                code: &task.script.code,
                ctx: &task.script.ctx,
            };
            match job.encode() {
                Some(frame) if count > 0 && jobs.len() + frame.len() > PIPE => break,
                Some(frame) if count == 0 => jobs = frame,
                Some(frame) => jobs.extend_from_slice(&frame),
                None => {
                    place.ended += 1;
                    if let Some(task) = self.tasks.remove(count) {
                        self.ended(last, task, Err(too_large()));
                    }
                    continue;
                }
            }
            count += 1;
        }
        (jobs, count)
    }

    fn outcome(&self, reply: Result<Reply, NoReply>, task: &Task, worker: &Worker) -> Outcome {
        let outcome = match reply {
            Ok(Reply::Done { value, truthy, console }) => match serde_json::from_str(&value) {
                Ok(value) => Ok(Output { value, truthy, console }),
                Err(_) => Err(Error::Died("its result was no JSON".to_owned())),
            },
            Ok(Reply::Threw { message, name, programming, console }) => {
                Err(Error::Thrown(Thrown { message, name, programming, console }))
            }
            Ok(Reply::Memory) => Err(Error::Memory(self.shared.settings.memory.get())),
            Ok(Reply::Timeout) | Err(NoReply::Late) => Err(Error::Timeout(self.limit(task))),
            Ok(Reply::Ready | Reply::Refused(_)) => Err(Error::Died("it spoke out of turn".to_owned())),
            Err(NoReply::Gone(words)) => Err(Error::Died(words)),
            Err(NoReply::Unwanted) => Err(Error::Died("nobody waits for it".to_owned())),
        };
        // What a script did that hit a limit stays in the process (the heap's pages, at least): that
        // one ends.
        if let Err(error) = &outcome
            && !matches!(error, Error::Thrown(_))
        {
            if let Error::Died(words) = error {
                log::warn!(tenant:% = self.tenant, worker = worker.id(); "a script worker ended: {words}");
            }
            killed(error.reason());
        }
        outcome
    }
}

/// What a script comes to.
type Outcome = Result<Output, Error>;

fn tell(told: Option<(Task, Outcome)>) {
    if let Some((task, outcome)) = told {
        // Who asked may be gone.
        let _ = task.reply.send(outcome);
    }
}

fn too_large() -> Error {
    Error::Thrown(Thrown {
        message: "the context of the script is too large".to_owned(),
        name: None,
        programming: true,
        console: Vec::new(),
    })
}
