//! What a registration is told of its run, as frames. Pure: `delivery` asks it, in its order.
//!
//! The bodies are those of `protocol::events`, member for member (a test reads them back); contexts
//! come encoded and are shared by all frames that carry them.

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::processed;
use crate::{
    delivery::{Projection, Row, Snapshot},
    engine::{Context, NodeUpdate, RunStatus, StatusUpdate, Update},
    ids::{NodeId, RunId, Seq, WidgetId, WorkflowId},
    protocol::{
        EventFrame, Json,
        events::{self, NodeStatus, Server, WidgetMode, WidgetNodeKind, WireTime, WorkflowMeta},
        frame::{Frame, Policy},
    },
};

/// Where widgets are.
const NAMESPACE: &str = "/";

/// One registration.
pub(super) struct Shown {
    widget: WidgetId,
    mode: WidgetMode,
    /// What the page said about the widget.
    config: Value,
}

impl Shown {
    pub fn new(widget: WidgetId, mode: WidgetMode, config: Value) -> Self {
        Self { widget, mode, config }
    }

    fn processed(&self, context: &Context) -> Result<Json, serde_json::Error> {
        let of = |name: &str| self.config.get(name);
        let (fields, parameters) = (of("datasetFields"), of("parameters"));
        Json::of(&processed(of("widgetType"), fields, parameters, of("widgetConfig"), context))
    }

    fn connected(&self, snapshot: &Snapshot) -> Result<Frame, serde_json::Error> {
        let status = wire_status(snapshot.status);
        let body = Connected {
            widget_id: &self.widget,
            instance_id: &snapshot.run,
            workflow_id: snapshot.workflow.as_ref(),
            mode: self.mode,
            workflow_meta: WorkflowMeta {
                status,
                title: Some(snapshot.title.as_ref().into()),
                is_test: snapshot.is_test,
            },
            workflow_status: status,
            seq: snapshot.seq,
        };
        let mut event = EventFrame::new(NAMESPACE, Server::WidgetConnected.as_str())?;
        event.open(&body)?;
        event.member("processedData", &self.processed(&snapshot.context)?);
        event.member("initialContext", &snapshot.json).close();
        Ok(event.finish())
    }

    fn node(&self, row: &Row, node: &NodeUpdate) -> Result<Frame, serde_json::Error> {
        let variable = node.output_variable.as_deref();
        let value = match variable.and_then(|variable| node.output.get(variable)) {
            Some(value) => Json::of(value)?,
            None => Json::of(&node.output)?,
        };
        let update = Node {
            kind: WidgetNodeKind::NodeComplete,
            node_id: &node.node,
            node_type: &node.node_type,
            output_variable: variable,
            status: if node.success { NodeStatus::Success } else { NodeStatus::Failed },
            error: node.error.as_deref(),
            iteration: node.iteration,
            context_truncated: row.context.is_none(),
        };
        // Of a context that was left out nothing can be shown.
        let processed = match &node.context {
            Some(context) => self.processed(context)?,
            None => Json::null(),
        };
        let mut event = EventFrame::new(NAMESPACE, Server::WidgetUpdate.as_str())?;
        event.open(&self.body(row, node.seq))?;
        event.member("data", &processed).begin("update");
        event.open(&update)?;
        event.member("value", &value).member("processedData", &processed);
        if let Some(context) = &row.context {
            event.member("contextSnapshot", context);
        }
        event.close().close();
        let frame = event.finish();
        // A newer context says all that an older one said; without one each update says its own.
        Ok(match row.context {
            Some(_) => frame.with_policy(Policy::Latest(self.key(&row.run))),
            None => frame,
        })
    }

    fn status(
        &self,
        run: &RunId,
        status: &StatusUpdate,
        context: Option<&Json>,
    ) -> Result<Frame, serde_json::Error> {
        let body = Status {
            widget_id: &self.widget,
            instance_id: run,
            status: status.status.as_str(),
            timestamp: WireTime(status.completed_at),
            seq: status.seq,
            output: status.output.as_ref(),
            error: status.error.as_deref(),
            error_code: status.error_code.as_deref(),
        };
        let mut event = EventFrame::new(NAMESPACE, Server::WidgetStatus.as_str())?;
        event.open(&body)?;
        event.member("processedData", &self.processed(&status.context)?);
        match context {
            Some(context) => event.member("finalContext", context),
            None => event.member("finalContext", &Json::of(&status.context)?),
        };
        event.close();
        Ok(event.finish())
    }

    fn body<'a>(&'a self, row: &'a Row, seq: Seq) -> Body<'a> {
        Body { widget_id: &self.widget, instance_id: &row.run, timestamp: WireTime(row.at), seq }
    }

    /// Of updates that wait only the newest of this key is kept.
    fn key(&self, run: &RunId) -> Arc<str> {
        Arc::from(format!("{}\n{run}", self.widget))
    }

    fn written(&self, frame: Result<Frame, serde_json::Error>) -> Option<Frame> {
        frame
            .inspect_err(|error| {
                log::error!(widget_id:% = self.widget; "an event cannot be written: {error}");
            })
            .ok()
    }
}

impl Projection for Shown {
    fn joined(&self, snapshot: &Snapshot) -> Vec<Frame> {
        let mut frames: Vec<Frame> = self.written(self.connected(snapshot)).into_iter().collect();
        if let Some(ended) = snapshot.ended.as_ref().filter(|_| self.mode != WidgetMode::Replay) {
            frames.extend(self.written(self.status(&snapshot.run, ended, Some(&snapshot.json))));
        }
        frames
    }

    fn row(&self, row: &Row) -> Option<Frame> {
        match &row.update {
            Update::Node(node) => self.written(self.node(row, node)),
            Update::Status(status) => self.written(self.status(&row.run, status, row.context.as_ref())),
            Update::Progress(_) | Update::Request(_) => None,
        }
    }
}

fn wire_status(status: RunStatus) -> events::RunStatus {
    match status {
        RunStatus::Pending => events::RunStatus::Pending,
        RunStatus::Running => events::RunStatus::Running,
        RunStatus::Completed => events::RunStatus::Completed,
        RunStatus::Failed => events::RunStatus::Failed,
        RunStatus::Cancelled => events::RunStatus::Cancelled,
    }
}

/// `widget_workflow_connected` without its context.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Connected<'a> {
    #[serde(rename = "widgetID")]
    widget_id: &'a WidgetId,
    #[serde(rename = "instanceID")]
    instance_id: &'a RunId,
    #[serde(rename = "workflowID")]
    workflow_id: Option<&'a WorkflowId>,
    mode: WidgetMode,
    workflow_meta: WorkflowMeta<'a>,
    workflow_status: events::RunStatus,
    seq: Seq,
}

/// How every event of a row begins.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "widgetID")]
    widget_id: &'a WidgetId,
    #[serde(rename = "instanceID")]
    instance_id: &'a RunId,
    timestamp: WireTime,
    seq: Seq,
}

/// `update` of `widget_context_update` without what comes from the context.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Node<'a> {
    #[serde(rename = "type")]
    kind: WidgetNodeKind,
    #[serde(rename = "nodeID")]
    node_id: &'a NodeId,
    node_type: &'a str,
    output_variable: Option<&'a str>,
    status: NodeStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iteration: Option<u32>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    context_truncated: bool,
}

/// `widget_workflow_status` without its context.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status<'a> {
    #[serde(rename = "widgetID")]
    widget_id: &'a WidgetId,
    #[serde(rename = "instanceID")]
    instance_id: &'a RunId,
    status: &'a str,
    timestamp: WireTime,
    seq: Seq,
    output: Option<&'a Arc<Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'a str>,
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::{
        engine::Fields,
        ids::{Attempt, Visit},
        protocol::events::{WidgetConnected, WidgetContextUpdate, WidgetStatus},
    };

    fn body<T: DeserializeOwned + Serialize>(frame: &Frame, event: Server) -> Value {
        let text: Vec<u8> = frame.polling().flat_map(|packet| packet.into_owned()).collect();
        let (name, body): (String, Value) = serde_json::from_slice(&text[2..]).unwrap();
        assert_eq!(name, event.as_str());
        let read: T = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), body, "no member that the type does not have");
        body
    }

    fn context() -> Context {
        Context::new(Fields::new().with("input", json!({})).with("jsResult", 42))
    }

    fn node(context: Option<Context>) -> Row {
        let json = context.as_ref().map(|context| Json::of(context).unwrap());
        let update = NodeUpdate {
            seq: Seq(5),
            node: NodeId::trusted("n2"),
            node_type: Arc::from("javascript"),
            success: true,
            output: Fields::new().with("jsResult", 42).with("success", true),
            error: None,
            error_code: None,
            context,
            output_variable: Some(Arc::from("jsResult")),
            duration_ms: Some(1),
            visit: Visit(1),
            attempt: Attempt(1),
            iteration: None,
        };
        let at = jiff::Timestamp::UNIX_EPOCH;
        Row { run: RunId::trusted("i1"), at, update: Update::Node(update), context: json }
    }

    fn ended() -> StatusUpdate {
        StatusUpdate {
            seq: Seq(8),
            status: RunStatus::Completed,
            context: context(),
            output: None,
            error: None,
            error_code: None,
            completed_at: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn shown(mode: WidgetMode, config: Value) -> Shown {
        Shown::new(WidgetId::trusted("w 1/é"), mode, config)
    }

    #[test]
    fn a_node_is_told_as_the_contract_shows_it() {
        let shown = shown(WidgetMode::Subscribe, json!({ "widgetConfig": { "n": "{{ctx.jsResult}}" } }));
        let frame = shown.row(&node(Some(context()))).unwrap();
        assert_eq!(*frame.policy(), Policy::Latest(Arc::from("w 1/é\ni1")));
        let body = body::<WidgetContextUpdate<'static>>(&frame, Server::WidgetUpdate);
        assert_eq!(
            (&body["widgetID"], &body["seq"], &body["data"]),
            (&json!("w 1/é"), &json!(5), &json!({ "n": 42 }))
        );
        let update = &body["update"];
        assert_eq!(
            (&update["type"], &update["value"], &update["status"]),
            (&json!("NODE_COMPLETE"), &json!(42), &json!("success"))
        );
        assert_eq!(update["contextSnapshot"], json!({ "input": {}, "jsResult": 42 }));
        assert_eq!(update["processedData"], json!({ "n": 42 }));
    }

    #[test]
    fn without_a_context_nothing_is_merged() {
        let shown = shown(WidgetMode::Subscribe, json!({ "widgetConfig": { "n": "{{ctx.jsResult}}" } }));
        let frame = shown.row(&node(None)).unwrap();
        assert_eq!(*frame.policy(), Policy::Log);
        let body = body::<WidgetContextUpdate<'static>>(&frame, Server::WidgetUpdate);
        assert_eq!((&body["update"]["contextTruncated"], &body["data"]), (&json!(true), &Value::Null));
        assert!(body["update"].get("contextSnapshot").is_none());
    }

    #[test]
    fn a_late_subscriber_is_told_the_end_and_a_replay_is_not() {
        let snapshot = Snapshot {
            run: RunId::trusted("i1"),
            workflow: None,
            title: Arc::from("Sales"),
            is_test: false,
            status: RunStatus::Completed,
            seq: Seq(8),
            context: context(),
            json: Json::of(&context()).unwrap(),
            ended: Some(ended()),
        };
        let frames = shown(WidgetMode::Subscribe, Value::Null).joined(&snapshot);
        let connected = body::<WidgetConnected<'static>>(&frames[0], Server::WidgetConnected);
        assert_eq!(
            (&connected["workflowStatus"], &connected["processedData"]),
            (&json!("COMPLETED"), &Value::Null)
        );
        assert_eq!(
            connected["workflowMeta"],
            json!({ "status": "COMPLETED", "title": "Sales", "isTest": false })
        );
        let status = body::<WidgetStatus<'static>>(&frames[1], Server::WidgetStatus);
        assert_eq!(
            (&status["status"], &status["finalContext"]["jsResult"]),
            (&json!("COMPLETED"), &json!(42))
        );
        assert_eq!(frames.len(), 2);
        assert_eq!(shown(WidgetMode::Replay, Value::Null).joined(&snapshot).len(), 1);
        let row = Row { update: Update::Status(ended()), context: None, ..node(None) };
        let live = shown(WidgetMode::Execute, Value::Null).row(&row).unwrap();
        assert_eq!(body::<WidgetStatus<'static>>(&live, Server::WidgetStatus), status);
    }
}
