//! What is asked of a connection, and how it fails.

use std::time::Duration;

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
