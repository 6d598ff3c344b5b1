//! Events as journal rows, and rows as REST shows them.

use std::fmt;

use serde::{
    Deserialize, Serialize,
    de::{self, IgnoredAny},
};
use serde_json::{Map, Value};

use crate::{
    engine::{Facts, Fields, Finished, InputSet, Iterated, RunEvent, RunStatus, Then, state::additions},
    error::{Code, Coded},
    ids::{Attempt, NodeId},
};

/// Under which the last word of a widget is in the context and in its row.
pub(in crate::engine) const WIDGET_INPUT: &str = "__widgetInput";

/// The kinds of a run's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// `INPUT_SET`
    InputSet,
    /// `NODE_DISPATCHED`
    NodeDispatched,
    /// `NODE_COMPLETED`
    NodeCompleted,
    /// `NODE_FAILED`
    NodeFailed,
    /// `NODE_SUSPENDED`
    NodeSuspended,
    /// `SYSTEM_SET`
    SystemSet,
}

impl RowKind {
    /// Spelling in the journal and in REST (`eventType`).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InputSet => "INPUT_SET",
            Self::NodeDispatched => "NODE_DISPATCHED",
            Self::NodeCompleted => "NODE_COMPLETED",
            Self::NodeFailed => "NODE_FAILED",
            Self::NodeSuspended => "NODE_SUSPENDED",
            Self::SystemSet => "SYSTEM_SET",
        }
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row that no build of ours wrote.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// Not one of the six.
    #[error("no run has rows of the kind {0:?}")]
    Kind(String),
    /// The payload does not fit the kind.
    #[error("the payload of a {kind} row does not fit: {source}")]
    Payload {
        /// The kind.
        kind: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

impl Coded for RowError {
    fn code(&self) -> Code {
        Code::ServerError
    }
}

/// A row as REST shows it in `logs` (`contract.md` 6.4), without `logID` and `createdAt`.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// `eventType`.
    pub kind: RowKind,
    /// `nodeID`.
    pub node: Option<NodeId>,
    /// `nodeStatus`: `success`, `error`, `suspended`.
    pub node_status: Option<&'static str>,
    /// `outputVariable`.
    pub output_variable: Option<String>,
    /// `payload`: what the row adds to the user context, so that their fold is `contextData`.
    pub payload: Map<String, Value>,
    /// `errorMessage`.
    pub error: Option<String>,
    /// `nodeAttempt`.
    pub attempt: Option<Attempt>,
    /// Index in the innermost loop.
    pub iteration: Option<u32>,
    /// What a node in a loop's body gave: it adds nothing to the user context, so `payload` has
    /// nothing of it.
    pub output: Option<Map<String, Value>>,
}

impl RunEvent {
    /// The kind of its row.
    pub fn kind(&self) -> RowKind {
        match self {
            Self::Started(_) => RowKind::InputSet,
            Self::Dispatched(_) => RowKind::NodeDispatched,
            Self::Completed(_) => RowKind::NodeCompleted,
            Self::Failed(_) => RowKind::NodeFailed,
            Self::Finished(finished) if finished.status == RunStatus::Failed => RowKind::NodeFailed,
            Self::Suspended(_) => RowKind::NodeSuspended,
            Self::Iterated(_) | Self::Finished(_) | Self::Input(_) | Self::Snapshot(_) => RowKind::SystemSet,
        }
    }
    /// The payload of its row, JSON text.
    pub fn payload(&self) -> String {
        let text = match self {
            Self::Started(started) => serde_json::to_string(started),
            Self::Dispatched(dispatched) => serde_json::to_string(dispatched),
            Self::Completed(completed) => serde_json::to_string(completed),
            Self::Failed(failed) => serde_json::to_string(failed),
            Self::Suspended(suspended) => serde_json::to_string(suspended),
            Self::Finished(finished) if self.kind() == RowKind::NodeFailed => {
                serde_json::to_string(&FailedRun { node: None, end: finished })
            }
            Self::Finished(end) => serde_json::to_string(&System { end: Some(end), ..WrittenSystem::NONE }),
            Self::Input(input) => {
                serde_json::to_string(&System { input: Some(input), ..WrittenSystem::NONE })
            }
            Self::Iterated(iterated) => {
                serde_json::to_string(&System { iterated: Some(iterated), ..WrittenSystem::NONE })
            }
            Self::Snapshot(facts) => {
                serde_json::to_string(&System { snapshot: Some(&facts.packed()), ..WrittenSystem::NONE })
            }
        };
        // Maps with text keys and finite numbers: there is nothing that JSON could not hold.
        text.unwrap_or_default()
    }
    /// Reads a row back.
    pub fn from_row(kind: &str, payload: &str) -> Result<Self, RowError> {
        let wrong = |source| RowError::Payload { kind: kind.to_owned(), source };
        match kind {
            "INPUT_SET" => serde_json::from_str(payload).map(Self::Started).map_err(wrong),
            "NODE_DISPATCHED" => serde_json::from_str(payload).map(Self::Dispatched).map_err(wrong),
            "NODE_COMPLETED" => serde_json::from_str(payload).map(Self::Completed).map_err(wrong),
            "NODE_SUSPENDED" => serde_json::from_str(payload).map(Self::Suspended).map_err(wrong),
            "NODE_FAILED" => {
                let whose: Whose = serde_json::from_str(payload).map_err(wrong)?;
                match whose.node {
                    Some(_) => serde_json::from_str(payload).map(Self::Failed).map_err(wrong),
                    None => serde_json::from_str(payload).map(Self::Finished).map_err(wrong),
                }
            }
            "SYSTEM_SET" => {
                let system: System<Finished, InputSet, Facts, Iterated> =
                    serde_json::from_str(payload).map_err(wrong)?;
                match (system.end, system.input, system.snapshot, system.iterated) {
                    (Some(end), None, None, None) => Ok(Self::Finished(end)),
                    (None, Some(input), None, None) => Ok(Self::Input(input)),
                    (None, None, Some(facts), None) => Ok(Self::Snapshot(Box::new(facts.unpacked()))),
                    (None, None, None, Some(iterated)) => Ok(Self::Iterated(iterated)),
                    _ => {
                        let rule = "one of __end, __widgetInput, __loop and __snapshot must be there";
                        Err(wrong(de::Error::custom(rule)))
                    }
                }
            }
            other => Err(RowError::Kind(other.to_owned())),
        }
    }
    /// The row as REST shows it; `None` for rows that only the hub needs (snapshots).
    pub fn log_row(&self) -> Option<LogRow> {
        let mut row = LogRow {
            kind: self.kind(),
            node: None,
            node_status: None,
            output_variable: None,
            payload: Map::new(),
            error: None,
            attempt: None,
            iteration: None,
            output: None,
        };
        match self {
            Self::Started(started) => {
                row.output_variable = Some("input".to_owned());
                row.payload.insert("input".to_owned(), started.input.as_ref().clone());
            }
            Self::Dispatched(event) => {
                row.node = Some(event.node.clone());
                row.iteration = event.iteration;
                row.attempt = Some(event.attempt);
            }
            Self::Suspended(event) => {
                row.node = Some(event.node.clone());
                row.iteration = event.iteration;
                row.attempt = Some(event.attempt);
                row.node_status = Some("suspended");
            }
            Self::Completed(event) => {
                row.node = Some(event.node.clone());
                row.iteration = event.iteration;
                row.attempt = Some(event.attempt);
                row.node_status = Some("success");
                row.output_variable = event.output_variable.as_deref().map(str::to_owned);
                row.payload = match &event.context_data {
                    Some(context) => plain(context),
                    None if event.stays_inside() => Map::new(),
                    None => additions(event)
                        .map(|(key, value)| (key.to_string(), value.as_ref().clone()))
                        .collect(),
                };
                row.output = event.stays_inside().then(|| plain(&event.output));
            }
            Self::Failed(event) => {
                row.node = Some(event.node.clone());
                row.iteration = event.iteration;
                row.attempt = Some(event.attempt);
                row.node_status = Some("error");
                row.output_variable = event.output_variable.as_deref().map(str::to_owned);
                row.error = Some(event.error.message.clone());
                row.payload = match (&event.context_data, &event.then, &event.output_variable) {
                    (Some(context), ..) => plain(context),
                    (None, Then::Handled(_), Some(variable)) if event.iteration.is_none() => {
                        [(variable.to_string(), Value::Null)].into_iter().collect()
                    }
                    _ => Map::new(),
                };
                let inside = event.iteration.is_some() && event.context_data.is_none();
                row.output = inside.then(|| plain(&event.output));
            }
            Self::Finished(event) => {
                row.node_status = (event.status == RunStatus::Failed).then_some("error");
                row.error = event.error.clone();
                row.payload = event.context_data.as_ref().map(plain).unwrap_or_default();
            }
            Self::Input(input) => {
                let value = serde_json::to_value(input).unwrap_or_default();
                row.payload.insert(WIDGET_INPUT.to_owned(), value);
            }
            Self::Iterated(_) | Self::Snapshot(_) => return None,
        }
        Some(row)
    }
}

fn plain(context: &Fields) -> Map<String, Value> {
    let public = context.iter().filter(|(name, _)| !name.starts_with("__"));
    public.map(|(name, value)| (name.to_string(), value.as_ref().clone())).collect()
}

/// The payload of a `SYSTEM_SET` row.
#[derive(Serialize, Deserialize)]
struct System<E, I, S, L> {
    #[serde(rename = "__end", default = "none", skip_serializing_if = "Option::is_none")]
    end: Option<E>,
    #[serde(rename = "__widgetInput", default = "none", skip_serializing_if = "Option::is_none")]
    input: Option<I>,
    #[serde(rename = "__snapshot", default = "none", skip_serializing_if = "Option::is_none")]
    snapshot: Option<S>,
    #[serde(rename = "__loop", default = "none", skip_serializing_if = "Option::is_none")]
    iterated: Option<L>,
}

type WrittenSystem<'a> = System<&'a Finished, &'a InputSet, &'a Facts, &'a Iterated>;

impl WrittenSystem<'_> {
    const NONE: Self = Self { end: None, input: None, snapshot: None, iterated: None };
}

fn none<T>() -> Option<T> {
    None
}

/// The payload of the `NODE_FAILED` row that ends a failed run.
#[derive(Serialize)]
struct FailedRun<'a> {
    #[serde(rename = "nodeID")]
    node: Option<&'a NodeId>,
    #[serde(flatten)]
    end: &'a Finished,
}

/// Whether a `NODE_FAILED` row is of a node or of the run.
#[derive(Deserialize)]
struct Whose {
    #[serde(rename = "nodeID", default)]
    node: Option<IgnoredAny>,
}
