//! Runs that are executed elsewhere: what is reported by REST is told like what the engine does, a
//! repeated report changes nothing, a wrong one has no effect at all.

use serde_json::{Value, json};

use super::joined::{fence, got, join, seqs, until_end, until_seq};
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via},
    judge::{History, check},
    world::{ACME, Graph, World},
};

fn node(key: &str, node: &str, more: Value) -> Value {
    let mut event = json!({ "key": key, "type": "node", "nodeID": node, "status": "success" });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}

#[test]
fn reports_are_told_once_and_in_order() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let graph = Graph::new().js("a", "return 1;").js("b", "return 2;").end("b");
        let workflow = ann.create(&graph.body("elsewhere"));
        let run = ann.external(&workflow);
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "bob", Via::Both);
        join(&mut driver, "bob", json!({ "runId": run }));

        let first = json!([
            node("1", "start", json!({ "output": { "started": true } })),
            node(
                "2",
                "a",
                json!({ "output": { "a": 1, "success": true }, "contextData": { "input": {}, "a": 1 } })
            ),
            node(
                "3",
                "b",
                json!({ "status": "failed", "error": "no luck", "output": { "b": null, "success": false } })
            ),
        ]);
        let results = ann.ingest(&run, &first);
        let keys: Vec<_> = results.iter().map(|r| r["key"].as_str().unwrap()).collect();
        assert_eq!(keys, ["1", "2", "3"]);
        let places: Vec<_> = results.iter().map(|r| r["seq"].as_u64().unwrap()).collect();
        assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "{places:?}");
        assert!(results.iter().all(|r| r["duplicate"] == false));

        // the same again, with a new one among them
        let again = json!([first[0], node("4", "a", json!({ "output": { "a": 2 } })), first[2]]);
        let repeated = ann.ingest(&run, &again);
        assert_eq!(repeated[0]["seq"], places[0]);
        assert_eq!(repeated[2]["seq"], places[2]);
        let duplicate: Vec<_> = repeated.iter().map(|r| r["duplicate"] == true).collect();
        assert_eq!(duplicate, [true, false, true]);
        let fourth = repeated[1]["seq"].as_u64().unwrap();

        // all or none
        let wrong = json!({ "events": [node("5", "a", json!({})), node("6", "nowhere", json!({}))] });
        let path = format!("/instances/{run}/events");
        assert_eq!(ann.refused("POST", &path, &wrong), (400, "INVALID_REQUEST".to_owned()));
        for wrong in [
            json!({ "events": [] }),
            json!({ "events": "all" }),
            json!({}),
            json!({ "events": [node("", "a", json!({}))] }),
            json!({ "events": [node(&"k".repeat(129), "a", json!({}))] }),
            json!({ "events": [{ "key": "7", "type": "node" }] }),
            json!({ "events": [node("7", "a", json!({ "status": "fine" }))] }),
            json!({ "events": [{ "key": "7", "type": "status", "status": "RUNNING" }] }),
        ] {
            assert_eq!(ann.refused("POST", &path, &wrong).0, 400, "{wrong}");
        }

        let end = ann.finish(&run, "end");
        until_end(&mut driver, "bob", &run);
        fence(&mut driver, "bob");
        assert_eq!(seqs(&driver, "bob", &run), [&places[..], &[fourth, end]].concat());
        let all = got(&driver.seen, "bob", &run);
        assert!(all.iter().all(|got| !got.replayed));
        assert_eq!((&all[2].body["status"], &all[2].body["error"]), (&json!("failed"), &json!("no luck")));
        assert_eq!(all[1].body["contextData"], json!({ "input": {}, "a": 1 }));

        // ended: a new report is refused, an old one is still answered
        let late = json!({ "events": [node("8", "a", json!({}))] });
        assert_eq!(ann.refused("POST", &path, &late), (400, "RUN_NOT_RUNNING".to_owned()));
        let old = ann.ingest(&run, &json!([first[0]]));
        assert_eq!((&old[0]["seq"], &old[0]["duplicate"]), (&json!(places[0]), &json!(true)));

        // a run of the engine takes no reports, a member may, another tenant finds nothing
        let inside = ann.execute(&workflow, &json!({}));
        let (status, code) = ann.refused("POST", &format!("/instances/{inside}/events"), &late);
        assert_eq!(status, 400, "{code}");
        let member = world.rest("bob", ACME, "MEMBER");
        let second = member.external(&workflow);
        member.report(&second, "1", "a");
        let other = world.rest("olga", "other", "ADMIN");
        let path = format!("/instances/{second}/events");
        assert_eq!(other.refused("POST", &path, &late), (404, "RUN_NOT_FOUND".to_owned()));
    }
}

#[test]
fn a_thousand_reports_at_once_and_from_many_hands() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let nodes: Vec<String> = (0..400).map(|i| format!("n{i}")).collect();
        let graph = nodes.iter().fold(Graph::new(), |graph, id| {
            graph.node(id, "javascript", json!({ "code": "return 1;" })).edge("start", None, id)
        });
        let run = ann.external(&ann.create(&graph.body("many")));
        let mut driver = Driver::start(KINDS[0]);
        for (name, via) in [("by websocket", Via::Websocket), ("by polling", Via::Polling)] {
            world.connect(&mut driver, name, via);
            join(&mut driver, name, json!({ "runId": run }));
        }
        let hands: Vec<_> = nodes
            .chunks(100)
            .map(|nodes| {
                let events: Value =
                    nodes.iter().map(|id| node(id, id, json!({ "output": { "v": id } }))).collect();
                let (ann, run) = (ann.clone(), run.clone());
                std::thread::spawn(move || {
                    let first = ann.ingest(&run, &events);
                    let again = ann.ingest(&run, &events);
                    assert!(again.iter().all(|r| r["duplicate"] == true));
                    let seqs = |all: &[Value]| all.iter().map(|r| r["seq"].clone()).collect::<Vec<_>>();
                    assert_eq!(seqs(&first), seqs(&again));
                })
            })
            .collect();
        hands.into_iter().for_each(|hand| hand.join().unwrap());
        let end = ann.finish(&run, "end");
        let log = ann.log(&run);
        let histories: Vec<_> = ["by websocket", "by polling"]
            .map(|name| {
                until_seq(&mut driver, name, &run, end);
                History::of(&driver.seen, name, &[ACME], true)
            })
            .into();
        check(&histories, &[log]).assert_clean(&format!("ingest on {db:?}"));
    }
}
