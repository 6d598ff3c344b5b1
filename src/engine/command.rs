//! What is asked of a run, and why it is refused.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    engine::{Fields, NodeError, RunStatus, Submitter, TimerKey},
    error::{Code, Coded},
    ids::{Attempt, NodeId, RunId, Visit, WidgetId},
};

/// What is asked of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum RunCommand {
    /// Begin; the first command of every run.
    Start(Start),
    /// An attempt ended.
    Result(AttemptResult),
    /// An attempt is at the `timeout` of its [`Dispatch`](crate::engine::Effect::Dispatch).
    Timeout {
        /// Its node.
        node: NodeId,
        /// Its visit.
        visit: Visit,
        /// The attempt.
        attempt: Attempt,
    },
    /// A durable timer is due.
    Timer {
        /// Which one.
        key: TimerKey,
    },
    /// A person answers an open request. Whether the answer fits the request's form is checked
    /// before; that the request is still open is decided here, so that the first answer wins.
    Submit(Submission),
    /// A widget says something; later nodes see it as `ctx.__widgetInput`. If it answers a request, it
    /// is refused when the answer is.
    Input(WidgetInput),
    /// Do what is left of a step that was cut short ([`Effect::GoOn`](crate::engine::Effect::GoOn));
    /// also the first step of a run that has waited for a place. Stale when nothing is.
    GoOn,
    /// Events of an external executor, all or none; each becomes exactly one row, in order.
    Ingest(Vec<Ingested>),
    /// End the run as `CANCELLED`.
    Cancel {
        /// Why, for people; shown as the run's error.
        reason: Option<String>,
    },
    /// End the run as `FAILED` for a reason outside the workflow.
    Fail {
        /// The code.
        code: Code,
        /// The reason.
        message: String,
    },
}

/// Begins a run.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Start {
    /// The inputs, resolved by [`resolve_inputs`](crate::engine::resolve_inputs).
    pub inputs: Map<String, Value>,
    /// The run is executed elsewhere: nothing is dispatched, [`RunCommand::Ingest`] brings events.
    pub external: bool,
    /// How many runs are above it: a child's is one more than its parent's.
    pub depth: u32,
    /// A definition that is stored nowhere else (a test run's): kept in the first row, read back
    /// from [`Started::definition`](crate::engine::Started::definition), never shown.
    pub definition: Option<Value>,
}

/// An answer to the request of a visit.
#[derive(Debug, Clone, PartialEq)]
pub struct Submission {
    /// The node that asks.
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The answer.
    pub answer: Value,
    /// Who gives it.
    pub by: Submitter,
}

/// What a widget sent (`contract.md` 2.6).
#[derive(Debug, Clone, PartialEq)]
pub struct WidgetInput {
    /// Which widget.
    pub widget: WidgetId,
    /// `form_submit`, `filter_change` …: any word.
    pub input_type: String,
    /// Whatever it is.
    pub data: Value,
    /// The open request that it answers as well: both, or neither.
    pub answers: Option<Box<Submission>>,
}

/// How a child run ended.
#[derive(Debug, Clone, PartialEq)]
pub struct ChildEnd {
    /// The child.
    pub instance: RunId,
    /// Its terminal status.
    pub status: RunStatus,
    /// What its end node gave.
    pub output: Option<Value>,
    /// Its user context: public keys only.
    pub context: Fields,
    /// Why it did not complete.
    pub error: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq)]
pub struct AttemptResult {
    /// Its node.
    pub node: NodeId,
    /// Its visit.
    pub visit: Visit,
    /// The attempt.
    pub attempt: Attempt,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The value of a [`Task::Script`](crate::engine::Task::Script) or a
    /// [`Task::Query`](crate::engine::Task::Query).
    Returned(Value),
    /// The values of a [`Task::Expressions`](crate::engine::Task::Expressions), one an expression
    /// and in their order; `None` = it threw (or did not parse).
    Evaluated(Vec<Option<Value>>),
    /// The end of a [`Task::Child`](crate::engine::Task::Child).
    Child(ChildEnd),
    /// It failed.
    Failed(NodeError),
}

/// One event of an external executor.
#[derive(Debug, Clone, PartialEq)]
pub enum Ingested {
    /// A node ended; always a new visit.
    Node {
        /// A node of the run's definition.
        node: NodeId,
        /// `None` = success, else its error.
        error: Option<String>,
        /// Its output object.
        output: Fields,
        /// The whole user context right after it, if the executor tells.
        context: Option<Fields>,
        /// Index in the innermost loop.
        iteration: Option<u32>,
    },
    /// The run ended.
    Status {
        /// A terminal status.
        status: RunStatus,
        /// The final user context, if the executor tells.
        context: Option<Fields>,
        /// The run's output.
        output: Option<Value>,
        /// Why it failed.
        error: Option<String>,
    },
}

/// Why a command changes nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// The run is over; a cancel is answered with this, too.
    #[error("the run has ended: {0}")]
    Finished(RunStatus),
    /// The first command must be a start.
    #[error("the run has not been started")]
    NotStarted,
    /// There is one start.
    #[error("the run was started already")]
    AlreadyStarted,
    /// A late result, timeout or timer: its attempt is over. Drop it.
    #[error("nothing waits for this any more")]
    Stale,
    /// A timer fired before its time; set it again.
    #[error("the timer is due at {due_at}")]
    TooEarly {
        /// When it is due.
        due_at: Timestamp,
    },
    /// Nothing waits for an answer there: it was answered, is cancelled, or never was.
    #[error("the request was answered, cancelled or has expired")]
    Closed,
    /// Its time is over, although its timer has not fired yet.
    #[error("the request has expired")]
    Expired,
    /// The answer is none that the request takes.
    #[error("{0}")]
    Answer(String),
    /// The run is executed by the hub: nobody else reports for it.
    #[error("the run is executed by the hub and takes no events")]
    NotExternal,
    /// The run is executed elsewhere: the hub has nobody to tell.
    #[error("the run is executed elsewhere and takes no input")]
    External,
    /// An event names a node that the definition does not have.
    #[error("the definition has no node {0}")]
    UnknownNode(NodeId),
    /// An event reports an end with a status that is none.
    #[error("{0} is no terminal status")]
    NotTerminal(RunStatus),
    /// An event would break a bound of the run.
    #[error("{message}")]
    TooLarge {
        /// `CONTEXT_TOO_LARGE`, `PAYLOAD_TOO_LARGE` or `RATE_LIMITED`.
        code: Code,
        /// Names the setting.
        message: String,
    },
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Self::Finished(_) | Self::NotStarted => Code::RunNotRunning,
            Self::AlreadyStarted | Self::Stale | Self::TooEarly { .. } => Code::Conflict,
            Self::Closed => Code::CollectionClosed,
            Self::Expired => Code::CollectionExpired,
            Self::Answer(_) => Code::InputInvalid,
            Self::NotExternal | Self::External | Self::UnknownNode(_) | Self::NotTerminal(_) => {
                Code::InvalidRequest
            }
            Self::TooLarge { code, .. } => *code,
        }
    }
}
