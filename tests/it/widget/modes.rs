//! Execute, subscribe, replay; the order of everything that one socket hears of a run.

use serde_json::{Value, json};

use super::connected::*;
use crate::{
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via, events_of},
        world::{Graph, World},
    },
    watch::joined as run,
};

/// Each test on each database of this machine, with another client and transport on each.
fn on_each(settings: &[(&str, &str)], test: impl Fn(&World, &mut Driver, Via)) {
    let by = [(KINDS[0], Via::Both), (KINDS[1], Via::Polling)];
    for (db, (kind, via)) in Db::here().into_iter().zip(by) {
        let world = World::start(db, settings);
        test(&world, &mut Driver::start(kind), via);
    }
}

/// Start, a wait, code, end.
fn paused(ms: u64) -> Graph {
    Graph::new().delay("wait", ms).then("js", "javascript", json!({ "code": "return 42;" })).end("jsResult")
}

#[test]
fn execute_is_told_from_the_first_row_on() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let workflow = ann.create(&Graph::line().body("Sales"));
        world.connect(driver, "page", via);
        let config = json!({ "title": "{{ctx.input.range}}: {{ctx.jsResult}}", "n": "{{ctx.jsResult}}" });
        let payload = json!({ "widgetID": "w1", "workflowID": workflow, "mode": "execute", "inputParams": { "range": "7d" },
                              "widgetType": "bar", "tenantID": "acme", "firebaseID": "somebody", "widgetConfig": config });
        let instance = connected(driver, "page", &payload);
        until(driver, "page", "w1", STATUS);
        fence(driver, "page");
        let connected = until(driver, "page", "w1", CONNECTED);
        assert_eq!(connected["initialContext"], json!({ "input": { "range": "7d" } }));
        assert_eq!((&connected["mode"], &connected["workflowID"]), (&json!("execute"), &json!(workflow)));
        assert_eq!((&connected["workflowStatus"], &connected["seq"]), (&json!("RUNNING"), &json!(1)));
        let meta = json!({ "status": "RUNNING", "title": "Sales", "isTest": false });
        assert_eq!(connected["workflowMeta"], meta);
        assert_eq!(connected["processedData"], json!({ "title": "7d: ", "n": null }));
        // The worked trace of the contract, seen by a socket that has not joined by itself.
        let expected = [
            (CONNECTED, 1, "w1"),
            (run::NODE, 3, ""),
            (UPDATE, 3, "w1"),
            (run::NODE, 5, ""),
            (UPDATE, 5, "w1"),
            (run::NODE, 7, ""),
            (UPDATE, 7, "w1"),
            (run::STATUS, 8, ""),
            (STATUS, 8, "w1"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(event, seq, widget)| ((*event).to_owned(), *seq, (*widget).to_owned()))
            .collect();
        let all: Vec<_> = trace(&driver.seen, "page").into_iter().filter(|event| event.0 != ERROR).collect();
        // Updates that wait give way to newer ones; nothing else does.
        let may_miss = |event: &(String, u64, String)| event.0 == UPDATE && event.1 < 7;
        let kept: Vec<_> =
            expected.into_iter().filter(|event| !may_miss(event) || all.contains(event)).collect();
        assert_eq!(all, kept);
        let js = of_widget(&driver.seen, "page", "w1").into_iter().map(|(_, body)| body);
        if let Some(js) = js.into_iter().find(|body| body["update"]["nodeID"] == "js") {
            assert_eq!(
                (&js["instanceID"], &js["update"]["type"]),
                (&json!(instance), &json!("NODE_COMPLETE"))
            );
            assert_eq!(
                (&js["update"]["value"], &js["update"]["outputVariable"]),
                (&json!(42), &json!("jsResult"))
            );
            let context = json!({ "input": { "range": "7d" }, "jsResult": 42 });
            assert_eq!(js["update"]["contextSnapshot"], context);
            assert_eq!(js["data"], json!({ "title": "7d: 42", "n": 42 }));
            assert_eq!(js["data"], js["update"]["processedData"]);
        }
        let end = until(driver, "page", "w1", STATUS);
        assert_eq!((&end["status"], &end["output"]), (&json!("COMPLETED"), &json!({ "total": 42 })));
        assert_eq!(end["finalContext"]["output"], json!({ "total": 42 }));
        assert_eq!(end["processedData"], json!({ "title": "7d: 42", "n": 42 }));
    });
}

#[test]
fn two_widgets_and_a_join_are_told_in_one_order() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let instance = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("one")));
        world.connect(driver, "page", via);
        let widget = |id: &str| json!({ "widgetID": id, "mode": "subscribe", "instanceID": instance });
        connected(driver, "page", &widget("w2"));
        let ack = run::join(driver, "page", json!({ "runId": instance }));
        assert_eq!(ack["ok"], true, "{ack}");
        connected(driver, "page", &widget("w1"));
        let places: Vec<u64> = (0..3)
            .map(|i| {
                let seq = ann.report(&instance, &format!("k{i}"), "a");
                run::until_seq(driver, "page", &instance, seq);
                for id in ["w2", "w1"] {
                    driver.wait("its update", |all| {
                        of_widget(all, "page", id).into_iter().find(|(_, body)| body["seq"] == seq)
                    });
                }
                seq
            })
            .collect();
        // A widget leaves, the run is left: the other widget keeps the socket a member.
        driver.ask("page", DISCONNECT, json!([{ "widgetID": "w1" }]));
        until(driver, "page", "w1", DISCONNECTED);
        driver.ask("page", run::LEAVE, json!([{ "runId": instance }]));
        let last = ann.report(&instance, "k9", "a");
        driver.wait("its update", |all| {
            of_widget(all, "page", "w2").into_iter().find(|(_, body)| body["seq"] == last)
        });
        driver.ask("page", DISCONNECT, json!([{ "widgetID": "w2" }]));
        let end = ann.finish(&instance, "end");
        fence(driver, "page");
        let all: Vec<_> = trace(&driver.seen, "page").into_iter().filter(|event| event.1 > 1).collect();
        let mut expected = Vec::new();
        for seq in places {
            expected.extend([(run::NODE, seq, ""), (UPDATE, seq, "w2"), (UPDATE, seq, "w1")]);
        }
        expected.extend([(run::NODE, last, ""), (UPDATE, last, "w2")]);
        let expected: Vec<_> = expected
            .iter()
            .map(|(event, seq, widget)| ((*event).to_owned(), *seq, (*widget).to_owned()))
            .collect();
        assert_eq!(all, expected, "and nothing of {end}");
        assert_eq!(of_widget(&driver.seen, "page", "w1").last().unwrap().1["success"], true);
    });
}

#[test]
fn a_late_subscriber_learns_how_it_ended_and_a_replay_once_where_it_is() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let workflow = ann.create(&Graph::line().body("late"));
        let instance = ann.execute(&workflow, &json!({ "inputValues": { "x": 1 } }));
        ann.until(&instance, "COMPLETED");
        world.connect(driver, "page", via);
        let fields = json!({ "y": "jsResult", "x": "input.x" });
        let late = json!({ "widgetID": "w1", "workflowID": null, "mode": "subscribe", "instanceID": instance,
                           "datasetFields": fields, "widgetType": "line" });
        connected(driver, "page", &late);
        until(driver, "page", "w1", STATUS);
        let replay = json!({ "widgetID": "w2", "mode": "replay", "instanceID": instance });
        connected(driver, "page", &replay);
        fence(driver, "page");
        let names: Vec<_> =
            of_widget(&driver.seen, "page", "w1").into_iter().map(|(event, _)| event).collect();
        assert_eq!(names, [CONNECTED, STATUS]);
        let told = until(driver, "page", "w1", CONNECTED);
        assert_eq!((&told["workflowStatus"], &told["workflowID"]), (&json!("COMPLETED"), &json!(workflow)));
        assert_eq!(told["processedData"]["datasetFields"], json!({ "y": 42, "x": 1 }));
        assert_eq!(told["processedData"]["widgetType"], "line");
        let replayed = of_widget(&driver.seen, "page", "w2");
        assert_eq!(replayed.len(), 1, "{replayed:?}");
        let (name, body) = &replayed[0];
        assert_eq!(
            (name.as_str(), &body["mode"], &body["workflowStatus"]),
            (CONNECTED, &json!("replay"), &json!("COMPLETED"))
        );
        assert_eq!(body["initialContext"]["output"], json!({ "total": 42 }));
        // Of a run that goes on it is told where that is, and nothing more.
        let goes_on = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("on")));
        connected(driver, "page", &json!({ "widgetID": "w3", "mode": "replay", "instanceID": goes_on }));
        ann.report(&goes_on, "k", "a");
        ann.finish(&goes_on, "end");
        fence(driver, "page");
        assert_eq!(of_widget(&driver.seen, "page", "w3").len(), 1);
        assert!(events_of(&driver.seen, "page", run::NODE).is_empty(), "no registration, no membership");
        let refused = driver.ask("page", REFRESH, json!([{ "widgetID": "w3" }]));
        assert_eq!(refused[0]["error"]["code"], "NOT_CONNECTED");
    });
}

#[test]
fn a_refresh_runs_the_workflow_again_with_the_inputs_of_the_connect() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let workflow = ann.create(&paused(1500).body("again"));
        world.connect(driver, "page", via);
        let payload = json!({ "widgetID": "w1", "workflowID": workflow, "inputArgs": { "a": 1, "b": 1 }, "inputValues": { "a": 2 } });
        let first = connected(driver, "page", &payload);
        let again = driver.ask("page", REFRESH, json!([{ "widgetID": "w1" }]))[0].clone();
        assert_eq!(again["ok"], true, "{again}");
        let second = again["instanceID"].as_str().unwrap().to_owned();
        let third =
            driver.ask("page", REFRESH, json!([{ "widgetID": "w1", "inputParams": { "c": 3 } }]))[0].clone();
        let third = third["instanceID"].as_str().unwrap().to_owned();
        for run in [&first, &second, &third] {
            ann.until(run, "COMPLETED");
        }
        driver.wait("the end of the last run", |all| {
            of_widget(all, "page", "w1").into_iter().find(|(name, _)| name == STATUS)
        });
        fence(driver, "page");
        let all = of_widget(&driver.seen, "page", "w1");
        let inputs: Vec<_> = all
            .iter()
            .filter(|(name, _)| name == CONNECTED)
            .map(|(_, body)| {
                (body["instanceID"].clone(), body["mode"].clone(), body["initialContext"]["input"].clone())
            })
            .collect();
        let expected = [
            (json!(first), json!("execute"), json!({ "a": 2, "b": 1 })),
            (json!(second), json!("execute"), json!({ "a": 2, "b": 1 })),
            (json!(third), json!("execute"), json!({ "c": 3 })),
        ];
        assert_eq!(inputs, expected);
        // Nothing of a run that was left comes behind the connect of the next one.
        let mut current = "";
        for (name, body) in &all {
            let run = body["instanceID"].as_str().unwrap();
            if name == CONNECTED {
                current = run;
            }
            assert_eq!(run, current, "{name} {body}");
        }
        let ends: Vec<_> = all.iter().filter(|(name, _)| name == STATUS).collect();
        assert_eq!(ends.len(), 1, "{ends:?}");
    });
}

#[test]
fn a_widget_that_connects_again_takes_the_place_of_the_first() {
    on_each(&[], |world, driver, via| {
        let ann = world.ann();
        let workflow = ann.create(&Graph::new().js("a", "return 1;").body("twice"));
        let (one, two) = (ann.external(&workflow), ann.external(&workflow));
        world.connect(driver, "page", via);
        let widget = |run: &str| json!({ "widgetID": "w", "mode": "subscribe", "instanceID": run, "tenantID": "acme" });
        connected(driver, "page", &widget(&one));
        connected(driver, "page", &widget(&one));
        let seq = ann.report(&one, "k", "a");
        driver.wait("its update", |all| {
            of_widget(all, "page", "w").into_iter().find(|(_, body)| body["seq"] == seq)
        });
        connected(driver, "page", &widget(&two));
        ann.report(&one, "k2", "a");
        ann.finish(&one, "end");
        let seq = ann.finish(&two, "end");
        let end = until(driver, "page", "w", STATUS);
        assert_eq!((&end["instanceID"], &end["seq"]), (&json!(two), &json!(seq)));
        fence(driver, "page");
        let all = of_widget(&driver.seen, "page", "w");
        assert_eq!(all.iter().filter(|(name, _)| name == UPDATE).count(), 1, "one registration: {all:?}");
        assert!(all.iter().all(|(name, _)| name != DISCONNECTED && name != ERROR), "silently: {all:?}");
    });
}

/// A context over the limit is left out, and then no update gives way to another.
#[test]
fn a_context_that_is_too_large_is_left_out_of_updates() {
    let world = World::start(Db::Sqlite, &[("workflow.max_context_in_updates", "16KiB")]);
    let ann = world.ann();
    let graph = Graph::new()
        .js("big", "return 'x'.repeat(40000);")
        .js("b", "return 2;")
        .js("c", "return 3;")
        .end("c");
    let workflow = ann.create(&graph.body("large"));
    let mut driver = Driver::start(KINDS[0]);
    world.connect(&mut driver, "page", Via::Polling);
    let payload = json!({ "widgetID": "w", "workflowID": workflow, "widgetConfig": { "c": "{{ctx.c}}" } });
    connected(&mut driver, "page", &payload);
    let end = until(&mut driver, "page", "w", STATUS);
    assert_eq!(end["finalContext"]["big"].as_str().unwrap().len(), 40000, "the end has it whole");
    assert_eq!(end["processedData"], json!({ "c": 3 }));
    let all = of_widget(&driver.seen, "page", "w");
    for node in ["big", "b", "c"] {
        let update = all.iter().find(|(_, body)| body["update"]["nodeID"] == node);
        let update = &update.unwrap_or_else(|| panic!("{node} gave way: {all:?}")).1["update"];
        assert_eq!((&update["contextTruncated"], &update["processedData"]), (&json!(true), &Value::Null));
        assert!(update.get("contextSnapshot").is_none());
        assert_ne!(update["value"], Value::Null);
    }
}

/// Deleting a workflow ends its runs, also those that begin meanwhile: every page that has a run hears of
/// its end, and the slower one of two deletes finds nothing.
#[test]
fn runs_that_begin_while_their_workflow_is_deleted_end_before_it() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "page", Via::Websocket);
        driver.happens("page", "connect");
        for round in 0..6 {
            let workflow = ann.create(&Graph::new().delay("wait", 60_000).end("wait").body("short-lived"));
            let path = ann.path(&format!("/{workflow}"));
            let widgets: Vec<String> = (0..12).map(|n| format!("w{round}.{n}")).collect();
            for widget in &widgets {
                driver.emit("page", CONNECT, json!([{ "widgetID": widget, "workflowID": workflow }]));
            }
            until(&mut driver, "page", &widgets[round], CONNECTED);
            let delete = || ann.call("DELETE", &path, &[], &Value::Null);
            let (one, two) = std::thread::scope(|scope| {
                let one = scope.spawn(delete);
                (delete(), one.join().unwrap())
            });
            let codes = [&one, &two].map(|reply| reply.json()["error"]["code"].clone());
            assert!([one.status, two.status].contains(&200), "{} {}", one.text(), two.text());
            assert!(codes.iter().all(|code| code.is_null() || code == "WORKFLOW_NOT_FOUND"), "{codes:?}");
            for widget in &widgets {
                let (said, expected) = driver.wait(&format!("the end of {widget}"), |all| {
                    let seen = of_widget(all, "page", widget);
                    let at = |name: &str| seen.iter().find(|(event, _)| event == name).map(|(_, body)| body);
                    match (at(CONNECTED), at(STATUS), at(ERROR)) {
                        (Some(_), Some(end), None) => Some((end["status"].clone(), "CANCELLED")),
                        (None, None, Some(no)) => Some((no["error"]["reason"].clone(), "WORKFLOW_NOT_FOUND")),
                        _ => None,
                    }
                });
                assert_eq!(said, expected, "{widget}");
            }
        }
    }
}
