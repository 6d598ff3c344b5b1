//! Workflows in the form of the editor: nodes and edges.

use serde_json::{Value, json};

/// A workflow to be saved.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: Vec<Value>,
    edges: Vec<Value>,
}

impl Graph {
    /// A start node `start`.
    pub fn new() -> Self {
        Self::default().node("start", "start", json!({}))
    }

    pub fn node(mut self, id: &str, kind: &str, data: Value) -> Self {
        let at = json!({ "x": 0, "y": self.nodes.len() });
        self.nodes.push(json!({ "id": id, "type": kind, "data": data, "position": at }));
        self
    }

    pub fn edge(mut self, from: &str, handle: Option<&str>, to: &str) -> Self {
        self.edges.push(json!({ "source": from, "target": to, "sourceHandle": handle }));
        self
    }

    /// A node after the last one.
    pub fn then(self, id: &str, kind: &str, data: Value) -> Self {
        let last = self.last();
        self.node(id, kind, data).edge(&last, None, id)
    }

    /// A javascript node after the last one; its result is `ctx.<id>`.
    pub fn js(self, id: &str, code: &str) -> Self {
        let last = self.last();
        let handle = (last != "start").then(|| self.handle());
        let data = json!({ "code": code, "outputVariable": id });
        self.node(id, "javascript", data).edge(&last, handle.flatten(), id)
    }

    /// A pause after the last one.
    pub fn delay(self, id: &str, ms: u64) -> Self {
        let fixed = json!({ "delayType": "fixed", "delayMinutes": ms / 60_000,
                            "delaySeconds": ms / 1000 % 60, "delayMs": ms % 1000 });
        let (last, handle) = (self.last(), self.handle());
        self.node(id, "delay", fixed).edge(&last, handle, id)
    }

    /// The end, with `ctx.<of>` as its output `total`.
    pub fn end(self, of: &str) -> Self {
        let outputs = json!([{ "name": "total", "sourceVariable": format!("{{{{ctx.{of}}}}}") }]);
        let (last, handle) = (self.last(), self.handle());
        self.node("end", "end", json!({ "outputParameters": outputs })).edge(&last, handle, "end")
    }

    fn last(&self) -> String {
        self.nodes.last().and_then(|n| n["id"].as_str()).unwrap_or_default().to_owned()
    }

    /// On which handle the last node goes on.
    fn handle(&self) -> Option<&'static str> {
        match self.nodes.last().and_then(|n| n["type"].as_str()) {
            Some("javascript") => Some("success"),
            _ => None,
        }
    }

    /// The body of a save, a test or a PATCH.
    pub fn body(&self, title: &str) -> Value {
        json!({ "title": title, "nodes": self.nodes, "edges": self.edges, "workflowOptions": {} })
    }

    /// start, javascript, end: the worked trace of the contract.
    pub fn line() -> Self {
        Self::new().then("js", "javascript", json!({ "code": "return 42;" })).end("jsResult")
    }
}
