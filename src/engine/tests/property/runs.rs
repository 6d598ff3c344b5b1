//! The properties.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    chance::{Tape, definition},
    world::{Past, awaited, check_joiner, cut, fate, happen, say},
};
use crate::engine::{Limits, RunEvent, RunStatus, Source, Update, tests::sim::Sim, validate};

/// So many cases, ten times as many in a long test.
fn cases(few: u32) -> ProptestConfig {
    let given = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let long = std::env::var("JETHUB_TEST_LONG").is_ok_and(|on| on == "1");
    ProptestConfig::with_cases(given.unwrap_or(if long { few * 20 } else { few }))
}

fn start(source: &Source, parallel: usize, snapshots: u64) -> Sim {
    let limits = Limits { max_parallel_nodes: parallel, snapshot_every: snapshots, ..Limits::default() };
    if let Err(problems) = validate(source, &limits) {
        panic!("{source:?}: {problems:?}");
    }
    let mut sim = Sim::of(source, limits);
    sim.start(json!({"list": [1, [2, 1], 3], "short": [1]}));
    sim
}

/// More things than a run of at most 14 nodes and 3 items a loop can wait for.
const MOST: usize = 4000;

/// Goes on until the run ends, always with the first of what it waits for.
fn finish(sim: &mut Sim, seed: u8) {
    for _ in 0..MOST {
        if sim.state.status().is_terminal() {
            return;
        }
        let awaited = awaited(sim);
        let next = awaited
            .first()
            .unwrap_or_else(|| panic!("a run that is not over waits for something: {:?}", sim.trace()))
            .clone();
        let key = format!("{next:?}");
        happen(sim, next, fate(seed, &key.split("task").next()));
    }
    panic!("it does not end: {} rows", sim.rows.len());
}

/// All that is told of a run but for what depends on when it was decided.
fn told(sim: &Sim) -> (Vec<String>, Value, Option<Value>) {
    let rows = sim.rows.iter().filter(|(_, event)| !matches!(event, RunEvent::Snapshot(_)));
    (
        rows.map(|(_, event)| event.payload()).collect(),
        sim.context(),
        sim.state.output().map(|value| value.as_ref().clone()),
    )
}

fn ended_once(sim: &Sim) {
    assert!(sim.state.status().is_terminal());
    assert_ne!(sim.ended().1, Some("DEADLOCK"), "{:?}", sim.trace());
    sim.check();
    let ends = sim.updates.iter().filter(|update| matches!(update, Update::Status(_))).count();
    assert_eq!(ends, 1);
    assert!(matches!(sim.updates.last(), Some(Update::Status(_))), "nothing follows the end");
    let seqs: Vec<_> = sim.updates.iter().map(Update::seq).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] <= pair[1]), "updates rise");
    check_joiner(sim);
}

proptest! {
    #![proptest_config(cases(250))]

    #[test]
    fn a_run_ends_once_whatever_happens(
        graph in prop::collection::vec(any::<u8>(), 0..280),
        script in prop::collection::vec(any::<u8>(), 1..200),
        parallel in 1..4_usize,
        snapshots in prop::sample::select(vec![5_u64, 40, 1000]),
    ) {
        let mut sim = start(&definition(&graph), parallel, snapshots);
        let mut tape = Tape::new(&script);
        let mut past = Past::default();
        for _ in 0..150 {
            if sim.state.status().is_terminal() {
                break;
            }
            let awaited = awaited(&sim);
            prop_assert!(!awaited.is_empty(), "a run that is not over waits for something: {:?}", sim.trace());
            let next = awaited[tape.below(awaited.len())].clone();
            past.add(&next);
            match tape.below(40) {
                0..4 => sim.crash(),
                4 => say(&mut sim),
                5 if tape.below(4) == 3 => sim.cancel(),
                6..10 => past.check(&mut sim, &mut tape),
                10 => check_joiner(&sim),
                _ => happen(&mut sim, next, tape.below(256)),
            }
        }
        finish(&mut sim, 7);
        past.check(&mut sim, &mut tape);
        ended_once(&sim);
    }
}

proptest! {
    #![proptest_config(cases(60))]

    /// A journal that ends anywhere goes on to the same end.
    #[test]
    fn a_run_cut_at_any_row_goes_on_to_the_same_end(
        graph in prop::collection::vec(any::<u8>(), 0..280),
        seed in any::<u8>(),
        parallel in 1..4_usize,
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 12),
    ) {
        let source = definition(&graph);
        let mut whole = start(&source, parallel, 1000);
        finish(&mut whole, seed);
        ended_once(&whole);
        let short = whole.rows.len() <= 24;
        let all = 1..whole.rows.len();
        let some = cuts.iter().map(|cut| 1 + cut.index(whole.rows.len().max(2) - 1)).filter(|at| *at < whole.rows.len());
        let cuts: Vec<usize> = if short { all.collect() } else { some.collect() };
        for at in cuts {
            let mut sim = cut(&whole, at, whole.times[at - 1]);
            finish(&mut sim, seed);
            prop_assert_eq!(told(&sim), told(&whole), "cut after row {} of {:?}", at, whole.trace());
            sim.check();
        }
    }
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn a_cancel_ends_it_at_once(graph in prop::collection::vec(any::<u8>(), 0..280), seed in any::<u8>(), after in 0..30_usize) {
        let mut sim = start(&definition(&graph), 3, 1000);
        for _ in 0..after {
            let awaited = awaited(&sim);
            let Some(next) = awaited.last().cloned() else { break };
            let fate = fate(seed, &sim.rows.len());
            happen(&mut sim, next, fate);
        }
        if !sim.state.status().is_terminal() {
            sim.cancel();
            prop_assert_eq!(sim.ended().0, RunStatus::Cancelled);
        }
        prop_assert!(sim.open.is_empty() && sim.timers.is_empty() && sim.asked.is_empty());
        ended_once(&sim);
    }
}

/// What the generator makes is not only what is simple.
#[test]
fn the_generated_runs_have_everything_in_them() {
    let mut bytes = 0x2545_F491_4F6C_DD1D_u64;
    let mut random = |len: usize| -> Vec<u8> {
        let next = (0..len).map(|_| {
            bytes ^= bytes << 13;
            bytes ^= bytes >> 7;
            bytes ^= bytes << 17;
            bytes.to_le_bytes()[3]
        });
        next.collect()
    };
    let mut seen = std::collections::BTreeMap::<String, usize>::new();
    for seed in 0..150_u8 {
        let mut sim = start(&definition(&random(280)), 3, 40);
        finish(&mut sim, seed);
        ended_once(&sim);
        let mut count = |what: String| *seen.entry(what).or_default() += 1;
        count(sim.state.status().to_string());
        for (_, event) in &sim.rows {
            match event {
                RunEvent::Iterated(event) => count(format!("item {}", event.iteration.min(1))),
                RunEvent::Dispatched(event) => {
                    let inside = if event.iteration.is_some() { " in a body" } else { "" };
                    count(format!("{}{inside}", sim.state.definition().node_type(&event.node).unwrap()));
                }
                RunEvent::Failed(event) => {
                    count(format!("{:?}", event.then).split([' ', '(']).next().unwrap().to_owned())
                }
                event => count(event.kind().to_string()),
            }
        }
        seen.entry("interrupted".to_owned()).and_modify(|all| *all += sim.interrupted.len()).or_default();
    }
    println!("{seen:#?}");
    let least = |what: &str, least: usize| {
        assert!(seen.get(what).is_some_and(|times| *times >= least), "{what}: {seen:?}")
    };
    for status in ["COMPLETED", "FAILED"] {
        least(status, 20);
    }
    for (what, times) in [
        ("item 0", 30),
        ("item 1", 20),
        ("loop in a body", 30),
        ("Item", 5),
        ("Retry", 5),
        ("Handled", 10),
        ("interrupted", 10),
        ("NODE_SUSPENDED", 20),
    ] {
        least(what, times);
    }
}
