use serde_json::{Value, json};

use super::*;
use crate::{engine::Limits, ids::NodeId};

/// Nodes by their first letter: `s` start, `e` end, `L`… loops, else delays.
fn graph(nodes: &str, edges: &str) -> Source {
    let kind = |id: &str| match id.chars().next() {
        Some('s') => "start",
        Some('e') => "end",
        Some('L' | 'M' | 'N') => "loop",
        _ => "delay",
    };
    let nodes = nodes.split_whitespace().map(|id| {
        let data =
            if kind(id) == "loop" { json!({"sourceVariable": "{{ctx.input.list}}"}) } else { json!({}) };
        json!({"id": id, "type": kind(id), "data": data})
    });
    let edges = edges.split_whitespace().map(|edge| {
        let (from, to) = edge.split_once("->").unwrap();
        let (from, handle) = from.split_once(':').map_or((from, None), |(from, handle)| (from, Some(handle)));
        json!({"source": from, "target": to, "sourceHandle": handle})
    });
    Source { nodes: nodes.collect(), edges: edges.collect(), options: json!({}) }
}

/// `node<loop`, for each node in a body.
fn bodies(nodes: &str, edges: &str) -> Vec<String> {
    let source = graph(nodes, edges);
    let definition =
        validate(&source, &Limits::default()).unwrap_or_else(|problems| panic!("{edges}: {problems:?}"));
    let mut out: Vec<String> = nodes
        .split_whitespace()
        .filter_map(|id| {
            let node = definition.node(&NodeId::trusted(id)).unwrap();
            node.scope.map(|at| format!("{id}<{}", definition.nodes()[at].id))
        })
        .collect();
    out.sort();
    // Each body's order has its own nodes, each once, and so has the run's.
    let mut all: Vec<usize> = definition.order(None).to_vec();
    all.extend((0..definition.nodes().len()).flat_map(|at| definition.order(Some(at)).to_vec()));
    all.sort_unstable();
    assert_eq!(all, (0..definition.nodes().len()).collect::<Vec<_>>());
    out
}

fn faults(nodes: &str, edges: &str) -> Vec<String> {
    let Err(problems) = validate(&graph(nodes, edges), &Limits::default()) else {
        panic!("{edges} is taken");
    };
    problems.iter().map(ToString::to_string).collect()
}

#[test]
fn what_is_in_which_body() {
    let table: [(&str, &str, &[&str]); 15] = [
        ("s L a e", "s->L L:loop->a L:completed->e", &["a<L"]),
        ("s L a e", "s->L L:loop->a a->L L:completed->e", &["a<L"]),
        ("s L a e", "s->L L:loop->a a->e L:completed->e", &["a<L"]),
        ("s L a e", "s->L L:loop->a a->e L:done->e", &["a<L"]),
        // Without a handle completed its fallback counts.
        ("s L a e", "s->L L:loop->a a->e L->e", &["a<L"]),
        ("s L e", "s->L L:completed->e", &[]),
        ("s L e", "s->L L:loop->L L:completed->e", &[]),
        ("s L e", "s->L L:loop->e L:completed->e", &[]),
        ("s L a b c e", "s->L L:loop->a L:loop->b a->c b->c c->L L:completed->e", &["a<L", "b<L", "c<L"]),
        // An end in a body is the body's.
        ("s L a e e2", "s->L L:loop->a a->e L:completed->e2", &["a<L", "e<L"]),
        (
            "s L M a b e",
            "s->L L:loop->M M:loop->a M:completed->b b->L L:completed->e",
            &["M<L", "a<M", "b<L"],
        ),
        // The inner one goes on to the outer one.
        ("s L M a e", "s->L L:loop->M M:loop->a a->M M:completed->L L:completed->e", &["M<L", "a<M"]),
        ("s L M a e", "s->L L:loop->M M:loop->a a->L M:completed->L L:completed->e", &["M<L", "a<M"]),
        (
            "s L M N a e",
            "s->L L:loop->M M:loop->N N:loop->a N:completed->M M:completed->L L:completed->e",
            &["M<L", "N<M", "a<N"],
        ),
        ("s L a M b e", "s->L L:loop->a a->L L:completed->M M:loop->b b->M M:completed->e", &["a<L", "b<M"]),
    ];
    for (nodes, edges, expected) in table {
        assert_eq!(bodies(nodes, edges), expected, "{edges}");
    }
}

#[test]
fn a_body_is_entered_at_its_beginning_only() {
    let enters = |path: &str, node: &str, of: &str| {
        format!("{path} (node {node}): leads into the body of the loop {of} from outside of it")
    };
    // From before the loop; from behind it; from its own other handles.
    assert_eq!(
        faults("s L a b e", "s->L s->b L:loop->a a->b L:completed->e"),
        [enters("edges[1]", "s", "L")]
    );
    assert_eq!(
        faults("s L a z e", "s->L L:loop->a L:completed->z z->a z->e"),
        [enters("edges[3]", "z", "L")]
    );
    assert_eq!(
        faults("s L a x e", "s->L L:loop->a a->x L:error->x L:completed->e"),
        [enters("edges[3]", "L", "L")]
    );
    // What the body leads to is in it, so what is reached beside it, too, is entered from outside.
    assert_eq!(
        faults("s L a j p e", "s->L s->p p->j L:loop->a a->j L:completed->e"),
        [enters("edges[2]", "p", "L")]
    );
}

#[test]
fn a_body_inside_of_another_ends_where_it_is() {
    let leaves = |path: &str, node: &str, of: &str| {
        format!("{path} (node {node}): leads out of the body of the loop {of}")
    };
    assert_eq!(
        faults("s L M a b e", "s->L L:loop->M M:loop->a a->L M:completed->b b->L L:completed->e"),
        [leaves("edges[3]", "a", "M")]
    );
    assert_eq!(
        faults("s L M a b e", "s->L L:loop->M M:loop->a a->e M:completed->b b->L L:completed->e"),
        [leaves("edges[3]", "a", "M")]
    );
}

#[test]
fn bodies_do_not_overlap() {
    let found = faults("s L M a b e", "s->L s->M L:loop->a M:loop->a a->b L:completed->e M:completed->e");
    let shared =
        |at: &str, node: &str| format!("{at} (node {node}): is in the bodies of the loops L and M at once");
    assert_eq!(found, [shared("nodes[3]", "a"), shared("nodes[4]", "b")]);
}

#[test]
fn cycles_that_are_no_loop_are_faults() {
    let cycle = |at: &str, node: &str| {
        format!("{at} (node {node}): is on a cycle: only a loop node may be reached again, from its own body")
    };
    // Behind the loop and back to it; inside of a body; round the start; round nothing.
    assert_eq!(
        faults("s L a z e", "s->L L:loop->a L:completed->z z->L z->e"),
        [cycle("nodes[1]", "L"), cycle("nodes[3]", "z")]
    );
    assert_eq!(
        faults("s L a b e", "s->L L:loop->a a->b b->a L:completed->e"),
        [cycle("nodes[2]", "a"), cycle("nodes[3]", "b")]
    );
    assert_eq!(
        faults("s L a e", "s->L L:loop->a a->s L:completed->e"),
        ["nodes[0] (node s): is in the body of the loop L"]
    );
    assert_eq!(faults("s a", "s->a a->a"), [cycle("nodes[1]", "a")]);
    // Two loops each in the other's body.
    assert!(!faults("s L M e", "s->L s->M L:loop->M M:loop->L L:completed->e").is_empty());
    // The error branch leads back: a failing loop would be tried for ever.
    assert!(!faults("s L a e", "s->L L:loop->a L:error->L L:completed->e").is_empty());
}

#[test]
fn names_of_a_loop_s_variables_are_names() {
    let source = |data: Value| Source {
        nodes: json!([{"id": "s", "type": "start"}, {"id": "n", "type": "loop", "data": data}]),
        edges: json!([{"source": "s", "target": "n"}]),
        options: json!({}),
    };
    let table = [
        (json!({"itemVariable": "a-b"}), "itemVariable", "must be a name"),
        (json!({"loopVariable": "1"}), "loopVariable", "must be a name"),
        (json!({"indexVariable": "input"}), "indexVariable", "must not be input"),
        (json!({"itemVariable": "__x"}), "itemVariable", "must not be input, nor begin with __"),
        (json!({"outputVariable": "input"}), "outputVariable", "must not be input"),
        (json!({"arrayExpression": "{{ctx.a + 1}}"}), "arrayExpression", "is not a path"),
        (json!({"maxIterations": 100_001}), "maxIterations", "must be from 1 to 100000"),
        (json!({"delayBetweenItems": -1}), "delayBetweenItems", "must be from 0 to 60000"),
    ];
    for (data, field, said) in table {
        let problems = validate(&source(data.clone()), &Limits::default()).unwrap_err();
        assert_eq!(problems.len(), 1, "{data}: {problems:?}");
        let problem = problems[0].to_string();
        assert!(
            problem.starts_with(&format!("nodes[1].data.{field} (node n)")) && problem.contains(said),
            "{problem}"
        );
    }
    assert!(
        validate(&source(json!({"itemVariable": "row", "maxIterations": "5"})), &Limits::default()).is_ok()
    );
}

#[test]
fn a_large_tangle_is_refused_quickly() {
    // Every loop in every other's body: 400 loops, 1600 edges.
    let mut edges = String::from("s->L0 ");
    let mut nodes = String::from("s ");
    for n in 0..400 {
        nodes += &format!("L{n} ");
        for step in [1, 7, 31, 113] {
            edges += &format!("L{n}:loop->L{} ", (n + step) % 400);
        }
    }
    assert!(!faults(&nodes, &edges).is_empty());
}
