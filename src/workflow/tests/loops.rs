//! Loops by the actor: passes, long steps in several appends, kills in between.

use serde_json::{Value, json};

use super::rig::{Fake, Rig, js, trace, until};
use crate::{clock::Clock, ids::RunId, store::tables::runs::RunStatus, workflow::Error};

fn over(list: Value) -> Value {
    json!({"id": "l", "type": "loop", "data": {"sourceVariable": list}})
}

fn edge(from: &str, handle: &str, to: &str) -> Value {
    json!({"source": from, "sourceHandle": handle, "target": to})
}

/// A run of a loop over a list, with a body of these nodes in a row.
async fn start(rig: &Rig, list: Value, body: &[Value]) -> RunId {
    let mut nodes = vec![json!({"id": "s", "type": "start"}), over(list), json!({"id": "e", "type": "end"})];
    let mut edges = vec![edge("s", "output", "l"), edge("l", "completed", "e")];
    let ids: Vec<&str> = body.iter().map(|node| node["id"].as_str().unwrap()).collect();
    edges.push(edge("l", "loop", ids[0]));
    edges.extend(ids.windows(2).map(|pair| edge(pair[0], "output", pair[1])));
    nodes.extend_from_slice(body);
    let workflow = rig.save(json!(nodes), json!(edges)).await;
    rig.run(&workflow).await.instance_id
}

async fn status(rig: &Rig, run: &RunId) -> Result<RunStatus, Error> {
    Ok(rig.runs.locate(run).await?.unwrap().run.status)
}

#[actix::test]
async fn a_kill_in_a_body_repeats_its_attempt_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let run = start(&rig, json!(["x", "y", "z"]), &[js("a", "wait 1")]).await;
    rig.fake.until_attempts(1).await;
    rig.fake.release(1);
    rig.fake.until_attempts(2).await;
    let fake = rig.kill().await;
    let rig = Rig::with(dir.path(), fake, Clock::real(), |_| {});
    assert_eq!(rig.runs.recover().await.unwrap(), 1);
    for attempts in 3..=4 {
        rig.fake.until_attempts(attempts).await;
        rig.fake.release(1);
    }
    let view = rig.until(&run, "COMPLETED").await;
    assert_eq!(rig.fake.keys(), ["a/1", "a/2", "a/2", "a/3"]);
    assert_eq!(view.context_data.fields().get("loopResults").unwrap().as_array().unwrap().len(), 3);
    let bodies: Vec<_> = view.logs.iter().filter_map(|log| log.iteration).collect();
    assert_eq!(bodies, [0, 0, 1, 1, 2, 2], "{:?}", trace(&view));
    assert!(
        view.logs.iter().all(|log| log.iteration.is_none() || log.payload == json!({})),
        "what a pass writes stays in it"
    );
    assert!(view.logs.iter().any(|log| log.output.is_some()));
}

#[actix::test]
async fn a_long_loop_goes_through_in_many_appends_and_over_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let list: Vec<u32> = (0..1000).collect();
    let wait = |id: &str| json!({"id": id, "type": "delay", "data": {}});
    let rig = Rig::start(dir.path());
    let run = start(&rig, json!(list), &[wait("a"), wait("b"), wait("c")]).await;
    until("some appends", || async {
        let page = rig
            .store
            .journal()
            .read(&crate::ids::StreamId::of_run(&run), crate::ids::Seq(i64::MAX), 1, 1)
            .await;
        (page.unwrap().head.0 > 1000).then_some(())
    })
    .await;
    assert_eq!(status(&rig, &run).await.unwrap(), RunStatus::Running, "it is not one append");
    let fake = rig.kill().await;
    let rig = Rig::with(dir.path(), fake, Clock::real(), |_| {});
    assert_eq!(rig.runs.recover().await.unwrap(), 1, "a step that was cut short is looked after");
    until("the end", || async { (status(&rig, &run).await.unwrap() == RunStatus::Completed).then_some(()) })
        .await;
    let view = rig.view(&run).await;
    let results = view.context_data.fields().get("loopResults").unwrap().as_array().unwrap().len();
    assert_eq!(results, 1000);
    let passes = view.logs.iter().filter(|log| log.node_id.as_deref() == Some("c")).count();
    assert_eq!(passes, 2000, "each once: a dispatch and a result");
}

#[actix::test]
async fn a_cancel_comes_between_the_appends_of_a_long_loop() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(dir.path(), Fake::default(), Clock::real(), |_| {});
    let list: Vec<u32> = (0..1000).collect();
    let wait = |id: &str| json!({"id": id, "type": "delay", "data": {}});
    let body: Vec<Value> = (0..10).map(|n| wait(&format!("d{n}"))).collect();
    let run = start(&rig, json!(list), &body).await;
    let row = rig.runs.locate(&run).await.unwrap().unwrap().run;
    let ended = rig.runs.cancel(&row, None).await.unwrap();
    assert_eq!(ended, crate::engine::RunStatus::Cancelled);
    let view = rig.view(&run).await;
    assert!(view.seq.0 < 21_000, "{}", view.seq);
}
