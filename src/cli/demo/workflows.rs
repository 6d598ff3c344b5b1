//! The first three workflows: one that computes and branches, one that waits, one that fails and goes on.

use jiff::civil::Date;
use serde_json::{Value, json};

/// A workflow of the demo.
pub(super) struct Sample {
    pub title: &'static str,
    /// What one sees in it.
    pub about: &'static str,
    pub nodes: Value,
    pub edges: Value,
    pub options: Value,
    /// Inputs of the n-th run, today.
    pub inputs: fn(u64, Date) -> Value,
}

/// All of them.
pub(super) fn samples() -> [Sample; 3] {
    [order(), countdown(), risky()]
}

pub(super) fn node(id: &str, kind: &str, place: i64, data: Value) -> Value {
    json!({ "id": id, "type": kind, "data": data, "position": { "x": place * 220, "y": 80 } })
}

pub(super) fn script(id: &str, place: i64, variable: &str, code: &str) -> Value {
    node(id, "javascript", place, json!({ "title": id, "outputVariable": variable, "code": code }))
}

pub(super) fn edge(source: &str, handle: Option<&str>, target: &str) -> Value {
    json!({ "id": format!("{source}-{target}"), "source": source, "target": target, "sourceHandle": handle })
}

fn order() -> Sample {
    let large = json!([{ "id": "large", "label": "over 100", "conditions": [
        { "leftValue": "{{ctx.total}}", "operator": "greater_than", "rightValue": 100 }
    ] }]);
    Sample {
        title: "Order total",
        about: "JavaScript, a condition, a join",
        nodes: json!([
            node("start", "start", 0, json!({})),
            script(
                "sum",
                1,
                "total",
                "return args.items.reduce((sum, item) => sum + item.price * item.count, 0);"
            ),
            node("size", "condition", 2, json!({ "branches": large })),
            script("discount", 3, "price", "return Math.round(ctx.total * 0.9 * 100) / 100;"),
            script("as it is", 4, "price", "return ctx.total;"),
            node(
                "end",
                "end",
                5,
                json!({ "outputParameters": [{ "name": "price", "sourceVariable": "{{ctx.price}}" }] })
            ),
        ]),
        edges: json!([
            edge("start", None, "sum"),
            edge("sum", Some("success"), "size"),
            edge("size", Some("large"), "discount"),
            edge("size", Some("default"), "as it is"),
            edge("discount", Some("success"), "end"),
            edge("as it is", Some("success"), "end"),
        ]),
        options: json!({ "inputDefinitions": [{ "key": "items", "type": "array", "required": true }] }),
        inputs: |n, _| json!({ "items": [{ "price": 19.5, "count": 1 + n % 4 }, { "price": 25, "count": n % 3 + 1 }] }),
    }
}

fn countdown() -> Sample {
    let wait = |id: &str, place| node(id, "delay", place, json!({ "delayType": "fixed", "delayMs": 900 }));
    Sample {
        title: "Countdown",
        about: "waits that survive a restart of the hub",
        nodes: json!([
            node("start", "start", 0, json!({})),
            wait("three", 1),
            wait("two", 2),
            wait("one", 3),
            script("lift off", 4, "said", "return `${args.who} is off`;"),
            node(
                "end",
                "end",
                5,
                json!({ "outputParameters": [{ "name": "said", "sourceVariable": "{{ctx.said}}" }] })
            ),
        ]),
        edges: json!([
            edge("start", None, "three"),
            edge("three", None, "two"),
            edge("two", None, "one"),
            edge("one", None, "lift off"),
            edge("lift off", Some("success"), "end"),
        ]),
        options: json!({ "inputDefinitions": [{ "key": "who", "type": "string", "default": "the rocket" }] }),
        inputs: |n, _| json!({ "who": format!("rocket {n}") }),
    }
}

fn risky() -> Sample {
    let code = "if (args.n % 2) throw new Error(`${args.n} is odd`);\nreturn args.n / 2;";
    Sample {
        title: "Risky step",
        about: "a node that fails, and an edge that handles it",
        nodes: json!([
            node("start", "start", 0, json!({})),
            script("halve", 1, "half", code),
            script("explain", 2, "half", "return `no half: ${ctx.__error.message}`;"),
            node(
                "end",
                "end",
                3,
                json!({ "joinMode": "any", "outputParameters": [{ "name": "half", "sourceVariable": "{{ctx.half}}" }] })
            ),
        ]),
        edges: json!([
            edge("start", None, "halve"),
            edge("halve", Some("success"), "end"),
            edge("halve", Some("error"), "explain"),
            edge("explain", Some("success"), "end"),
        ]),
        options: json!({ "inputDefinitions": [{ "key": "n", "type": "number", "required": true }] }),
        inputs: |n, _| json!({ "n": n }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        cli::demo::reports::{self, Queries},
        engine,
    };

    #[test]
    fn every_sample_can_run() {
        let today = Date::constant(2026, 11, 25);
        let queries = Queries { categories: "a".to_owned(), months: "b".to_owned(), parcel: "c".to_owned() };
        for sample in samples().into_iter().chain(reports::samples(&queries)) {
            let Sample { title, nodes, edges, options, inputs, .. } = sample;
            let source = engine::Source { nodes, edges, options };
            let valid = engine::validate(&source, &engine::Limits::default());
            assert!(valid.is_ok(), "{title}: {:?}", valid.err());
            for n in 0..6 {
                assert!(
                    engine::resolve_inputs(&source.options, Some(&inputs(n, today))).is_ok(),
                    "{title} {n}"
                );
            }
        }
    }
}
