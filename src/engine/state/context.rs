//! The user context and how it came to be.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::chunks::Chunks;
use crate::{
    engine::{Context, Fields},
    ids::Seq,
};

/// One member of the context was set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Change {
    seq: Seq,
    key: Arc<str>,
    value: Arc<Value>,
}

/// The user context with its history, so that a joiner gets each node's update with the context as
/// it was then, at the price of pointers. The context of an external run comes whole with its
/// events and has no history.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub(in crate::engine) struct Told {
    now: Context,
    history: Chunks<Change>,
}

/// The same without telling a value twice.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    history: Vec<Change>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    whole: Option<Context>,
}

impl From<Told> for Stored {
    fn from(told: Told) -> Self {
        let whole = told.history.is_empty().then_some(told.now);
        Self { history: told.history.iter().cloned().collect(), whole }
    }
}

impl From<Stored> for Told {
    fn from(stored: Stored) -> Self {
        let mut now = stored.whole.unwrap_or_default();
        for change in &stored.history {
            now.insert(change.key.clone(), change.value.clone());
        }
        Self { now, history: stored.history.into_iter().collect() }
    }
}

impl Told {
    pub(in crate::engine) fn now(&self) -> &Context {
        &self.now
    }
    /// Sets a member at a row.
    pub(in crate::engine) fn set(&mut self, seq: Seq, key: Arc<str>, value: Arc<Value>) {
        // The history tells all of the context or nothing.
        if !self.history.is_empty() || self.now.fields().is_empty() {
            self.history.push(Change { seq, key: key.clone(), value: value.clone() });
        }
        self.now.insert(key, value);
    }
    /// Sets a member without a trace.
    pub(in crate::engine) fn set_untold(&mut self, key: Arc<str>, value: Arc<Value>) {
        self.history = Chunks::default();
        self.now.insert(key, value);
    }
    /// Sets all of it without a trace.
    pub(in crate::engine) fn replace(&mut self, fields: &Fields) {
        self.history = Chunks::default();
        self.now = Context::new(fields.clone());
    }
    /// The context after rows, asked for in rising order.
    pub(in crate::engine) fn replay(&self) -> Replay<'_> {
        Replay {
            context: Context::default(),
            rest: self.history.iter().collect::<Vec<_>>().into_iter().peekable(),
        }
    }
    /// Changes each value; what is told now follows from what was told.
    pub(super) fn each_value(&mut self, change: &mut dyn FnMut(&Arc<Value>) -> Arc<Value>) {
        if self.history.is_empty() {
            self.now.each_value(change);
            return;
        }
        let mut now = Context::default();
        let changed = self.history.iter().map(|told| {
            let value = change(&told.value);
            now.insert(told.key.clone(), value.clone());
            Change { seq: told.seq, key: told.key.clone(), value }
        });
        self.history = changed.collect();
        self.now = now;
    }
}

/// Walks through the history.
pub(in crate::engine) struct Replay<'a> {
    context: Context,
    rest: std::iter::Peekable<std::vec::IntoIter<&'a Change>>,
}

impl Replay<'_> {
    /// The context right after that row.
    pub(in crate::engine) fn at(&mut self, seq: Seq) -> Context {
        while let Some(change) = self.rest.next_if(|change| change.seq <= seq) {
            self.context.insert(change.key.clone(), change.value.clone());
        }
        self.context.clone()
    }
}
