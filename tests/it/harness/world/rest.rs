//! REST as a page does it, each call on a connection of its own.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::harness::{Http, Reply, expect::eventually, judge::Log};

/// A user in a tenant.
#[derive(Debug, Clone)]
pub struct Rest {
    pub addr: SocketAddr,
    pub token: String,
    pub tenant: String,
    /// For so long a call is repeated until there is an answer: for a hub that dies now and then.
    pub patience: Duration,
}

impl Rest {
    /// `/api/v1/tenants/{tenant}/workflows` and more.
    pub fn path(&self, more: &str) -> String {
        format!("/api/v1/tenants/{}/workflows{more}", self.tenant)
    }

    fn once(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Option<Reply> {
        let mut http = Http::try_connect(self.addr)?;
        let authorization = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", authorization.as_str()), ("connection", "close")];
        all.extend_from_slice(headers);
        let text = if body.is_null() { String::new() } else { body.to_string() };
        if !text.is_empty() {
            all.push(("content-type", "application/json"));
        }
        http.send(method, path, &all, text.as_bytes()).ok()?;
        http.read().ok()?
    }

    /// The answer of a call. With patience it is repeated until there is one (and not a 503): it may
    /// have been carried out more than once then.
    #[track_caller]
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Reply {
        let end = Instant::now() + self.patience;
        loop {
            let reply = self.once(method, path, headers, body);
            let late = Instant::now() >= end;
            match reply {
                Some(reply) if late || reply.status < 500 => return reply,
                None if late => panic!("{method} {path}: no answer within {:?}", self.patience),
                _ => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    #[track_caller]
    fn ok(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Value) -> Value {
        let reply = self.call(method, path, headers, body);
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text());
        let body = reply.json();
        assert_eq!(body["success"], true, "{method} {path}: {body}");
        body
    }

    #[track_caller]
    pub fn get(&self, more: &str) -> Value {
        self.ok("GET", &self.path(more), &[], &Value::Null)
    }

    #[track_caller]
    pub fn post(&self, more: &str, body: &Value) -> Value {
        self.ok("POST", &self.path(more), &[], body)
    }

    #[track_caller]
    pub fn patch(&self, more: &str, body: &Value) -> Value {
        self.ok("PATCH", &self.path(more), &[], body)
    }

    /// Status and `error.code` of a call that must be refused.
    #[track_caller]
    pub fn refused(&self, method: &str, more: &str, body: &Value) -> (u16, String) {
        let path = self.path(more);
        let reply = self.call(method, &path, &[], body);
        let answer = reply.json();
        assert_eq!(answer["success"], false, "{method} {path}: {} {answer}", reply.status);
        (reply.status, answer["error"]["code"].as_str().unwrap_or_default().to_owned())
    }

    /// Saves a workflow: its id.
    #[track_caller]
    pub fn create(&self, body: &Value) -> String {
        let saved = self.post("", body);
        saved["workflow"]["workflowID"]
            .as_str()
            .unwrap_or_else(|| panic!("no workflowID: {saved}"))
            .to_owned()
    }

    /// Starts a run: its id.
    #[track_caller]
    pub fn execute(&self, workflow: &str, body: &Value) -> String {
        instance(&self.post(&format!("/{workflow}/execute"), body))
    }

    /// Starts a run once, however often it is asked: its id.
    #[track_caller]
    pub fn execute_once(&self, workflow: &str, key: &str, body: &Value) -> String {
        let path = self.path(&format!("/{workflow}/execute"));
        instance(&self.ok("POST", &path, &[("idempotency-key", key)], body))
    }

    /// Starts a run that is executed elsewhere.
    #[track_caller]
    pub fn external(&self, workflow: &str) -> String {
        self.execute(workflow, &json!({ "executor": "external", "inputValues": { "x": 1 } }))
    }

    /// Reports events of such a run: the results.
    #[track_caller]
    pub fn ingest(&self, run: &str, events: &Value) -> Vec<Value> {
        let answer = self.post(&format!("/instances/{run}/events"), &json!({ "events": events }));
        answer["results"].as_array().unwrap_or_else(|| panic!("no results: {answer}")).clone()
    }

    /// A node of such a run ended well: the place of its row.
    #[track_caller]
    pub fn report(&self, run: &str, key: &str, node: &str) -> u64 {
        let output = json!({ "value": key, "success": true });
        let event = json!({ "key": key, "type": "node", "nodeID": node, "status": "success",
                            "output": output, "contextData": { "input": { "x": 1 }, "last": key } });
        let results = self.ingest(run, &json!([event]));
        results[0]["seq"].as_u64().expect("a seq")
    }

    /// Such a run ended well.
    #[track_caller]
    pub fn finish(&self, run: &str, key: &str) -> u64 {
        let event = json!({ "key": key, "type": "status", "status": "COMPLETED",
                            "contextData": { "input": { "x": 1 }, "last": key }, "output": { "total": 1 } });
        let results = self.ingest(run, &json!([event]));
        results[0]["seq"].as_u64().expect("a seq")
    }

    #[track_caller]
    pub fn view(&self, run: &str) -> Value {
        self.get(&format!("/instances/{run}"))
    }

    /// The run for the judge.
    #[track_caller]
    pub fn log(&self, run: &str) -> Log {
        Log::of(&self.tenant, &self.view(run))
    }

    /// Waits until the run has that status.
    #[track_caller]
    pub fn until(&self, run: &str, status: &str) -> Value {
        self.until_within(run, status, Duration::from_secs(20))
    }

    #[track_caller]
    pub fn until_within(&self, run: &str, status: &str, within: Duration) -> Value {
        eventually(&format!("run {run} is {status}"), within, || {
            let view = self.view(run);
            (view["status"] == status).then_some(view)
        })
    }

    /// Waits until the run has a row of that kind of that node.
    #[track_caller]
    pub fn until_row(&self, run: &str, kind: &str, node: &str) {
        eventually(&format!("{kind} of {node}"), Duration::from_secs(20), || {
            let view = self.view(run);
            let rows = view["logs"].as_array()?;
            rows.iter().find(|row| row["eventType"] == kind && row["nodeID"] == node).map(drop)
        });
    }
}

#[track_caller]
fn instance(answer: &Value) -> String {
    answer["instanceID"].as_str().unwrap_or_else(|| panic!("no instanceID: {answer}")).to_owned()
}
