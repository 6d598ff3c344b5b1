//! Workflows and runs by REST (`contract.md` 6.3, 6.4), as pages use them.

use std::time::Duration;

use serde_json::json;

use crate::harness::{Reply, expect::eventually, hub::token};
use crate::hub::ann::{Ann, W, code, graph, id, waiting};

#[test]
fn a_workflow_is_saved_run_and_seen() {
    let ann = Ann::start();
    let created = ann.send("POST", "", Some(&graph()));
    assert_eq!(created.status, 201, "{}", created.text());
    let workflow = created.json()["workflow"].clone();
    assert_eq!((&workflow["title"], &workflow["tenantID"]), (&json!("Sales"), &json!("acme")));
    assert_eq!(workflow["tblWorkflowNodes"][0]["nodeID"], "s");
    let wf = workflow["workflowID"].as_str().unwrap().to_owned();
    assert_eq!(ann.get(&format!("/{wf}"))["workflow"], workflow);

    let started = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": "42", "other": 1 } }));
    assert_eq!((started["success"].as_bool(), started["status"].as_str()), (Some(true), Some("RUNNING")));
    let run = ann.ended(id(&started));
    assert_eq!((&run["status"], &run["workflowTitle"]), (&json!("COMPLETED"), &json!("Sales")), "{run}");
    assert_eq!(run["contextData"]["input"], json!({ "n": 42 }));
    assert_eq!(run["output"], json!({ "total": 42 }));
    assert!(run.get("data").is_none(), "pages take a top-level data for the whole answer");
    let kinds: Vec<&str> =
        run["logs"].as_array().unwrap().iter().map(|row| row["eventType"].as_str().unwrap()).collect();
    assert_eq!((kinds[0], kinds[1]), ("INPUT_SET", "NODE_DISPATCHED"));
    assert_eq!(run["logs"][0]["payload"]["input"], json!({ "n": 42 }));
    assert!(run["completedAt"].as_str().unwrap().ends_with('Z'));

    let missing = ann.send("POST", &format!("/{wf}/execute"), None);
    assert_eq!((missing.status, code(&missing)), (400, "INPUT_INVALID".to_owned()), "{}", missing.text());
    let listed = ann.get("/instances?status=COMPLETED");
    assert_eq!((listed["totalCount"].as_i64(), id(&listed["instances"][0])), (Some(1), id(&started)));
    assert_eq!(ann.get("/instances?status=FAILED")["totalCount"], 0);
    assert_eq!(code(&ann.send("GET", "/instances?status=done", None)), "VALIDATION_ERROR");

    let patched = ann.send("PATCH", &format!("/{wf}"), Some(&json!({ "title": "Revenue" }))).json();
    assert_eq!(patched["workflow"]["title"], "Revenue");
    assert_eq!(patched["workflow"]["tblWorkflowEdge"], workflow["tblWorkflowEdge"], "absent is unchanged");
    let copy = ann.send("POST", &format!("/{wf}/clone"), Some(&json!({})));
    assert_eq!((copy.status, copy.json()["workflow"]["title"].as_str()), (201, Some("Revenue (Copy)")));
    assert_ne!(copy.json()["workflow"]["tblWorkflowNodes"][0]["nodeID"], "s");
    assert_eq!(ann.get("?search=reven&pageSize=1")["totalPages"], 2);
    assert_eq!(ann.get("?search=nothing")["workflows"], json!([]));

    let deleted = ann.send("DELETE", &format!("/{wf}"), None);
    assert_eq!(deleted.json()["message"], "Workflow deleted successfully.");
    for (method, path, expected) in [
        ("GET", format!("/{wf}"), "WORKFLOW_NOT_FOUND"),
        ("DELETE", format!("/{wf}"), "WORKFLOW_NOT_FOUND"),
        ("POST", format!("/{wf}/execute"), "WORKFLOW_NOT_FOUND"),
        ("GET", format!("/instances/{}", id(&started)), "RUN_NOT_FOUND"),
    ] {
        let gone = ann.send(method, &path, None);
        assert_eq!((gone.status, code(&gone)), (404, expected.to_owned()), "{method} {path}");
    }
}

#[test]
fn what_cannot_be_saved_or_run_is_told_all_at_once() {
    let ann = Ann::start();
    let bad = json!({ "title": "", "nodes": [{ "id": "d", "type": "delay", "data": { "delayType": "never", "delayMs": 5000 } }] });
    let refused = ann.send("POST", "", Some(&bad));
    assert_eq!((refused.status, code(&refused)), (400, "VALIDATION_ERROR".to_owned()), "{}", refused.text());
    let issues = refused.json()["error"]["details"]["issues"].as_array().unwrap().clone();
    assert!(issues.len() >= 2, "{issues:?}");
    assert!(issues.iter().all(|issue| issue["path"].is_string() && issue["message"].is_string()));

    let wf =
        ann.saved(&json!({ "title": "No start", "nodes": [], "edges": [{ "source": "a", "target": "b" }] }));
    let refused = ann.send("POST", &format!("/{wf}/execute"), Some(&json!({})));
    assert_eq!((refused.status, code(&refused)), (400, "INVALID_DEFINITION".to_owned()));
    assert!(!refused.json()["error"]["details"]["problems"].as_array().unwrap().is_empty());
    for body in [json!({ "inputValues": [] }), json!({ "executor": "moon" })] {
        assert_eq!(ann.send("POST", &format!("/{wf}/execute"), Some(&body)).status, 400, "{body}");
    }
    assert_eq!(ann.get("/instances")["totalCount"], 0);
}

#[test]
fn a_repeated_execute_is_one_run() {
    let ann = Ann::start();
    let wf = ann.saved(&graph());
    let authorization = format!("Bearer {}", ann.token);
    let execute = |key: &str, n: i64| {
        let headers = [
            ("authorization", authorization.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        let body = json!({ "inputValues": { "n": n } }).to_string();
        ann.hub.http().request("POST", &format!("{W}/{wf}/execute"), &headers, body.as_bytes())
    };
    let first = execute("a", 1).json();
    let again = execute("a", 1);
    assert_eq!((again.status, id(&again.json())), (200, id(&first)));
    assert_ne!(id(&execute("b", 1).json()), id(&first));
    assert_eq!(execute("", 1).status, 400);
    assert_eq!(execute(&"x".repeat(129), 1).status, 400);
    assert_eq!(ann.get("/instances")["totalCount"], 2);
}

#[test]
fn stopping_keeps_a_run_and_removes_a_test() {
    let ann = Ann::start();
    let wf = ann.saved(&waiting());
    let run = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 1 } }));
    let stopped = ann.send("DELETE", &format!("/instances/{}/stop", id(&run)), None).json();
    assert_eq!((id(&stopped), &stopped["status"]), (id(&run), &json!("CANCELLED")));
    assert_eq!(ann.ended(id(&run))["status"], "CANCELLED");
    let again = ann.send("DELETE", &format!("/instances/{}/stop", id(&run)), None);
    assert_eq!((again.status, again.json()["status"].as_str()), (200, Some("CANCELLED")));

    let mut body = waiting();
    body["inputValues"] = json!({ "n": 1 });
    let test = ann.post("/test", &body);
    assert_eq!(test["isTest"], true);
    assert_eq!(ann.get(&format!("/instances/{}", id(&test)))["isTest"], true);
    // A test is nobody's business but its starter's, and theirs who may test.
    let mem = token("mem", &[("acme", "MEMBER")], false);
    for (method, path) in [("GET", ""), ("DELETE", "/stop")] {
        let path = format!("{W}/instances/{}{path}", id(&test));
        let refused = ann.hub.request(method, &path, Some(&mem), None);
        assert_eq!(
            (refused.status, refused.json()["error"]["code"].as_str()),
            (403, Some("PERMISSION_DENIED"))
        );
    }
    let stopped = ann.send("DELETE", &format!("/instances/{}/stop", id(&test)), None);
    let mut answer = stopped.json();
    answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    assert_eq!((stopped.status, answer), (200, json!({ "success": true })));
    assert_eq!(ann.send("GET", &format!("/instances/{}", id(&test)), None).status, 404);
}

#[test]
fn a_run_that_is_executed_elsewhere_is_fed() {
    let ann = Ann::start();
    let wf = ann.saved(&graph());
    let run =
        ann.post(&format!("/{wf}/execute"), &json!({ "executor": "external", "inputValues": { "n": 1 } }));
    let path = format!("/instances/{}/events", id(&run));
    let node = |key: &str, node: &str| json!({ "key": key, "type": "node", "nodeID": node, "status": "success", "output": { "x": key } });
    let fed = ann.post(&path, &json!({ "events": [node("k1", "s"), node("k2", "w")] }));
    let results = fed["results"].as_array().unwrap().clone();
    assert_eq!(
        (results.len(), &results[0]["key"], &results[0]["duplicate"]),
        (2, &json!("k1"), &json!(false))
    );
    assert!(results[0]["seq"].as_i64() < results[1]["seq"].as_i64());
    let again = ann.post(&path, &json!({ "events": [node("k2", "w"), node("k3", "w")] }));
    assert_eq!(again["results"][0], json!({ "key": "k2", "seq": results[1]["seq"], "duplicate": true }));

    for (events, expected) in [
        (json!([]), "INVALID_REQUEST"),
        (json!([node("", "s")]), "INVALID_REQUEST"),
        (json!([node(&"x".repeat(129), "s")]), "INVALID_REQUEST"),
        (json!([node("k9", "nowhere")]), "INVALID_REQUEST"),
        (json!([{ "key": "k9", "type": "moon" }]), "INVALID_REQUEST"),
        (json!([{ "key": "k9", "type": "node", "nodeID": "s", "status": "maybe" }]), "INVALID_REQUEST"),
        (json!((0..1001).map(|n| node(&n.to_string(), "s")).collect::<Vec<_>>()), "INVALID_REQUEST"),
    ] {
        let refused = ann.send("POST", &path, Some(&json!({ "events": events })));
        assert_eq!((refused.status, code(&refused)), (400, expected.to_owned()), "{}", refused.text());
    }
    let end = json!({ "key": "end", "type": "status", "status": "COMPLETED", "contextData": { "y": 1 }, "output": { "z": 2 } });
    ann.post(&path, &json!({ "events": [end] }));
    let view = ann.ended(id(&run));
    assert_eq!((&view["status"], &view["output"]), (&json!("COMPLETED"), &json!({ "z": 2 })), "{view}");
    let late = ann.send("POST", &path, Some(&json!({ "events": [node("late", "s")] })));
    assert_eq!((late.status, code(&late)), (400, "RUN_NOT_RUNNING".to_owned()));
    let repeated = ann.post(&path, &json!({ "events": [node("k1", "s")] }));
    assert_eq!(repeated["results"][0]["duplicate"], true, "a repeat is answered also after the end");

    let own = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 1 } }));
    let refused = ann.send(
        "POST",
        &format!("/instances/{}/events", id(&own)),
        Some(&json!({ "events": [node("k", "s")] })),
    );
    assert_eq!(refused.status, 400, "the hub executes this one itself: {}", refused.text());
}

#[test]
fn schemas_are_by_type() {
    let ann = Ann::start();
    let all = ann.get("/schemas");
    assert!(all["schemas"]["javascript"]["properties"]["code"].is_object() && all["message"].is_string());
    let one = ann.get("/schemas?nodeType=delay");
    assert_eq!(one["schemas"].as_object().unwrap().len(), 1);
    let unknown = ann.send("GET", "/schemas?nodeType=moon", None);
    assert_eq!((unknown.status, code(&unknown)), (404, "SCHEMA_NOT_FOUND".to_owned()));
}

/// Another tenant's workflow and run are as if they were not there, in every word (`faults.md` A15).
#[test]
fn foreign_subjects_do_not_exist() {
    let ann = Ann::start();
    let wf = ann.saved(&waiting());
    let run = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 1 } }));
    let eve = token("eve", &[("evil", "ADMIN")], false);
    let missing = "0198c0de-0000-7000-8000-000000000000";
    let evened = |reply: Reply| {
        let mut body = reply.json();
        body.as_object_mut().unwrap().remove("requestID");
        (reply.status, body)
    };
    for (method, path) in [
        ("GET", "/{wf}"),
        ("PATCH", "/{wf}"),
        ("DELETE", "/{wf}"),
        ("POST", "/{wf}/clone"),
        ("POST", "/{wf}/execute"),
        ("GET", "/instances/{run}"),
        ("DELETE", "/instances/{run}/stop"),
        ("POST", "/instances/{run}/events"),
    ] {
        let body = match path {
            "/instances/{run}/events" => {
                json!({ "events": [{ "key": "k", "type": "node", "nodeID": "s", "status": "success" }] })
            }
            _ => json!({}),
        };
        let body = (method != "GET").then_some(&body);
        let ask = |wf: &str, run: &str| {
            let path = path.replace("{wf}", wf).replace("{run}", run);
            evened(ann.hub.request(
                method,
                &format!("/api/v1/tenants/evil/workflows{path}"),
                Some(&eve),
                body,
            ))
        };
        let foreign = ask(&wf, id(&run));
        assert_eq!(foreign.0, 404, "{method} {path}: {}", foreign.1);
        assert_eq!(foreign, ask(missing, missing), "{method} {path}");
    }
    assert_eq!(ann.get(&format!("/instances/{}", id(&run)))["status"], "RUNNING");
}

/// What operators see and may do of a living run.
#[test]
fn a_run_is_listed_and_restarted_by_operators() {
    let ann = Ann::start();
    // One that waits for long has no actor.
    let mut soon = graph();
    soon["nodes"][1]["data"] = json!({ "delayType": "fixed", "delaySeconds": 9 });
    let wf = ann.saved(&soon);
    let run = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 1 } }));
    let root = token("root", &[], true);
    // An answer to execute is given when its rows are committed; its actor may still be on its way.
    let row = eventually("the run's actor", Duration::from_secs(10), || {
        let actors = ann.hub.get("/admin/v1/actors?kind=run", &root);
        actors["actors"].as_array().unwrap().first().cloned()
    });
    assert_eq!((row["kind"].as_str(), row["id"].as_str()), (Some("run"), Some(id(&run))), "{row}");
    let restart = format!("/admin/v1/actors/run/{}/restart", id(&run));
    assert_eq!(ann.hub.post(&restart, &root, &json!({}))["state"], "restarted");
    let row = ann.hub.get("/admin/v1/actors?kind=run", &root)["actors"][0].clone();
    assert_eq!((&row["state"], &row["restarts"]), (&json!("alive"), &json!(1)), "{row}");
    let missing = ann.hub.request("POST", "/admin/v1/actors/run/nowhere/restart", Some(&root), None);
    assert_eq!((missing.status, missing.json()["code"].as_str()), (404, Some("ACTOR_NOT_FOUND")));
    let kind = ann.hub.request("GET", "/admin/v1/actors?kind=moon", Some(&root), None);
    assert_eq!(kind.status, 400);
    let stopped = ann.send("DELETE", &format!("/instances/{}/stop", id(&run)), None);
    assert_eq!(stopped.json()["status"], "CANCELLED");
    assert_eq!(ann.hub.get("/admin/v1/audit", &root)["audit"][0]["action"], "actor.restart");
}

/// A run outlives its hub, killed or asked to stop.
#[test]
fn a_waiting_run_outlives_its_hub() {
    let ann = Ann::start();
    let wf = ann.saved(&waiting());
    let run = ann.post(&format!("/{wf}/execute"), &json!({ "inputValues": { "n": 1 } }));
    let Ann { mut hub, token } = ann;
    assert_eq!(hub.terminate().code(), Some(0));
    let ann = Ann { hub: hub.restart().crash_and_restart(), token };
    assert_eq!(ann.get(&format!("/instances/{}", id(&run)))["status"], "RUNNING");
    let stopped = ann.send("DELETE", &format!("/instances/{}/stop", id(&run)), None);
    assert_eq!(stopped.json()["status"], "CANCELLED");
}

/// What a script says on its console is in the hub's log for who asks for it, with its run and node.
#[test]
fn the_console_of_a_script_is_in_the_log() {
    let hub = crate::harness::Hub::with(&[("log.level", "info,jethub::console=debug")]);
    let ann = Ann { hub, token: token("ann", &[("acme", "ADMIN")], false) };
    let mut graph = graph();
    graph["nodes"][1] = json!({ "id": "w", "type": "javascript", "data": {
        "code": "console.log('seen', { a: 1 }); console.error('before it throws'); throw new Error('no')" } });
    let run = ann.post(&format!("/{}/execute", ann.saved(&graph)), &json!({ "inputValues": { "n": 1 } }));
    ann.ended(id(&run));
    let log = ann.hub.log();
    for words in ["seen", "before it throws"] {
        let line = log.lines().find(|line| line.contains(words)).unwrap_or_default();
        assert!(
            line.contains("jethub::console") && line.contains(id(&run)) && line.contains("node_id=w"),
            "{line}"
        );
    }
}
