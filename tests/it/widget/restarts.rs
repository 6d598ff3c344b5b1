//! Actors that are restarted under load, and a hub that dies: pages notice nothing, or connect again and
//! get the truth.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::connected::*;
use crate::{
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via},
        expect::eventually,
        hub::token,
        world::{Graph, World},
    },
    watch::joined as run,
};

fn actors(world: &World, root: &str, kind: &str) -> Vec<Value> {
    world.hub.get(&format!("/admin/v1/actors?kind={kind}"), root)["actors"].as_array().unwrap().clone()
}

fn restart(world: &World, root: &str, actor: &Value) {
    let id: String = actor["id"].as_str().unwrap().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/admin/v1/actors/{}/{id}/restart", actor["kind"].as_str().unwrap());
    let reply = world.hub.request("POST", &path, Some(root), None);
    assert!(reply.status < 300, "{path}: {} {}", reply.status, reply.text());
}

#[test]
fn actors_are_restarted_under_load_and_nobody_notices() {
    for db in Db::here() {
        let world = World::start(db, &[]);
        let ann = world.ann();
        let root = token("root", &[], true);
        let workflow = ann.create(&Graph::new().js("a", "return 1;").body("restarted"));
        let instance = ann.external(&workflow);
        let mut driver = Driver::start(KINDS[0]);
        world.connect(&mut driver, "page", Via::Websocket);
        for widget in ["w 1/é", "w2"] {
            connected(
                &mut driver,
                "page",
                &json!({ "widgetID": widget, "mode": "subscribe", "instanceID": instance }),
            );
        }
        let listed = actors(&world, &root, "widget");
        assert_eq!(listed.len(), 2, "{listed:?}");
        assert_eq!(listed[0]["detail"]["instanceID"], json!(instance));
        assert_eq!(listed[0]["detail"]["tenantID"], "acme");
        let mut places = Vec::new();
        for i in 0..30 {
            places.push(ann.report(&instance, &format!("k{i}"), "a"));
            if i % 5 == 0 {
                let kind = if i % 10 == 0 { "widget" } else { "run" };
                for actor in actors(&world, &root, kind) {
                    restart(&world, &root, &actor);
                }
            }
        }
        let again = actors(&world, &root, "widget");
        assert!(again.iter().all(|actor| actor["restarts"].as_u64().unwrap() >= 3), "{again:?}");
        assert_eq!(again[0]["detail"]["instanceID"], json!(instance), "rebuilt from its row");
        let end = ann.finish(&instance, "end");
        for widget in ["w 1/é", "w2"] {
            until(&mut driver, "page", widget, STATUS);
        }
        fence(&mut driver, "page");
        let nodes: Vec<u64> = run::seqs(&driver, "page", &instance);
        for seq in places.iter().chain([&end]) {
            let told = trace(&driver.seen, "page")
                .into_iter()
                .filter(|(name, at, _)| name == run::NODE && at == seq);
            assert_eq!(told.count(), usize::from(*seq != end), "row {seq}: {nodes:?}");
        }
        // A restarted registration still knows how to run again.
        let refused = driver.ask("page", REFRESH, json!([{ "widgetID": "w2" }]))[0].clone();
        assert_eq!(refused["ok"], true, "{refused}");
    }
}

#[test]
fn rows_go_with_their_sockets_and_with_their_process() {
    for db in Db::here() {
        let mut world = World::start(db, &[]);
        let ann = world.ann();
        let root = token("root", &[], true);
        let instance = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("rows")));
        let mut driver = Driver::start(KINDS[0]);
        for name in ["stays", "goes"] {
            world.connect(&mut driver, name, Via::Websocket);
            for widget in 0..5 {
                let payload =
                    json!({ "widgetID": format!("w{widget}"), "mode": "subscribe", "instanceID": instance });
                connected(&mut driver, name, &payload);
            }
        }
        assert_eq!(actors(&world, &root, "widget").len(), 10);
        driver.close("goes");
        eventually("those of the socket that is gone are gone", Duration::from_secs(10), || {
            (actors(&world, &root, "widget").len() == 5).then_some(())
        });
        assert!(world.hub.again(&[]), "{}", world.hub.log());
        assert!(world.hub.log().contains("registrations of an earlier process"), "{}", world.hub.log());
        // A page that does not connect its widgets again has none.
        driver.wait("it is back", |all| {
            let back = all.iter().filter(|e| e["id"] == "stays" && e["what"] == "connect").count();
            (back == 2).then_some(())
        });
        fence(&mut driver, "stays");
        assert!(actors(&world, &root, "widget").len() <= 1, "only who asked for the fence");
    }
}

/// `kill -9` while widgets watch: the pages connect them again, and what they see is the truth.
#[test]
fn a_hub_that_dies_is_connected_again() {
    for db in Db::here() {
        let mut world = World::start(db, &[("session.ping_interval", "2s"), ("session.ping_timeout", "3s")]);
        let ann = world.ann();
        let graph =
            Graph::new().js("a", "return 1;").delay("wait", 1200).js("b", "return ctx.a + 1;").end("b");
        let workflow = ann.create(&graph.body("dies"));
        let mut driver = Driver::start(KINDS[0]);
        let mut pages = Vec::new();
        for i in 0..4 {
            let name = format!("p{i}");
            world.connect(&mut driver, &name, Via::Websocket);
            let instance = connected(
                &mut driver,
                &name,
                &json!({ "widgetID": "w", "workflowID": workflow, "inputParams": { "i": i } }),
            );
            let payload = json!({ "widgetID": "w", "mode": "subscribe", "instanceID": instance, "widgetConfig": { "b": "{{ctx.b}}" } });
            driver.resume(&name, CONNECT, payload);
            pages.push((name, instance));
        }
        std::thread::sleep(Duration::from_millis(400));
        assert!(world.hub.again(&[]), "{}", world.hub.log());
        let begun = Instant::now();
        for (name, instance) in &pages {
            let end = driver.wait_for("its end", Duration::from_secs(30), |all| {
                let end = of_widget(all, name, "w").into_iter().find(|(event, _)| event == STATUS);
                end.map(|(_, body)| body)
            });
            assert_eq!((&end["status"], &end["instanceID"]), (&json!("COMPLETED"), &json!(instance)));
            assert_eq!(end["processedData"], json!({ "b": 2 }), "{name} after {:?}", begun.elapsed());
            let view = ann.view(instance);
            assert_eq!(end["finalContext"], view["contextData"]);
            assert_eq!(end["seq"], view["seq"]);
        }
    }
}
