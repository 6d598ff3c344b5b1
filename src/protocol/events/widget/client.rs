//! What pages send for their widgets.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    ids::{CollectionId, RunId, TenantId, WidgetId, WorkflowId},
    protocol::events::{
        Error, Object,
        read::Fields,
        wire::{AnyId, TextOrNumber},
    },
};

const WIDGET: &[&str] = &["widgetID", "widgetId"];
const WORKFLOW: &[&str] = &["workflowID", "workflowId"];
const RUN: &[&str] = &["instanceID", "instanceId", "runId", "runID"];
const TENANT: &[&str] = &["tenantID", "tenantId"];
/// In the order in which they are merged: what a later one says counts.
const INPUTS: &[&str] = &["inputArgs", "inputParams", "inputValues"];

/// Longest word for a kind of input.
const INPUT_TYPE: usize = 128;

/// What a widget wants of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WidgetMode {
    /// A new one.
    #[default]
    Execute,
    /// To watch one.
    Subscribe,
    /// To be told once where one is.
    Replay,
}

impl WidgetMode {
    /// Spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Execute => "execute",
            Self::Subscribe => "subscribe",
            Self::Replay => "replay",
        }
    }

    /// Reads the spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Execute, Self::Subscribe, Self::Replay].into_iter().find(|mode| mode.as_str() == text)
    }
}

/// `widget_workflow_connect`: registers a widget of this socket with a run. The identity is the
/// handshake's, whatever the payload says.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetConnect {
    /// What the page calls the widget: any text. It comes back as it is in every event of the widget.
    #[serde(rename = "widgetID")]
    #[schemars(with = "TextOrNumber")]
    pub widget_id: WidgetId,
    /// The workflow; needed to `execute`.
    #[serde(rename = "workflowID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub workflow_id: Option<WorkflowId>,
    /// `execute` when it is left out.
    #[serde(default)]
    #[schemars(with = "Option<WidgetMode>")]
    pub mode: WidgetMode,
    /// Inputs of the run to `execute`. Also read as `inputArgs` and `inputValues`; of several, what
    /// `inputValues` says counts, then `inputParams`.
    #[serde(rename = "inputParams", skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Object>,
    /// The run; needed to `subscribe` and `replay`.
    #[serde(rename = "instanceID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub instance_id: Option<RunId>,
    /// The tenant, as a string or a number; else it follows from workflow or run. One that does not
    /// fit them is answered as if they did not exist.
    #[serde(rename = "tenantID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TextOrNumber>")]
    pub tenant_id: Option<TenantId>,
    /// `bar`, `line`, `vega-lite` …
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub widget_type: Option<Value>,
    /// Which fields of the context it shows: paths, or templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Object>")]
    pub dataset_fields: Option<Value>,
    /// Parameters of its chart, with templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Object>")]
    pub parameters: Option<Value>,
    /// Its configuration, with templates: what it resolves to is its `processedData`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Object>")]
    pub widget_config: Option<Value>,
    /// Kept, not read.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Object>")]
    pub workflow_config: Option<Value>,
}

impl WidgetConnect {
    /// Reads an event's first argument (`RawValue::NULL` when there is none).
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        let fields = Fields::of(argument)?;
        let mode = match fields.value(&["mode"]) {
            None => WidgetMode::default(),
            Some(mode) => mode.as_str().and_then(WidgetMode::parse).ok_or(Error::Mode)?,
        };
        let connect = Self {
            widget_id: widget(&fields)?,
            workflow_id: fields.optional_id(WORKFLOW, WorkflowId::parse)?,
            mode,
            inputs: fields.merged(INPUTS)?,
            instance_id: fields.optional_id(RUN, RunId::parse)?,
            tenant_id: fields.id_or_number(TENANT, TenantId::parse)?,
            widget_type: fields.value(&["widgetType"]).cloned(),
            dataset_fields: fields.value(&["datasetFields"]).cloned(),
            parameters: fields.value(&["parameters"]).cloned(),
            widget_config: fields.value(&["widgetConfig"]).cloned(),
            workflow_config: fields.value(&["workflowConfig"]).cloned(),
        };
        match mode {
            WidgetMode::Execute if connect.workflow_id.is_none() => {
                Err(Error::Missing { field: WORKFLOW[0] })
            }
            WidgetMode::Subscribe | WidgetMode::Replay if connect.instance_id.is_none() => {
                Err(Error::Missing { field: RUN[0] })
            }
            _ => Ok(connect),
        }
    }
}

/// `widget_send_input`: hands something to the run of a widget.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WidgetInput {
    /// The widget.
    #[serde(rename = "widgetID")]
    #[schemars(with = "TextOrNumber")]
    pub widget_id: WidgetId,
    /// The run; else that of this socket's registration.
    #[serde(rename = "instanceID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub instance_id: Option<RunId>,
    /// Any word: `filter_change`, `action` …; `form_submit` and `data_collection` also answer the
    /// oldest form or approval that the run waits for.
    #[schemars(length(min = 1, max = 128))]
    pub input_type: String,
    /// Anything. Code of later nodes sees it as `ctx.__widgetInput.data`.
    #[serde(default)]
    pub data: Value,
    /// As in the connect.
    #[serde(rename = "tenantID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TextOrNumber>")]
    pub tenant_id: Option<TenantId>,
}

impl WidgetInput {
    /// Reads an event's first argument (`RawValue::NULL` when there is none).
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        let fields = Fields::of(argument)?;
        Ok(Self {
            widget_id: widget(&fields)?,
            instance_id: fields.optional_id(RUN, RunId::parse)?,
            input_type: fields.word("inputType", INPUT_TYPE)?,
            data: fields.value(&["data"]).cloned().unwrap_or_default(),
            tenant_id: fields.id_or_number(TENANT, TenantId::parse)?,
        })
    }

    /// Whether it answers what the run waits for.
    pub fn is_submission(&self) -> bool {
        matches!(self.input_type.as_str(), "form_submit" | "data_collection")
    }

    /// The request that it answers, if it names one.
    pub fn collection(&self) -> Option<CollectionId> {
        CollectionId::parse(self.data.get("collectionRequestID")?.as_str()?).ok()
    }
}

/// `widget_refresh`: runs a widget's workflow again, in the place of its run, which goes on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WidgetRefresh {
    /// The widget.
    #[serde(rename = "widgetID")]
    #[schemars(with = "TextOrNumber")]
    pub widget_id: WidgetId,
    /// Inputs of the new run; else those of the last connect. Also read as in the connect.
    #[serde(rename = "inputParams", skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Object>,
    /// As in the connect.
    #[serde(rename = "tenantID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TextOrNumber>")]
    pub tenant_id: Option<TenantId>,
}

impl WidgetRefresh {
    /// Reads an event's first argument (`RawValue::NULL` when there is none).
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        let fields = Fields::of(argument)?;
        Ok(Self {
            widget_id: widget(&fields)?,
            inputs: fields.merged(INPUTS)?,
            tenant_id: fields.id_or_number(TENANT, TenantId::parse)?,
        })
    }
}

/// `widget_workflow_disconnect`: ends a registration; the run goes on.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct WidgetDisconnect {
    /// The widget.
    #[serde(rename = "widgetID")]
    #[schemars(with = "TextOrNumber")]
    pub widget_id: WidgetId,
}

impl WidgetDisconnect {
    /// Reads an event's first argument (`RawValue::NULL` when there is none).
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        Ok(Self { widget_id: widget(&Fields::of(argument)?)? })
    }
}

fn widget(fields: &Fields) -> Result<WidgetId, Error> {
    let id = fields.id_or_number(WIDGET, WidgetId::parse)?;
    id.ok_or(Error::Missing { field: WIDGET[0] })
}

#[cfg(test)]
mod tests {
    use serde_json::{json, value::to_raw_value};

    use super::*;

    fn connect(payload: Value) -> Result<WidgetConnect, Error> {
        WidgetConnect::parse(&to_raw_value(&payload).unwrap())
    }

    #[test]
    fn a_connect_is_read_as_pages_send_it() {
        let read = connect(json!({
            "widgetID": "preview_5_1700000000000", "workflowID": null, "mode": "subscribe", "instanceID": "i1",
            "tenantID": 5, "firebaseID": { "not": "read" }, "extra": 1,
        }))
        .unwrap();
        assert_eq!((read.widget_id.as_str(), read.mode), ("preview_5_1700000000000", WidgetMode::Subscribe));
        assert_eq!((read.workflow_id, read.tenant_id), (None, Some(TenantId::trusted("5"))));
        let inputs = json!({ "widgetID": " w 1/é ", "workflowID": "wf", "inputValues": { "a": 3 },
            "inputArgs": { "a": 1, "b": 1, "c": 1 }, "inputParams": { "a": 2, "b": 2 } });
        let read = connect(inputs).unwrap();
        assert_eq!((read.widget_id.as_str(), read.mode), (" w 1/é ", WidgetMode::Execute));
        assert_eq!(json!(read.inputs), json!({ "a": 3, "b": 2, "c": 1 }));
        assert_eq!(connect(json!({ "widgetID": 7, "workflowID": "wf" })).unwrap().widget_id.as_str(), "7");
        assert_eq!(connect(json!({ "widgetID": "w", "workflowID": "wf" })).unwrap().inputs, None);
    }

    #[test]
    fn a_connect_of_the_wrong_shape_is_refused() {
        let missing = |field| Err(Error::Missing { field });
        assert_eq!(connect(json!(1)), Err(Error::NoObject));
        assert_eq!(connect(json!({ "workflowID": "wf" })), missing("widgetID"));
        assert_eq!(connect(json!({ "widgetID": "w" })), missing("workflowID"));
        assert_eq!(
            connect(json!({ "widgetID": "w", "mode": "replay", "workflowID": "x" })),
            missing("instanceID")
        );
        assert_eq!(connect(json!({ "widgetID": "w", "workflowID": "x", "mode": "watch" })), Err(Error::Mode));
        assert_eq!(connect(json!({ "widgetID": "w", "workflowID": "x", "mode": 1 })), Err(Error::Mode));
        assert!(connect(json!({ "widgetID": "w".repeat(129), "workflowID": "x" })).is_err());
        assert!(connect(json!({ "widgetID": "w", "workflowID": "x", "inputParams": [1] })).is_err());
        assert!(connect(json!({ "widgetID": {}, "workflowID": "x" })).is_err());
    }

    #[test]
    fn an_input_may_name_the_request_that_it_answers() {
        let read = |payload: Value| WidgetInput::parse(&to_raw_value(&payload).unwrap());
        let input = read(
            json!({ "widgetID": "w", "inputType": "form_submit", "data": { "collectionRequestID": "c" } }),
        );
        let input = input.unwrap();
        assert!(input.is_submission() && input.collection() == Some(CollectionId::trusted("c")));
        assert!(!read(json!({ "widgetID": "w", "inputType": "action" })).unwrap().is_submission());
        assert!(read(json!({ "widgetID": "w" })).is_err());
        assert!(read(json!({ "widgetID": "w", "inputType": "x".repeat(129) })).is_err());
    }
}
