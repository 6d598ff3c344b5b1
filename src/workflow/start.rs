//! A run begins.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    ids::{ApiKeyId, RunId, TenantId, UserId, WorkflowId},
    store::tables::runs::Executor,
};

/// Who starts a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Starter {
    /// The user, if one does (also the creator of the API key).
    pub user: Option<UserId>,
    /// The API key, if one was used.
    pub api_key: Option<ApiKeyId>,
}

/// Starts a run of a saved workflow.
#[derive(Debug, Clone)]
pub struct StartRun {
    /// Whose.
    pub tenant: TenantId,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// As they came ([`inputs_of`]); checked against the definition.
    pub inputs: Option<Value>,
    /// Who executes its nodes.
    pub executor: Executor,
    /// Who.
    pub starter: Starter,
    /// `Idempotency-Key`: the same key is answered with the same run.
    pub idempotency_key: Option<String>,
}

/// Starts a test run of a graph that is not saved.
#[derive(Debug, Clone)]
pub struct StartTest {
    /// Whose.
    pub tenant: TenantId,
    /// The saved workflow that it belongs to, if it does.
    pub workflow: Option<WorkflowId>,
    /// `nodes` as they came.
    pub nodes: Value,
    /// `edges` as they came.
    pub edges: Value,
    /// `workflowOptions` as they came.
    pub options: Option<Value>,
    /// As [`StartRun::inputs`].
    pub inputs: Option<Value>,
    /// Who.
    pub starter: Starter,
}

/// A run was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Started {
    /// The run.
    #[serde(rename = "instanceID")]
    pub instance_id: RunId,
    /// `RUNNING`, or `PENDING` when it waits for a place.
    pub status: &'static str,
    /// Its graph came in the request.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_test: bool,
}

/// The inputs in a body: `inputArgs`, then `inputParams`, then `inputValues` wins, key by key. A
/// value of one of these names that is no object is handed on as it is, to be refused.
pub fn inputs_of(body: &Map<String, Value>) -> Option<Value> {
    let mut merged: Option<Map<String, Value>> = None;
    for name in ["inputArgs", "inputParams", "inputValues"] {
        match body.get(name) {
            None | Some(Value::Null) => {}
            Some(Value::Object(object)) => merged.get_or_insert_default().extend(object.clone()),
            Some(other) => return Some(other.clone()),
        }
    }
    merged.map(Value::Object)
}
