//! Joins before, during and after a run, `since`, twice, leave, and a connection that is cut: all
//! clients and transports see every event once, in order.

use serde_json::json;

use super::joined::{
    JOIN, LEAVE, NODE, STATUS, assert_ack_first, fence, got, join, seqs, until_end, until_seq,
};
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Kind, Via, WAYS},
    judge::{History, Verdict, check},
    world::{ACME, Graph, World},
};

/// One run that is executed elsewhere, step by step, and everybody who watches it.
fn conversation(world: &World, driver: &mut Driver, via: Via) -> Verdict {
    let ann = world.ann();
    let graph = Graph::new().js("a", "return 1;").js("b", "return 2;").js("c", "return 3;").end("c");
    let run = ann.external(&ann.create(&graph.body("watched")));
    let [before, during, after, since, cut] =
        ["before", "during", "after", "since", "cut"].map(|who| format!("{who} by {via:?}"));

    // before: nothing but the input is there
    world.connect(driver, &before, via);
    let ack = join(driver, &before, json!({ "runId": run }));
    assert_eq!(ack, json!({ "ok": true, "instanceID": run, "status": "RUNNING", "seq": 1 }));
    world.connect(driver, &cut, via);
    driver.resume(&cut, JOIN, json!({ "runId": run }));
    let a = ann.report(&run, "key a", "a");
    assert!(!until_seq(driver, &before, &run, a).replayed, "it is live");
    until_seq(driver, &cut, &run, a);
    driver.cut(&cut);

    // during: what was, as a snapshot, then live
    world.connect(driver, &during, via);
    let ack = join(driver, &during, json!({ "instanceID": run, "firebaseID": "somebody else" }));
    assert_eq!(ack, json!({ "ok": true, "instanceID": run, "status": "RUNNING", "seq": a }));
    assert!(until_seq(driver, &during, &run, a).replayed, "it happened before");
    assert_ack_first(driver, &during, &run);
    let b = ann.report(&run, "key b", "b");
    for who in [&before, &during] {
        assert!(!until_seq(driver, who, &run, b).replayed);
    }

    // twice is harmless; with `since` the events come again
    let ack = join(driver, &before, json!({ "runId": run }));
    assert_eq!(ack["seq"], b);
    fence(driver, &before);
    assert_eq!(seqs(driver, &before, &run), [a, b]);
    let ack = join(driver, &before, json!({ "runId": run, "since": 0 }));
    assert_eq!((&ack["ok"], &ack["seq"]), (&json!(true), &json!(b)));
    driver.wait("the events again", |all| (got(all, &before, &run).len() == 4).then_some(()));
    assert!(got(&driver.seen, &before, &run)[2..].iter().all(|got| got.replayed));

    // left: nothing more
    let ack = driver.ask(&during, LEAVE, json!([{ "runId": run }]));
    assert_eq!(ack[0]["ok"], true, "{ack}");
    let c = ann.report(&run, "key c", "c");
    until_seq(driver, &before, &run, c);
    let end = ann.finish(&run, "key end");
    until_end(driver, &before, &run);
    fence(driver, &during);
    assert_eq!(seqs(driver, &during, &run), [a, b]);

    // after: everything, marked
    world.connect(driver, &after, via);
    let ack = join(driver, &after, json!({ "runID": run }));
    assert_eq!(ack, json!({ "ok": true, "instanceID": run, "status": "COMPLETED", "seq": end }));
    until_end(driver, &after, &run);
    fence(driver, &after);
    let all = got(&driver.seen, &after, &run);
    assert_eq!(all.iter().map(|got| got.seq).collect::<Vec<_>>(), [a, b, c, end]);
    assert!(all.iter().all(|got| got.replayed));
    assert_ack_first(driver, &after, &run);
    shapes(&run, &all[0].body, &all[3].body);

    world.connect(driver, &since, via);
    join(driver, &since, json!({ "instanceId": run, "since": b }));
    until_end(driver, &since, &run);
    fence(driver, &since);
    assert_eq!(seqs(driver, &since, &run), [c, end]);

    until_end(driver, &cut, &run);
    fence(driver, &cut);
    let connects = driver.seen.iter().filter(|e| e["id"] == cut.as_str() && e["what"] == "connect").count();
    assert!(connects >= 2, "the connection was cut");

    let everybody = [before, during, after, since, cut];
    let histories: Vec<_> =
        everybody.iter().map(|who| History::of(&driver.seen, who, &[ACME], true)).collect();
    let verdict = check(&histories, &[ann.log(&run)]);
    for who in &everybody {
        driver.close(who);
    }
    verdict
}

/// Names and types of the seed, and what is added.
#[track_caller]
fn shapes(run: &str, node: &serde_json::Value, status: &serde_json::Value) {
    for body in [node, status] {
        assert_eq!((&body["instanceID"], &body["runId"]), (&json!(run), &json!(run)));
        assert!(body["seq"].is_u64() && body["contextData"]["input"].is_object(), "{body}");
        let context = body["contextData"].as_object().unwrap();
        assert!(context.keys().all(|key| !key.starts_with("__")), "{body}");
    }
    assert_eq!(
        (&node["nodeID"], &node["nodeId"], &node["status"]),
        (&json!("a"), &json!("a"), &json!("success"))
    );
    assert_eq!(node["output"]["value"], "key a");
    assert_eq!(node["contextData"]["last"], "key a");
    assert!(node.get("error").is_none());
    assert_eq!((&status["status"], &status["output"]["total"]), (&json!("COMPLETED"), &json!(1)));
    assert_eq!(status["contextData"]["last"], "key end");
}

fn by_all_ways(kind: Kind) {
    let world = World::start(Db::Sqlite, &[]);
    let mut driver = Driver::start(kind);
    for via in WAYS {
        conversation(&world, &mut driver, via).assert_clean(&format!("{kind:?} by {via:?} on SQLite"));
    }
}

#[test]
fn socket_io_client_4_8() {
    by_all_ways(KINDS[0]);
}

#[test]
fn socket_io_client_4_0() {
    by_all_ways(KINDS[1]);
}

#[test]
fn socket_io_client_3_1() {
    by_all_ways(KINDS[2]);
}

#[test]
fn python_socketio() {
    by_all_ways(KINDS[3]);
}

#[test]
fn everybody_on_postgresql() {
    if !Db::here().contains(&Db::Postgresql) {
        return;
    }
    let world = World::start(Db::Postgresql, &[]);
    let by = [Via::Both, Via::Polling, Via::Websocket, Via::Both];
    for (kind, via) in KINDS.into_iter().zip(by) {
        let mut driver = Driver::start(kind);
        conversation(&world, &mut driver, via).assert_clean(&format!("{kind:?} by {via:?} on PostgreSQL"));
    }
}

/// A snapshot without `since` has the last update of each node only; with `since: 0` all are there.
#[test]
fn a_snapshot_has_the_last_update_of_each_node() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let graph = Graph::new().js("a", "return 1;").js("b", "return 2;").end("b");
        let run = ann.external(&ann.create(&graph.body("loops")));
        let places: Vec<u64> = ["a", "b", "a", "a"]
            .iter()
            .enumerate()
            .map(|(i, node)| ann.report(&run, &format!("k{i}"), node))
            .collect();
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "short", Via::Websocket);
        world.connect(&mut driver, "long", Via::Polling);
        join(&mut driver, "short", json!({ "runId": run }));
        join(&mut driver, "long", json!({ "runId": run, "since": 0 }));
        let end = ann.finish(&run, "end");
        for who in ["short", "long"] {
            until_end(&mut driver, who, &run);
            fence(&mut driver, who);
        }
        assert_eq!(seqs(&driver, "short", &run), [places[1], places[3], end]);
        assert_eq!(seqs(&driver, "long", &run), [&places[..], &[end]].concat());
        for got in got(&driver.seen, "short", &run) {
            assert_eq!((got.event == STATUS, got.replayed), (got.seq == end, got.event == NODE));
        }
    }
}

/// A replay of many frames gets through to every client by polling, in one connection: python-engineio
/// ends it when a payload has more than 16 packets.
#[test]
fn a_long_replay_reaches_every_client() {
    let world = World::start(Db::Sqlite, &[]);
    let ann = world.ann();
    let run = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("long")));
    let event =
        |i: usize| json!({ "key": format!("k{i}"), "type": "node", "nodeID": "a", "status": "success" });
    ann.ingest(&run, &(0..300).map(event).collect());
    ann.finish(&run, "end");
    for kind in KINDS {
        for via in [Via::Polling, Via::Both] {
            let mut driver = Driver::start(kind);
            world.connect(&mut driver, "bob", via);
            join(&mut driver, "bob", json!({ "runId": run, "since": 0 }));
            until_end(&mut driver, "bob", &run);
            assert_eq!(seqs(&driver, "bob", &run), (2..=302).collect::<Vec<_>>(), "{kind:?} by {via:?}");
            assert!(!driver.seen.iter().any(|e| e["what"] == "disconnect"), "{kind:?} by {via:?}");
        }
    }
}
