//! Loops in bodies of loops.

use serde_json::json;

use super::passes::over;
use crate::engine::{
    RunStatus, Update, joiner,
    tests::sim::{Sim, js, js_with, node},
};

/// A loop `m` inside of `l` over the members of the item.
fn inner(more: serde_json::Value) -> serde_json::Value {
    let mut out = node(
        "m",
        "loop",
        json!({"sourceVariable": "{{ctx.row}}", "itemVariable": "cell", "indexVariable": "column", "outputVariable": "cells"}),
    );
    for (key, value) in more.as_object().unwrap() {
        out["data"][key] = value.clone();
    }
    out
}

const EDGES: &str = "s->l l:loop->m m:loop->a a->m m:completed->b b->l l:completed->e";

fn grid(a: serde_json::Value, list: serde_json::Value) -> Sim {
    let outer = over(json!({"itemVariable": "row", "indexVariable": "line"}));
    Sim::started(&[outer, inner(json!({})), js_with("a", a), js("b")], EDGES, json!({"list": list}))
}

#[test]
fn an_inner_loop_goes_through_its_items_for_each_of_the_outer() {
    let mut sim = grid(json!({}), json!([[1, 2], [], [3]]));
    let mut seen = Vec::new();
    while sim.state.status() == RunStatus::Running {
        if sim.at_work() == ["a"] {
            let ctx = sim.seen("a");
            seen.push((ctx["line"].clone(), ctx["column"].clone(), ctx["cell"].clone(), ctx["item"].clone()));
            assert!(ctx.get("cells").is_none() && ctx.get("a").is_none());
            sim.crash();
            sim.returns("a", json!(ctx["cell"].as_i64().unwrap() * 10));
        } else {
            let ctx = sim.seen("b");
            assert!(ctx.get("cell").is_none(), "the inner item is gone");
            assert_eq!(ctx["item"], ctx["row"], "the outer one is back");
            sim.returns("b", ctx["cells"].clone());
        }
        assert_eq!(joiner(&sim.state, false), sim.last_updates());
    }
    sim.completed();
    assert_eq!(
        seen,
        [
            (json!(0), json!(0), json!(1), json!(1)),
            (json!(0), json!(1), json!(2), json!(2)),
            (json!(2), json!(0), json!(3), json!(3))
        ]
    );
    assert_eq!(sim.context()["loopResults"], json!([[10, 20], [], [30]]));
    let iterations: Vec<_> = sim
        .updates
        .iter()
        .filter_map(|update| match update {
            Update::Node(update) if ["a", "b", "m", "l"].contains(&update.node.as_str()) => {
                Some((update.node.to_string(), update.iteration))
            }
            _ => None,
        })
        .collect();
    let told = |name: &str, at| (name.to_owned(), at);
    assert_eq!(
        iterations,
        [
            told("a", Some(0)),
            told("a", Some(1)),
            told("m", Some(0)),
            told("b", Some(0)),
            told("m", Some(1)),
            told("b", Some(1)),
            told("a", Some(0)),
            told("m", Some(2)),
            told("b", Some(2)),
            told("l", None),
        ]
    );
}

#[test]
fn a_failure_inside_ends_the_inner_item_only() {
    let mut sim = grid(json!({"errorHandling": "skip_item"}), json!([[1, 2], [3]]));
    sim.throws("a", "no");
    sim.returns("a", json!(2));
    assert_eq!(sim.seen("b")["cells"], json!([2]));
    sim.returns("b", json!("one"));
    sim.throws("a", "no");
    assert_eq!(sim.seen("b")["cells"], json!([]));
    sim.returns("b", json!("two"));
    sim.completed();
}

#[test]
fn a_failure_outside_gives_up_the_inner_loop() {
    let nodes = [
        over(json!({"itemVariable": "row"})),
        inner(json!({"delayBetweenItems": 1000})),
        js("a"),
        js("a2"),
        js_with("x", json!({"errorHandling": "skip_item"})),
        js("b"),
    ];
    let edges = "s->l l:loop->m l:loop->x m:loop->a m:loop->a2 m:completed->b l:completed->e";
    for paused in [false, true] {
        let mut sim = Sim::started(&nodes, edges, json!({"list": [[1, 2], [3]]}));
        if paused {
            sim.returns("a", json!(1));
            sim.returns("a2", json!(1));
            assert_eq!(sim.timers.len(), 2);
        }
        sim.throws("x", "no");
        assert_eq!(sim.interrupted, if paused { vec![] } else { vec!["a", "a2"] });
        assert_eq!(sim.timers.len(), 1, "{:?}", sim.timers);
        assert_eq!(sim.at_work(), ["a", "a2", "x"]);
        assert_eq!(sim.seen("a")["cell"], json!(3));
        sim.crash();
        for name in ["a", "a2", "x"] {
            sim.returns(name, json!(name));
        }
        sim.returns("b", json!("done"));
        sim.completed();
        assert_eq!(sim.context()["loopResults"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn an_inner_loop_that_fails_is_a_node_that_fails() {
    let outer = over(json!({"itemVariable": "row"}));
    let nodes = [outer, inner(json!({"maxIterations": 1, "errorHandling": "continue"})), js("a"), js("b")];
    let mut sim = Sim::started(&nodes, EDGES, json!({"list": [[1, 2], [3]]}));
    assert_eq!(sim.seen("a")["cell"], json!(3));
    sim.returns("a", json!(1));
    sim.returns("b", json!("ok"));
    sim.completed();
    let results = sim.context()["loopResults"].clone();
    assert!(results[0]["error"]["message"].as_str().unwrap().contains("maxIterations allows 1"), "{results}");
    assert_eq!(results[1], json!("ok"));
}

#[test]
fn three_deep() {
    let third = node("n", "loop", json!({"sourceVariable": "{{ctx.cell}}", "outputVariable": "deep"}));
    let nodes = [over(json!({"itemVariable": "row"})), inner(json!({})), third, js("a")];
    let edges = "s->l l:loop->m m:loop->n n:loop->a a->n n:completed->m m:completed->l l:completed->e";
    let mut sim = Sim::started(&nodes, edges, json!({"list": [[[1, 2], [3]], [[4]]]}));
    let mut items = Vec::new();
    while sim.state.status() == RunStatus::Running {
        let item = sim.seen("a")["item"].clone();
        items.push(item.clone());
        sim.returns("a", item);
        assert_eq!(joiner(&sim.state, false), sim.last_updates());
    }
    sim.completed();
    assert_eq!(items, [1, 2, 3, 4].map(|n| json!(n)));
    // A loop leaves its results and their number: more than one value.
    let deep = |results: serde_json::Value| {
        let total = results.as_array().unwrap().len();
        json!({"deep": results, "totalItems": total, "success": true})
    };
    let cells = |results: serde_json::Value| {
        let total = results.as_array().unwrap().len();
        json!({"cells": results, "totalItems": total, "success": true})
    };
    assert_eq!(
        sim.context()["loopResults"],
        json!([cells(json!([deep(json!([1, 2])), deep(json!([3]))])), cells(json!([deep(json!([4]))]))])
    );
}
