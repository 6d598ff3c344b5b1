//! Queries as nodes of runs.

use std::time::Duration;

use serde_json::{Value, json};

use super::bench::{Bench, Postgres};
use crate::harness::world::Graph;

fn graph(query: &str, inputs: Value) -> Value {
    let data = json!({ "dataQueryID": query, "inputValues": inputs, "outputVariable": "orders" });
    Graph::new().then("q", "dataQuery", data).end("orders.result[0].total").body("Orders")
}

/// False, and loudly, on a hub whose engine has no such node yet.
fn has_the_node(bench: &Bench) -> bool {
    let ann = bench.world.ann();
    let saved = ann.call("POST", &ann.path(""), &[], &graph("none", json!({})));
    let Some(workflow) = saved.json()["workflow"]["workflowID"].as_str().map(str::to_owned) else {
        return true;
    };
    let path = ann.path(&format!("/{workflow}/execute"));
    let lacks = ann.call("POST", &path, &[], &json!({})).text().contains("is not supported by this version");
    if lacks {
        eprintln!("\n*** THE ENGINE HAS NO dataQuery NODE: QUERIES OF RUNS ARE NOT TRIED ***\n");
    }
    !lacks
}

#[test]
fn a_node_runs_its_query_and_tells_why_not() {
    let rows = "CREATE TABLE orders (id int, amount numeric(10,2)); INSERT INTO orders VALUES (1, 10.50), (2, 20), (3, 99)";
    let Some(database) = Postgres::new(rows) else { return };
    let bench = Bench::start(&[]);
    if !has_the_node(&bench) {
        return;
    }
    let source = bench.source("postgresql", database.options());
    let sum = bench.query(
        &source,
        json!({ "query": "SELECT sum(amount) AS total FROM orders WHERE id <= {{most}}",
            "inputDefinitions": [{ "key": "most", "type": "number", "required": true }] }),
    );
    let ann = bench.world.ann();
    let workflow = ann.create(&graph(&sum, json!({ "most": "{{ctx.input.most}}" })));
    let run = ann.execute(&workflow, &json!({ "inputValues": { "most": "2" } }));
    let view = ann.until(&run, "COMPLETED");
    assert_eq!(
        view["contextData"]["orders"],
        json!({ "result": [{ "total": 30.5 }], "rowCount": 1 }),
        "{view}"
    );
    assert_eq!(view["output"], json!({ "total": 30.5 }));

    let run = ann.execute(&workflow, &json!({ "inputValues": {} }));
    let view = ann.until(&run, "FAILED");
    assert!(view["error"].as_str().unwrap().contains("most: is required"), "{view}");

    let broken = bench.query(&source, json!({ "query": "SELECT * FROM nowhere" }));
    let run = ann.execute(&ann.create(&graph(&broken, json!({}))), &json!({}));
    let view = ann.until(&run, "FAILED");
    assert!(view["error"].as_str().unwrap().contains("relation \"nowhere\" does not exist"), "{view}");
    assert!(!view.to_string().contains("canary") && !view.to_string().contains("127.0.0.1"), "{view}");
}

#[test]
fn a_stop_fails_no_node_its_query_begins_again() {
    let Some(database) = Postgres::new("") else { return };
    let mut bench = Bench::start(&[("drain.deadline", "3s")]);
    if !has_the_node(&bench) {
        return;
    }
    let source = bench.source("postgresql", database.options());
    let slow = bench.query(&source, json!({ "query": "SELECT pg_sleep(4), 7 AS total" }));
    let ann = bench.world.ann();
    let run = ann.execute(&ann.create(&graph(&slow, json!({}))), &json!({}));
    std::thread::sleep(Duration::from_millis(700));
    bench.world.hub.terminate();
    assert!(bench.world.hub.again(&[]));
    let view = bench.world.ann().until(&run, "COMPLETED");
    assert_eq!(view["output"], json!({ "total": 7 }), "{view}");
}
