//! What must survive the end of an actor, of a hub, and time.

use serde_json::json;

use super::rig::{Fake, Rig, js, trace, until};
use crate::clock::Clock;

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
