//! What must not succeed: handshakes without a good credential, joins of what is not there, not
//! allowed or not well formed. A run of another tenant is answered like one that does not exist.

use serde_json::{Value, json};

use super::joined::{ERROR, JOIN, LEAVE, fence, got, join, until_end};
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, WAYS, events_of},
    hub::token,
    world::{
        ACME, Graph, World,
        stage::{claims, now, signed},
    },
};

#[test]
fn bad_credentials_are_told_why() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let good = token("bob", &[(ACME, "MEMBER")], false);
        let hour = 3600;
        let tampered = format!("{}x{}", &good[..good.len() - 8], &good[good.len() - 7..]);
        let expired = ("USER_AUTH_TOKEN_EXPIRED", "User auth token expired");
        let missing = ("USER_AUTH_TOKEN_NOT_FOUND", "User auth token not found");
        let bad_key = ("INVALID_API_KEY", "Invalid or Inactive API key");
        let foreign = {
            let mut claims = claims("eve", now(), now() + hour);
            claims["iss"] = json!("https://elsewhere.example");
            signed(&claims, Some("another secret of thirty-two bytes"))
        };
        let cases = [
            ("missing", json!({}), missing),
            (
                "expired",
                json!({ "token": signed(&claims("bob", now() - 2 * hour, now() - 120), None) }),
                expired,
            ),
            (
                "not yet",
                json!({ "token": signed(&{
                let mut claims = claims("bob", now(), now() + 2 * hour);
                claims["nbf"] = json!(now() + hour);
                claims
            }, None) }),
                expired,
            ),
            (
                "wrong secret",
                json!({ "token": signed(&claims("eve", now(), now() + hour), Some("another secret of thirty-two bytes")) }),
                expired,
            ),
            ("foreign issuer", json!({ "token": foreign }), expired),
            ("tampered", json!({ "token": tampered }), expired),
            ("no token at all", json!({ "token": "hello" }), expired),
            ("unknown key", json!({ "apiKey": "jh_nothing_of_the_sort" }), bad_key),
            ("unknown key as token", json!({ "token": "api_key jh_nothing_of_the_sort" }), bad_key),
        ];
        for (kind, via) in [(KINDS[0], Via::Websocket), (KINDS[2], Via::Polling), (KINDS[3], Via::Both)] {
            let mut driver = Driver::start(kind);
            for (name, auth, (code, message)) in &cases {
                driver.connect(name, &world.url(), via, auth.clone(), json!({ "reconnection": false }));
                let refusal = driver.happens(name, "connect_error");
                assert_eq!(refusal["message"], *message, "{name} with {kind:?} by {via:?}");
                assert_eq!(refusal["data"]["code"], *code, "{name} with {kind:?} by {via:?}");
            }
            // and a good one, on the same hub
            world.connect(&mut driver, "good", via);
        }
    }
}

#[test]
fn credentials_are_taken_in_all_their_forms() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let made = world.hub.post(
            &format!("/api/v1/tenants/{ACME}/apikeys"),
            &ann.token,
            &json!({ "apiKeyTitle": "watcher" }),
        );
        let key = find_key(&made).unwrap_or_else(|| panic!("no key in {made}"));
        let run = ann.external(&ann.create(&Graph::line().body("keyed")));
        let end = ann.finish(&run, "end");
        let member = token("bob", &[(ACME, "MEMBER")], false);
        let mut driver = Driver::start(KINDS[0]);
        let auths = [
            ("a token", json!({ "token": member }), json!({})),
            ("a bearer", json!({ "token": format!("Bearer {member}") }), json!({})),
            ("a key", json!({ "apiKey": key }), json!({})),
            ("a key, spelled", json!({ "api_key": key }), json!({})),
            ("a key as token", json!({ "token": format!("api_key {key}") }), json!({})),
            ("a header", json!({}), json!({ "headers": { "Authorization": format!("Bearer {member}") } })),
            ("a key header", json!({}), json!({ "headers": { "X-API-Key": key } })),
            ("a query", json!({}), json!({ "query": { "token": member } })),
        ];
        for (name, auth, more) in auths {
            driver.connect(name, &world.url(), Via::Polling, auth, more);
            driver.happens(name, "connect");
            let ack = join(&mut driver, name, json!({ "runId": run }));
            assert_eq!(
                ack,
                json!({ "ok": true, "instanceID": run, "status": "COMPLETED", "seq": end }),
                "{name}"
            );
            until_end(&mut driver, name, &run);
            driver.close(name);
        }
        assert!(!world.hub.log().contains(&member), "a token is in the log");
        assert!(!world.hub.log().contains(&key), "a key is in the log");
    }
}

/// The new key, wherever the answer holds it.
fn find_key(value: &Value) -> Option<String> {
    match value {
        Value::Object(fields) => fields.iter().find_map(|(name, value)| match value {
            Value::String(text) if name == "apiKey" || name == "key" => Some(text.clone()),
            value => find_key(value),
        }),
        _ => None,
    }
}

#[test]
fn a_foreign_run_is_a_missing_run() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let other = world.rest("olga", "other", "ADMIN");
        let run = other.external(&other.create(&Graph::line().body("secret")));
        other.report(&run, "k", "js");
        for (kind, via) in [(KINDS[0], WAYS[0]), (KINDS[1], WAYS[1]), (KINDS[3], WAYS[2])] {
            let mut driver = Driver::start(kind);
            world.connect(&mut driver, "bob", via);
            let foreign = join(&mut driver, "bob", json!({ "runId": run }));
            let missing =
                join(&mut driver, "bob", json!({ "runId": "00000000-0000-7000-8000-000000000000" }));
            assert_eq!(foreign, missing, "nothing tells them apart");
            assert_eq!((&foreign["ok"], &foreign["error"]["code"]), (&json!(false), &json!("RUN_NOT_FOUND")));
            assert!(foreign["error"]["message"].is_string());
            // a tenant in the payload gives no right
            let claimed = join(&mut driver, "bob", json!({ "runId": run, "tenantID": "other" }));
            assert_eq!(claimed, missing);
            driver.wait("the events of the refusals", |all| {
                (events_of(all, "bob", ERROR).len() == 3).then_some(())
            });
            let mut errors = events_of(&driver.seen, "bob", ERROR);
            assert_eq!((&errors[0]["runId"], &errors[0]["instanceID"]), (&json!(run), &json!(run)));
            for error in &mut errors {
                (error["runId"], error["instanceID"]) = (Value::Null, Value::Null);
            }
            assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
            assert_eq!(errors[0]["error"], foreign["error"]);
        }
        // REST says the same
        let ann = world.ann();
        assert_eq!(
            ann.refused("GET", &format!("/instances/{run}"), &Value::Null),
            (404, "RUN_NOT_FOUND".to_owned())
        );
        other.report(&run, "k2", "js");
    }
}

#[test]
fn own_tenant_without_the_right_is_denied() {
    let world = World::start(Db::Sqlite, &[]);
    let ann = world.ann();
    let workflow = ann.create(&Graph::line().body("not for guests"));
    let run = ann.external(&workflow);
    let test = {
        let mut body = Graph::line().body("a test");
        body.as_object_mut().unwrap().remove("title");
        let started = ann.post("/test", &body);
        assert_eq!(started["isTest"], true);
        started["instanceID"].as_str().unwrap().to_owned()
    };
    ann.until(&test, "COMPLETED");
    let mut driver = Driver::start(KINDS[0]);
    let guest = token("gus", &[(ACME, "GUEST")], false);
    driver.connect("guest", &world.url(), Via::Websocket, json!({ "token": guest }), json!({}));
    driver.happens("guest", "connect");
    world.connect(&mut driver, "member", Via::Websocket);
    driver.connect("starter", &world.url(), Via::Websocket, json!({ "token": ann.token }), json!({}));
    driver.happens("starter", "connect");
    for (who, run, allowed) in
        [("guest", &run, false), ("member", &run, true), ("member", &test, false), ("starter", &test, true)]
    {
        let ack = join(&mut driver, who, json!({ "runId": run }));
        if allowed {
            assert_eq!(ack["ok"], true, "{who}: {ack}");
            continue;
        }
        assert_eq!(ack["error"]["code"], "PERMISSION_DENIED", "{who}: {ack}");
        driver.wait("the event", |all| {
            let error = events_of(all, who, ERROR).into_iter().find(|e| e["runId"] == run.as_str())?;
            assert_eq!(error["error"], ack["error"]);
            Some(())
        });
        assert!(got(&driver.seen, who, run).iter().all(|got| got.event == ERROR));
    }
    until_end(&mut driver, "starter", &test);
}

#[test]
fn a_wrong_shape_closes_nothing() {
    let world = World::start(Db::Sqlite, &[]);
    for kind in KINDS {
        let mut driver = Driver::start(kind);
        world.connect(&mut driver, "bob", Via::Websocket);
        let wrong = [
            json!([]),
            json!([null]),
            json!([1]),
            json!(["run"]),
            json!([[]]),
            json!([{}]),
            json!([{ "runId": 7 }]),
            json!([{ "runId": "" }]),
            json!([{ "runId": "x".repeat(129) }]),
            json!([{ "runId": "r", "since": -1 }]),
            json!([{ "runId": "r", "since": "1" }]),
            json!([{ "runId": "r", "progress": 1 }]),
        ];
        for (at, args) in wrong.iter().enumerate() {
            let ack = driver.ask("bob", JOIN, args.clone());
            assert_eq!(ack[0]["ok"], false, "{args}: {ack}");
            assert_eq!(ack[0]["error"]["code"], "INVALID_REQUEST", "{args}: {ack}");
            driver.wait("the event", |all| (events_of(all, "bob", ERROR).len() == at + 1).then_some(()));
        }
        let last = events_of(&driver.seen, "bob", ERROR).pop().unwrap();
        assert_eq!(last["error"]["code"], "INVALID_REQUEST");
        // without an ack the event tells it, and unknown events tell nothing
        driver.emit("bob", JOIN, json!([{ "runId": 1 }]));
        driver.emit("bob", "no_such_event", json!([{ "runId": 1 }]));
        driver.wait("one more", |all| (events_of(all, "bob", ERROR).len() == wrong.len() + 1).then_some(()));
        let left = driver.ask("bob", LEAVE, json!([{ "runId": "never joined" }]));
        assert!(left[0]["ok"].is_boolean(), "{left}");
        fence(&mut driver, "bob");
        assert!(!driver.seen.iter().any(|e| e["what"] == "disconnect"), "it is still connected");
    }
}
