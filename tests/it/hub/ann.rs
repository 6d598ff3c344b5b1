//! Ann, who administers the tenant `acme`, and the graphs that she saves.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{Hub, Reply, expect::eventually, hub::token};

pub(super) const W: &str = "/api/v1/tenants/acme/workflows";

pub(super) fn graph() -> Value {
    json!({
        "title": "Sales",
        "nodes": [
            { "id": "s", "type": "start", "data": {}, "position": { "x": 1, "y": 2 } },
            { "id": "w", "type": "delay", "data": { "delayType": "fixed", "delayMs": 1 } },
            { "id": "e", "type": "end", "data": { "outputParameters": [
                { "name": "total", "sourceVariable": "{{ctx.input.n}}" }
            ] } },
        ],
        "edges": [{ "id": "1", "source": "s", "target": "w" }, { "id": "2", "source": "w", "target": "e" }],
        "workflowOptions": { "inputDefinitions": [{ "key": "n", "type": "number", "required": true }] },
    })
}

/// It waits for a day unless it is stopped.
pub(super) fn waiting() -> Value {
    let mut graph = graph();
    graph["nodes"][1]["data"] = json!({ "delayType": "fixed", "delayMinutes": 1440 });
    graph
}

/// An admin of `acme` with a hub of her own.
pub(super) struct Ann {
    pub(super) hub: Hub,
    pub(super) token: String,
}

impl Ann {
    pub(super) fn start() -> Self {
        Self { hub: Hub::start(), token: token("ann", &[("acme", "ADMIN")], false) }
    }
    #[track_caller]
    pub(super) fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.hub.request(method, &format!("{W}{path}"), Some(&self.token), body)
    }
    #[track_caller]
    pub(super) fn get(&self, path: &str) -> Value {
        self.hub.get(&format!("{W}{path}"), &self.token)
    }
    #[track_caller]
    pub(super) fn post(&self, path: &str, body: &Value) -> Value {
        self.hub.post(&format!("{W}{path}"), &self.token, body)
    }
    #[track_caller]
    pub(super) fn saved(&self, graph: &Value) -> String {
        self.post("", graph)["workflow"]["workflowID"].as_str().unwrap().to_owned()
    }
    #[track_caller]
    pub(super) fn ended(&self, run: &str) -> Value {
        eventually("the run ends", Duration::from_secs(10), || {
            let view = self.get(&format!("/instances/{run}"));
            (!matches!(view["status"].as_str(), Some("RUNNING" | "PENDING"))).then_some(view)
        })
    }
}

pub(super) fn id(value: &Value) -> &str {
    value["instanceID"].as_str().unwrap()
}

pub(super) fn code(reply: &Reply) -> String {
    reply.json()["error"]["code"].as_str().unwrap_or_default().to_owned()
}
