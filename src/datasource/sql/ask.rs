//! What is asked of a connection, and how it fails.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::{Map, Value};

use super::{Limits, Statement};
use crate::datasource::{Error, settings::Secrets};

/// One query on one connection.
#[derive(Debug)]
pub(in crate::datasource) struct Ask<'a> {
    pub statement: &'a Statement,
    /// Resolved by the query's definitions.
    pub inputs: &'a Map<String, Value>,
    pub limits: Limits,
    /// What is left of its time.
    pub timeout: Duration,
    pub secrets: &'a Secrets,
    /// Never shown.
    pub host: &'a str,
    /// Told of the statement's way.
    pub sent: &'a Sent,
}

/// Whether what was asked may have happened. Whoever asked holds it too: the word comes also when the
/// query itself was given up.
#[derive(Debug, Clone, Default)]
pub(in crate::datasource) struct Sent(Arc<AtomicBool>);

impl Sent {
    /// From here on it may reach the server.
    pub fn going(&self) {
        self.0.store(true, SeqCst);
    }
    /// It has not happened: the server refused it, or has taken it back.
    pub fn undone(&self) {
        self.0.store(false, SeqCst);
    }
    /// What is known now.
    pub fn may_have_happened(&self) -> bool {
        self.0.load(SeqCst)
    }
    /// For who cannot know this type.
    pub fn flag(&self) -> &AtomicBool {
        &self.0
    }
}

/// How a query failed.
#[derive(Debug)]
pub(in crate::datasource) struct Failed {
    pub error: Error,
    /// The connection broke before the statement was sent: another one may carry it out.
    pub unsent: bool,
    /// The connection is of no use any more: rows are on their way, or it is broken.
    pub abandon: bool,
}

impl Failed {
    /// The connection is well.
    pub fn of(error: Error) -> Self {
        Self { error, unsent: false, abandon: false }
    }
    /// It is not.
    pub fn abandoned(error: Error) -> Self {
        Self { error, unsent: false, abandon: true }
    }
}
