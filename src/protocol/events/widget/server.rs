//! What widgets are told.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::WidgetMode;
use crate::{
    error::{Code, Coded},
    ids::{CollectionId, NodeId, RunId, Seq, WidgetId, WorkflowId},
    protocol::events::{
        EndStatus, NodeStatus, Object, RunStatus, WireTime,
        wire::{AnyCode, AnyId, Place},
    },
};

/// `widget_workflow_connected`: it is registered, and where the run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetConnected<'a> {
    /// As the page sent it.
    #[serde(rename = "widgetID")]
    #[schemars(with = "AnyId")]
    pub widget_id: WidgetId,
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// Its workflow; null for a test run of none that is saved.
    #[serde(rename = "workflowID")]
    #[schemars(with = "Option<AnyId>")]
    pub workflow_id: Option<WorkflowId>,
    /// As it was asked for.
    pub mode: WidgetMode,
    /// What the run is.
    pub workflow_meta: WorkflowMeta<'a>,
    /// Where it is.
    pub workflow_status: RunStatus,
    /// The last row in `initialContext`; what follows is live.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// What the widget shows of the context; null without a configuration, or when it is too large.
    pub processed_data: Value,
    /// The user context so far; of a new run its `input`.
    #[schemars(with = "Object")]
    pub initial_context: Cow<'a, Object>,
}

/// What a run is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowMeta<'a> {
    /// Where it is.
    pub status: RunStatus,
    /// The workflow's title when the run began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub title: Option<Cow<'a, str>>,
    /// Whether it is a test run.
    pub is_test: bool,
}

/// `widget_context_update`: a node's execution ended. Of updates that wait for a slow client only the
/// newest is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetContextUpdate<'a> {
    /// As the page sent it.
    #[serde(rename = "widgetID")]
    #[schemars(with = "AnyId")]
    pub widget_id: WidgetId,
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// When.
    pub timestamp: WireTime,
    /// Place of its row.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// What the widget shows of the context, again.
    pub data: Value,
    /// What happened.
    pub update: WidgetNode<'a>,
}

/// What happened to the run of a widget.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WidgetNodeKind {
    /// A node's execution ended.
    NodeComplete,
}

/// A node's execution ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetNode<'a> {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: WidgetNodeKind,
    /// The node's id in the definition.
    #[serde(rename = "nodeID")]
    #[schemars(with = "AnyId")]
    pub node_id: NodeId,
    /// The node's type.
    pub node_type: Cow<'a, str>,
    /// The key of the context that it wrote; null when it has none.
    pub output_variable: Option<Cow<'a, str>>,
    /// What it wrote there; else its whole output.
    pub value: Value,
    /// How it went: `success` or `failed`.
    pub status: NodeStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Cow<'a, str>>,
    /// Index in the innermost loop.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub iteration: Option<u64>,
    /// The context is too large for an event and left out: read it by REST.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub context_truncated: bool,
    /// What the widget shows of the context; null without a configuration.
    pub processed_data: Value,
    /// The whole user context right after this node.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<Object>")]
    pub context_snapshot: Option<Cow<'a, Object>>,
}

/// `widget_workflow_status`: the run ended. Always delivered, once a registration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetStatus<'a> {
    /// As the page sent it.
    #[serde(rename = "widgetID")]
    #[schemars(with = "AnyId")]
    pub widget_id: WidgetId,
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// How it ended.
    pub status: EndStatus,
    /// When.
    pub timestamp: WireTime,
    /// Place of its row.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// What the end node put out.
    #[schemars(with = "Option<Object>")]
    pub output: Option<Cow<'a, Object>>,
    /// Why; with `FAILED`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<Cow<'a, str>>,
    /// The same for programs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error_code: Option<Cow<'a, str>>,
    /// What the widget shows of the final context.
    pub processed_data: Value,
    /// The final user context, whole.
    #[schemars(with = "Option<Object>")]
    pub final_context: Option<Cow<'a, Object>>,
}

/// `widget_input_received`: the input is a row of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetInputReceived {
    /// As the page sent it.
    #[serde(rename = "widgetID")]
    #[schemars(with = "AnyId")]
    pub widget_id: WidgetId,
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// As it was sent.
    pub input_type: String,
    /// Always true.
    pub success: bool,
    /// The form or approval that it answered.
    #[serde(rename = "collectionRequestID", skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<AnyId>")]
    pub collection_request_id: Option<CollectionId>,
    /// Place of its row.
    #[schemars(with = "Place")]
    pub seq: Seq,
}

/// The answer to the ack of `widget_send_input`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WidgetInputAck {
    /// Always true.
    pub ok: bool,
    /// The run.
    #[serde(rename = "instanceID")]
    #[schemars(with = "AnyId")]
    pub instance_id: RunId,
    /// Place of its row.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// The form or approval that it answered.
    #[serde(rename = "collectionRequestID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub collection_request_id: Option<CollectionId>,
}

/// `widget_workflow_disconnected`: nothing is registered under that name, whatever was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WidgetDisconnected {
    /// As the page sent it.
    #[serde(rename = "widgetID")]
    #[schemars(with = "AnyId")]
    pub widget_id: WidgetId,
    /// Always true.
    pub success: bool,
}

/// `widget_workflow_error`: an event of a widget was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WidgetError {
    /// As the page sent it; null when it could not be read.
    #[serde(rename = "widgetID")]
    #[schemars(with = "Option<AnyId>")]
    pub widget_id: Option<WidgetId>,
    /// Why.
    pub error: WidgetErrorBody,
    /// When.
    pub timestamp: WireTime,
}

/// Why an event of a widget was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WidgetErrorBody {
    /// What was refused: `CONNECTION_FAILED`, `INPUT_FAILED`, `REFRESH_FAILED`.
    #[schemars(with = "AnyCode")]
    pub code: Code,
    /// For people; may change.
    pub message: String,
    /// Whether a later try may help.
    pub recoverable: bool,
    /// Why, stable.
    #[schemars(with = "AnyCode")]
    pub reason: Code,
}

impl WidgetErrorBody {
    /// What was refused, and why.
    pub fn of(what: Code, error: &(impl Coded + ?Sized)) -> Self {
        let reason = error.code();
        // Every code of the hub's own fault is spelled so.
        let recoverable = reason.class() != crate::error::Class::Client;
        Self { code: what, message: error.public_message(), recoverable, reason }
    }
}
