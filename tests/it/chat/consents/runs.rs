//! A proposal that starts a workflow: shown by a test run, started once, and watched like any other run.

use serde_json::{Value, json};

use crate::chat::shop::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
};

const STATUS: &str = "workflow_status_update";

#[test]
fn an_approved_workflow_is_a_run_that_the_page_joins() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let ann = shop.world.ann();
        let runs = || ann.get(&format!("/instances?workflowID={}", shop.report))["instances"].clone();
        for (at, kind) in [KINDS[0], KINDS[3]].into_iter().enumerate() {
            let mut driver = Driver::start(kind);
            shop.page(&mut driver, "bob", Via::Websocket);
            let room = enter(&mut driver, "bob", json!({}));
            let told = say(&mut driver, "bob", &room, json!(REPORT));
            assert_eq!(told["proposal"]["tool"], "start_workflow", "{told}");
            assert_eq!(told["proposal"]["arguments"]["workflowID"], json!(shop.report));
            let id = told["proposal"]["id"].clone();

            // Its test is a test run, and not one of the workflow's own.
            let shown = act(&mut driver, "bob", &room, "test", None);
            assert!(shown["text"].as_str().unwrap().contains("A test run was started"), "{shown}");
            let test = shown["instanceID"].as_str().unwrap_or_else(|| panic!("no run: {shown}")).to_owned();
            let view = ann.until(&test, "COMPLETED");
            assert_eq!(view["isTest"], true, "{view}");
            let real = |runs: Value| -> Vec<Value> {
                runs.as_array().unwrap().iter().filter(|run| run["isTest"] != true).cloned().collect()
            };
            assert_eq!(real(runs()).len(), at, "a test is no start: {}", runs());

            // Approved, it is started once; the page watches it to its end.
            let done = act(&mut driver, "bob", &room, "approve", None);
            let text = done["text"].as_str().unwrap();
            assert!(text.starts_with("Done"), "{done}");
            let run = done["instanceID"].as_str().unwrap_or_else(|| panic!("no run: {done}")).to_owned();
            assert!(text.contains(&run), "an old page shows the text only: {done}");
            driver.emit("bob", "workflow_run_join", json!([{ "runId": run }]));
            let ended = driver.wait("the run's end", |seen| {
                events_of(seen, "bob", STATUS).into_iter().find(|ended| ended["instanceID"] == json!(run))
            });
            assert_eq!(ended["status"], "COMPLETED", "{ended}");
            let view = ann.view(&run);
            assert_eq!((&view["status"], &view["isTest"]), (&json!("COMPLETED"), &json!(false)), "{view}");

            // Late and doubled: the same run and no other.
            for name in [Some(&id), None] {
                let late = act(&mut driver, "bob", &room, "approve", name);
                assert!(late["text"].as_str().unwrap().contains("I did nothing") || name.is_none(), "{late}");
            }
            assert_eq!(real(runs()).len(), at + 1, "{}", runs());
            // The start has the proposal's id as its key, for whoever asks by REST.
            let again = ann.execute_once(&shop.report, id.as_str().unwrap(), &json!({ "inputValues": {} }));
            assert_eq!(again, run, "the key is the proposal's id");
            driver.close("bob");
            assert_eq!(shop.rest("bob", "DELETE", &format!("/{room}"), &Value::Null).0, 200);
        }
    }
}

/// Rejected or only tested, it never runs.
#[test]
fn a_rejected_workflow_never_runs() {
    let shop = Shop::proposing(Db::Sqlite, FAST);
    let ann = shop.world.ann();
    let mut driver = Driver::start(KINDS[0]);
    shop.page(&mut driver, "bob", Via::Polling);
    let room = enter(&mut driver, "bob", json!({}));
    let id = say(&mut driver, "bob", &room, json!(REPORT))["proposal"]["id"].clone();
    act(&mut driver, "bob", &room, "reject", None);
    let late = act(&mut driver, "bob", &room, "approve", Some(&id));
    assert!(late["text"].as_str().unwrap().contains("was rejected already"), "{late}");
    assert_eq!(ann.get(&format!("/instances?workflowID={}", shop.report))["totalCount"], 0);
}

/// A workflow whose query writes is not run for a test: what it would do is told in words.
#[test]
fn a_workflow_that_writes_is_shown_in_words() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let ann = shop.world.ann();
        let nodes = json!([
            { "id": "s", "type": "start" },
            { "id": "q", "type": "dataQuery", "data": { "dataQueryID": shop.refund, "inputValues": { "order": 77 } } },
        ]);
        let body = json!({
            "title": "Goodwill for everybody", "nodes": nodes, "edges": [{ "source": "s", "target": "q" }],
        });
        ann.create(&body);
        let mut driver = Driver::start(KINDS[0]);
        shop.page(&mut driver, "bob", Via::Websocket);
        let room = enter(&mut driver, "bob", json!({}));
        let told = say(&mut driver, "bob", &room, json!("Run goodwill for everybody"));
        assert_eq!(told["proposal"]["tool"], "start_workflow", "{told}");
        let shown = act(&mut driver, "bob", &room, "test", None);
        let text = shown["text"].as_str().unwrap();
        assert!(text.contains("Refund an order") && text.contains("nothing was started"), "{shown}");
        assert_eq!((shown["instanceID"].clone(), shop.till.refunds()), (Value::Null, 0), "{shown}");
        let done = act(&mut driver, "bob", &room, "approve", None);
        ann.until(done["instanceID"].as_str().unwrap(), "COMPLETED");
        assert_eq!(shop.till.refunds_of(77), 1);
    }
}
