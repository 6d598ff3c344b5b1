//! Active runs of a tenant are limited, and the queue is seen (`contract.md` 5.8).

use serde_json::{Value, json};

use crate::harness::{Hub, hub::token};
use crate::hub::ann::{Ann, code, id, waiting};

fn hub() -> Hub {
    Hub::with(&[("workflow.max_active_per_tenant", "2"), ("workflow.max_queued_per_tenant", "3")])
}

struct Tenant {
    name: &'static str,
    token: String,
    workflow: String,
    runs: Vec<String>,
}

impl Tenant {
    fn at(hub: &Hub, name: &'static str) -> Self {
        let token = token(name, &[(name, "ADMIN")], false);
        let saved = hub.post(&format!("/api/v1/tenants/{name}/workflows"), &token, &waiting());
        let workflow = saved["workflow"]["workflowID"].as_str().unwrap().to_owned();
        Self { name, token, workflow, runs: Vec::new() }
    }
    fn path(&self, rest: &str) -> String {
        format!("/api/v1/tenants/{}/workflows{rest}", self.name)
    }
    fn start(&mut self, hub: &Hub) -> String {
        let body = json!({ "inputValues": { "n": 1 } });
        let started = hub.post(&self.path(&format!("/{}/execute", self.workflow)), &self.token, &body);
        self.runs.push(id(&started).to_owned());
        started["status"].as_str().unwrap().to_owned()
    }
    /// Status and place of each of its runs, by start.
    fn places(&self, hub: &Hub) -> Vec<(String, Option<i64>)> {
        let place = |run: &String| {
            let view = hub.get(&self.path(&format!("/instances/{run}")), &self.token);
            (view["status"].as_str().unwrap().to_owned(), view["queuePosition"].as_i64())
        };
        self.runs.iter().map(place).collect()
    }
    fn stop(&self, hub: &Hub, run: usize) {
        let path = self.path(&format!("/instances/{}/stop", self.runs[run]));
        assert_eq!(hub.request("DELETE", &path, Some(&self.token), None).status, 200);
    }
    fn queue(&self, hub: &Hub) -> Value {
        hub.get(&self.path("/queue"), &self.token)
    }
    fn until_active(&self, hub: &Hub, run: usize) {
        crate::harness::expect::eventually("the next begins", std::time::Duration::from_secs(10), || {
            (self.places(hub)[run].0 == "RUNNING").then_some(())
        });
    }
}

fn running() -> (String, Option<i64>) {
    ("RUNNING".to_owned(), None)
}

fn waits(place: i64) -> (String, Option<i64>) {
    ("PENDING".to_owned(), Some(place))
}

#[test]
fn each_tenant_waits_in_its_own_queue_and_keeps_its_order() {
    let mut hub = hub();
    let mut all = [Tenant::at(&hub, "acme"), Tenant::at(&hub, "bolt"), Tenant::at(&hub, "core")];
    // The first one floods; the others are served at once.
    for _ in 0..5 {
        all[0].start(&hub);
    }
    let path = all[0].path(&format!("/{}/execute", all[0].workflow));
    let full = hub.request("POST", &path, Some(&all[0].token), Some(&json!({ "inputValues": { "n": 1 } })));
    assert_eq!((full.status, code(&full)), (429, "RATE_LIMITED".to_owned()));
    for tenant in &mut all[1..] {
        assert_eq!(
            [tenant.start(&hub), tenant.start(&hub), tenant.start(&hub)],
            ["RUNNING", "RUNNING", "PENDING"]
        );
    }
    let queue = all[0].queue(&hub);
    for (field, value) in [("active", 2), ("limit", 2), ("queued", 3), ("queueLimit", 3)] {
        assert_eq!(queue[field], value, "{queue}");
    }
    assert_eq!(all[0].places(&hub), [running(), running(), waits(1), waits(2), waits(3)]);
    let listed = hub.get(&all[0].path("/instances?status=PENDING"), &all[0].token);
    let places: Vec<_> =
        listed["instances"].as_array().unwrap().iter().map(|run| &run["queuePosition"]).collect();
    assert_eq!(places, [3, 2, 1], "latest start first");
    let metrics = hub.request("GET", "/metrics", None, None).text();
    assert!(
        metrics.contains("jethub_runs_active 6") && metrics.contains("jethub_runs_queued 5"),
        "{metrics}"
    );

    // The same after a restart, for those who come later too.
    hub = hub.crash_and_restart();
    all[0].until_active(&hub, 1);
    assert_eq!(all[0].places(&hub), [running(), running(), waits(1), waits(2), waits(3)]);
    all[1].start(&hub);
    assert_eq!(all[1].places(&hub), [running(), running(), waits(1), waits(2)]);
    // A free place is the tenant's own next one's.
    all[0].stop(&hub, 0);
    all[0].until_active(&hub, 2);
    assert_eq!(all[0].places(&hub)[1..], [running(), running(), waits(1), waits(2)]);
    assert_eq!(all[2].places(&hub), [running(), running(), waits(1)]);
    // Who leaves the queue makes it shorter for those behind.
    all[0].stop(&hub, 3);
    assert_eq!(all[0].places(&hub)[4], waits(1));
}

#[test]
fn test_runs_are_listed_for_those_who_may_see_them() {
    let ann = Ann::start();
    let graph = waiting();
    let test = json!({ "nodes": graph["nodes"], "edges": graph["edges"], "inputValues": { "n": 1 } });
    let run = ann.post("/test", &test);
    let count =
        |token: &str| ann.hub.get("/api/v1/tenants/acme/workflows/instances", token)["totalCount"].clone();
    let bob = token("bob", &[("acme", "MEMBER")], false);
    assert_eq!((count(&ann.token), count(&bob)), (json!(1), json!(0)));
    let refused = ann.hub.request(
        "GET",
        &format!("/api/v1/tenants/acme/workflows/instances/{}", id(&run)),
        Some(&bob),
        None,
    );
    assert_eq!(refused.status, 403);
}
