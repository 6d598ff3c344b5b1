//! Nothing crosses: two viewers of one widget, tenants, rights.

use serde_json::{Value, json};

use super::connected::*;
use crate::{
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via, events_of},
        hub::token,
        world::{ACME, Graph, World},
    },
    watch::joined as run,
};

fn reason(driver: &mut Driver, name: &str, event: &str, payload: &Value) -> String {
    let before = events_of(&driver.seen, name, ERROR).len();
    let ack = driver.ask(name, event, json!([payload]));
    let error = driver.wait("the error event", |all| events_of(all, name, ERROR).get(before).cloned());
    let reason = error["error"]["reason"].as_str().unwrap().to_owned();
    assert_eq!(ack[0]["error"]["code"], reason, "{ack} {error}");
    let code = if event == CONNECT { "CONNECTION_FAILED" } else { "REFRESH_FAILED" };
    assert_eq!(error["error"]["code"], code, "{error}");
    assert!(error["error"]["message"].is_string() && error["timestamp"].is_string(), "{error}");
    assert_eq!(error["error"]["recoverable"], false, "{error}");
    assert_eq!(error["widgetID"], payload["widgetID"], "{error}");
    reason
}

#[test]
fn two_viewers_of_one_widget() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let workflow = ann.create(&Graph::new().js("a", "return 1;").body("viewed"));
        let (one, two) = (ann.external(&workflow), ann.external(&workflow));
        let mut driver = Driver::start(KINDS[0]);
        for (name, instance) in [("left", &one), ("right", &two)] {
            world.connect(&mut driver, name, Via::Websocket);
            connected(
                &mut driver,
                name,
                &json!({ "widgetID": "w", "mode": "subscribe", "instanceID": instance }),
            );
        }
        ann.report(&one, "k", "a");
        ann.report(&two, "k", "a");
        // One leaves; the other does not notice.
        driver.ask("left", DISCONNECT, json!([{ "widgetID": "w" }]));
        ann.report(&one, "k2", "a");
        ann.finish(&two, "end");
        until(&mut driver, "right", "w", STATUS);
        driver.close("right");
        ann.finish(&one, "end");
        fence(&mut driver, "left");
        for (name, own) in [("left", &one), ("right", &two)] {
            let theirs = driver.seen.iter().filter(|e| e["id"] == name && e["what"] == "event");
            for event in theirs.filter(|e| e["args"][0]["instanceID"].is_string()) {
                assert_eq!(event["args"][0]["instanceID"], json!(own), "{name}: {event}");
            }
        }
        let names: Vec<_> = of_widget(&driver.seen, "left", "w").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, [CONNECTED, UPDATE, DISCONNECTED]);
    }
}

#[test]
fn what_is_not_theirs_does_not_exist() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let (ann, eve) = (world.ann(), world.rest("eve", "other", "ADMIN"));
        let graph = Graph::new().js("a", "return 1;");
        let (own, foreign) = (ann.create(&graph.clone().body("own")), eve.create(&graph.body("foreign")));
        let (run, far) = (ann.external(&own), eve.external(&foreign));
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "page", Via::Both);
        let mut cases = Vec::new();
        for mode in ["subscribe", "replay"] {
            for (instance, tenant) in
                [(&far, None), (&far, Some("other")), (&far, Some("acme")), (&run, Some("other"))]
            {
                cases.push((
                    json!({ "mode": mode, "instanceID": instance, "tenantID": tenant }),
                    "RUN_NOT_FOUND",
                ));
            }
            cases.push((json!({ "mode": mode, "instanceID": "no-such-run" }), "RUN_NOT_FOUND"));
            cases.push((json!({ "mode": mode }), "INVALID_REQUEST"));
        }
        for (workflow, tenant) in
            [(&foreign, None), (&foreign, Some("other")), (&foreign, Some("acme")), (&own, Some("other"))]
        {
            cases.push((json!({ "workflowID": workflow, "tenantID": tenant }), "WORKFLOW_NOT_FOUND"));
        }
        cases.push((json!({ "workflowID": "no-such-workflow" }), "WORKFLOW_NOT_FOUND"));
        cases.push((json!({ "workflowID": own, "mode": "watch" }), "UNKNOWN_MODE"));
        cases.push((json!({ "workflowID": own, "inputParams": 5 }), "INVALID_REQUEST"));
        cases.push((json!({ "workflowID": null }), "INVALID_REQUEST"));
        for (case, expected) in &mut cases {
            case["widgetID"] = json!("w");
            assert_eq!(reason(&mut driver, "page", CONNECT, case), *expected, "{case}");
        }
        assert_eq!(reason(&mut driver, "page", REFRESH, &json!({ "widgetID": "w" })), "NOT_CONNECTED");
        // Nothing was started, nothing is heard.
        assert_eq!(eve.get("/instances")["totalCount"], 1);
        assert_eq!(ann.get("/instances")["totalCount"], 1);
        ann.report(&run, "k", "a");
        eve.report(&far, "k", "a");
        fence(&mut driver, "page");
        let heard = driver.seen.iter().filter(|e| e["what"] == "event" && e["event"] != ERROR).count();
        assert_eq!(heard, 0, "{:?}", driver.seen);
    }
}

#[test]
fn what_they_have_no_right_to_is_refused() {
    let world = World::start(Db::Sqlite, &[]);
    let ann = world.ann();
    let workflow = ann.create(&Graph::line().body("guarded"));
    let instance = ann.execute(&workflow, &json!({}));
    ann.until(&instance, "COMPLETED");
    let mut driver = Driver::start(KINDS[0]);
    let guest = token("gus", &[(ACME, "GUEST")], false);
    driver.connect("page", &world.url(), Via::Websocket, json!({ "token": guest }), json!({}));
    driver.happens("page", "connect");
    let cases = [
        json!({ "widgetID": "w", "workflowID": workflow, "tenantID": "acme" }),
        json!({ "widgetID": "w", "mode": "subscribe", "instanceID": instance }),
        json!({ "widgetID": "w", "mode": "replay", "instanceID": instance }),
    ];
    for case in &cases {
        assert_eq!(reason(&mut driver, "page", CONNECT, case), "PERMISSION_DENIED", "{case}");
    }
    // Inputs that do not fit are the run's to refuse, and nothing is registered then.
    let mut asks = Graph::line().body("asks");
    asks["workflowOptions"] =
        json!({ "inputDefinitions": [{ "key": "n", "type": "number", "required": true }] });
    let asks = ann.create(&asks);
    world.connect(&mut driver, "bob", Via::Websocket);
    let refused = json!({ "widgetID": "w", "workflowID": asks, "inputParams": { "n": "many" } });
    assert_eq!(reason(&mut driver, "bob", CONNECT, &refused), "INPUT_INVALID");
    assert_eq!(reason(&mut driver, "bob", REFRESH, &json!({ "widgetID": "w" })), "NOT_CONNECTED");
    // A refresh that is refused leaves the registration with its run.
    let taken = json!({ "widgetID": "w", "workflowID": asks, "inputParams": { "n": 1 } });
    connected(&mut driver, "bob", &taken);
    let refused = json!({ "widgetID": "w", "inputParams": { "n": "many" } });
    assert_eq!(reason(&mut driver, "bob", REFRESH, &refused), "INPUT_INVALID");
    until(&mut driver, "bob", "w", STATUS);
    // More than a socket may have.
    let large = json!({ "widgetID": "w", "workflowID": asks, "inputParams": { "n": 1 }, "widgetConfig": { "x": "x".repeat(300_000) } });
    assert_eq!(reason(&mut driver, "bob", CONNECT, &large), "PAYLOAD_TOO_LARGE");
}

/// A member that is removed loses its widgets within a second; the session stays.
#[test]
fn a_right_that_is_taken_ends_the_registration() {
    let world = World::start(Db::Sqlite, &[]);
    let ann = world.ann();
    let instance = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("taken")));
    let mut driver = Driver::start(KINDS[0]);
    world.connect(&mut driver, "page", Via::Websocket);
    connected(&mut driver, "page", &json!({ "widgetID": "w", "mode": "subscribe", "instanceID": instance }));
    let seq = ann.report(&instance, "k", "a");
    driver.wait("its update", |all| {
        of_widget(all, "page", "w").into_iter().find(|(_, body)| body["seq"] == seq)
    });
    let root = token("root", &[], true);
    let users = world.hub.get("/admin/v1/users", &root);
    let bob = users["users"].as_array().unwrap().iter().find(|user| user["firebaseID"] == "bob").unwrap();
    let path = format!("/admin/v1/tenants/acme/members/{}", bob["userID"].as_str().unwrap());
    let gone = world.hub.request("DELETE", &path, Some(&root), None);
    assert!(gone.status < 300, "{} {}", gone.status, gone.text());
    std::thread::sleep(std::time::Duration::from_secs(1));
    ann.report(&instance, "k2", "a");
    fence(&mut driver, "page");
    assert_eq!(of_widget(&driver.seen, "page", "w").len(), 2, "connected and one update");
    assert_eq!(events_of(&driver.seen, "page", run::NODE).len(), 1);
    assert!(!driver.seen.iter().any(|e| e["what"] == "disconnect"));
}

/// What a listener publishes to a widget reaches the registrations of that tenant's widget, and nobody else; not
/// those that are gone.
#[test]
fn a_listeners_event_reaches_the_widgets_registrations() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let (ann, eve) = (world.ann(), world.rest("eve", "other", "ADMIN"));
        let graph = Graph::new().delay("d", 600_000).body("long");
        let (ours, theirs) = (ann.create(&graph), eve.create(&graph));
        let made =
            ann.call("POST", "/api/v1/tenants/acme/listeners", &[], &json!({ "listenerTitle": "Orders" }));
        let listener = made.json()["listener"]["listenerID"].as_str().unwrap().to_owned();
        let publish = |widget: &str, data: i64| {
            let body =
                json!({ "target": "widget", "widgetID": widget, "data": { "n": data }, "mode": "append" });
            let path = format!("/api/v1/tenants/acme/listeners/{listener}/publish");
            ann.call("POST", &path, &[], &body).json()["delivered"].clone()
        };
        let mut driver = Driver::start(KINDS[0]);
        for name in ["left", "right", "other"] {
            world.connect(&mut driver, name, Via::Websocket);
        }
        let eve = token("eve", &[("other", "ADMIN")], false);
        driver.connect("eve", &world.url(), Via::Websocket, json!({ "token": eve }), json!({}));
        driver.happens("eve", "connect");
        for (name, widget, workflow) in
            [("left", "w", &ours), ("right", "w", &ours), ("other", "v", &ours), ("eve", "w", &theirs)]
        {
            connected(&mut driver, name, &json!({ "widgetID": widget, "workflowID": workflow }));
        }
        assert_eq!(publish("w", 1), 2);
        assert_eq!(publish("nobody's", 2), 0);
        driver.ask("right", DISCONNECT, json!([{ "widgetID": "w" }]));
        assert_eq!(publish("w", 3), 1);
        assert_eq!(publish("v", 4), 1);
        let heard = |driver: &mut Driver, name: &str, wanted: &[i64]| {
            fence(driver, name);
            let events = events_of(&driver.seen, name, "listener_event");
            let numbers: Vec<i64> = events.iter().map(|event| event["data"]["n"].as_i64().unwrap()).collect();
            assert_eq!(numbers, wanted, "{name}");
            for event in events {
                assert_eq!(event["channelName"], json!(format!("listener:{listener}")), "{event}");
                assert_eq!(
                    (&event["mode"], event["timestamp"].is_i64()),
                    (&json!("append"), true),
                    "{event}"
                );
            }
        };
        for (name, wanted) in [("left", &[1, 3][..]), ("right", &[1]), ("other", &[4]), ("eve", &[])] {
            heard(&mut driver, name, wanted);
        }
    }
}
