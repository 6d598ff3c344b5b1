//! One worker process as the hub sees it: start, a job and its reply, the end.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use super::wire::{self, HEADER, MAX_REPLY, Reply};
use crate::ids::TenantId;

/// Longest time from the start of a process to its first word.
const START: Duration = Duration::from_secs(10);
/// Longest time to learn how a process ended that closed its pipe.
const END: Duration = Duration::from_millis(100);
/// Bytes read at once at least, and kept for the next replies at most.
const LEAST: usize = 512;
const ROOM: usize = 64 * 1024;

/// A worker process. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Worker {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    /// Read and not taken yet.
    heard: Vec<u8>,
    ready: bool,
    /// Whose scripts it has run; none yet: it may serve anybody.
    pub tenant: Option<TenantId>,
    /// Scripts it has run.
    pub executions: u32,
    /// Time it has spent on them.
    pub spent: Duration,
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
        let heard = Vec::new();
        Ok(Self {
            child,
            input,
            output,
            heard,
            ready: false,
            tenant: None,
            executions: 0,
            spent: Duration::ZERO,
        })
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

    /// Hands over jobs; an error means that the process was gone before it had taken them.
    pub async fn give(&mut self, jobs: &[u8]) -> Result<(), String> {
        self.input.write_all(jobs).await.map_err(|error| error.to_string())
    }

    /// Id of the process, while it lives.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Its next word. What has been read is kept when the future is dropped.
    pub async fn read(&mut self) -> Result<Reply, String> {
        loop {
            if let Some((header, rest)) = self.heard.split_first_chunk::<HEADER>() {
                let length = wire::length(*header, MAX_REPLY).map_err(|error| error.to_string())?;
                if let Some(frame) = rest.get(..length) {
                    let reply = Reply::decode(frame).map_err(|error| error.to_string());
                    self.heard.drain(..HEADER + length);
                    if self.heard.is_empty() && self.heard.capacity() > ROOM {
                        self.heard = Vec::new();
                    }
                    return reply;
                }
                self.heard.reserve((HEADER + length).saturating_sub(self.heard.len()));
            }
            self.heard.reserve(LEAST);
            match self.output.read_buf(&mut self.heard).await {
                Ok(0) => return Err("it closed its pipe".to_owned()),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
    }

    /// How the process ended, if it did.
    pub async fn end(&mut self) -> Option<String> {
        timeout(END, self.child.wait()).await.ok()?.ok().map(|status| status.to_string())
    }
}

/// The hub's own program, also when its file has been replaced by a newer one.
pub(super) fn own_program() -> PathBuf {
    let own = PathBuf::from("/proc/self/exe");
    if own.exists() { own } else { std::env::current_exe().unwrap_or(own) }
}
