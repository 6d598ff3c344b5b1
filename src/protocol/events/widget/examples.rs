//! Examples of the events of widgets.

use serde_json::json;

use crate::protocol::events::{Client, Example, Server};

const RUN: &str = "0199f3a1-5c1e-7c43-9d7b-0f2f4f3b6a10";
const WORKFLOW: &str = "0199f3a1-4b0d-7f52-8a6c-1e3d5c7b9a20";

/// What pages send. The order is that of a page: connect, input, refresh, disconnect.
pub(in crate::protocol::events) fn client() -> Vec<Example<Client>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    vec![
        example(
            Client::WidgetConnect,
            "execute",
            "a new run for this widget",
            json!({ "widgetID": "w1", "workflowID": WORKFLOW, "mode": "execute", "inputParams": { "range": "7d" },
                    "widgetType": "bar", "tenantID": "acme" }),
        ),
        example(
            Client::WidgetConnect,
            "subscribe",
            "a run that another started; what the page calls the widget is no uuid",
            json!({ "widgetID": "preview_acme_1700000000000", "workflowID": null, "mode": "subscribe",
                    "instanceID": RUN, "widgetConfig": { "title": "Sales of {{ctx.input.range}}" } }),
        ),
        example(
            Client::WidgetConnect,
            "replay",
            "where a run is, once",
            json!({ "widgetID": "w2", "mode": "replay", "instanceID": RUN, "datasetFields": { "x": "rows[*].month" } }),
        ),
        example(
            Client::WidgetInput,
            "filter",
            "for the code of later nodes",
            json!({ "widgetID": "w1", "inputType": "filter_change", "data": { "region": "north" } }),
        ),
        example(
            Client::WidgetRefresh,
            "refresh",
            "once more, with the inputs of the connect",
            json!({ "widgetID": "w1" }),
        ),
        example(
            Client::WidgetDisconnect,
            "disconnect",
            "no more events of this widget",
            json!({ "widgetID": "w1" }),
        ),
    ]
}

/// What pages hear.
pub(in crate::protocol::events) fn server() -> Vec<Example<Server>> {
    let example = |event, name, summary, payload| Example { event, name, summary, payload };
    let at = "2026-01-01T00:00:00.000Z";
    vec![
        example(
            Server::WidgetConnected,
            "execute",
            "a new run",
            json!({ "widgetID": "w1", "instanceID": RUN, "workflowID": WORKFLOW, "mode": "execute",
                    "workflowMeta": { "status": "RUNNING", "title": "Sales", "isTest": false },
                    "workflowStatus": "RUNNING", "seq": 1, "processedData": null,
                    "initialContext": { "input": { "range": "7d" } } }),
        ),
        example(
            Server::WidgetUpdate,
            "node",
            "a node ended well",
            json!({ "widgetID": "w1", "instanceID": RUN, "timestamp": at, "seq": 5, "data": null,
                    "update": { "type": "NODE_COMPLETE", "nodeID": "n2", "nodeType": "javascript",
                                "outputVariable": "jsResult", "value": 42, "status": "success", "processedData": null,
                                "contextSnapshot": { "input": {}, "jsResult": 42 } } }),
        ),
        example(
            Server::WidgetStatus,
            "completed",
            "the run ended well",
            json!({ "widgetID": "w1", "instanceID": RUN, "status": "COMPLETED", "timestamp": at, "seq": 8,
                    "output": { "total": 42 }, "processedData": null,
                    "finalContext": { "input": {}, "jsResult": 42, "output": { "total": 42 } } }),
        ),
        example(
            Server::WidgetInputReceived,
            "taken",
            "the input is a row of the run",
            json!({ "widgetID": "w1", "instanceID": RUN, "inputType": "filter_change", "success": true, "seq": 6 }),
        ),
        example(
            Server::WidgetDisconnected,
            "gone",
            "also when nothing was registered",
            json!({ "widgetID": "w1", "success": true }),
        ),
        example(
            Server::WidgetError,
            "notFound",
            "no such workflow, or one of another tenant",
            json!({ "widgetID": "w1", "timestamp": at,
                    "error": { "code": "CONNECTION_FAILED", "message": "no such workflow", "recoverable": false,
                               "reason": "WORKFLOW_NOT_FOUND" } }),
        ),
    ]
}
