//! What the runs of the engine tell their watchers: the worked trace, live updates, failures, error
//! branches, cancel, progress, large contexts, edits of the definition, repeated starts.

use serde_json::{Value, json};

use super::joined::{Got, JOIN, NODE, STATUS, fence, got, join, seqs, until_end};
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via},
    judge::{History, check},
    world::{ACME, Graph, World},
};

/// Each test on each database of this machine, with another client and transport on each.
fn on_each(settings: &[(&str, &str)], test: impl Fn(&World, &mut Driver, Via)) {
    let by = [(KINDS[0], Via::Websocket), (KINDS[3], Via::Polling)];
    for (db, (kind, via)) in Db::here().into_iter().zip(by) {
        let world = World::start(db, settings);
        test(&world, &mut Driver::start(kind), via);
    }
}

/// A client that joins and waits for the end.
#[track_caller]
fn watched(world: &World, driver: &mut Driver, via: Via, run: &str) -> Vec<Got> {
    let name = format!("of {run}");
    world.connect(driver, &name, via);
    let ack = join(driver, &name, json!({ "runId": run }));
    assert_eq!(ack["ok"], true, "{ack}");
    until_end(driver, &name, run);
    fence(driver, &name);
    let all = got(&driver.seen, &name, run);
    assert_eq!(all.iter().filter(|got| got.event == STATUS).count(), 1, "the end is told once");
    assert_eq!(all.last().unwrap().event, STATUS, "and last");
    driver.close(&name);
    all
}

/// Node and status of each.
fn words(all: &[Got]) -> Vec<(&str, &str)> {
    all.iter().map(|got| (text(got, "nodeID"), text(got, "status"))).collect()
}

fn text<'a>(got: &'a Got, key: &str) -> &'a str {
    got.body[key].as_str().unwrap_or_default()
}

#[test]
fn the_worked_trace() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let workflow = ann.create(&Graph::line().body("trace"));
        let run = ann.execute(&workflow, &json!({ "inputValues": { "x": 1 } }));
        let view = ann.until(&run, "COMPLETED");
        let rows: Vec<_> = view["logs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                (row["eventType"].as_str().unwrap_or_default(), row["nodeID"].as_str().unwrap_or_default())
            })
            .collect();
        let expected = [
            ("INPUT_SET", ""),
            ("NODE_DISPATCHED", "start"),
            ("NODE_COMPLETED", "start"),
            ("NODE_DISPATCHED", "js"),
            ("NODE_COMPLETED", "js"),
            ("NODE_DISPATCHED", "end"),
            ("NODE_COMPLETED", "end"),
            ("SYSTEM_SET", ""),
        ];
        assert_eq!(rows, expected);
        let all = watched(world, driver, via, &run);
        assert_eq!(all.iter().map(|got| got.seq).collect::<Vec<_>>(), [3, 5, 7, 8]);
        assert!(all.iter().all(|got| got.replayed));
        let expected = [("start", "success"), ("js", "success"), ("end", "success"), ("", "COMPLETED")];
        assert_eq!(words(&all), expected);
        assert_eq!(all[1].body["output"], json!({ "jsResult": 42, "success": true }));
        assert_eq!(all[1].body["contextData"], json!({ "input": { "x": 1 }, "jsResult": 42 }));
        assert_eq!(all[1].body["nodeType"], "javascript");
        let context = json!({ "input": { "x": 1 }, "jsResult": 42, "output": { "total": 42 } });
        assert_eq!(all[3].body["contextData"], context);
        assert_eq!(all[3].body["output"], json!({ "total": 42 }));
        assert_eq!((&view["contextData"], &view["status"]), (&context, &json!("COMPLETED")));
        assert!(view.get("data").is_none(), "no top-level data");
        assert_eq!((&view["seq"], &view["instanceID"]), (&json!(8), &json!(run)));
    });
}

#[test]
fn live_updates_and_progress() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let graph =
            Graph::new().delay("wait", 700).js("a", "return 1;").js("b", "return ctx.a + 1;").end("b");
        let workflow = ann.create(&graph.body("live"));
        world.connect(driver, "plain", via);
        world.connect(driver, "curious", via);
        let run = ann.execute(&workflow, &json!({}));
        driver.resume("plain", JOIN, json!({ "runId": run }));
        let ack = join(driver, "curious", json!({ "runId": run, "progress": true, "since": 0 }));
        assert_eq!(ack["status"], "RUNNING", "the run waits: {ack}");
        for who in ["plain", "curious"] {
            until_end(driver, who, &run);
            fence(driver, who);
        }
        let history = [History::of(&driver.seen, "plain", &[ACME], true)];
        check(&history, &[ann.log(&run)]).assert_clean("live");
        let live: Vec<_> = got(&driver.seen, "plain", &run).into_iter().filter(|got| !got.replayed).collect();
        let expected =
            [("wait", "success"), ("a", "success"), ("b", "success"), ("end", "success"), ("", "COMPLETED")];
        assert_eq!(words(&live), expected, "they came live");
        assert_eq!(live[4].body["output"], json!({ "total": 2 }));

        let curious = got(&driver.seen, "curious", &run);
        assert!(curious.windows(2).all(|pair| pair[0].seq < pair[1].seq), "in order");
        let progress = |got: &&Got| matches!(got.body["status"].as_str(), Some("running" | "suspended"));
        assert!(curious.iter().filter(progress).count() >= 4, "{:?}", words(&curious));
        assert!(curious.iter().filter(progress).all(|got| got.event == NODE));
        let ended: Vec<_> = curious.iter().filter(|got| !progress(got)).map(|got| got.seq).collect();
        assert_eq!(ended, seqs(driver, "plain", &run), "the rest is the same");
    });
}

#[test]
fn failures_are_told_as_they_were() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let graph = Graph::new().js("bad", "throw new Error('no luck');").end("bad");
        let run = ann.execute(&ann.create(&graph.body("fails")), &json!({}));
        let view = ann.until(&run, "FAILED");
        let all = watched(world, driver, via, &run);
        assert_eq!(words(&all), [("start", "success"), ("bad", "failed"), ("", "FAILED")]);
        assert!(all[1].body["error"].as_str().unwrap().contains("no luck"), "{:?}", all[1]);
        let end = &all[2].body;
        assert!(end["error"].as_str().unwrap().contains("no luck"), "{end}");
        assert_eq!((&end["errorCode"], &end["output"]), (&json!("NODE_FAILED"), &Value::Null));
        assert!(view["error"].as_str().unwrap().contains("no luck"), "{view}");

        // handled: the node is told as failed, the run goes on
        let graph = Graph::new()
            .js("bad", "throw new Error('no luck');")
            .node(
                "rescue",
                "javascript",
                json!({ "code": "return ctx.__error.nodeID;", "outputVariable": "rescue" }),
            )
            .edge("bad", Some("error"), "rescue")
            .end("rescue");
        let run = ann.execute(&ann.create(&graph.body("handled")), &json!({}));
        ann.until(&run, "COMPLETED");
        let all = watched(world, driver, via, &run);
        let expected = [
            ("start", "success"),
            ("bad", "failed"),
            ("rescue", "success"),
            ("end", "success"),
            ("", "COMPLETED"),
        ];
        assert_eq!(words(&all), expected);
        assert_eq!(all[4].body["output"], json!({ "total": "bad" }));
        assert_eq!(all[1].body["output"]["success"], false);

        // tried again: only the last attempt is told
        let graph = Graph::new().node(
            "bad",
            "javascript",
            json!({ "code": "throw 'no luck';", "retryLimit": 1, "retryDelaySeconds": 0,
                    "errorHandling": "retry_then_fail" }),
        );
        let graph = graph.edge("start", None, "bad");
        let run = ann.execute(&ann.create(&graph.body("retried")), &json!({}));
        ann.until(&run, "FAILED");
        let all = watched(world, driver, via, &run);
        assert_eq!(words(&all), [("start", "success"), ("bad", "failed"), ("", "FAILED")]);
        assert_eq!(all[1].body["nodeAttempt"], 2);
    });
}

#[test]
fn a_cancelled_run_ends_once() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let workflow = ann.create(&Graph::new().delay("wait", 3_600_000).end("wait").body("long"));
        let run = ann.execute(&workflow, &json!({}));
        world.connect(driver, "there", via);
        join(driver, "there", json!({ "runId": run }));
        let path = ann.path(&format!("/instances/{run}/stop"));
        for _ in 0..2 {
            let stopped = ann.call("DELETE", &path, &[], &Value::Null);
            assert_eq!((stopped.status, &stopped.json()["status"]), (200, &json!("CANCELLED")));
        }
        until_end(driver, "there", &run);
        fence(driver, "there");
        let there = got(&driver.seen, "there", &run);
        assert_eq!(words(&there), [("start", "success"), ("", "CANCELLED")]);
        let late = watched(world, driver, via, &run);
        assert_eq!(words(&late), words(&there));
        assert!(late.iter().all(|got| got.replayed));
    });
}

#[test]
fn a_large_context_is_left_out_of_updates() {
    on_each(&[("workflow.max_context_in_updates", "2KiB")], |world, driver, via| {
        let ann = world.ann();
        let graph = Graph::new().js("small", "return 1;").js("big", "return 'x'.repeat(3000);").end("small");
        let run = ann.execute(&ann.create(&graph.body("large")), &json!({}));
        ann.until(&run, "COMPLETED");
        let all = watched(world, driver, via, &run);
        let truncated: Vec<_> = all.iter().map(|got| got.body["contextTruncated"] == true).collect();
        assert_eq!(truncated, [false, false, true, true, false]);
        for got in &all {
            assert_eq!(got.body.get("contextData").is_none(), got.body["contextTruncated"] == true);
        }
        assert_eq!(
            all[4].body["contextData"]["big"].as_str().map(str::len),
            Some(3000),
            "the end has it whole"
        );
    });
}

#[test]
fn an_edit_does_not_change_a_run() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let graph = |code: &str| Graph::new().delay("wait", 400).js("a", code).end("a").body("edited");
        let workflow = ann.create(&graph("return 'old';"));
        let old = ann.execute(&workflow, &json!({}));
        ann.patch(&format!("/{workflow}"), &graph("return 'new';"));
        let new = ann.execute(&workflow, &json!({}));
        for (run, said) in [(&old, "old"), (&new, "new")] {
            let all = watched(world, driver, via, run);
            assert_eq!(all.last().unwrap().body["output"], json!({ "total": said }));
        }
        // a title alone leaves the graph as it is
        let saved = ann.patch(&format!("/{workflow}"), &json!({ "title": "renamed" }));
        assert_eq!(saved["workflow"]["title"], "renamed");
        assert_eq!(saved["workflow"]["tblWorkflowNodes"].as_array().map(Vec::len), Some(4));
    });
}

#[test]
fn a_start_with_a_key_happens_once() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let workflow = ann.create(&Graph::line().body("once"));
        let body = json!({ "inputValues": { "x": 1 } });
        let starters: Vec<_> = (0..8)
            .map(|_| {
                let (ann, workflow, body) = (ann.clone(), workflow.clone(), body.clone());
                std::thread::spawn(move || ann.execute_once(&workflow, "key 1", &body))
            })
            .collect();
        let runs: std::collections::BTreeSet<_> = starters.into_iter().map(|t| t.join().unwrap()).collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        let other = ann.execute_once(&workflow, "key 2", &body);
        assert!(!runs.contains(&other));
        let list = ann.get(&format!("/instances?workflowID={workflow}"));
        assert_eq!(list["totalCount"], 2);
    }
}
