//! Rows: round trips and garbage.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::sim::{Sim, js, js_with, node};
use crate::{
    engine::{RunEvent, RunState, apply, effects, joiner, outstanding, snapshot_due, update},
    ids::Seq,
};

const KINDS: [&str; 7] = [
    "INPUT_SET",
    "NODE_DISPATCHED",
    "NODE_COMPLETED",
    "NODE_FAILED",
    "NODE_SUSPENDED",
    "SYSTEM_SET",
    "OTHER",
];

#[test]
fn rows_say_what_they_are() {
    let nodes = [js_with("a", json!({"errorHandling": "continue_default", "outputVariable": "v"}))];
    let mut sim = Sim::started(&nodes, "s->a a->e", json!({"q": 1}));
    sim.throws("a", "no");
    let payload = |at: usize| serde_json::from_str::<Value>(&sim.rows[at].1.payload()).unwrap();
    assert_eq!(
        payload(0),
        json!({"input": {"q": 1}, "__at": "2026-01-01T00:00:00Z", "__dueAt": "2026-01-08T00:00:00Z"})
    );
    assert_eq!(payload(1), json!({"nodeID": "s", "visit": 1, "attempt": 1, "at": "2026-01-01T00:00:00Z"}));
    assert_eq!(
        payload(3),
        json!({"nodeID": "a", "visit": 1, "attempt": 1, "at": "2026-01-01T00:00:00Z", "timeoutMs": 30_000})
    );
    assert_eq!(
        payload(4),
        json!({"nodeID": "a", "visit": 1, "attempt": 1, "error": {"code": "JS_ERROR", "message": "no"}, "then": {"handled": ["success"]},
            "outputVariable": "v", "output": {"v": null, "success": false, "error": {"code": "JS_ERROR", "message": "no"}}, "durationMs": 0})
    );
    assert_eq!(
        payload(7),
        json!({"__end": {"status": "COMPLETED", "at": "2026-01-01T00:00:00Z", "output": {}}})
    );
    let mut sim = Sim::started(&[js("a")], "s->a a->e", json!({}));
    sim.throws("a", "no");
    let (_, end) = sim.rows.last().unwrap();
    assert_eq!(
        serde_json::from_str::<Value>(&end.payload()).unwrap(),
        json!({"nodeID": null, "status": "FAILED", "at": "2026-01-01T00:00:00Z", "error": "Node a failed: no", "errorCode": "NODE_FAILED"})
    );
}

#[test]
fn garbage_is_refused() {
    let garbage = [
        "",
        "null",
        "[]",
        "{}",
        "7",
        "{\"nodeID\":7}",
        "{\"nodeID\":\"a\"}",
        "{\"nodeID\":\"\"}",
        "{\"__end\":1}",
        "{\"__snapshot\":{}}",
        "{\"__end\":{\"status\":\"DONE\"}}",
        "{\"other\":1}",
    ];
    for kind in KINDS {
        for payload in garbage {
            assert!(RunEvent::from_row(kind, payload).is_err(), "{kind} {payload}");
        }
    }
}

#[test]
fn numbers_come_back_as_they_were() {
    let mut sim = Sim::started(
        &[js("a")],
        "s->a a->e",
        json!({"f": 0.1, "g": 1.7976931348623157e308, "i": 9_007_199_254_740_993_i64}),
    );
    sim.returns("a", json!([5e-324, 123_456_789.123_456_78, 2.0, u64::MAX]));
    sim.completed();
}

/// A value that may or may not fit a row.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop_oneof!["[a-e]", "PENDING|COMPLETED|FAILED", "retry|unhandled", "2026-01-01T00:00:00Z"]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let key = prop_oneof![
            "nodeID|visit|attempt|at|until|waitMs|output|error|then|status|input|__at|__end|__snapshot",
            "handles|code|message|contextData|outputVariable|iteration|timeoutMs|retry|handled"
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..9)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// A row of the right shape about anything.
fn shaped() -> impl Strategy<Value = (usize, Value)> {
    let node = prop_oneof!["[asde]", "x"];
    (0..6_usize, node, 0..3_u32, 0..3_u32, value(), any::<bool>(), 0..4_usize).prop_map(|(kind, node, visit, attempt, value, odd, then)| {
        let at = "2026-01-01T00:00:00Z";
        let output = if value.is_object() { value.clone() } else { json!({"a": value}) };
        let error = json!({"code": "X", "message": "y"});
        let end = json!({"status": (["COMPLETED", "FAILED", "CANCELLED", "RUNNING"][then]), "at": at, "contextData": output});
        let then = [json!({"retry": at}), json!({"handled": ["error"]}), json!("unhandled"), json!({"handled": []})][then].clone();
        let payload = match kind {
            0 => json!({"input": value, "__at": at, "__external": odd}),
            1 => json!({"nodeID": node, "visit": visit, "attempt": attempt, "at": at, "timeoutMs": odd.then_some(5)}),
            2 => json!({"nodeID": node, "visit": visit, "attempt": attempt, "handles": ["success"], "output": output, "outputVariable": "a"}),
            3 => json!({"nodeID": node, "visit": visit, "attempt": attempt, "output": output, "error": error, "then": then}),
            4 => json!({"nodeID": node, "visit": visit, "attempt": attempt, "until": at, "waitMs": 3}),
            _ => json!({"__end": end}),
        };
        (kind, payload)
    })
}

fn new_state() -> RunState {
    let wait = node("d", "delay", json!({"delayMs": 3}));
    let sim = Sim::started(&[js("a"), wait], "s->a a->d d->e", json!({}));
    RunState::new(sim.state.definition.clone(), sim.state.limits.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_garbage_panics(rows in prop::collection::vec((0..KINDS.len(), value()), 0..12)) {
        let mut state = new_state();
        for (at, (kind, payload)) in rows.iter().enumerate() {
            if let Ok(event) = RunEvent::from_row(KINDS[*kind], &payload.to_string()) {
                apply(&mut state, &event, Seq(i64::try_from(at).unwrap()));
            }
        }
    }

    #[test]
    fn no_order_of_rows_panics(rows in prop::collection::vec(shaped(), 0..25)) {
        let mut state = new_state();
        let mut terminal = None;
        for (at, (kind, payload)) in rows.iter().enumerate() {
            let Ok(event) = RunEvent::from_row(KINDS[*kind], &payload.to_string()) else { continue };
            let seq = Seq(i64::try_from(at).unwrap() + 1);
            apply(&mut state, &event, seq);
            let _ = (effects(&state, &event), update(&state, &event, seq), joiner(&state, true), outstanding(&state), snapshot_due(&state));
            let again = RunEvent::from_row(event.kind().as_str(), &event.payload());
            prop_assert_eq!(again.unwrap(), event);
            if let Some(before) = terminal {
                prop_assert_eq!(state.status(), before, "the end is final");
            }
            if state.status().is_terminal() {
                terminal = Some(state.status());
            }
            let snapshot = RunEvent::Snapshot(Box::new(state.facts.clone()));
            prop_assert_eq!(RunEvent::from_row("SYSTEM_SET", &snapshot.payload()).unwrap(), snapshot);
        }
    }
}
