//! Conditions with code, in a run.

use serde_json::{Value, json};

use super::sim::{Sim, js, js_with, node};
use crate::engine::{Outcome, RunStatus, ScriptKind, Task};

fn condition(branches: Value) -> Value {
    node("c", "condition", json!({"branches": branches}))
}

fn code(id: &str, code: &str) -> Value {
    json!({"id": id, "conditions": [{"leftValue": code, "operator": "expression"}]})
}

#[test]
fn expressions_are_a_task() {
    let nodes = [condition(json!([code("a", "ctx.input.n > 1"), code("b", "boom()")])), js("x"), js("y")];
    let mut sim = Sim::started(&nodes, "s->c c:a->x c:default->y x->e y->e", json!({"n": 5}));
    let Task::Expressions { expressions, ctx } = &sim.open[0].task else { panic!("expressions") };
    assert_eq!(
        expressions.iter().map(AsRef::as_ref).collect::<Vec<_>>(),
        ["!!(ctx.input.n > 1\n)", "!!(boom()\n)"]
    );
    assert_eq!(serde_json::to_value(ctx).unwrap(), json!({"input": {"n": 5}}));
    assert_eq!(sim.open[0].timeout.as_secs(), 5);
    sim.crash();
    sim.outcome("c", Outcome::Evaluated(vec![Some(json!(true)), None]));
    assert_eq!(sim.at_work(), ["x"]);
    sim.returns("x", json!(1));
    sim.completed();
}

#[test]
fn what_throws_is_false() {
    let nodes = [condition(json!([code("a", "boom()")])), js("y")];
    let mut sim = Sim::started(&nodes, "s->c c:default->y", json!({}));
    sim.outcome("c", Outcome::Evaluated(vec![None]));
    assert_eq!(sim.at_work(), ["y"]);
}

#[test]
fn a_condition_whose_code_does_not_end_takes_the_error_edge() {
    let nodes = [condition(json!([code("a", "spin()")])), js("h")];
    let mut sim = Sim::started(&nodes, "s->c c:error->h", json!({}));
    sim.times_out("c");
    assert_eq!(sim.at_work(), ["h"]);
    let mut sim = Sim::started(&nodes[..1], "s->c", json!({}));
    sim.times_out("c");
    assert_eq!(sim.ended().0, RunStatus::Failed);
}

#[test]
fn without_code_nobody_is_asked() {
    let branch = json!({"id": "a", "conditions": [{"leftValue": "{{ctx.input.n}}", "operator": "greater_than", "rightValue": 1}]});
    let sim =
        Sim::started(&[condition(json!([branch, code("b", "boom()")]))], "s->c c:a->e", json!({"n": 2}));
    sim.completed();
}

#[test]
fn code_sees_what_nodes_left_only_when_it_names_it() {
    let nodes = [js("a"), js_with("b", json!({"code": "return ctx.__node_a.output.a"})), js("c2")];
    let mut sim = Sim::started(&nodes, "s->a a->b b->c2", json!({}));
    sim.returns("a", json!(7));
    let Task::Script { code, kind, ctx } = sim.open[0].task.clone() else { panic!("a script") };
    assert_eq!((code.as_ref(), kind), ("return ctx.__node_a.output.a", ScriptKind::Function));
    let ctx = serde_json::to_value(&ctx).unwrap();
    assert_eq!(
        ctx["__node_a"],
        json!({"output": {"a": 7, "success": true}, "status": "success", "outputVariable": "a"})
    );
    assert_eq!(ctx["a"], json!(7));
    sim.returns("b", json!(7));
    let Task::Script { ctx, .. } = &sim.open[0].task else { panic!("a script") };
    assert_eq!(serde_json::to_value(ctx).unwrap(), json!({"input": {}, "a": 7, "b": 7}));
    let nodes = [
        js("a"),
        condition(
            json!([{"id": "y", "conditions": [{"leftValue": "{{ctx.__node_a.output.a}}", "operator": "equals", "rightValue": 7}]}]),
        ),
    ];
    let mut sim = Sim::started(&nodes, "s->a a->c c:y->e", json!({}));
    sim.returns("a", json!(7));
    sim.completed();
}
