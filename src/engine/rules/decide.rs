//! Command to events or refusal.

use jiff::Timestamp;

use super::{
    external,
    work::{Place, Work},
};
use crate::{
    clock,
    engine::{
        AttemptResult, Effect, InputSet, NodeError, Outcome, Refusal, RunCommand, RunEvent, RunState,
        RunStatus, Start, Started, Submission, TimerKey, Update, WidgetInput,
        state::{Phase, Stage},
    },
    error::Code,
    ids::{Attempt, NodeId, Seq, Visit},
};

/// A decided command: everything an actor needs for its append and what follows it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The rows, with the seq each must get. At least one.
    pub rows: Vec<(Seq, RunEvent)>,
    /// The state after them; takes the place of the old one after the commit.
    pub state: RunState,
    /// What must be done: timers and the end in the transaction, dispatches and interrupts after it.
    /// What the step itself made void is not in it.
    pub effects: Vec<Effect>,
    /// What watchers see, in row order.
    pub updates: Vec<Update>,
}

/// The events of a command: what it causes, the dispatches that this makes ready, and the end of
/// the run. An accepted command has at least one.
pub fn decide(state: &RunState, command: &RunCommand, now: Timestamp) -> Result<Vec<RunEvent>, Refusal> {
    step(state, command, now).map(|step| step.rows.into_iter().map(|(_, event)| event).collect())
}

/// [`decide`], [`apply`](crate::engine::apply), [`effects`](crate::engine::effects) and
/// [`update`](crate::engine::update) in one go, for an actor that appends first and changes its
/// state after the commit. A command that arrives meanwhile is decided on [`Step::state`].
pub fn step(state: &RunState, command: &RunCommand, now: Timestamp) -> Result<Step, Refusal> {
    let mut work = Work::new(state, now);
    if let RunCommand::Start(start) = command {
        begin(&mut work, start)?;
        return Ok(work.finish());
    }
    match state.status() {
        RunStatus::Pending => return Err(Refusal::NotStarted),
        RunStatus::Running => {}
        over => return Err(Refusal::Finished(over)),
    }
    match command {
        RunCommand::Start(_) => return Err(Refusal::AlreadyStarted),
        RunCommand::Result(result) => finish_attempt(&mut work, result)?,
        RunCommand::Timeout { node, visit, attempt } => time_out(&mut work, node, *visit, *attempt)?,
        RunCommand::Timer { key } => timer(&mut work, key)?,
        RunCommand::Submit(submission) => submit(&mut work, submission)?,
        RunCommand::Input(input) => hear(&mut work, input)?,
        RunCommand::Ingest(events) => external::ingest(&mut work, events)?,
        RunCommand::GoOn => {}
        RunCommand::Cancel { reason } => work.cancel(reason.clone()),
        RunCommand::Fail { code, message } => {
            work.end(RunStatus::Failed, None, Some((*code, message.clone())))
        }
    }
    if !work.state().is_external() {
        work.advance();
    }
    if matches!(command, RunCommand::GoOn) && work.step.rows.is_empty() {
        return Err(Refusal::Stale);
    }
    Ok(work.finish())
}

fn begin(work: &mut Work, start: &Start) -> Result<(), Refusal> {
    match work.state().status() {
        RunStatus::Pending => {}
        RunStatus::Running => return Err(Refusal::AlreadyStarted),
        over => return Err(Refusal::Finished(over)),
    }
    let life = work.state().definition.run_timeout().unwrap_or(work.state().limits.run_timeout);
    let due_at = work.now.checked_add(life).ok().filter(|_| !start.external);
    work.push(RunEvent::Started(Started {
        input: serde_json::Value::Object(start.inputs.clone()).into(),
        at: work.now,
        due_at,
        external: start.external,
        depth: start.depth,
        definition: start.definition.clone().map(Into::into),
    }));
    if !start.external {
        work.advance();
    }
    Ok(())
}

/// What a widget says becomes a row, whoever reads it.
fn hear(work: &mut Work, input: &WidgetInput) -> Result<(), Refusal> {
    if work.state().is_external() {
        return Err(Refusal::External);
    }
    work.push(RunEvent::Input(InputSet {
        widget: input.widget.clone(),
        input_type: input.input_type.clone(),
        data: input.data.clone().into(),
        timestamp: clock::to_wire(work.now),
    }));
    input.answers.as_ref().map_or(Ok(()), |submission| submit(work, submission))
}

/// The first answer to an open request completes its visit.
fn submit(work: &mut Work, submission: &Submission) -> Result<(), Refusal> {
    let facts = work.state().facts.nodes.get(&submission.node).cloned().ok_or(Refusal::Closed)?;
    let Phase::Suspended { attempt, until, request: Some(_), .. } = &facts.phase else {
        return Err(Refusal::Closed);
    };
    if facts.visit != submission.visit {
        return Err(Refusal::Closed);
    }
    if until.is_some_and(|until| until <= work.now) {
        return Err(Refusal::Expired);
    }
    let place = Place {
        node: submission.node.clone(),
        visit: facts.visit,
        attempt: *attempt,
        iteration: facts.iteration,
    };
    work.answered(&place, submission)
}

/// The attempt, if it is the one at work.
fn at_work(work: &Work, node: &NodeId, visit: Visit, attempt: Attempt) -> Result<Place, Refusal> {
    let facts = work.state().facts.nodes.get(node).ok_or(Refusal::Stale)?;
    match facts.phase {
        Phase::Running { attempt: current, timeout_ms: Some(_) }
            if facts.visit == visit && current == attempt =>
        {
            Ok(Place { node: node.clone(), visit, attempt, iteration: facts.iteration })
        }
        _ => Err(Refusal::Stale),
    }
}

fn finish_attempt(work: &mut Work, result: &AttemptResult) -> Result<(), Refusal> {
    let place = at_work(work, &result.node, result.visit, result.attempt)?;
    let definition = work.state().definition.clone();
    let node = definition.node(&result.node).ok_or(Refusal::Stale)?;
    let ended = match &result.outcome {
        Outcome::Failed(error) => Err(error.clone()),
        outcome => node.kind.finish(&work.state().view(node), node.output_variable.as_ref(), outcome),
    };
    work.ended(&place, ended);
    Ok(())
}

fn time_out(work: &mut Work, node: &NodeId, visit: Visit, attempt: Attempt) -> Result<(), Refusal> {
    let place = at_work(work, node, visit, attempt)?;
    let definition = work.state().definition.clone();
    let node = definition.node(node).ok_or(Refusal::Stale)?;
    let message = format!("no result within {} s", node.policy.timeout.as_secs_f64());
    work.failed(node, &place, NodeError::new(Code::NodeTimeout, message));
    Ok(())
}

fn due(work: &Work, at: Timestamp) -> Result<(), Refusal> {
    // Whole milliseconds: a store may keep less of a time than it was given.
    if work.now.as_millisecond() < at.as_millisecond() {
        Err(Refusal::TooEarly { due_at: at })
    } else {
        Ok(())
    }
}

fn timer(work: &mut Work, key: &TimerKey) -> Result<(), Refusal> {
    let facts = |node: &NodeId| work.state().facts.nodes.get(node).cloned().ok_or(Refusal::Stale);
    match key {
        TimerKey::Run => {
            due(work, work.state().facts.due_at.ok_or(Refusal::Stale)?)?;
            let message =
                "the run took longer than its timeout (workflowRunTimeout, workflow.run_timeout)".to_owned();
            work.end(RunStatus::Failed, None, Some((Code::RunTimeout, message)));
        }
        TimerKey::Retry { node, visit, attempt } => {
            let facts = facts(node)?;
            let definition = work.state().definition.clone();
            let known = definition.node(node).ok_or(Refusal::Stale)?;
            match facts.phase {
                Phase::Retrying { attempt: next, at } if facts.visit == *visit && next == *attempt => {
                    due(work, at)?
                }
                _ => return Err(Refusal::Stale),
            }
            let place =
                Place { node: node.clone(), visit: *visit, attempt: *attempt, iteration: facts.iteration };
            work.again(known, &place);
        }
        TimerKey::Wake { node, visit } => {
            let facts = facts(node)?;
            let definition = work.state().definition.clone();
            let kind = &definition.node(node).ok_or(Refusal::Stale)?.kind;
            if let Phase::Looping(looping) = &facts.phase {
                let Stage::Pause { until } = looping.stage else { return Err(Refusal::Stale) };
                if facts.visit != *visit {
                    return Err(Refusal::Stale);
                }
                due(work, until)?;
                let attempt = looping.attempt;
                let place = Place { node: node.clone(), visit: *visit, attempt, iteration: facts.iteration };
                work.paused(definition.place(node).ok_or(Refusal::Stale)?, &place);
                return Ok(());
            }
            let Phase::Suspended { attempt, until: Some(until), wait_ms, .. } = facts.phase else {
                return Err(Refusal::Stale);
            };
            if facts.visit != *visit {
                return Err(Refusal::Stale);
            }
            due(work, until)?;
            let place = Place { node: node.clone(), visit: *visit, attempt, iteration: facts.iteration };
            work.ended(&place, kind.woken(wait_ms));
        }
    }
    Ok(())
}
