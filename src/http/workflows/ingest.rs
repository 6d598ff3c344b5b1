//! Events of a run that is executed elsewhere.

use serde::Deserialize;
use serde_json::Value;

use super::told::told;
use crate::{
    http::{Answer, Asked, Failure},
    ids::RunId,
    workflow::{Ingest, IngestEvent},
};

/// Most events of one request.
const MOST: usize = 1000;

#[derive(Deserialize)]
struct Batch {
    events: Vec<Value>,
}

/// All or none, answered in their order.
pub(super) async fn take(mut asked: Asked) -> Result<Answer, Failure> {
    let run = asked.id("instanceID", RunId::parse)?;
    if !asked.body.is_object() {
        return Err(Failure::invalid("the body must be a JSON object"));
    }
    // Moved, not copied: a batch may be megabytes.
    let batch: Batch = serde_json::from_value(asked.body.take())
        .map_err(|error| Failure::invalid(format!("events: {error}")))?;
    if batch.events.is_empty() || batch.events.len() > MOST {
        return Err(Failure::invalid(format!("events: 1 to {MOST} of them")));
    }
    let mut events = Vec::with_capacity(batch.events.len());
    for (index, event) in batch.events.into_iter().enumerate() {
        let event: IngestEvent = serde_json::from_value(event)
            .map_err(|error| Failure::invalid(format!("events[{index}]: {error}")))?;
        let key = event.key();
        if key.is_empty() || key.chars().count() > 128 || key.chars().any(char::is_control) {
            let rule = "1 to 128 characters, none of them a control character";
            return Err(Failure::invalid(format!("events[{index}].key: {rule}")));
        }
        events.push(event);
    }
    let ingest = Ingest { tenant: asked.tenant()?.clone(), run, events };
    Answer::field("results", &asked.hub.parts.runs.ingest(ingest).await.map_err(told)?)
}
