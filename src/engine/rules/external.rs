//! What an external executor reports: each event one row, all of a batch or none.

use serde_json::Value;

use super::work::Work;
use crate::{
    engine::{
        Completed, Context, Failed, Fields, Finished, Ingested, NodeError, Refusal, RunEvent, RunStatus,
        Then, state::addition, value::json_size,
    },
    error::Code,
    ids::{Attempt, NodeId, Visit},
};

pub(super) fn ingest(work: &mut Work, events: &[Ingested]) -> Result<(), Refusal> {
    if !work.state().is_external() {
        return Err(Refusal::NotExternal);
    }
    for event in events {
        let status = work.state().status();
        if status.is_terminal() {
            return Err(Refusal::Finished(status));
        }
        room(work)?;
        let event = match event {
            Ingested::Node { node, error, output, context, iteration } => {
                node_ended(work, node, error.as_deref(), output, context.as_ref(), *iteration)?
            }
            Ingested::Status { status, context, output, error } => {
                run_ended(work, *status, context.as_ref(), output.clone(), error.clone())?
            }
        };
        work.push(event);
    }
    Ok(())
}

fn too_large(code: Code, what: &str, most: impl std::fmt::Display, key: &str) -> Refusal {
    Refusal::TooLarge { code, message: format!("{what} is over {most} ({key})") }
}

/// Bounds of the run as a whole.
fn room(work: &Work) -> Result<(), Refusal> {
    let (facts, limits) = (&work.state().facts, &work.state().limits);
    if u64::try_from(facts.seq.0).unwrap_or(0) >= limits.max_rows {
        return Err(too_large(
            Code::RateLimited,
            "the number of the run's rows",
            limits.max_rows,
            "workflow.max_rows",
        ));
    }
    if facts.journal_bytes >= limits.max_run_journal {
        let most = limits.max_run_journal;
        return Err(too_large(
            Code::RateLimited,
            "the size of the run's rows",
            most,
            "workflow.max_run_journal",
        ));
    }
    Ok(())
}

/// The context as it is kept: without internal members, within its bound.
fn context_of(work: &Work, context: Option<&Fields>) -> Result<Option<Fields>, Refusal> {
    let Some(context) = context.cloned().map(Fields::public) else { return Ok(None) };
    let most = work.state().limits.max_context;
    if json_size(&context) > most {
        return Err(too_large(Code::ContextTooLarge, "contextData", most, "workflow.max_context"));
    }
    Ok(Some(context))
}

fn node_ended(
    work: &Work,
    node: &NodeId,
    error: Option<&str>,
    output: &Fields,
    context: Option<&Fields>,
    iteration: Option<u32>,
) -> Result<RunEvent, Refusal> {
    let state = work.state();
    let known = state.definition.node(node).ok_or_else(|| Refusal::UnknownNode(node.clone()))?;
    if json_size(output) > state.limits.max_output {
        return Err(too_large(Code::PayloadTooLarge, "output", state.limits.max_output, "node.output"));
    }
    let context_data = context_of(work, context)?;
    let visit = Visit(state.facts.nodes.get(node).map_or(1, |facts| facts.visit.0.saturating_add(1)));
    let (node, attempt, output) = (node.clone(), Attempt(1), output.clone());
    let output_variable = known.output_variable.clone();
    if let Some(message) = error {
        let error = super::retry::bounded(NodeError::new(Code::NodeFailed, message));
        return Ok(RunEvent::Failed(Failed {
            node,
            visit,
            attempt,
            iteration,
            error,
            then: Then::Unhandled,
            output_variable,
            output,
            context_data,
            duration_ms: None,
        }));
    }
    let event = Completed {
        node,
        visit,
        attempt,
        iteration,
        handles: Vec::new(),
        output_variable,
        output_member: None,
        output,
        merged: Vec::new(),
        answered: None,
        context_data,
        duration_ms: None,
    };
    let grown =
        |context: &Context| addition(&event).map_or(0, |(key, value)| context.bytes_with(&key, &value));
    if event.context_data.is_none() && grown(state.context()) > state.limits.max_context {
        return Err(too_large(
            Code::ContextTooLarge,
            "the context",
            state.limits.max_context,
            "workflow.max_context",
        ));
    }
    Ok(RunEvent::Completed(event))
}

fn run_ended(
    work: &Work,
    status: RunStatus,
    context: Option<&Fields>,
    output: Option<Value>,
    error: Option<String>,
) -> Result<RunEvent, Refusal> {
    if !status.is_terminal() {
        return Err(Refusal::NotTerminal(status));
    }
    let most = work.state().limits.max_context;
    if output.as_ref().is_some_and(|output| json_size(output) > most) {
        return Err(too_large(Code::PayloadTooLarge, "output", most, "workflow.max_context"));
    }
    let failed = status == RunStatus::Failed;
    let error = error.or_else(|| failed.then(|| "the executor reported a failure".to_owned()));
    Ok(RunEvent::Finished(Finished {
        status,
        at: work.now,
        output: output.filter(|output| !output.is_null()).map(Into::into),
        error,
        error_code: failed.then(|| Code::NodeFailed.as_str().to_owned()),
        context_data: context_of(work, context)?,
    }))
}
