//! Definitions that runs are pinned to, parsed once and shared.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{Error, Issue};
use crate::{
    engine::{self, Definition, Limits, Problem, Source},
    ids::WorkflowId,
    store::{
        self, Store,
        tables::{
            definitions::{self, VersionRow},
            runs::Executor,
        },
    },
};

/// Most definitions that are remembered.
const REMEMBERED: usize = 256;

/// Saved versions, parsed.
pub(super) struct Definitions {
    limits: Arc<Limits>,
    /// A version never changes, so what is remembered never grows old.
    known: Mutex<HashMap<Key, Arc<Definition>>>,
}

/// A version as its executor reads it: one executed elsewhere need not be executable here.
type Key = (WorkflowId, i64, Executor);

impl Definitions {
    pub(super) fn new(limits: Arc<Limits>) -> Self {
        Self { limits, known: Mutex::default() }
    }

    /// A version that is about to run: refused with all its faults.
    pub(super) fn to_run(&self, version: &VersionRow, executor: Executor) -> Result<Arc<Definition>, Error> {
        let key = (version.workflow_id.clone(), version.version, executor);
        if let Some(known) = self.known.lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        let definition = self.check(&source_of(version)?, executor)?;
        Ok(self.remember(key, definition))
    }

    /// A graph that is about to run: refused with all its faults.
    pub(super) fn check(&self, source: &Source, executor: Executor) -> Result<Definition, Error> {
        let valid = match executor {
            Executor::Internal => engine::validate(source, &self.limits),
            Executor::External => engine::validate_external(source, &self.limits),
        };
        valid.map_err(|problems| Error::Definition(issues(problems)))
    }

    /// The definition of a run that was accepted under the limits of its day.
    pub(super) async fn pinned(
        &self,
        store: &Store,
        workflow: &WorkflowId,
        version: i64,
        executor: Executor,
    ) -> Result<Arc<Definition>, Error> {
        let key = (workflow.clone(), version, executor);
        if let Some(known) = self.known.lock().get(&key) {
            return Ok(Arc::clone(known));
        }
        let id = workflow.clone();
        let row = store.read(move |db| definitions::version(db, &id, version)).await?;
        let row = row.ok_or_else(|| {
            Error::Internal(format!(
                "version {version} of workflow {workflow}, which a run is pinned to, is gone"
            ))
        })?;
        let definition = self.accepted(&source_of(&row)?, executor)?;
        Ok(self.remember(key, definition))
    }

    /// A graph that was accepted before: whatever the limits are now, it goes on.
    pub(super) fn accepted(&self, source: &Source, executor: Executor) -> Result<Definition, Error> {
        let reopened = match executor {
            Executor::Internal => engine::reopen(source, &self.limits),
            Executor::External => engine::validate_external(source, &self.limits),
        };
        reopened.map_err(|problems| {
            let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            Error::Internal(format!("a definition that was accepted is not valid now: {first}"))
        })
    }

    fn remember(&self, key: Key, definition: Definition) -> Arc<Definition> {
        let definition = Arc::new(definition);
        let mut known = self.known.lock();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(key, Arc::clone(&definition));
        definition
    }
}

/// A graph as the first row of a run carries it, when it is saved nowhere else.
pub(super) fn embedded(source: &Source) -> Value {
    json!({ "nodes": source.nodes, "edges": source.edges, "workflowOptions": source.options })
}

/// Back from [`embedded`].
pub(super) fn source_of_embedded(value: &Value) -> Source {
    let part = |name: &str| value.get(name).cloned().unwrap_or_default();
    Source { nodes: part("nodes"), edges: part("edges"), options: part("workflowOptions") }
}

/// A saved version in client form.
pub(super) fn source_of(version: &VersionRow) -> Result<Source, store::Error> {
    let parse = |text: &str| {
        serde_json::from_str::<Value>(text).map_err(|error| store::Error::Value(error.to_string().into()))
    };
    Ok(Source {
        nodes: parse(&version.nodes)?,
        edges: parse(&version.edges)?,
        options: parse(&version.options)?,
    })
}

/// Problems in the words of this module.
pub(super) fn issues(problems: Vec<Problem>) -> Vec<Issue> {
    problems.into_iter().map(Issue::from).collect()
}
