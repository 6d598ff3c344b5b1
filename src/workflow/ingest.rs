//! Ingest: a run that is executed elsewhere reports here.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Error, Runs, messages::Ask};
use crate::{
    engine::{Fields, Ingested, RunStatus},
    ids::{IdError, NodeId, RunId, Seq, TenantId},
    store::tables::{keys, runs::Executor},
};

/// Most events of one request.
const MOST_EVENTS: usize = 1000;
/// Most characters of a key.
const KEY_CHARACTERS: usize = 128;
/// Tries against other requests with the same keys.
const TRIES: usize = 5;

/// Events of one run, 1 to 1000, in order; all or none.
#[derive(Debug, Clone)]
pub struct Ingest {
    /// Whose.
    pub tenant: TenantId,
    /// The run; one that was started with `executor: "external"`.
    pub run: RunId,
    /// What happened.
    pub events: Vec<IngestEvent>,
}

/// One event; the keys of a run are unique, a repeated one is answered with its row.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub enum IngestEvent {
    /// A node ended; each new key is a new visit.
    Node {
        /// 1 to 128 characters.
        key: String,
        /// A node of the run's definition.
        #[serde(rename = "nodeID")]
        node_id: String,
        /// `success` or `failed`.
        status: String,
        /// The node's output object.
        #[serde(default)]
        output: Option<Value>,
        /// Why it failed.
        #[serde(default)]
        error: Option<Value>,
        /// The whole user context after the node; absent: what the hub folds.
        #[serde(default, rename = "contextData")]
        context_data: Option<Map<String, Value>>,
        /// Index in the innermost loop.
        #[serde(default)]
        iteration: Option<i64>,
    },
    /// The run ended.
    Status {
        /// 1 to 128 characters.
        key: String,
        /// `COMPLETED`, `FAILED` or `CANCELLED`.
        status: String,
        /// The final user context.
        #[serde(default, rename = "contextData")]
        context_data: Option<Map<String, Value>>,
        /// The run's output.
        #[serde(default)]
        output: Option<Value>,
        /// Why it failed.
        #[serde(default)]
        error: Option<Value>,
    },
}

impl IngestEvent {
    /// Its key.
    pub fn key(&self) -> &str {
        match self {
            IngestEvent::Node { key, .. } | IngestEvent::Status { key, .. } => key,
        }
    }
}

/// What became of one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IngestResult {
    /// As it came.
    pub key: String,
    /// The row that it is.
    pub seq: Seq,
    /// The row was there before this request.
    pub duplicate: bool,
}

impl Runs {
    /// Takes the events of a run that is executed elsewhere, all or none, and answers in their order.
    pub async fn ingest(&self, ingest: Ingest) -> Result<Vec<IngestResult>, Error> {
        let Ingest { tenant, run, events } = ingest;
        if events.is_empty() || events.len() > MOST_EVENTS {
            return Err(Error::Invalid(format!(
                "events: 1 to {MOST_EVENTS} are taken, {} came",
                events.len()
            )));
        }
        let mut parsed = Vec::with_capacity(events.len());
        for (at, event) in events.into_iter().enumerate() {
            parsed.push(parse(at, event)?);
        }
        let row = self.find(&tenant, &run).await?;
        if row.executor != Executor::External {
            return Err(Error::Invalid("the run is executed by the hub and takes no events".to_owned()));
        }
        for _ in 0..TRIES {
            let keys: Vec<String> = parsed.iter().map(|(key, _)| key.clone()).collect();
            let (id, all) = (run.clone(), keys.clone());
            let known = self.hub.store.read(move |db| keys::ingested(db, &id, &all)).await?;
            let mut seqs: HashMap<String, Seq> = known.into_iter().collect();
            // The first of a key in this request counts, the others repeat it.
            let (mut fresh, mut seen) = (Vec::new(), HashSet::new());
            let mut is_new = Vec::with_capacity(parsed.len());
            for (key, event) in &parsed {
                let new = !seqs.contains_key(key) && seen.insert(key);
                is_new.push(new);
                if new {
                    fresh.push((key.clone(), event.clone()));
                }
            }
            if !fresh.is_empty() {
                let (keys, events): (Vec<String>, Vec<Ingested>) = fresh.into_iter().unzip();
                let of = keys.clone();
                match self.ask(&run, |reply| Ask::Ingest { events, keys, reply }).await? {
                    Some(rows) => seqs.extend(of.into_iter().zip(rows)),
                    None => continue,
                }
            }
            let result = |((key, _), new): (&(String, Ingested), bool)| {
                let seq = seqs.get(key).copied().unwrap_or_default();
                IngestResult { key: key.clone(), seq, duplicate: !new }
            };
            return Ok(parsed.iter().zip(is_new).map(result).collect());
        }
        Err(Error::Conflict("other requests with the same keys were faster, again and again".to_owned()))
    }
}

/// An event with its key, in the engine's words.
fn parse(at: usize, event: IngestEvent) -> Result<(String, Ingested), Error> {
    let invalid = |field: &str, why: &str| Error::Invalid(format!("events[{at}].{field}: {why}"));
    let key = event.key().to_owned();
    let length = key.chars().count();
    if length == 0 || length > KEY_CHARACTERS || key.chars().any(char::is_control) {
        return Err(invalid("key", "1 to 128 characters, no control characters"));
    }
    let event = match event {
        IngestEvent::Node { node_id, status, output, error, context_data, iteration, .. } => {
            let node = NodeId::parse(&node_id).map_err(|why: IdError| invalid("nodeID", &why.to_string()))?;
            let error = match status.as_str() {
                "success" => None,
                "failed" => Some(words(error).unwrap_or_else(|| "the node failed".to_owned())),
                _ => return Err(invalid("status", "success or failed")),
            };
            let output = match output {
                None | Some(Value::Null) => Fields::new(),
                Some(Value::Object(output)) => output.into(),
                Some(_) => return Err(invalid("output", "an object")),
            };
            let iteration = match iteration.map(u32::try_from) {
                None => None,
                Some(Ok(iteration)) => Some(iteration),
                Some(Err(_)) => return Err(invalid("iteration", "a whole number from 0")),
            };
            Ingested::Node { node, error, output, context: context_data.map(Fields::from), iteration }
        }
        IngestEvent::Status { status, context_data, output, error, .. } => {
            let status = match status.as_str() {
                "COMPLETED" => RunStatus::Completed,
                "FAILED" => RunStatus::Failed,
                "CANCELLED" => RunStatus::Cancelled,
                _ => return Err(invalid("status", "COMPLETED, FAILED or CANCELLED")),
            };
            let output = match output {
                None | Some(Value::Null) => None,
                Some(output @ Value::Object(_)) => Some(output),
                Some(_) => return Err(invalid("output", "an object")),
            };
            Ingested::Status { status, context: context_data.map(Fields::from), output, error: words(error) }
        }
    };
    Ok((key, event))
}

/// An error as clients are shown it: always text.
fn words(error: Option<Value>) -> Option<String> {
    match error? {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Object(object) => match object.get("message") {
            Some(Value::String(text)) => Some(text.clone()),
            _ => Some(Value::Object(object).to_string()),
        },
        other => Some(other.to_string()),
    }
}
