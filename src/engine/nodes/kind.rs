//! What a node is, and what begins with a visit.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    condition::Condition,
    delay::Delay,
    end::End,
    far::{Call, DataQuery, SubWorkflow},
    flow::{Fanout, Join, Switch},
    iterate::Loop,
    javascript::JavaScript,
    people::{Approval, DataCollection},
    start,
};
use crate::{
    engine::{Fields, NodeError, Outcome, Request, ScriptKind, value::Lookup},
    error::Code,
    ids::DataQueryId,
};

/// A node's type with its configuration.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) enum Kind {
    Start,
    End(End),
    JavaScript(JavaScript),
    Condition(Condition),
    Delay(Delay),
    Loop(Loop),
    Switch(Switch),
    Fanout(Fanout),
    Join(Join),
    DataCollection(DataCollection),
    Approval(Approval),
    DataQuery(DataQuery),
    SubWorkflow(SubWorkflow),
    /// Of an external run: carried out elsewhere.
    Elsewhere,
}

/// What begins with a visit.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) enum Begin {
    /// It is over already.
    Ended(Ended),
    /// It waits: for a time, for an answer, or for whichever comes first.
    Wait {
        /// When it goes on by itself.
        until: Option<Timestamp>,
        /// How long that is.
        wait_ms: u64,
        /// What it asks somebody for.
        request: Option<Request>,
    },
    /// It goes through its items.
    Loop(Vec<Arc<Value>>),
    /// Somebody else must do its [`Work`].
    Task,
}

/// What somebody else must do.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) enum Work {
    /// Run code.
    Script(Arc<str>, ScriptKind),
    /// Evaluate expressions.
    Expressions(Vec<Arc<str>>),
    /// Run a saved query.
    Query(DataQueryId, Map<String, Value>),
    /// Run a child.
    Child(Call),
}

/// What a visit that ended well leaves.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Left {
    /// The output object.
    pub(in crate::engine) output: Fields,
    /// Where the run goes on.
    pub(in crate::engine) handles: Vec<Arc<str>>,
    /// Members of the output that go into the context beside its variable.
    pub(in crate::engine) merged: Vec<Arc<str>>,
}

impl From<(Fields, Arc<str>)> for Left {
    fn from((output, handle): (Fields, Arc<str>)) -> Self {
        Self { output, handles: vec![handle], merged: Vec::new() }
    }
}

/// How a visit ended.
pub(in crate::engine) type Ended = Result<Left, NodeError>;

impl Kind {
    /// A visit begins.
    pub(in crate::engine) fn begin(
        &self,
        ctx: &dyn Lookup,
        variable: Option<&Arc<str>>,
        now: Timestamp,
    ) -> Begin {
        let decided = |taken: Option<(Fields, Arc<str>)>| match taken {
            Some(ended) => Begin::Ended(Ok(ended.into())),
            None => Begin::Task,
        };
        let name = variable.map_or("result", |variable| variable.as_ref());
        match self {
            Self::Start => Begin::Ended(Ok(start::output(ctx).into())),
            Self::End(end) => Begin::Ended(Ok(end.output(ctx, now).into())),
            Self::JavaScript(_) => Begin::Task,
            Self::Condition(condition) => decided(condition.decide(ctx, None)),
            Self::Switch(switch) => decided(switch.decide(ctx, None)),
            Self::Fanout(fanout) => Begin::Ended(Ok(fanout.left())),
            Self::Join(join) => Begin::Ended(join.left(ctx, name)),
            Self::DataCollection(form) => form.begin(ctx, now),
            Self::Approval(approval) => approval.begin(ctx, now),
            Self::DataQuery(query) => match query.call(ctx) {
                Ok(_) => Begin::Task,
                Err(error) => Begin::Ended(Err(error)),
            },
            Self::SubWorkflow(child) => match child.call(ctx) {
                Ok(_) => Begin::Task,
                Err(error) => Begin::Ended(Err(error)),
            },
            Self::Delay(delay) => match delay.wait(ctx, now) {
                Ok(0) => Begin::Ended(Ok(delay.output(0).into())),
                Ok(wait_ms) => match later(now, wait_ms) {
                    Some(until) => Begin::Wait { until: Some(until), wait_ms, request: None },
                    None => Begin::Ended(Err(NodeError::new(Code::NodeFailed, "the delay ends beyond time"))),
                },
                Err(message) => Begin::Ended(Err(NodeError::new(Code::NodeFailed, message))),
            },
            Self::Loop(l) => {
                let items = l.items(ctx);
                if items.len() <= l.most() {
                    return Begin::Loop(items);
                }
                let message =
                    format!("the loop has {} items, maxIterations allows {}", items.len(), l.most());
                Begin::Ended(Err(NodeError::new(Code::NodeFailed, message)))
            }
            Self::Elsewhere => Begin::Ended(Err(NodeError::new(
                Code::InvalidDefinition,
                "this hub does not carry out the node",
            ))),
        }
    }

    /// The work of a task.
    pub(in crate::engine) fn work(&self, ctx: &dyn Lookup) -> Option<Work> {
        match self {
            Self::Switch(switch) => Some(Work::Expressions(switch.expressions().to_vec())),
            Self::DataQuery(query) => query.call(ctx).ok().map(|(query, inputs)| Work::Query(query, inputs)),
            Self::SubWorkflow(child) => child.call(ctx).ok().map(Work::Child),
            Self::JavaScript(script) => Some(Work::Script(script.code.clone(), ScriptKind::Function)),
            Self::Condition(condition) => Some(Work::Expressions(condition.expressions.clone())),
            _ => None,
        }
    }

    /// Its wait is over.
    pub(in crate::engine) fn woken(&self, waited_ms: u64) -> Ended {
        match self {
            Self::Delay(delay) => Ok(delay.output(waited_ms).into()),
            Self::DataCollection(form) => form.expired(),
            Self::Approval(approval) => approval.expired(),
            _ => Err(NodeError::new(Code::ServerError, "the node did not wait for a time")),
        }
    }

    /// Its visits wait for somebody's answer.
    pub(in crate::engine) fn asks(&self) -> bool {
        matches!(self, Self::DataCollection(_) | Self::Approval(_))
    }

    /// Somebody answered. Beside what that leaves: whether the answer is the result itself.
    pub(in crate::engine) fn answered(&self, answer: &Value) -> Result<(Left, bool), String> {
        match self {
            Self::DataCollection(form) => Ok((form.answered(answer), true)),
            Self::Approval(approval) => approval.answered(answer).map(|left| (left, false)),
            _ => Err("the node asks nobody".to_owned()),
        }
    }

    /// Where the run goes on when the node was skipped, or failed and continued with null.
    pub(in crate::engine) fn normal(&self, handle: &str) -> Vec<Arc<str>> {
        match self {
            Self::Fanout(fanout) => fanout.branches.clone(),
            _ => vec![Arc::from(handle)],
        }
    }

    /// Its task was done.
    pub(in crate::engine) fn finish(
        &self,
        ctx: &dyn Lookup,
        variable: Option<&Arc<str>>,
        outcome: &Outcome,
    ) -> Ended {
        match (self, outcome) {
            (_, Outcome::Failed(error)) => Err(error.clone()),
            (Self::JavaScript(_) | Self::DataQuery(_), Outcome::Returned(value)) => {
                Ok(valued(variable, value).into())
            }
            (Self::Condition(condition), Outcome::Evaluated(values)) => {
                condition.decide(ctx, Some(values)).map(Left::from).ok_or_else(unfit)
            }
            (Self::Switch(switch), Outcome::Evaluated(values)) => {
                switch.decide(ctx, Some(values)).map(Left::from).ok_or_else(unfit)
            }
            (Self::SubWorkflow(child), Outcome::Child(end)) => {
                child.left(variable.map_or("result", |variable| variable.as_ref()), end)
            }
            _ => Err(unfit()),
        }
    }
}

fn unfit() -> NodeError {
    NodeError::new(Code::ServerError, "the result does not fit the node's task")
}

/// `{ <variable>: value, success: true }` on `success`.
fn valued(variable: Option<&Arc<str>>, value: &Value) -> (Fields, Arc<str>) {
    let mut output = Fields::new();
    output.insert("success", Value::Bool(true));
    // Last: a variable of that name is what its author wants to see.
    output.insert(variable.map_or("result", |variable| variable.as_ref()), value.clone());
    (output, Arc::from("success"))
}

/// That many milliseconds later; `None` beyond the end of time.
pub(in crate::engine) fn later(now: Timestamp, ms: u64) -> Option<Timestamp> {
    now.checked_add(std::time::Duration::from_millis(ms)).ok()
}
