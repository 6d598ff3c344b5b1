//! Registrations: what a member gets of a row beside the frame that all get.
//!
//! A [`Projection`] is pure. It is asked on the worker of its socket, so that the subject's actor pays
//! for a row once, whoever watches; a panic in one costs that one frame.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jiff::Timestamp;

use super::types::Subject;
use crate::{
    engine::{Context, RunStatus, StatusUpdate, Update},
    ids::{RunId, Seq, WorkflowId},
    protocol::{Json, frame::Frame},
};

/// What one registration is told. Pure: the same answer whenever it is asked.
pub trait Projection: Send + Sync + 'static {
    /// What comes first: it is registered, and where the run is.
    fn joined(&self, snapshot: &Snapshot) -> Vec<Frame>;
    /// A committed row, if it concerns it.
    fn row(&self, row: &Row) -> Option<Frame>;
}

/// A registration on its way into a membership.
#[derive(Clone)]
pub struct Register {
    /// Which of the socket's registrations: one that has the same key gives way.
    pub key: Arc<str>,
    /// What it is told.
    pub projection: Arc<dyn Projection>,
    /// Where the run is; of one that has ended nothing is registered.
    pub snapshot: Arc<Snapshot>,
    /// It is only told where the run is, and not registered.
    pub once: bool,
    /// Where the registration of this key was until now: it ends there before anything is told.
    pub replaces: Option<Subject>,
}

impl fmt::Debug for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Register").field("key", &self.key).finish_non_exhaustive()
    }
}

/// A run at a row, for who is registered there.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// The run.
    pub run: RunId,
    /// Its workflow; none: a test run of no saved one.
    pub workflow: Option<WorkflowId>,
    /// The workflow's title when the run began.
    pub title: Arc<str>,
    /// Whether it is a test run.
    pub is_test: bool,
    /// Where it is.
    pub status: RunStatus,
    /// The last row in it.
    pub seq: Seq,
    /// The user context.
    pub context: Context,
    /// The same, encoded once.
    pub json: Json,
    /// How it ended, if it has.
    pub ended: Option<StatusUpdate>,
}

impl Snapshot {
    /// Bytes that its frames have, about.
    pub(super) fn cost(&self) -> usize {
        self.json.len()
    }
}

/// A committed row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Whose.
    pub run: RunId,
    /// When it was told.
    pub at: Timestamp,
    /// What watchers see of it: a node's end, or the run's.
    pub update: Update,
    /// The user context right after it, encoded once; none: left out because it is too large.
    pub context: Option<Json>,
}

/// Asks a projection; one that panics says nothing.
pub(super) fn guarded<T: Default>(what: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(what)).unwrap_or_else(|_| {
        log::error!("a projection panicked: its registration misses a frame");
        T::default()
    })
}
