//! Generated graphs: whatever the order of results, timeouts and crashes, a run ends once, runs
//! each node at most once a visit, and recovers to the same state from its rows.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::sim::{Sim, node, source};
use crate::engine::{
    ChildEnd, Fields, Limits, NodeError, Outcome, RunStatus, Source, Task, TimerKey, Update, invariants,
};
use crate::error::Code;
use crate::ids::RunId;

const HANDLES: [&str; 6] = ["", "success", "error", "yes", "default", "output"];

/// One node as numbers: type, options, and edges from earlier nodes with their handles.
type Recipe = (u8, u8, Vec<(prop::sample::Index, usize)>);

fn recipes() -> impl Strategy<Value = Vec<Recipe>> {
    let edge = (any::<prop::sample::Index>(), 0..HANDLES.len());
    prop::collection::vec((0..12_u8, any::<u8>(), prop::collection::vec(edge, 1..4)), 1..12)
}

fn graph(recipes: &[Recipe]) -> Source {
    let (mut nodes, mut edges) = (Vec::new(), String::new());
    let mut names = vec!["s".to_owned()];
    for (at, (kind, options, from)) in recipes.iter().enumerate() {
        let name = format!("n{at}");
        let handling = ["", "continue", "continue_default", "retry_then_continue"][usize::from(options >> 6)];
        let common = json!({
            "joinMode": if options & 1 == 0 { "all" } else { "any" },
            "isDisabled": options & 0b1110 == 0,
            "errorHandling": handling,
            "retryLimit": (options >> 4) & 1,
            "retryDelaySeconds": (options >> 5) & 1,
        });
        let (kind, mut data) = match kind {
            0..=5 => ("javascript", json!({"code": "return 1", "outputVariable": name})),
            6 => ("delay", json!({"delayMs": options >> 5})),
            7 => (
                "condition",
                json!({"branches": [{"id": "yes", "conditions": [{"leftValue": "1", "operator": "equals", "rightValue": options & 1}]}]}),
            ),
            8 => (
                "condition",
                json!({"branches": [{"id": "yes", "conditions": [{"leftValue": "code", "operator": "expression"}]}]}),
            ),
            9 => ("end", json!({"status": if options & 2 == 0 { "success" } else { "error" }})),
            _ => ("javascript", json!({"code": "return 2"})),
        };
        data.as_object_mut().unwrap().extend(common.as_object().unwrap().clone());
        nodes.push(node(&name, kind, data));
        for (source, handle) in from {
            let (source, handle) = (source.get(&names), HANDLES[*handle]);
            let colon = if handle.is_empty() { "" } else { ":" };
            edges += &format!("{source}{colon}{handle}->{name} ");
        }
        names.push(name);
    }
    source(&nodes, &edges)
}

/// Lets the world do something to the run, chosen by two numbers.
fn happen(sim: &mut Sim, what: u16, which: u16) {
    let timers: Vec<TimerKey> = sim.timers.keys().filter(|key| **key != TimerKey::Run).cloned().collect();
    let choices = sim.open.len() + timers.len();
    if choices == 0 {
        panic!("a run that is not over waits for something: {:?}", sim.trace());
    }
    let at = usize::from(which) % choices;
    let Some(open) = sim.open.get(at).cloned() else {
        let key = timers[at - sim.open.len()].clone();
        sim.now = sim.now.max(sim.timers[&key]);
        sim.command(crate::engine::RunCommand::Timer { key: key.clone() }).unwrap();
        assert!(!sim.timers.contains_key(&key));
        return;
    };
    let name = open.node.to_string();
    match (what % 8, &open.task) {
        (0, _) => sim.times_out(&name),
        (1, _) => sim.outcome(&name, Outcome::Failed(NodeError::new(Code::JsError, "thrown"))),
        (_, Task::Script { .. }) => sim.returns(&name, json!(what)),
        (_, Task::Expressions { expressions, .. }) => {
            let values = expressions
                .iter()
                .map(|_| (!what.is_multiple_of(3)).then(|| Value::from(what.is_multiple_of(2))))
                .collect();
            sim.outcome(&name, Outcome::Evaluated(values));
        }
        (_, Task::Query { .. }) => sim.returns(&name, json!([what])),
        (_, Task::Child { .. }) => {
            let end = ChildEnd {
                instance: RunId::trusted("child"),
                status: if what.is_multiple_of(3) { RunStatus::Failed } else { RunStatus::Completed },
                output: Some(json!(what)),
                context: Fields::new(),
                error: None,
            };
            sim.outcome(&name, Outcome::Child(end));
        }
    }
}

fn run(source: &Source, parallel: usize, script: &[(u16, u16, u8)]) -> Sim {
    let mut sim = Sim::of(source, Limits { max_parallel_nodes: parallel, ..Limits::default() });
    sim.start(json!({"q": 1}));
    let mut steps = script.iter().cycle();
    for _ in 0..400 {
        if sim.state.status().is_terminal() {
            break;
        }
        let (what, which, crash) = steps.next().unwrap();
        if crash % 8 == 0 {
            sim.crash();
        }
        if *crash == 1 && *what < 500 {
            sim.cancel();
            break;
        }
        happen(&mut sim, *what, *which);
    }
    sim
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(400)))]

    #[test]
    fn every_run_ends_once(
        recipes in recipes(),
        parallel in 1..4_usize,
        script in prop::collection::vec(any::<(u16, u16, u8)>(), 1..40),
    ) {
        let sim = run(&graph(&recipes), parallel, &script);
        prop_assert!(sim.state.status().is_terminal(), "{:?}", sim.trace());
        prop_assert_ne!(sim.ended().1, Some("DEADLOCK"));
        sim.check();
        let ends = sim.updates.iter().filter(|update| matches!(update, Update::Status(_))).count();
        prop_assert_eq!(ends, 1);
        prop_assert!(matches!(sim.updates.last(), Some(Update::Status(_))), "nothing follows the end");
        let seqs: Vec<_> = sim.updates.iter().map(Update::seq).collect();
        prop_assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]), "updates rise");
        for name in 0..recipes.len() {
            let ended = sim.updates.iter().filter(|update| matches!(update, Update::Node(node) if node.node.as_str() == format!("n{name}"))).count();
            prop_assert!(ended <= 1, "one update a visit");
        }
    }

    #[test]
    fn any_prefix_of_the_rows_folds(recipes in recipes(), script in prop::collection::vec(any::<(u16, u16, u8)>(), 1..20), cut in any::<prop::sample::Index>()) {
        let sim = run(&graph(&recipes), 3, &script);
        let rows = &sim.rows[..cut.index(sim.rows.len() + 1)];
        let new = crate::engine::RunState::new(sim.state.definition.clone(), sim.state.limits.clone());
        let state = super::sim::refold(&new, rows);
        prop_assert!(invariants::check_stream(rows.iter().map(|(seq, event)| (*seq, event))).is_ok());
        prop_assert_eq!(state.seq().0, i64::try_from(rows.len()).unwrap());
        let _ = (crate::engine::outstanding(&state), crate::engine::joiner(&state, true));
    }

    /// Without failures, and where the first end is the only one, the order of results decides
    /// nothing: the same nodes run and the context is the same.
    #[test]
    fn the_order_of_results_does_not_matter(recipes in recipes(), orders in prop::collection::vec(any::<u16>(), 1..40)) {
        let tame: Vec<Recipe> = recipes.into_iter().map(|(kind, options, edges)| {
            (if kind == 9 || kind == 8 { 0 } else { kind }, options & !1, edges)
        }).collect();
        let source = graph(&tame);
        let first: Vec<(u16, u16, u8)> = vec![(10, 0, 3)];
        let other: Vec<(u16, u16, u8)> = orders.iter().map(|which| (10, *which, 3)).collect();
        let (a, b) = (run(&source, 2, &first), run(&source, 16, &other));
        prop_assert_eq!(a.state.status(), RunStatus::Completed);
        prop_assert_eq!(b.state.status(), RunStatus::Completed);
        prop_assert_eq!(a.context(), b.context());
        let nodes = |sim: &Sim| {
            let mut lines = sim.trace();
            lines.sort();
            lines
        };
        prop_assert_eq!(nodes(&a), nodes(&b));
    }
}
