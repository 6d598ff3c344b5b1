//! What can go wrong with a run or a definition, as its callers may tell it.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    engine::{Fault, Problem, Severity},
    error::{Code, Coded},
    store,
    supervise::Refused,
};

/// One thing that is wrong with a definition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Issue {
    /// Where, as a path into the request (`nodes[3].data.code`).
    pub path: String,
    /// Of which node, if of one.
    #[serde(rename = "nodeID", skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// What kind, for programs; none of an input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<Fault>,
    /// What, for people.
    pub message: String,
    /// What would be right, if that can be guessed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether it keeps the definition from running; none of an input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
}

impl Issue {
    /// A field with what is wrong.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into(), ..Self::default() }
    }
    /// Whether it keeps the definition from being saved, or from running.
    pub fn is_error(&self) -> bool {
        self.severity == Some(Severity::Error)
    }
}

impl From<Problem> for Issue {
    fn from(problem: Problem) -> Self {
        Self {
            path: problem.path,
            node: problem.node.map(|node| node.as_str().to_owned()),
            code: Some(problem.code),
            message: problem.message,
            hint: Some(problem.hint),
            severity: Some(problem.severity),
        }
    }
}

/// Why a command about a run or a definition was not carried out.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No such workflow in this tenant.
    #[error("no such workflow")]
    WorkflowNotFound,
    /// No such run in this tenant.
    #[error("no such run")]
    RunNotFound,
    /// No such request in this tenant.
    #[error("no such request")]
    CollectionNotFound,
    /// The request was answered, is cancelled or has expired.
    #[error("the request was answered, cancelled or has expired")]
    CollectionClosed,
    /// Its time is over.
    #[error("the request has expired")]
    CollectionExpired,
    /// Who answers is none of those who may.
    #[error("only who is named by the request may answer it")]
    NotAnApprover,
    /// The run has ended.
    #[error("the run has ended")]
    RunNotRunning,
    /// The request has the wrong shape.
    #[error("{0}")]
    Invalid(String),
    /// Fields that cannot be saved, each with its path.
    #[error("{}", sentence(.0))]
    Validation(Vec<Issue>),
    /// The graph cannot run as it is drawn.
    #[error("the workflow cannot run: {}", sentence(.0))]
    Definition(Vec<Issue>),
    /// The inputs do not fit their definitions, one entry a key.
    #[error("{}", sentence(.0))]
    Inputs(Vec<Issue>),
    /// Too many bytes.
    #[error("{0}")]
    TooLarge(String),
    /// The tenant's runs and its queue are at their limits.
    #[error("the limit {limit} of this tenant is reached")]
    RateLimited {
        /// The setting.
        limit: &'static str,
    },
    /// The key was used before for another request.
    #[error("{0}")]
    Conflict(String),
    /// The actor of the run did not take the command.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The run's actor ended before it answered: the command may have been carried out or not.
    #[error("the run's actor ended before it answered")]
    Lost,
    /// The engine refused it, in words for the caller.
    #[error("{message}")]
    Decided {
        /// The engine's code.
        code: Code,
        /// Its words.
        message: String,
    },
    /// The session is gone: nobody waits for the rest.
    #[error("the session is gone")]
    Gone,
    /// The hub is being stopped.
    #[error("the hub is being stopped")]
    Draining,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A defect of the hub, in words for the log.
    #[error("{0}")]
    Internal(String),
}

fn sentence(issues: &[Issue]) -> String {
    let text = |issue: &Issue| {
        if issue.path.is_empty() {
            issue.message.clone()
        } else {
            format!("{}: {}", issue.path, issue.message)
        }
    };
    issues.iter().map(text).collect::<Vec<_>>().join("; ")
}

impl Error {
    /// `error.details` of a REST answer: `issues` of a refused save or refused inputs, `problems` of
    /// a definition that cannot run.
    pub fn details(&self) -> Option<Value> {
        match self {
            Error::Validation(issues) | Error::Inputs(issues) => Some(json!({ "issues": issues })),
            Error::Definition(issues) => Some(json!({ "problems": issues })),
            Error::RateLimited { limit } => Some(json!({ "limit": limit })),
            _ => None,
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::WorkflowNotFound => Code::WorkflowNotFound,
            Error::RunNotFound => Code::RunNotFound,
            Error::CollectionNotFound => Code::CollectionNotFound,
            Error::CollectionClosed => Code::CollectionClosed,
            Error::CollectionExpired => Code::CollectionExpired,
            Error::NotAnApprover => Code::PermissionDenied,
            Error::RunNotRunning => Code::RunNotRunning,
            Error::Invalid(_) => Code::InvalidRequest,
            Error::Validation(_) => Code::ValidationError,
            Error::Definition(_) => Code::InvalidDefinition,
            Error::Inputs(_) => Code::InputInvalid,
            Error::TooLarge(_) => Code::PayloadTooLarge,
            Error::RateLimited { .. } => Code::RateLimited,
            Error::Conflict(_) => Code::Conflict,
            Error::Refused(refused) => refused.code(),
            Error::Lost => Code::RunLost,
            Error::Decided { code, .. } => *code,
            Error::Gone => Code::NotConnected,
            Error::Draining => Code::Draining,
            Error::Store(error) => error.code(),
            Error::Internal(_) => Code::ServerError,
        }
    }
}
