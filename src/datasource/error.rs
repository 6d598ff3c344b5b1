//! Why a query has no answer.

use std::time::Duration;

use crate::{
    engine::InputProblem,
    error::{Code, Coded},
    store,
};

/// What went wrong with a query, as a closed set of words: `error.reason` in log lines, and for
/// callers that tell a failure by more than its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The saved source or query cannot be used as it is.
    Settings,
    /// The server refused the login, or the credential cannot be decrypted.
    Login,
    /// Nobody answers there, or the connection broke off.
    Unreachable,
    /// The address, port or file may not be used.
    BlockedAddress,
    /// A header, method or address with characters that HTTP does not allow.
    InvalidHeader,
    /// The database refused the statement.
    Statement,
    /// A write in a query that only reads.
    ReadOnly,
    /// Too many rows.
    Rows,
    /// Too many bytes.
    Bytes,
    /// The HTTP answer's status is not 2xx.
    Status,
    /// The answer is not what was expected: no JSON, nothing at the path.
    Answer,
}

impl Reason {
    /// Spelling in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Settings => "settings",
            Self::Login => "login",
            Self::Unreachable => "unreachable",
            Self::BlockedAddress => "blocked_address",
            Self::InvalidHeader => "invalid_header",
            Self::Statement => "statement",
            Self::ReadOnly => "read_only",
            Self::Rows => "max_rows",
            Self::Bytes => "max_bytes",
            Self::Status => "status",
            Self::Answer => "answer",
        }
    }
}

/// Why a query has no answer. The words reach the tenant: they hold no credential, no address and no
/// text of the statement.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Neither a data source nor a query service can answer it.
    #[error("no data source is configured for this query: {0}")]
    Unavailable(&'static str),
    /// Not this tenant's, or not there: the same answer for both (`faults.md` A20).
    #[error("the query is not one of this tenant")]
    Foreign,
    /// The inputs do not fit the query's definitions.
    #[error("{}", list(.0))]
    Inputs(Vec<InputProblem>),
    /// The query failed.
    #[error("{message}")]
    Failed {
        /// What it was.
        reason: Reason,
        /// For people.
        message: String,
    },
    /// It took longer than it may.
    #[error("the query took longer than {}", crate::config::DurationSetting::from(*.0))]
    Timeout(Duration),
    /// More queries of this tenant wait than `datasource.queue`.
    #[error("too many queries of this tenant wait (datasource.queue)")]
    Waiting,
    /// The hub is being stopped.
    #[error("the hub is being stopped")]
    Draining,
    /// The hub's own store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// Something of the hub's own; the words are for the log.
    #[error("{0}")]
    Internal(String),
}

impl Error {
    /// A failed query.
    pub(crate) fn failed(reason: Reason, message: impl Into<String>) -> Self {
        Self::Failed { reason, message: message.into() }
    }

    /// `error.reason`.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Foreign => "foreign",
            Self::Inputs(_) => "inputs",
            Self::Failed { reason, .. } => reason.as_str(),
            Self::Timeout(_) => "timeout",
            Self::Waiting => "queue",
            Self::Draining => "draining",
            Self::Store(_) => "storage",
            Self::Internal(_) => "internal",
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unavailable(_) => Code::QueryUnavailable,
            Self::Foreign => Code::PermissionDenied,
            Self::Inputs(_) => Code::InputInvalid,
            Self::Failed { .. } => Code::QueryFailed,
            Self::Timeout(_) => Code::NodeTimeout,
            Self::Waiting => Code::RateLimited,
            Self::Draining => Code::Draining,
            Self::Store(error) => error.code(),
            Self::Internal(_) => Code::ServerError,
        }
    }
}

fn list(problems: &[InputProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
