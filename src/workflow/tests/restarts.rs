//! What must survive the end of an actor, of a hub, and time.

use serde_json::{Value, json};

use super::rig::{Fake, Rig, js, trace, until};
use crate::{
    clock::Clock,
    engine::{self, Dispatched, RunEvent, RunState},
    ids::{Attempt, NodeId, StreamId, Visit},
    store::{Append, Origin},
    workflow::{actor::new_row, fold::Fold},
};

#[actix::test]
async fn after_a_kill_an_attempt_begins_again_with_its_key_and_a_finished_one_does_not() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("a", "return 1"), js("b", "wait 2")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(2).await;
    let fake = rig.kill().await;
    let rig = Rig::with(dir.path(), fake, Clock::real(), |_| {});
    assert_eq!(rig.runs.recover().await.unwrap(), 1);
    rig.fake.until_attempts(3).await;
    rig.fake.release(1);
    let view = rig.until(&run, "COMPLETED").await;
    assert_eq!(rig.fake.keys(), ["a/1", "b/1", "b/1"]);
    assert_eq!(trace(&view).len(), 10);
}

#[actix::test]
async fn a_wanted_restart_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("a", "wait 1"), js("b", "wait 2"), js("c", "wait 3")]).await;
    let run = rig.run(&workflow).await.instance_id;
    for node in 1..=3 {
        rig.fake.until_attempts(node * 2 - 1).await;
        rig.runs.registry().restart(run.clone()).await.unwrap();
        rig.fake.until_attempts(node * 2).await;
        rig.fake.release(1);
    }
    let view = rig.until(&run, "COMPLETED").await;
    assert_eq!(trace(&view).len(), 12);
    assert_eq!(rig.fake.keys(), ["a/1", "a/1", "b/1", "b/1", "c/1", "c/1"]);
}

#[actix::test]
async fn a_delay_is_a_row_and_survives_the_hub() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed("2026-01-01T00:00:00Z".parse().unwrap());
    let rig = Rig::with(dir.path(), Fake::default(), clock.clone(), |_| {});
    let delay = json!({"id": "d", "type": "delay", "data": {"delayType": "fixed", "delayMinutes": 30}});
    let workflow = rig.chain(&[delay]).await;
    let run = rig.run(&workflow).await.instance_id;
    until("the wait", || async { (rig.view(&run).await.seq.0 >= 5).then_some(()) }).await;
    // A run that waits needs no actor.
    until("no actor", || async { rig.runs.registry().list(10).await.is_empty().then_some(()) }).await;
    let fake = rig.kill().await;
    clock.advance(std::time::Duration::from_secs(10));
    let rig = Rig::with(dir.path(), fake, clock.clone(), |_| {});
    assert_eq!(rig.runs.recover().await.unwrap(), 0, "it only waits");
    assert!(rig.runs.registry().list(10).await.is_empty());
    clock.advance(std::time::Duration::from_secs(30 * 60));
    let view = rig.until(&run, "COMPLETED").await;
    assert!(trace(&view).contains(&"5 NODE_SUSPENDED d".to_owned()), "{:?}", trace(&view));
}

#[actix::test]
async fn runs_that_wait_for_a_place_get_it_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let one = |parts: &mut crate::workflow::Parts| parts.workflow.max_active_per_tenant = 1;
    let rig = Rig::with(dir.path(), Fake::default(), Clock::real(), one);
    let workflow = rig.chain(&[js("js", "wait 7")]).await;
    let (first, second) = (rig.run(&workflow).await, rig.run(&workflow).await);
    assert_eq!(second.status, "PENDING");
    let fake = rig.kill().await;
    let rig = Rig::with(dir.path(), fake, Clock::real(), one);
    assert_eq!(rig.runs.recover().await.unwrap(), 2);
    rig.fake.release(2);
    rig.until(&first.instance_id, "COMPLETED").await;
    rig.until(&second.instance_id, "COMPLETED").await;
}

/// Another owner took the stream: the old actor writes nothing more, a new one goes on.
#[actix::test]
async fn a_fenced_actor_gives_way() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "wait 1")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(1).await;
    rig.store.journal().acquire(&StreamId::of_run(&run)).await.unwrap();
    rig.fake.release(1);
    // The result of the fenced actor is refused by the journal; the next actor begins it again.
    rig.fake.until_attempts(2).await;
    rig.fake.release(1);
    let view = rig.until(&run, "COMPLETED").await;
    assert_eq!(trace(&view).len(), 8);
    assert_eq!(rig.fake.keys(), ["js/1", "js/1"]);
}

/// A long run is folded from its last snapshot, to the same state.
#[actix::test]
async fn a_long_run_goes_on_from_its_snapshot() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "wait 1")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(1).await;
    let (hub, stream) = (&rig.runs.hub, StreamId::of_run(&run));
    let row = rig.runs.locate(&run).await.unwrap().unwrap().run;
    let owner = rig.store.journal().acquire(&stream).await.unwrap();
    let mut fold = Fold::begin(hub, &row).await.unwrap();
    fold.page(hub, |_, _, _| {}).await.unwrap();
    let mut state = fold.into_state().unwrap();
    // Thousands of attempts, as a run with many retries has them; at last as if snapshots were large.
    for attempt in (2..).map(Attempt).take(12) {
        let snapshots = attempt < Attempt(8);
        let mut rows = Vec::new();
        let expected_head = state.seq();
        let mut push = |state: &mut RunState, event: RunEvent| {
            engine::apply(state, &event, state.seq().next());
            rows.push(new_row(&event, hub.clock.now()));
        };
        while state.seq().0 < expected_head.0 + 1000 {
            let at = hub.clock.now();
            let event = Dispatched {
                node: NodeId::trusted("js"),
                visit: Visit(1),
                attempt,
                iteration: None,
                at,
                timeout_ms: Some(30_000),
            };
            push(&mut state, RunEvent::Dispatched(event));
            if let Some(snapshot) = engine::snapshot_due(&state).filter(|_| snapshots) {
                push(&mut state, snapshot);
            }
        }
        let append = Append {
            stream: stream.clone(),
            create: false,
            expected_head,
            owner_version: owner.owner_version,
            rows,
            projections: Vec::new(),
            origin: Origin::Hub,
        };
        rig.store.journal().append(append).await.unwrap();
        if attempt == Attempt(7) || attempt == Attempt(13) {
            let mut near = Fold::begin_near(hub, &row, state.seq()).await.unwrap();
            let mut seen = 0;
            while near.page(hub, |_, _, _| seen += 1).await.unwrap() {}
            let most = if snapshots { 2048 } else { 8192 };
            assert!(seen < most, "{seen} rows were folded");
            let near = near.into_state().unwrap();
            assert_eq!((near.seq(), near.active()), (state.seq(), state.active()));
            assert_eq!(near.context(), state.context());
        }
    }
    // The fenced actor gives way to one that begins there.
    rig.fake.release(1);
    rig.fake.until_attempts(2).await;
    rig.fake.release(1);
    rig.until(&run, "COMPLETED").await;
}

/// An attempt at work when the hub died, of which the context does not say any more what it was to do, because
/// another branch has written over it: it fails, and does not wait for the run's timeout.
#[actix::test]
async fn an_attempt_whose_templates_are_void_after_a_restart_fails() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let inner = rig.chain(&[js("js", "wait 5")]).await;
    let node = |id: &str, kind: &str, data: Value| json!({"id": id, "type": kind, "data": data});
    let nodes = json!([
        node("start", "start", json!({})),
        node(
            "first",
            "javascript",
            json!({"code": format!("return \"{inner}\""), "outputVariable": "which"})
        ),
        node("fan", "fanout", json!({"branches": [{"id": "l", "name": "l"}, {"id": "r", "name": "r"}]})),
        node("sub", "subWorkflow", json!({"childWorkflowID": "{{ctx.which}}"})),
        node("over", "javascript", json!({"code": "return null", "outputVariable": "which"})),
    ]);
    let edges = json!([
        {"source": "start", "target": "first"},
        {"source": "first", "sourceHandle": "success", "target": "fan"},
        {"source": "fan", "sourceHandle": "l", "target": "sub"},
        {"source": "fan", "sourceHandle": "r", "target": "over"},
    ]);
    let workflow = rig.save(nodes, edges).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(3).await;
    until("the other branch", || async {
        let logs = serde_json::to_string(&rig.view(&run).await.logs).unwrap();
        logs.contains("\"nodeID\":\"over\",\"eventType\":\"NODE_COMPLETED\"").then_some(())
    })
    .await;
    let fake = rig.kill().await;

    let rig = Rig::with(dir.path(), fake, crate::clock::Clock::real(), |_| {});
    rig.runs.recover().await.unwrap();
    let view = rig.until(&run, "FAILED").await;
    assert!(view.error.unwrap_or_default().contains("after a restart"));
}
