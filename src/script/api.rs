//! What is asked of the pool and what it answers.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use crate::ids::TenantId;

/// One execution that is asked for.
#[derive(Debug, Clone)]
pub struct Script {
    /// Whose script: tenants never share a worker, and share the workers fairly.
    pub tenant: TenantId,
    /// JavaScript text, at most `script.source` bytes.
    pub code: Arc<str>,
    /// The run's context as JSON: the global `ctx`; its `input` is the global `args`.
    pub ctx: Arc<str>,
    /// How the text is to be read.
    pub kind: Kind,
    /// Longest time, from the start of the execution (waiting for a worker does not count);
    /// `script.timeout` when `None`.
    pub timeout: Option<Duration>,
}

/// How the text of a script is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The body of an async function; `return` gives the result.
    Function,
    /// One expression over `ctx`, or, where it is none, a function body (conditions).
    Expression,
}

/// What a script gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The result as JSON; `null` for `undefined`, text for a BigInt.
    pub value: Value,
    /// Whether JavaScript calls the result true (`0`, `""`, `NaN`, `null`, `undefined` are not).
    pub truthy: bool,
    /// Lines of `console`, bounded.
    pub console: Vec<String>,
}
