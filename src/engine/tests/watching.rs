//! What watchers see.

use serde_json::{Value, json};

use super::sim::{Sim, id, js, js_with, node};
use crate::engine::{Update, joiner};

fn brief(update: &Update) -> String {
    match update {
        Update::Node(update) => {
            format!("{} {} {}", update.seq, update.node, if update.success { "success" } else { "failed" })
        }
        Update::Progress(update) => {
            format!(
                "{} {} {}",
                update.seq,
                update.node,
                if update.suspended { "suspended" } else { "running" }
            )
        }
        Update::Request(update) => format!("{} {} asks", update.seq, update.node),
        Update::Status(update) => format!("{} {}", update.seq, update.status),
    }
}

fn told(sim: &Sim, progress: bool) -> Vec<String> {
    sim.updates
        .iter()
        .filter(|update| progress || !matches!(update, Update::Progress(_)))
        .map(brief)
        .collect()
}

#[test]
fn the_worked_trace_of_the_contract() {
    let mut sim =
        Sim::started(&[js_with("js", json!({"outputVariable": null}))], "s->js js->e", json!({"x": 1}));
    sim.returns("js", json!(42));
    assert_eq!(told(&sim, false), ["3 s success", "5 js success", "7 e success", "8 COMPLETED"]);
    assert_eq!(
        told(&sim, true),
        [
            "2 s running",
            "3 s success",
            "4 js running",
            "5 js success",
            "6 e running",
            "7 e success",
            "8 COMPLETED"
        ]
    );
    let Update::Node(js) = &sim.updates[3] else { panic!("a node") };
    assert_eq!(js.output.to_value(), json!({"jsResult": 42, "success": true}));
    assert_eq!(
        serde_json::to_value(js.context.as_ref().unwrap()).unwrap(),
        json!({"input": {"x": 1}, "jsResult": 42})
    );
    assert_eq!(
        (js.node_type.as_ref(), js.output_variable.as_deref(), js.error.as_deref(), js.iteration),
        ("javascript", Some("jsResult"), None, None)
    );
    let Update::Status(end) = &sim.updates[6] else { panic!("the end") };
    assert_eq!(
        serde_json::to_value(&end.context).unwrap(),
        json!({"input": {"x": 1}, "jsResult": 42, "output": {}})
    );
    assert_eq!(end.output.as_deref(), Some(&json!({})));
}

#[test]
fn a_joiner_sees_what_was_told_live() {
    let wait = node("d", "delay", json!({"delayMinutes": 1}));
    let nodes = [js("a"), js_with("b", json!({"errorHandling": "continue_default"})), js("c"), wait];
    let mut sim = Sim::started(&nodes, "s->a s->b s->d a->c b->c c->e", json!({"q": 1}));
    let compare = |sim: &Sim| {
        let live: Vec<&Update> =
            sim.updates.iter().filter(|update| !matches!(update, Update::Progress(_))).collect();
        assert_eq!(joiner(&sim.state, false).iter().collect::<Vec<_>>(), live);
        assert_eq!(joiner(&sim.refolded(), true), joiner(&sim.state, true));
    };
    compare(&sim);
    assert_eq!(
        joiner(&sim.state, true).iter().map(brief).collect::<Vec<_>>(),
        ["3 s success", "5 d suspended", "6 a running", "7 b running"]
    );
    sim.throws("b", "no");
    compare(&sim);
    sim.returns("a", json!({"big": [1, 2]}));
    compare(&sim);
    sim.returns("c", json!(3));
    compare(&sim);
    sim.completed();
    assert_eq!(joiner(&sim.state, true).last().map(brief).unwrap(), told(&sim, true).last().unwrap().clone());
}

#[test]
fn log_rows_fold_to_the_context() {
    let nodes = [js("a"), js_with("b", json!({"errorHandling": "continue_default"})), js("c")];
    let mut sim = Sim::started(&nodes, "s->a a->b b->c c->e", json!({"q": 1}));
    sim.returns("a", json!([1]));
    sim.throws("b", "no");
    sim.returns("c", json!("x"));
    sim.completed();
    let mut folded = serde_json::Map::new();
    for (_, event) in &sim.rows {
        let row = event.log_row().unwrap();
        assert_eq!(row.kind, event.kind());
        folded.extend(row.payload);
    }
    assert_eq!(Value::Object(folded), sim.context());
    let rows: Vec<_> = sim
        .rows
        .iter()
        .filter_map(|(_, event)| event.log_row())
        .filter(|row| row.node == Some(id("b")))
        .collect();
    assert_eq!(rows[1].error.as_deref(), Some("no"));
    assert_eq!((rows[1].node_status, rows[1].output_variable.as_deref()), (Some("error"), Some("b")));
}

#[test]
fn an_output_may_be_unwrapped() {
    let nodes = [
        node("d", "delay", json!({"outputVariable": "d"})),
        js_with("a", json!({"outputVariable": "success"})),
    ];
    let mut sim = Sim::started(&nodes, "s->d d->a a->e", json!({}));
    assert_eq!(sim.context()["d"], json!({"delayedMs": 0, "delayType": "fixed"}));
    sim.returns("a", json!("mine"));
    assert_eq!(sim.context()["success"], json!("mine"));
}
