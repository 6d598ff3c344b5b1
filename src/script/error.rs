//! Why a script has no result.

use std::time::Duration;

use crate::error::{Code, Coded};

/// What a script threw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thrown {
    /// The error's message, shortened; no stack.
    pub message: String,
    /// The error's name (`TypeError` …), if it is an error.
    pub name: Option<String>,
    /// The text itself is wrong (syntax, a name that is not defined, a call of what is no function):
    /// another attempt cannot help (`contract.md` 5.5).
    pub programming: bool,
    /// Lines of `console` before it.
    pub console: Vec<String>,
}

/// Why a script has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It threw, or its result is no JSON of at most 1 MiB.
    #[error("{}", .0.message)]
    Thrown(Thrown),
    /// It ran longer than its limit.
    #[error("the script ran longer than its limit of {} ms", .0.as_millis())]
    Timeout(Duration),
    /// It needed more memory than `script.memory`.
    #[error("the script needed more memory than its limit of {0} bytes")]
    Memory(usize),
    /// Its text is longer than `script.source`.
    #[error("the script has {length} bytes, at most {limit} are allowed")]
    SourceTooLong {
        /// Of the text.
        length: usize,
        /// The setting.
        limit: usize,
    },
    /// `script.enabled` is false.
    #[error("scripts are switched off on this hub (script.enabled)")]
    Disabled,
    /// Its process died: killed from outside, or the sandbox stopped it. Costs this one attempt.
    #[error("the script's process ended: {0}")]
    Died(String),
    /// `script.queue` scripts wait already.
    #[error("too many scripts wait for a worker")]
    Busy,
    /// No worker process can be started, or the pool has ended; the words are for the log.
    #[error("no script worker: {0}")]
    NoWorker(String),
}

impl Error {
    /// The text of the script is at fault: a retry gives the same.
    pub fn is_programming(&self) -> bool {
        match self {
            Self::Thrown(thrown) => thrown.programming,
            Self::SourceTooLong { .. } | Self::Disabled => true,
            _ => false,
        }
    }

    /// Lines of `console` that the script wrote before it failed, as far as they are known.
    pub fn console(&self) -> &[String] {
        match self {
            Self::Thrown(thrown) => &thrown.console,
            _ => &[],
        }
    }

    /// For the metric `script_executions`.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Thrown(_) => "threw",
            Self::Timeout(_) => "timeout",
            Self::Memory(_) => "memory",
            Self::SourceTooLong { .. } => "source_too_long",
            Self::Disabled => "disabled",
            Self::Died(_) => "died",
            Self::Busy => "busy",
            Self::NoWorker(_) => "no_worker",
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Thrown(_) | Self::SourceTooLong { .. } | Self::Disabled | Self::Died(_) => Code::JsError,
            Self::Timeout(_) => Code::JsTimeout,
            Self::Memory(_) => Code::JsMemory,
            Self::Busy => Code::Busy,
            Self::NoWorker(_) => Code::ServerError,
        }
    }
}
