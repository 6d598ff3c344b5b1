//! What unmodified pages do (`contract.md` 4.4).

use serde_json::{Value, json};

use super::connected::*;
use crate::{
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via, WAYS},
        world::{Graph, World},
    },
    watch::joined as run,
};

/// `useWidgetRun`: the run was started by REST, the connect is emitted without an ack and listened for
/// right after, ids are no uuids, `workflowID` is null, and at the end the page disconnects.
#[test]
fn a_preview_subscribes_and_cleans_up() {
    let world = World::start(Db::Sqlite, &[]);
    let ann = world.ann();
    let graph = Graph::new()
        .delay("wait", 300)
        .then("js", "javascript", json!({ "code": "return 42;" }))
        .end("jsResult");
    let workflow = ann.create(&graph.body("preview"));
    for kind in KINDS {
        let mut driver = Driver::start(kind);
        for via in WAYS {
            let name = format!("{via:?}");
            world.connect(&mut driver, &name, via);
            let instance = ann.execute(&workflow, &json!({ "inputValues": { "x": 1 } }));
            let widget = format!("preview_acme_{}", 1_700_000_000_000_u64 + u64::from(via == Via::Both));
            let payload = json!({ "widgetID": widget, "workflowID": null, "mode": "subscribe", "instanceID": instance,
                                  "tenantID": "acme", "widgetType": "bar", "inputParams": {} });
            driver.emit(&name, CONNECT, json!([payload]));
            let connected = until(&mut driver, &name, &widget, CONNECTED);
            assert_eq!(
                (&connected["workflowID"], &connected["instanceID"]),
                (&json!(workflow), &json!(instance))
            );
            // What the hook reads: the status decides whether it goes on.
            assert!(["RUNNING", "COMPLETED"].contains(&connected["workflowStatus"].as_str().unwrap()));
            let end = until(&mut driver, &name, &widget, STATUS);
            assert_eq!(end["status"], "COMPLETED", "{end}");
            for (event, body) in of_widget(&driver.seen, &name, &widget) {
                assert_eq!(body["widgetID"], widget, "{event}");
                if event == UPDATE {
                    assert!(body["update"].is_object() && body["timestamp"].is_string(), "{body}");
                    assert!(body["update"]["contextSnapshot"]["input"].is_object(), "{body}");
                }
            }
            driver.emit(&name, DISCONNECT, json!([{ "widgetID": widget }]));
            assert_eq!(until(&mut driver, &name, &widget, DISCONNECTED)["success"], true);
            driver.close(&name);
        }
    }
}

/// An effect that runs again: disconnect and connect in one tick, without waiting for answers.
#[test]
fn disconnect_and_connect_in_one_breath() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let instance = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("again")));
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "page", Via::Both);
        let payload = json!({ "widgetID": "w", "mode": "subscribe", "instanceID": instance });
        for _ in 0..20 {
            driver.emit("page", CONNECT, json!([payload]));
            driver.emit("page", DISCONNECT, json!([{ "widgetID": "w" }]));
        }
        driver.emit("page", CONNECT, json!([payload]));
        driver.wait("all connects", |all| {
            let connects =
                of_widget(all, "page", "w").into_iter().filter(|(name, _)| name == CONNECTED).count();
            (connects == 21).then_some(())
        });
        let seq = ann.report(&instance, "k", "a");
        driver.wait("its update", |all| {
            of_widget(all, "page", "w").into_iter().find(|(_, body)| body["seq"] == seq)
        });
        fence(&mut driver, "page");
        let all = of_widget(&driver.seen, "page", "w");
        assert_eq!(all.iter().filter(|(name, _)| name == UPDATE).count(), 1, "one registration");
        assert!(all.iter().all(|(name, _)| name != ERROR), "{all:?}");
    }
}

/// The transport ends: the page connects its widgets again on the new socket, and gets what it missed as
/// the context so far.
#[test]
fn a_page_that_was_cut_connects_again() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let instance = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("cut")));
        let mut driver = Driver::start(KINDS[0]);
        let payload = json!({ "widgetID": "w", "mode": "subscribe", "instanceID": instance });
        world.connect(&mut driver, "page", Via::Websocket);
        driver.resume("page", CONNECT, payload);
        until(&mut driver, "page", "w", CONNECTED);
        let first = ann.report(&instance, "k1", "a");
        run::until_seq(&mut driver, "page", &instance, first);
        driver.cut("page");
        let missed = ann.report(&instance, "k2", "a");
        let again = driver.wait("it connects again", |all| {
            of_widget(all, "page", "w").into_iter().filter(|(name, _)| name == CONNECTED).nth(1)
        });
        let last = ann.report(&instance, "k3", "a");
        run::until_seq(&mut driver, "page", &instance, last);
        ann.finish(&instance, "end");
        until(&mut driver, "page", "w", STATUS);
        // Either in the context of the new connect or told live behind it.
        let told = again.1["seq"].as_u64().unwrap() >= missed
            || of_widget(&driver.seen, "page", "w").iter().any(|(_, body)| body["seq"] == missed);
        assert!(told, "{again:?}");
        let rows = |all: &[Value]| all.iter().filter(|e| e["event"] == STATUS).count();
        assert_eq!(rows(&driver.seen), 1);
    }
}
