//! The workflow language, pure: what a definition means and what its run does next.
//!
//! Three functions around one state: [`decide`] turns a command into events or a refusal, [`apply`]
//! folds an event into [`RunState`] (live and in recovery alike), [`effects`] says what the shell
//! must do because of an event. [`step`] does all three at once on a copy, for an actor that
//! appends first and changes its state after the commit. One event is one journal row.
//!
//! Owns: definitions and their faults, inputs, templates, conditions, scheduling, retries,
//! timeouts, what watchers see of a row. Talks to it: `workflow`, which journals, dispatches,
//! times and publishes; REST, for checks and views. It never does I/O, never asks the time, never
//! runs code of a tenant: that is a [`Task`] for others.
//!
//! Reads: `definition` (client form to graph), `schema` (what editors need of it), `nodes` (one file a node type), `value` (paths,
//! templates, JavaScript's ideas of text and number), `event` and `row`, `state` (the fold),
//! `rules` (decide, schedule, retry), `effect`, `update`, `invariants`.
mod command;
mod definition;
mod effect;
mod event;
mod inputs;
pub mod invariants;
mod limits;
mod nodes;
mod row;
mod rules;
mod schema;
mod state;
#[cfg(test)]
mod tests;
mod update;
mod value;

pub use self::{
    command::{
        AttemptResult, ChildEnd, Ingested, Outcome, Refusal, RunCommand, Start, Submission, WidgetInput,
    },
    definition::{
        Definition, Fault, Problem, Severity, Source, check_saved, reopen, validate, validate_external,
    },
    effect::{Closed, Effect, ScriptKind, Task, TimerKey, effects, lost, outstanding},
    event::{
        Answered, Completed, Dispatched, Failed, Finished, InputSet, Iterated, NodeError, Pass, Request,
        RunEvent, RunStatus, Started, Submitter, Suspended, Then,
    },
    inputs::{InputProblem, resolve_inputs},
    limits::Limits,
    nodes::{FormIssue, form_issues},
    row::{LogRow, RowError, RowKind},
    rules::{Step, decide, step},
    schema::{definition_schema, node_schema, node_schemas, problems},
    state::{Active, Facts, OpenRequest, RunState, apply, snapshot_due},
    update::{NodeUpdate, ProgressUpdate, RequestUpdate, StatusUpdate, Update, joiner, update},
    value::{CodeContext, Context, Fields, Resolver, TooLarge},
};
