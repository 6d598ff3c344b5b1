//! One body, item after item.

use serde_json::{Value, json};

use crate::{
    engine::{
        AttemptResult, Limits, Outcome, Refusal, RunCommand, RunStatus, TimerKey, Update, joiner,
        tests::sim::{Sim, id, js, js_with, node, source},
    },
    ids::Visit,
};

/// A loop `l` over `{{ctx.input.list}}` with these fields.
pub(super) fn over(more: Value) -> Value {
    let mut out = node("l", "loop", json!({"sourceVariable": "{{ctx.input.list}}"}));
    for (key, value) in more.as_object().unwrap() {
        out["data"][key] = value.clone();
    }
    out
}

/// `s -> l -> (a) -> e` over a list.
fn simple(more: Value, list: Value) -> Sim {
    Sim::started(&[over(more), js("a")], "s->l l:loop->a l:completed->e", json!({"list": list}))
}

#[test]
fn each_item_is_a_pass_and_the_results_are_its_value() {
    let mut sim = simple(json!({}), json!(["x", "y", "z"]));
    for (index, item) in ["x", "y", "z"].into_iter().enumerate() {
        assert_eq!(sim.at_work(), ["a"]);
        let open = sim.open[0].clone();
        assert_eq!(open.visit, Visit(u32::try_from(index).unwrap() + 1));
        let seen = sim.seen("a");
        assert_eq!((&seen["item"], &seen["index"]), (&json!(item), &json!(index)));
        assert!(seen.get("a").is_none(), "what a pass writes stays in it");
        sim.returns("a", json!(format!("{item}{item}")));
    }
    sim.completed();
    assert_eq!(
        sim.context(),
        json!({"input": {"list": ["x", "y", "z"]}, "loopResults": ["xx", "yy", "zz"], "output": {}})
    );
    assert_eq!(
        sim.state.node_output(&id("l")).unwrap().to_value(),
        json!({"loopResults": ["xx", "yy", "zz"], "totalItems": 3, "success": true})
    );
    let pass = ["SYSTEM_SET", "NODE_DISPATCHED a", "NODE_COMPLETED a"];
    let mut expected = vec!["INPUT_SET", "NODE_DISPATCHED s", "NODE_COMPLETED s", "NODE_DISPATCHED l"];
    for _ in 0..3 {
        expected.extend(pass);
    }
    expected.extend(["NODE_COMPLETED l", "NODE_DISPATCHED e", "NODE_COMPLETED e", "SYSTEM_SET"]);
    assert_eq!(sim.trace(), expected);
}

#[test]
fn watchers_see_the_passes_of_the_body_and_the_loop_once() {
    let mut sim = simple(json!({"outputVariable": "all"}), json!([10, 20]));
    sim.returns("a", json!(1));
    let snapshot = joiner(&sim.state, false);
    assert_eq!(snapshot, sim.last_updates());
    sim.returns("a", json!(2));
    sim.completed();
    let nodes: Vec<_> = sim
        .updates
        .iter()
        .filter_map(|update| match update {
            Update::Node(update) => Some((
                update.node.as_str().to_owned(),
                update.iteration,
                serde_json::to_value(update.context.as_ref().unwrap()).unwrap(),
            )),
            _ => None,
        })
        .collect();
    let input = json!({"list": [10, 20]});
    assert_eq!(
        nodes,
        [
            ("s".to_owned(), None, json!({"input": input})),
            ("a".to_owned(), Some(0), json!({"input": input, "item": 10, "index": 0, "a": 1})),
            ("a".to_owned(), Some(1), json!({"input": input, "item": 20, "index": 1, "a": 2})),
            ("l".to_owned(), None, json!({"input": input, "all": [1, 2]})),
            ("e".to_owned(), None, json!({"input": input, "all": [1, 2], "output": {}})),
        ]
    );
    assert_eq!(joiner(&sim.state, false), sim.last_updates());
    assert_eq!(joiner(&sim.refolded(), true), joiner(&sim.state, true));
}

#[test]
fn nothing_to_go_through_is_an_empty_result_at_once() {
    for list in [json!([]), json!(null), json!("")] {
        let sim = simple(json!({}), list.clone());
        sim.completed();
        assert_eq!(sim.context()["loopResults"], json!([]), "{list}");
        assert_eq!(sim.kinds_of("a"), [""; 0]);
    }
    let missing = over(json!({"sourceVariable": "{{ctx.gone.away}}"}));
    let sim = Sim::started(&[missing, js("a")], "s->l l:loop->a l:completed->e", json!({}));
    sim.completed();
    assert_eq!(sim.context()["loopResults"], json!([]));
    let none = node("l", "loop", json!({}));
    let sim = Sim::started(&[none, js("a")], "s->l l:loop->a l:completed->e", json!({}));
    sim.completed();
    // Without a body: an edge back to itself, or to where it goes on, is none.
    for edges in ["s->l l:completed->e", "s->l l:loop->l l:completed->e", "s->l l:loop->e l:completed->e"] {
        let sim = Sim::started(&[over(json!({}))], edges, json!({"list": [1, 2]}));
        sim.completed();
        assert_eq!(
            sim.state.node_output(&id("l")).unwrap().to_value(),
            json!({"loopResults": [], "totalItems": 2, "success": true})
        );
    }
}

#[test]
fn what_is_no_array_is_one_item() {
    for one in [json!("text"), json!(0), json!(false), json!({"a": [1]})] {
        let mut sim = simple(json!({}), one.clone());
        assert_eq!(sim.seen("a")["item"], one);
        sim.returns("a", json!(1));
        sim.completed();
        assert_eq!(sim.context()["loopResults"], json!([1]));
    }
    let literal = over(json!({"sourceVariable": ["{{ctx.input.list}}", 7]}));
    let mut sim = Sim::started(&[literal, js("a")], "s->l l:loop->a l:completed->e", json!({"list": "x"}));
    assert_eq!(sim.seen("a")["item"], json!("x"));
    sim.returns("a", json!(1));
    assert_eq!(sim.seen("a")["item"], json!(7));
}

#[test]
fn fields_have_older_names_and_handles_too() {
    let older = node(
        "l",
        "loop",
        json!({"arrayExpression": "{{ctx.input.list}}", "loopVariable": "row", "indexVariable": "n", "batchSize": 5, "parallel": true}),
    );
    let mut sim =
        Sim::started(&[older, js("a"), js("z")], "s->l l:loop->a l:done->z z->e", json!({"list": [5]}));
    let seen = sim.seen("a");
    assert_eq!(
        (&seen["item"], &seen["index"], &seen["row"], &seen["n"]),
        (&json!(5), &json!(0), &json!(5), &json!(0))
    );
    sim.returns("a", json!(1));
    assert_eq!(sim.at_work(), ["z"]);
    assert!(sim.seen("z").get("item").is_none(), "the item is the pass's");
    assert!(sim.seen("z").get("n").is_none());
}

#[test]
fn too_many_items_are_a_failure() {
    let mut sim = simple(json!({"maxIterations": 2}), json!([1, 2]));
    sim.returns("a", json!(1));
    sim.returns("a", json!(1));
    sim.completed();
    let sim = simple(json!({"maxIterations": 2}), json!([1, 2, 3]));
    assert_eq!(sim.ended().0, RunStatus::Failed);
    assert_eq!(sim.ended().2, Some("Node l failed: the loop has 3 items, maxIterations allows 2"));
    sim.check();
    let long: Vec<u32> = (0..1001).collect();
    assert!(simple(json!({}), json!(long)).ended().2.unwrap().contains("maxIterations allows 1000"));
    // It may be handled, and a retry is an attempt as any other.
    let nodes = [over(json!({"maxIterations": 1})), js("a"), js("f")];
    let mut sim =
        Sim::started(&nodes, "s->l l:loop->a l:error->f l:completed->e f->e", json!({"list": [1, 2]}));
    assert_eq!(sim.at_work(), ["f"]);
    assert_eq!(sim.context()["loopResults"], json!(null));
    sim.returns("f", json!(1));
    sim.completed();
    let mut sim = simple(json!({"maxIterations": 1, "retryLimit": 1}), json!([1, 2]));
    assert_eq!(sim.kinds_of("l"), ["NODE_DISPATCHED", "NODE_FAILED"]);
    sim.fire();
    assert_eq!(sim.ended().0, RunStatus::Failed);
    sim.check();
}

#[test]
fn a_wait_comes_before_each_item_but_the_first() {
    let mut sim = simple(json!({"delayBetweenItems": 1500}), json!([1, 2, 3]));
    let wake = TimerKey::Wake { node: id("l"), visit: Visit(1) };
    sim.returns("a", json!("one"));
    assert_eq!(sim.at_work(), [""; 0]);
    assert!(sim.state.is_waiting());
    assert_eq!(sim.timers.get(&wake), Some(&"2026-01-01T00:00:01.5Z".parse().unwrap()));
    assert!(matches!(sim.command(RunCommand::Timer { key: wake.clone() }), Err(Refusal::TooEarly { .. })));
    sim.crash();
    assert_eq!(sim.fire(), wake);
    assert_eq!(sim.seen("a")["item"], json!(2));
    assert_eq!(sim.command(RunCommand::Timer { key: wake.clone() }), Err(Refusal::Stale));
    sim.crash();
    sim.returns("a", json!("two"));
    sim.fire();
    sim.returns("a", json!("three"));
    sim.completed();
    assert_eq!(sim.context()["loopResults"], json!(["one", "two", "three"]));
    assert!(sim.timers.is_empty());
}

#[test]
fn a_wait_that_begins_in_the_step_of_the_first_item_is_waited() {
    let nodes = [over(json!({"delayBetweenItems": 1000})), node("d", "delay", json!({}))];
    let mut sim = Sim::started(&nodes, "s->l l:loop->d l:completed->e", json!({"list": [1, 2, 3]}));
    for _ in 0..2 {
        assert_eq!(sim.fire(), TimerKey::Wake { node: id("l"), visit: Visit(1) });
    }
    sim.completed();
}

#[test]
fn a_late_result_of_an_earlier_item_is_stale() {
    let mut sim = simple(json!({}), json!([1, 2]));
    let first = sim.open[0].clone();
    sim.returns("a", json!("right"));
    let late = |sim: &mut Sim| {
        let (node, visit, attempt) = (first.node.clone(), first.visit, first.attempt);
        let outcome = Outcome::Returned(json!("late"));
        let result =
            sim.command(RunCommand::Result(AttemptResult { node: node.clone(), visit, attempt, outcome }));
        assert_eq!(result, Err(Refusal::Stale));
        assert_eq!(sim.command(RunCommand::Timeout { node, visit, attempt }), Err(Refusal::Stale));
    };
    late(&mut sim);
    sim.crash();
    late(&mut sim);
    sim.returns("a", json!("two"));
    sim.completed();
    assert_eq!(sim.context()["loopResults"], json!(["right", "two"]));
}

#[test]
fn a_pass_sees_the_context_as_it_was_when_it_began() {
    let nodes = [over(json!({})), js("a"), js("b"), js("p")];
    let mut sim = Sim::started(&nodes, "s->l s->p l:loop->a a->b l:completed->e", json!({"list": [1, 2]}));
    assert_eq!(sim.at_work(), ["a", "p"]);
    sim.returns("a", json!("a1"));
    sim.returns("p", json!("beside"));
    assert!(sim.seen("b").get("p").is_none(), "the node beside the loop ended after the pass began");
    sim.returns("b", json!("b1"));
    assert_eq!(sim.seen("a")["p"], json!("beside"));
    assert!(sim.seen("a").get("b").is_none());
    sim.returns("a", json!("a2"));
    sim.returns("b", json!("b2"));
    sim.completed();
    assert_eq!(sim.context()["loopResults"], json!(["b1", "b2"]));
    assert_eq!(joiner(&sim.state, false), sim.last_updates());
}

#[test]
fn code_sees_what_nodes_left_in_its_own_pass_only() {
    let names = |name: &str| js_with(name, json!({"code": "return ctx.__node_b || ctx.__node_s"}));
    let nodes = [over(json!({})), names("a"), names("b"), names("z")];
    let mut sim = Sim::started(&nodes, "s->l l:loop->a a->b l:completed->z z->e", json!({"list": [1, 2]}));
    assert!(sim.seen("a").get("__node_s").is_some());
    sim.returns("a", json!(1));
    assert!(sim.seen("b").get("__node_a").is_some());
    sim.returns("b", json!(1));
    assert!(sim.seen("a").get("__node_b").is_none(), "the pass before left it");
    sim.returns("a", json!(1));
    sim.returns("b", json!(1));
    let seen = sim.seen("z");
    assert!(seen.get("__node_a").is_none() && seen.get("__node_l").is_some());
}

#[test]
fn a_disabled_loop_is_passed_by() {
    let sim = simple(json!({"isDisabled": true}), json!([1, 2]));
    sim.completed();
    assert_eq!(
        sim.state.node_output(&id("l")).unwrap().to_value(),
        json!({"skipped": true, "success": true})
    );
    assert_eq!(sim.kinds_of("a"), [""; 0]);
    assert!(sim.context().get("loopResults").is_none());
}

#[test]
fn an_end_in_a_body_ends_the_run() {
    let end =
        node("x", "end", json!({"outputParameters": [{"name": "at", "sourceVariable": "{{ctx.item}}"}]}));
    let nodes = [over(json!({})), js("a"), js("b"), end];
    let mut sim =
        Sim::started(&nodes, "s->l l:loop->a l:loop->b a->x l:completed->e", json!({"list": ["i", "j"]}));
    sim.returns("a", json!(1));
    sim.completed();
    assert_eq!(sim.interrupted, ["b"]);
    assert_eq!(sim.state.output().unwrap().as_ref(), &json!({"at": "i"}));
    assert_eq!(sim.context(), json!({"input": {"list": ["i", "j"]}, "output": {"at": "i"}}));
    let Some(Update::Node(end)) = sim.updates.iter().rev().find(|update| matches!(update, Update::Node(_)))
    else {
        panic!("an update of the end")
    };
    assert_eq!(end.iteration, Some(0));
    let seen = serde_json::to_value(end.context.as_ref().unwrap()).unwrap();
    assert_eq!((&seen["item"], &seen["output"]), (&json!("i"), &json!({"at": "i"})));
    assert_eq!(joiner(&sim.state, false), sim.last_updates());
}

#[test]
fn a_cancel_and_the_run_s_timeout_reach_into_a_body() {
    for cancel in [true, false] {
        let nodes = [over(json!({})), js("a"), js("b")];
        let mut sim =
            Sim::started(&nodes, "s->l l:loop->a l:loop->b l:completed->e", json!({"list": [1, 2]}));
        sim.returns("a", json!(1));
        if cancel {
            sim.cancel();
            assert_eq!(sim.ended().0, RunStatus::Cancelled);
        } else {
            sim.fire();
            assert_eq!(sim.ended().1, Some("RUN_TIMEOUT"));
        }
        assert_eq!(sim.interrupted, ["b"]);
        sim.check();
    }
}

#[test]
fn results_that_do_not_fit_the_context_are_a_failure_in_time() {
    let limits = Limits { max_context: 2000, ..Limits::default() };
    let source = source(&[over(json!({})), js("a")], "s->l l:loop->a l:completed->e");
    let mut sim = Sim::of(&source, limits);
    sim.start(json!({"list": vec![0; 100]}));
    let mut passes = 0;
    while sim.state.status() == RunStatus::Running {
        sim.returns("a", json!("x".repeat(200)));
        passes += 1;
    }
    assert!((5..10).contains(&passes), "{passes}");
    assert_eq!(sim.ended().0, RunStatus::Failed);
    assert!(sim.ended().2.unwrap().contains("the loop's results"), "{:?}", sim.ended());
    sim.check();
}

#[test]
fn a_thousand_items_that_need_nobody_go_through_in_several_steps() {
    let branch = json!({"id": "yes", "conditions": [{"leftValue": "{{ctx.item}}", "operator": "equals", "rightValue": "1"}]});
    let condition = |name: &str| node(name, "condition", json!({"branches": [branch]}));
    let mut nodes = vec![over(json!({}))];
    let mut edges = String::from("s->l l:loop->c0 l:completed->e ");
    for n in 0..10 {
        nodes.push(if n % 2 == 0 {
            condition(&format!("c{n}"))
        } else {
            node(&format!("c{n}"), "delay", json!({}))
        });
        edges += &format!("c{n}->c{} c{n}:default->c{} ", n + 1, n + 1);
    }
    nodes.push(node("c10", "delay", json!({"outputVariable": "waited"})));
    let list: Vec<u32> = (0..1000).collect();
    let mut sim = Sim::of(&source(&nodes, &edges), Limits::default());
    sim.start(json!({"list": list}));
    sim.completed();
    assert_eq!(sim.context()["loopResults"].as_array().unwrap().len(), 1000);
    assert!(sim.steps > 40, "{}", sim.steps);
    assert!(sim.most_rows < 300, "{} rows in one append", sim.most_rows);
}
