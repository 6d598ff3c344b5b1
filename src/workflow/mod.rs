//! Workflow runs: each is one actor over one stream of the journal, and the pure engine decides.
//!
//! [`Runs`] is the door: REST and the session router start, stop, view, list, feed and watch runs
//! through it. [`Catalogue`] keeps the definitions. A run's actor journals what the engine decides,
//! dispatches what must act on the world, times it, and publishes each committed row to whoever
//! watches; a row that is not committed is seen by nobody.
//!
//! Owns: the registry of runs, their timers, the queue of runs that wait for a place. Talks to:
//! `engine` (what happens next), `store` (the journal), `script` (JavaScript), `delivery` (watchers),
//! `supervise` (life and death of actors). Never: checks who may do something (its callers do, by
//! `auth`), runs code or SQL on an actor's thread, tells a client a store's own words.
//!
//! Reads: `runs` (the door), `start` (a run begins), `actor` (its life), `waiting` (what wakes it),
//! `watch` (join, replay, frames), `ingest` (a run that is executed elsewhere), `view` (what REST
//! shows), `fold` (a state from its rows), `nodes` (what acts on the world).

mod actor;
mod catalogue;
mod children;
mod collect;
mod definitions;
mod error;
mod fold;
mod heard;
mod hub;
mod ingest;
mod messages;
mod nodes;
mod runs;
mod start;
#[cfg(test)]
pub(crate) mod tests;
mod view;
mod waiting;
mod watch;

pub use self::{
    actor::{Execute, Job, RunKind},
    catalogue::{
        Bundle, Catalogue, EdgeView, ImportWorkflow, Imported, NodeView, SaveWorkflow, VersionView,
        WorkflowList, WorkflowView, runs_queries,
    },
    collect::{PendingRequest, RequestView},
    error::{Error, Issue},
    heard::InputTaken,
    hub::Parts,
    ingest::{Ingest, IngestEvent, IngestResult},
    nodes::Nodes,
    runs::{Located, Runs, Stopped},
    start::{StartRun, StartTest, Started, Starter, inputs_of},
    view::{ListRuns, LogView, RunList, RunRow, RunView},
    waiting::Queue,
    watch::{AckFrame, Attach, FirstWatcher, Join, Registrant},
};
