//! What a widget says to its run.

use serde_json::{Value, json};

use super::connected::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
    expect::{SOON, eventually},
    hub::token,
    world::{ACME, Graph, World},
};

fn say(driver: &mut Driver, name: &str, payload: &Value) -> Value {
    driver.ask(name, INPUT, json!([payload]))[0].clone()
}

#[test]
fn code_of_later_nodes_hears_what_was_said_last() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let graph = Graph::new().delay("wait", 1500).js("js", "return ctx.__widgetInput;").end("js");
        let workflow = ann.create(&graph.body("hears"));
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "page", Via::Both);
        let instance = connected(&mut driver, "page", &json!({ "widgetID": "w", "workflowID": workflow }));
        let first = say(&mut driver, "page", &json!({ "widgetID": "w", "inputType": "action", "data": 1 }));
        assert_eq!((&first["ok"], &first["instanceID"]), (&json!(true), &json!(instance)), "{first}");
        let payload = json!({ "widgetID": "w", "instanceID": instance, "inputType": "filter_change",
                              "data": { "region": "north\u{0}" }, "tenantID": "acme" });
        let second = say(&mut driver, "page", &payload);
        assert!(second["seq"].as_u64() > first["seq"].as_u64(), "{second}");
        let received = driver.wait("both are received", |all| {
            let received = events_of(all, "page", RECEIVED);
            (received.len() == 2).then(|| received[1].clone())
        });
        let expected = json!({ "widgetID": "w", "instanceID": instance, "inputType": "filter_change", "success": true, "seq": second["seq"] });
        assert_eq!(received, expected);
        let end = until(&mut driver, "page", "w", STATUS);
        let heard = &end["finalContext"]["js"];
        assert_eq!((&heard["widgetID"], &heard["inputType"]), (&json!("w"), &json!("filter_change")));
        assert_eq!(heard["data"], json!({ "region": "north\u{0}" }));
        assert!(heard["timestamp"].is_string());
        assert!(end["finalContext"].get("__widgetInput").is_none(), "clients never see it");
        let rows = ann.view(&instance)["logs"].as_array().unwrap().clone();
        assert_eq!(
            rows.iter().filter(|row| row["eventType"] == "SYSTEM_SET").count(),
            3,
            "two inputs and the end"
        );
    }
}

#[test]
fn an_input_that_is_not_taken_says_why() {
    let world = World::start(Db::Sqlite, &[]);
    let (ann, eve) = (world.ann(), world.rest("eve", "other", "ADMIN"));
    let graph = Graph::new().delay("wait", 20_000).end("wait");
    let workflow = ann.create(&graph.clone().body("waits"));
    let (run, far) =
        (ann.execute(&workflow, &json!({})), eve.execute(&eve.create(&graph.body("far")), &json!({})));
    let ended = ann.execute(&ann.create(&Graph::line().body("over")), &json!({}));
    ann.until(&ended, "COMPLETED");
    let mut driver = Driver::start(KINDS[0]);
    world.connect(&mut driver, "page", Via::Websocket);
    let reader = token("rea", &[(ACME, "GUEST")], false);
    driver.connect("guest", &world.url(), Via::Websocket, json!({ "token": reader }), json!({}));
    driver.happens("guest", "connect");
    let cases = [
        ("page", json!({ "inputType": "x" }), "NOT_CONNECTED"),
        ("page", json!({ "inputType": "x", "instanceID": "no-such-run" }), "RUN_NOT_FOUND"),
        ("page", json!({ "inputType": "x", "instanceID": far }), "RUN_NOT_FOUND"),
        ("page", json!({ "inputType": "x", "instanceID": run, "tenantID": "other" }), "RUN_NOT_FOUND"),
        ("page", json!({ "inputType": "x", "instanceID": ended }), "RUN_NOT_RUNNING"),
        ("page", json!({ "instanceID": run }), "INVALID_REQUEST"),
        (
            "page",
            json!({ "inputType": "x", "instanceID": run, "data": "x".repeat(300_000) }),
            "PAYLOAD_TOO_LARGE",
        ),
        ("guest", json!({ "inputType": "x", "instanceID": run }), "PERMISSION_DENIED"),
    ];
    for (name, mut payload, expected) in cases {
        payload["widgetID"] = json!("w");
        let before = events_of(&driver.seen, name, ERROR).len();
        let ack = say(&mut driver, name, &payload);
        assert_eq!(ack["error"]["code"], expected, "{ack}");
        let error = driver.wait("the error event", |all| events_of(all, name, ERROR).get(before).cloned());
        assert_eq!(
            (&error["error"]["code"], &error["error"]["reason"]),
            (&json!("INPUT_FAILED"), &json!(expected))
        );
        assert_eq!(error["widgetID"], "w");
    }
    // Of a run that it may execute it needs no registration.
    let taken = say(&mut driver, "page", &json!({ "widgetID": "w", "inputType": "x", "instanceID": run }));
    assert_eq!(taken["ok"], true, "{taken}");
    let rows = ann.view(&run)["logs"].as_array().unwrap().clone();
    assert_eq!(rows.iter().filter(|row| row["eventType"] == "SYSTEM_SET").count(), 1);
}

/// The name of the request says which form is answered; it is no part of the answer.
#[test]
fn a_form_that_is_answered_by_name_gets_its_fields_only() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let schema = |more: &str| {
            json!({ "type": "object", "required": ["n", more], "additionalProperties": false,
                    "properties": { "n": { "type": "number" }, more: {} } })
        };
        let form = |more: &str| json!({ "formSchema": schema(more), "outputVariable": "asked" });
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "page", Via::Websocket);
        for (more, kept) in [("note", false), ("collectionRequestID", true)] {
            let graph = Graph::new().then("f", "dataCollection", form(more)).end("asked");
            let run = ann.execute(&ann.create(&graph.body("form")), &json!({}));
            let open =
                || ann.view(&run)["pendingRequests"][0]["collectionRequestID"].as_str().map(str::to_owned);
            let request = eventually("the request", SOON, open);
            let mut answer = json!({ "n": 1, "note": "x", "collectionRequestID": request });
            let mut expected = json!({ "n": 1, "note": "x" });
            if kept {
                answer = json!({ "n": 1, "collectionRequestID": request });
                expected = answer.clone();
            }
            let payload =
                json!({ "widgetID": "w", "instanceID": run, "inputType": "form_submit", "data": answer });
            let ack = say(&mut driver, "page", &payload);
            assert_eq!(ack["collectionRequestID"], json!(request), "{ack}");
            assert_eq!(ann.until(&run, "COMPLETED")["contextData"]["asked"], expected);
            let row = ann.get(&format!("/data-collection/{request}"))["request"].clone();
            assert_eq!(row["submittedData"], expected);
        }
    }
}
