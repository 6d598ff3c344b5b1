//! One worker process as the hub sees it: start, a job and its reply, the end.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{Instant, timeout, timeout_at},
};

use super::wire::{self, HEADER, MAX_REPLY, Reply};
use crate::ids::TenantId;

/// Longest time from the start of a process to its first word.
const START: Duration = Duration::from_secs(10);
/// Longest time to learn how a process ended that closed its pipe.
const END: Duration = Duration::from_millis(100);

/// A worker process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    ready: bool,
    /// Whose scripts it has run; none yet: it may serve anybody.
    pub tenant: Option<TenantId>,
    /// Scripts it has run.
    pub executions: u32,
    /// Time it has spent on them.
    pub spent: Duration,
}

/// How a job ended without a reply.
#[derive(Debug)]
pub(super) enum NoReply {
    /// Not in time.
    Late,
    /// The process was gone before it had taken the job: nothing has run.
    NotTaken(String),
    /// The process is gone, or said what none of ours says; the words are for people.
    Gone(String),
}

impl Worker {
    /// Starts a process. It is warm when it has said that it is ready, which is read before its
    /// first job.
    pub fn start(program: &Path) -> std::io::Result<Self> {
        let mut child = Command::new(program)
            .arg("script-worker")
            // No secrets of the hub; times are in UTC.
            .env_clear()
            .env("TZ", "UTC0")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // An interrupt at the terminal is for the hub, which drains first.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (input, output) = pipes.ok_or(std::io::ErrorKind::BrokenPipe)?;
        Ok(Self { child, input, output, ready: false, tenant: None, executions: 0, spent: Duration::ZERO })
    }

    /// Waits until it can take a job. An error is for the log.
    pub async fn ready(&mut self) -> Result<(), String> {
        if self.ready {
            // One that was killed while it had nothing to do costs nobody an attempt.
            return match self.child.try_wait() {
                Ok(None) => Ok(()),
                Ok(Some(status)) => Err(status.to_string()),
                Err(error) => Err(error.to_string()),
            };
        }
        match timeout(START, self.read()).await {
            Ok(Ok(Reply::Ready)) => {
                self.ready = true;
                Ok(())
            }
            Ok(Ok(Reply::Refused(why))) => Err(why),
            Ok(Ok(_)) => Err("its first word is wrong".to_owned()),
            Ok(Err(words)) => Err(words),
            Err(_) => Err("it does not start".to_owned()),
        }
    }

    /// Hands over a job and waits for its reply until the deadline.
    pub async fn execute(&mut self, job: &[u8], deadline: Instant) -> Result<Reply, NoReply> {
        let begun = Instant::now();
        self.executions += 1;
        let exchange = async {
            self.input.write_all(job).await.map_err(|error| NoReply::NotTaken(error.to_string()))?;
            self.read().await.map_err(NoReply::Gone)
        };
        let reply = timeout_at(deadline, exchange).await;
        self.spent += begun.elapsed();
        match reply {
            Ok(Ok(Reply::Ready | Reply::Refused(_))) => Err(NoReply::Gone("it spoke out of turn".to_owned())),
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(NoReply::Gone(words))) => Err(NoReply::Gone(self.end().await.unwrap_or(words))),
            Ok(Err(other)) => Err(other),
            Err(_) => Err(NoReply::Late),
        }
    }

    /// Id of the process, while it lives.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    async fn read(&mut self) -> Result<Reply, String> {
        let words = |error: std::io::Error| error.to_string();
        let mut header = [0; HEADER];
        self.output.read_exact(&mut header).await.map_err(words)?;
        let length = wire::length(header, MAX_REPLY).map_err(|error| error.to_string())?;
        let mut frame = vec![0; length];
        self.output.read_exact(&mut frame).await.map_err(words)?;
        Reply::decode(&frame).map_err(|error| error.to_string())
    }

    /// How the process ended, if it did.
    async fn end(&mut self) -> Option<String> {
        timeout(END, self.child.wait()).await.ok()?.ok().map(|status| status.to_string())
    }
}

/// The hub's own program, also when its file has been replaced by a newer one.
pub(super) fn own_program() -> PathBuf {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { own } else { std::env::current_exe().unwrap_or(own) }
}
