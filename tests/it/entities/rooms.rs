//! Real clients in the rooms of listeners (`contract.md` 2.9, 3.12).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::desk::Desk;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, WAYS, events_of},
    hub::token,
};

const TEST: &str = "listener_test_event";
const EVENT: &str = "listener_event";

fn connect(desk: &Desk, driver: &mut Driver, name: &str, via: Via, token: &str) {
    driver.connect(name, &desk.world.url(), via, json!({ "token": token }), json!({}));
    driver.happens(name, "connect");
}

fn enter(driver: &mut Driver, name: &str, room: &str) -> Value {
    driver.ask(name, "join_room", json!([room]))[0].clone()
}

fn listener(desk: &Desk, title: &str) -> String {
    let made = desk.ok("POST", "/listeners", &json!({ "listenerTitle": title }));
    made["listener"]["listenerID"].as_str().unwrap().to_owned()
}

fn publish(desk: &Desk, listener: &str, body: &Value) -> u64 {
    let told = desk.ok("POST", &format!("/listeners/{listener}/publish"), body);
    assert_eq!(told["success"], true);
    told["delivered"].as_u64().unwrap()
}

/// What that client has heard, once it has heard so many.
fn heard(driver: &mut Driver, name: &str, event: &str, count: usize) -> Vec<Value> {
    driver.wait(&format!("{count} {event} of {name}"), |seen| {
        Some(events_of(seen, name, event)).filter(|events| events.len() >= count)
    })
}

#[test]
fn rooms_are_entered_heard_and_left() {
    let desk = Desk::start(Db::here()[0], &[]);
    let id = listener(&desk, "Orders");
    for (kind, via) in [(KINDS[0], WAYS[2]), (KINDS[2], WAYS[1]), (KINDS[3], WAYS[0])] {
        let mut driver = Driver::start(kind);
        for name in ["one", "two", "out"] {
            connect(&desk, &mut driver, name, via, &desk.bob);
        }
        let test = format!("listener_test:{id}");
        assert_eq!(publish(&desk, &id, &json!({ "target": "test", "data": 0 })), 0, "nobody is there");
        for (name, room) in [("one", test.as_str()), ("two", test.as_str()), ("one", test.as_str())] {
            assert_eq!(enter(&mut driver, name, room), json!({ "ok": true }));
        }
        assert_eq!(enter(&mut driver, "one", "tenant:acme"), json!({ "ok": true }));
        assert_eq!(enter(&mut driver, "two", &format!("listener:{id}")), json!({ "ok": true }));

        // Twice entered is told once; in the order of publishing.
        for n in 1..=20 {
            let event = json!({ "target": "test", "data": { "n": n }, "rawEvent": format!("n={n}") });
            assert_eq!(publish(&desk, &id, &event), 2);
        }
        for name in ["one", "two"] {
            let events = heard(&mut driver, name, TEST, 20);
            let order: Vec<u64> =
                events.iter().map(|event| event["transformedEvent"]["n"].as_u64().unwrap()).collect();
            assert_eq!(order, (1..=20).collect::<Vec<_>>(), "{name}");
            let first = &events[0];
            assert_eq!((&first["listenerID"], &first["rawEvent"]), (&json!(id), &json!("n=1")));
            assert!(
                first["transformError"].is_null() && first["timestamp"].as_i64() > Some(1_700_000_000_000)
            );
        }
        let failed = json!({ "target": "test", "rawEvent": [1], "transformError": "not JSON" });
        publish(&desk, &id, &failed);
        let last = heard(&mut driver, "one", TEST, 21)[20].clone();
        assert_eq!((&last["transformError"], &last["transformedEvent"]), (&json!("not JSON"), &Value::Null));

        assert_eq!(publish(&desk, &id, &json!({ "target": "tenant", "data": [1, 2], "mode": "append" })), 1);
        let event = heard(&mut driver, "one", EVENT, 1)[0].clone();
        assert_eq!(event["channelName"], format!("listener:{id}"));
        assert_eq!((&event["data"], &event["mode"]), (&json!([1, 2]), &json!("append")));
        let named = json!({ "target": "listener", "data": null, "channelName": "orders" });
        assert_eq!(publish(&desk, &id, &named), 1);
        let event = heard(&mut driver, "two", EVENT, 1)[0].clone();
        assert_eq!((&event["channelName"], &event["mode"]), (&json!("orders"), &json!("replace")));

        assert_eq!(driver.ask("one", "leave_room", json!([test]))[0], json!({ "ok": true }));
        assert_eq!(driver.ask("one", "leave_room", json!([test]))[0], json!({ "ok": true }), "again");
        assert_eq!(publish(&desk, &id, &json!({ "target": "test", "data": 1 })), 1);
        heard(&mut driver, "two", TEST, 22);
        assert_eq!(events_of(&driver.seen, "one", TEST).len(), 21);
        // A closed client is in no room.
        driver.close("two");
        driver.happens("two", "disconnect");
        let gone = Instant::now();
        while publish(&desk, &id, &json!({ "target": "test", "data": 1 })) > 0 {
            assert!(gone.elapsed() < Duration::from_secs(5), "a closed socket is still a member");
        }
        driver.close("one");
        assert!(
            events_of(&driver.seen, "out", TEST).is_empty()
                && events_of(&driver.seen, "out", EVENT).is_empty()
        );
        let left = Instant::now();
        while publish(&desk, &id, &json!({ "target": "tenant", "data": 1 })) > 0 {
            assert!(left.elapsed() < Duration::from_secs(5), "a closed socket is still a member");
        }
    }
}

#[test]
fn a_room_of_others_is_closed_and_silent() {
    for db in Db::here() {
        let desk = Desk::start(db, &[("limits.joins", "3")]);
        let id = listener(&desk, "Orders");
        let role = json!({ "permissions": ["tenant:workflow:read"] });
        let root = token("root", &[], true);
        let put =
            desk.world.hub.request("PUT", "/admin/v1/tenants/acme/roles/GUEST", Some(&root), Some(&role));
        assert_eq!(put.status, 200, "{}", put.text());
        let guest = token("gus", &[("acme", "GUEST")], false);
        let mut driver = Driver::start(KINDS[0]);
        connect(&desk, &mut driver, "eve", Via::Websocket, &desk.eve);
        connect(&desk, &mut driver, "gus", Via::Websocket, &guest);
        let code = |ack: &Value| ack["error"]["code"].as_str().unwrap_or("ok").to_owned();
        let foreign = enter(&mut driver, "eve", &format!("listener_test:{id}"));
        let missing = enter(&mut driver, "eve", "listener_test:0198c0de-0000-7000-8000-000000000000");
        assert_eq!(foreign, missing, "a foreign room is as a missing one");
        assert_eq!(code(&foreign), "ROOM_NOT_FOUND");
        assert_eq!(code(&enter(&mut driver, "eve", "tenant:acme")), "ROOM_NOT_FOUND");
        assert_eq!(code(&enter(&mut driver, "gus", &format!("listener:{id}"))), "PERMISSION_DENIED");
        assert_eq!(code(&enter(&mut driver, "gus", "tenant:acme")), "ok", "a member");
        for name in ["run:1", "widget:4:acme/w", "chat:1", "", "tenant:", "listener:\u{1}"] {
            assert_eq!(code(&enter(&mut driver, "eve", name)), "INVALID_REQUEST", "{name:?}");
        }
        for wrong in [json!([]), json!([{ "room": "tenant:evil" }]), json!([["tenant:evil"]]), json!([7])] {
            assert_eq!(code(&driver.ask("eve", "join_room", wrong.clone())[0]), "INVALID_REQUEST", "{wrong}");
        }
        assert_eq!(publish(&desk, &id, &json!({ "target": "tenant", "data": "canary" })), 1);
        heard(&mut driver, "gus", EVENT, 1);
        let events = |seen: &[Value]| {
            seen.iter().filter(|line| line["id"] == "eve" && line["what"] == "event").count()
        };
        assert_eq!(events(&driver.seen), 0, "nothing at all was told");

        // As many rooms as runs.
        connect(&desk, &mut driver, "ann", Via::Websocket, &desk.ann);
        for n in 0..4 {
            let room = format!("listener:{}", listener(&desk, &format!("L{n}")));
            assert_eq!(code(&enter(&mut driver, "ann", &room)), if n < 3 { "ok" } else { "RATE_LIMITED" });
        }
        // Publishing needs its permission and a listener of the tenant.
        let path = format!("/listeners/{id}/publish");
        let event = json!({ "target": "tenant", "data": 1 });
        assert_eq!(desk.send_as(&desk.bob, "POST", &path, Some(&event)).status, 403);
        let evil = format!("/api/v1/tenants/evil{path}");
        assert_eq!(desk.world.hub.request("POST", &evil, Some(&desk.eve), Some(&event)).status, 404);
        for (bad, field) in [
            (json!({}), "target"),
            (json!({ "target": "all" }), "target"),
            (json!({ "target": "widget" }), "widgetID"),
            (json!({ "target": "test", "mode": 1 }), "mode"),
        ] {
            let (_, code, error) = desk.refused("POST", &path, &bad);
            assert_eq!(
                (code.as_str(), super::desk::paths(&error)),
                ("VALIDATION_ERROR", vec![field]),
                "{bad}"
            );
        }
        let large = json!({ "target": "test", "data": "x".repeat(300 << 10) });
        assert_eq!(desk.refused("POST", &path, &large).1, "PAYLOAD_TOO_LARGE");
    }
}

/// What is taken from a member is taken from rooms that it is in; a removed listener has none.
#[test]
fn a_member_that_is_revoked_leaves_its_rooms() {
    let desk = Desk::start(Db::here()[0], &[]);
    let id = listener(&desk, "Orders");
    let mut driver = Driver::start(KINDS[0]);
    connect(&desk, &mut driver, "bob", Via::Both, &desk.bob);
    connect(&desk, &mut driver, "ann", Via::Both, &desk.ann);
    for room in ["tenant:acme".to_owned(), format!("listener:{id}"), format!("listener_test:{id}")] {
        assert_eq!(enter(&mut driver, "bob", &room)["ok"], true);
        assert_eq!(enter(&mut driver, "ann", &room)["ok"], true);
    }
    let members = desk.get("/members");
    let mut all = members["members"].as_array().unwrap().iter();
    let bob =
        all.find(|member| member["firebaseID"] == "bob").unwrap()["userID"].as_str().unwrap().to_owned();
    desk.ok("DELETE", &format!("/members/{bob}"), &Value::Null);
    for target in ["tenant", "listener", "test"] {
        let taken = Instant::now();
        while publish(&desk, &id, &json!({ "target": target, "data": 1 })) > 1 {
            assert!(taken.elapsed() < Duration::from_secs(2), "{target}: still there");
        }
    }
    driver.happens("bob", "connect");
    assert_eq!(enter(&mut driver, "bob", "tenant:acme")["error"]["code"], "ROOM_NOT_FOUND");

    desk.ok("DELETE", &format!("/listeners/{id}"), &Value::Null);
    assert_eq!(enter(&mut driver, "ann", &format!("listener:{id}"))["error"]["code"], "ROOM_NOT_FOUND");
}
