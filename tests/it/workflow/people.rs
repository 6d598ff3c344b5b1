//! People who answer runs, on both databases: by REST at the same time, and as pages see that they are asked.

use serde_json::{Value, json};

use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
    expect::eventually,
    world::{Graph, World},
};

const ASKED: &str = "workflow_data_collection_request";

fn form() -> Value {
    Graph::new()
        .then("f", "dataCollection", json!({ "title": "How many?", "outputVariable": "asked" }))
        .end("asked.n")
        .body("Form")
}

fn request(view: &Value) -> Option<String> {
    view["pendingRequests"][0]["collectionRequestID"].as_str().map(str::to_owned)
}

/// Of two answers at the same time one wins, whichever; the other is told so, and nothing is doubled.
#[test]
fn of_two_answers_by_rest_one_wins() {
    for kind in Db::here() {
        let world = World::start(kind, &[]);
        let ann = world.ann();
        let workflow = ann.create(&form());
        for round in 0..25 {
            let run = ann.execute(&workflow, &json!({}));
            let request =
                eventually("the request", std::time::Duration::from_secs(20), || request(&ann.view(&run)));
            let path = ann.path(&format!("/data-collection/{request}/submit"));
            let submit = |n: i64| ann.call("POST", &path, &[], &json!({ "submittedData": { "n": n } }));
            let (one, two) = std::thread::scope(|scope| {
                let one = scope.spawn(|| submit(1));
                let two = submit(2);
                (one.join().unwrap(), two)
            });
            let (won, lost, n) = if one.status == 200 { (one, two, 1) } else { (two, one, 2) };
            assert_eq!(won.status, 200, "round {round}: {}", won.text());
            let code = lost.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
            assert_eq!((lost.status, code.as_str()), (400, "COLLECTION_CLOSED"), "round {round}");
            let view = ann.until(&run, "COMPLETED");
            assert_eq!(view["output"]["total"], n, "round {round}: {view}");
            let row = ann.get(&format!("/data-collection/{request}"))["request"].clone();
            assert_eq!((&row["status"], &row["submittedData"]), (&json!("COMPLETED"), &json!({ "n": n })));
        }
    }
}

/// A page is asked when the node suspends; one that comes later is asked after what it has missed, and of
/// two open requests the other is shown again when the first is answered.
#[test]
fn pages_are_asked_whenever_they_come() {
    for (kind, clients) in Db::here().into_iter().zip([KINDS[0], KINDS[3]]) {
        let world = World::start(kind, &[]);
        let ann = world.ann();
        let graph = Graph::new()
            .node("f", "dataCollection", json!({ "title": "First", "outputVariable": "f" }))
            .node("g", "dataCollection", json!({ "title": "Second", "outputVariable": "g" }))
            .edge("start", None, "f")
            .edge("start", None, "g");
        let run = ann.execute(&ann.create(&graph.body("Two")), &json!({}));
        let mut driver = Driver::start(clients);
        for name in ["early", "late"] {
            world.connect(&mut driver, name, Via::Both);
        }
        let ack = driver.ask("early", "workflow_run_join", json!([{ "runId": run }]));
        assert_eq!(ack[0]["ok"], true, "{ack}");
        let asked = |driver: &mut Driver, name: &str, count: usize| {
            driver.wait(&format!("{name} is asked {count} times"), |seen| {
                let asked = events_of(seen, name, ASKED);
                (asked.len() >= count).then_some(asked)
            })
        };
        let bodies = asked(&mut driver, "early", 2);
        for body in &bodies {
            assert_eq!(body["collectionType"], "form");
            assert_eq!(body["instanceID"], json!(run));
            assert!(body["collectionConfig"]["title"].is_string() && body["expiresAt"].is_string(), "{body}");
        }
        let ack = driver.ask("late", "workflow_run_join", json!([{ "runId": run }]));
        assert_eq!(ack[0]["ok"], true, "{ack}");
        let late = asked(&mut driver, "late", 2);
        let start = driver.seen.iter().position(|line| {
            line["id"] == "late"
                && line["event"] == "workflow_node_update"
                && line["args"][0]["nodeID"] == "start"
        });
        let place = driver.seen.iter().position(|line| line["id"] == "late" && line["event"] == ASKED);
        assert!(start.is_some() && start < place, "what it missed comes first");
        assert_eq!(late.len(), 2);

        // The last one is on the screen; when it is answered the other one is shown again.
        let (open, answered) = (&bodies[0], &bodies[1]);
        let id = |body: &Value| body["collectionRequestID"].as_str().unwrap().to_owned();
        ann.post(
            &format!("/data-collection/{}/submit", id(answered)),
            &json!({ "submittedData": { "a": 1 } }),
        );
        for name in ["early", "late"] {
            let again = asked(&mut driver, name, 3);
            assert_eq!(id(&again[2]), id(open), "{name}");
        }
        ann.post(&format!("/data-collection/{}/submit", id(open)), &json!({ "submittedData": { "b": 2 } }));
        ann.until(&run, "COMPLETED");
    }
}
