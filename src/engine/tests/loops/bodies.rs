//! Shapes of bodies: they are scheduled as the graph of a run is.

use serde_json::{Value, json};

use super::passes::over;
use crate::engine::{
    Limits, RunStatus, joiner,
    tests::sim::{Sim, js, js_with, node, source},
};

fn list(of: Value) -> Value {
    json!({ "list": of })
}

#[test]
fn branches_of_a_body_run_in_parallel_and_join() {
    let nodes = [over(json!({})), js("a"), js("b"), js("j")];
    let edges = "s->l l:loop->a l:loop->b a->j b->j l:completed->e";
    let mut sim = Sim::started(&nodes, edges, list(json!([1, 2])));
    for pass in 0..2 {
        assert_eq!(sim.at_work(), ["a", "b"]);
        sim.returns("b", json!(pass));
        assert_eq!(sim.at_work(), ["a"]);
        sim.crash();
        sim.returns("a", json!(pass));
        assert_eq!(sim.at_work(), ["j"], "a join runs once for each item");
        let seen = sim.seen("j");
        assert_eq!((&seen["a"], &seen["b"], &seen["index"]), (&json!(pass), &json!(pass), &json!(pass)));
        sim.returns("j", json!(format!("joined {pass}")));
    }
    sim.completed();
    assert_eq!(sim.context()["loopResults"], json!(["joined 0", "joined 1"]));
}

#[test]
fn a_join_of_any_waits_for_nobody_but_the_pass_does() {
    let nodes = [over(json!({})), js("a"), js("b"), js_with("j", json!({"joinMode": "any"}))];
    let edges = "s->l l:loop->a l:loop->b a->j b->j l:completed->e";
    let mut sim = Sim::started(&nodes, edges, list(json!([1, 2])));
    sim.returns("b", json!(1));
    assert_eq!(sim.at_work(), ["a", "j"]);
    sim.returns("j", json!("first"));
    assert_eq!(sim.at_work(), ["a"], "the next item waits for all of this one");
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["a", "b"]);
    sim.returns("a", json!(1));
    sim.returns("j", json!("second"));
    sim.returns("b", json!(1));
    sim.completed();
    assert_eq!(
        sim.context()["loopResults"],
        json!(["first", "second"]),
        "the last node of the graph, not of the clock"
    );
}

#[test]
fn a_branch_that_is_not_taken_is_dead_for_the_item_only() {
    let branch = json!({"id": "yes", "conditions": [{"leftValue": "{{ctx.item}}", "operator": "equals", "rightValue": "1"}]});
    let nodes =
        [over(json!({})), node("c", "condition", json!({"branches": [branch]})), js("y"), js("n"), js("j")];
    let edges = "s->l l:loop->c c:yes->y c:default->n y->j n->j l:completed->e";
    let mut sim = Sim::started(&nodes, edges, list(json!([1, 2, 1])));
    for (taken, result) in [("y", 1), ("n", 2), ("y", 3)] {
        assert_eq!(sim.at_work(), [taken]);
        assert_eq!(joiner(&sim.state, false), sim.last_updates());
        assert_eq!(joiner(&sim.refolded(), false), sim.last_updates());
        sim.returns(taken, json!(0));
        sim.returns("j", json!(result));
    }
    sim.completed();
    assert_eq!(sim.context()["loopResults"], json!([1, 2, 3]));
    // The joiner sees the last update of each node, of whichever pass it was.
    assert_eq!(joiner(&sim.state, false), sim.last_updates());
}

#[test]
fn a_body_ends_at_the_loop_or_at_the_target_of_completed() {
    for ends in ["a->l", "a->e", "a:success->l", "", "a->l a:error->l", "a->e a:error->e"] {
        let edges = format!("s->l l:loop->a l:completed->e {ends}");
        let mut sim = Sim::started(&[over(json!({})), js("a")], &edges, list(json!([1, 2])));
        sim.returns("a", json!("x"));
        assert_eq!(sim.at_work(), ["a"], "{ends}");
        sim.returns("a", json!("y"));
        sim.completed();
        assert_eq!(sim.context()["loopResults"], json!(["x", "y"]), "{ends}");
        assert_eq!(sim.kinds_of("l"), ["NODE_DISPATCHED", "NODE_COMPLETED"]);
        assert_eq!(sim.kinds_of("e"), ["NODE_DISPATCHED", "NODE_COMPLETED"]);
    }
}

#[test]
fn a_condition_may_go_on_with_the_next_item() {
    let branch = json!({"id": "skip", "conditions": [{"leftValue": "{{ctx.item}}", "operator": "equals", "rightValue": "1"}]});
    let nodes = [over(json!({})), node("c", "condition", json!({"branches": [branch]})), js("a")];
    let edges = "s->l l:loop->c c:skip->l c:default->a a->l l:completed->e";
    let mut sim = Sim::started(&nodes, edges, list(json!([1, 2, 1])));
    assert_eq!(sim.seen("a")["item"], json!(2));
    sim.returns("a", json!("two"));
    sim.completed();
    let skipped = json!({"matched": "skip", "label": null, "success": true});
    assert_eq!(
        sim.context()["loopResults"],
        json!([skipped, "two", skipped]),
        "more than one value: the output"
    );
}

#[test]
fn nodes_that_wait_or_need_nobody_work_in_bodies() {
    let nodes = [
        over(json!({})),
        node("d", "delay", json!({"delaySeconds": 1})),
        js_with("off", json!({"isDisabled": true})),
        js("a"),
    ];
    let edges = "s->l l:loop->d d->off off->a l:completed->e";
    let mut sim = Sim::started(&nodes, edges, list(json!([1, 2])));
    for _ in 0..2 {
        assert!(sim.state.is_waiting(), "a loop whose body waits is no work");
        sim.crash();
        sim.fire();
        assert_eq!(sim.at_work(), ["a"]);
        assert!(!sim.state.is_waiting());
        sim.returns("a", json!(1));
    }
    sim.completed();
    let off = Sim::started(
        &[over(json!({})), js_with("off", json!({"isDisabled": true}))],
        "s->l l:loop->off l:completed->e",
        list(json!([1])),
    );
    off.completed();
    assert_eq!(off.context()["loopResults"], json!([null]), "nothing was carried out");
}

#[test]
fn places_of_work_are_the_run_s() {
    let nodes = [over(json!({})), js("a"), js("b"), js("p")];
    let source = source(&nodes, "s->l s->p l:loop->a l:loop->b l:completed->e");
    let mut sim = Sim::of(&source, Limits { max_parallel_nodes: 2, ..Limits::default() });
    sim.start(list(json!([1, 2])));
    assert_eq!(sim.at_work(), ["a", "b"]);
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["b", "p"]);
    sim.returns("b", json!(1));
    assert_eq!(sim.at_work(), ["p", "a"]);
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["p", "b"]);
    sim.returns("p", json!(1));
    sim.returns("b", json!(1));
    sim.completed();
}

#[test]
fn a_loop_after_a_loop_and_two_beside_each_other() {
    let second =
        node("m", "loop", json!({"sourceVariable": "{{ctx.loopResults}}", "outputVariable": "again"}));
    let nodes = [over(json!({})), js("a"), second.clone(), js("b")];
    let edges = "s->l l:loop->a a->l l:completed->m m:loop->b b->m m:completed->e";
    let mut sim = Sim::started(&nodes, edges, list(json!([1, 2])));
    sim.returns("a", json!("x"));
    sim.returns("a", json!("y"));
    assert_eq!(sim.seen("b")["item"], json!("x"));
    sim.returns("b", json!(1));
    sim.returns("b", json!(2));
    sim.completed();
    assert_eq!(sim.context()["again"], json!([1, 2]));

    let beside =
        node("m", "loop", json!({"sourceVariable": "{{ctx.input.list}}", "outputVariable": "again"}));
    let nodes = [over(json!({})), js("a"), beside, js("b"), js("j")];
    let edges = "s->l s->m l:loop->a m:loop->b l:completed->j m:completed->j j->e";
    let mut sim = Sim::started(&nodes, edges, list(json!([1, 2])));
    assert_eq!(sim.at_work(), ["a", "b"]);
    sim.returns("b", json!("b1"));
    sim.returns("b", json!("b2"));
    sim.crash();
    assert_eq!(sim.at_work(), ["a"]);
    sim.returns("a", json!("a1"));
    sim.returns("a", json!("a2"));
    assert_eq!(sim.at_work(), ["j"]);
    sim.returns("j", json!(1));
    sim.completed();
    assert_eq!(
        (&sim.context()["loopResults"], &sim.context()["again"]),
        (&json!(["a1", "a2"]), &json!(["b1", "b2"]))
    );
}

#[test]
fn a_loop_without_a_way_on_ends_the_run() {
    let mut sim = Sim::started(&[over(json!({})), js("a")], "s->l l:loop->a", list(json!([1])));
    sim.returns("a", json!(1));
    assert_eq!(sim.ended().0, RunStatus::Completed);
    assert_eq!(sim.context()["loopResults"], json!([1]));
    sim.check();
}
