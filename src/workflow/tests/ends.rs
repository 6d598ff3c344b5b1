//! How runs end.

use serde_json::{Value, json};

use super::rig::{Fake, Rig, js, trace};
use crate::{
    clock::Clock,
    error::{Code, Coded},
    store::tables::runs::Executor,
    workflow::{Ingest, IngestEvent, StartTest, Starter},
};

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[actix::test]
async fn the_worked_trace_of_the_contract() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "return 42")]).await;
    let started = rig.run(&workflow).await;
    assert_eq!(started.status, "RUNNING");
    let view = rig.until(&started.instance_id, "COMPLETED").await;
    let expected = [
        "1 INPUT_SET -",
        "2 NODE_DISPATCHED start",
        "3 NODE_COMPLETED start",
        "4 NODE_DISPATCHED js",
        "5 NODE_COMPLETED js",
        "6 NODE_DISPATCHED end",
        "7 NODE_COMPLETED end",
        "8 SYSTEM_SET -",
    ];
    assert_eq!(trace(&view), expected);
    assert_eq!(view.output.as_deref(), Some(&json!({"total": 42})));
    let context = serde_json::to_value(&view.context_data).unwrap();
    assert_eq!(context["input"], json!({"x": 1}));
    assert_eq!(context["jsResult"], 42);
    let shown = serde_json::to_value(&view).unwrap();
    assert!(shown.get("data").is_none(), "pages would take it for the whole answer");
    assert_eq!(shown["workflowTitle"], "Sales");
    assert!(shown["completedAt"].is_string());
    assert_eq!(rig.fake.keys(), ["js/1"]);
}

#[actix::test]
async fn a_failure_that_nobody_handles_fails_the_run_and_retries_keep_their_key() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let node = json!({"id": "js", "type": "javascript",
        "data": {"code": "throw up", "errorHandling": "retry_then_fail", "retryLimit": 2, "retryDelaySeconds": 0}});
    let workflow = rig.chain(&[node]).await;
    let started = rig.run(&workflow).await;
    let view = rig.until(&started.instance_id, "FAILED").await;
    assert_eq!(rig.fake.keys(), ["js/1", "js/1", "js/1"]);
    assert_eq!(view.error_code.as_deref(), Some("NODE_FAILED"));
    assert!(view.error.is_some());
    let last = view.logs.last().unwrap();
    assert_eq!((last.event_type.as_str(), last.node_id.as_deref()), ("NODE_FAILED", None));
}

#[actix::test]
async fn an_attempt_that_hangs_times_out() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let node = json!({"id": "js", "type": "javascript", "data": {"code": "hang", "timeoutSeconds": 1}});
    let workflow = rig.chain(&[node]).await;
    let started = rig.run(&workflow).await;
    let view = rig.until(&started.instance_id, "FAILED").await;
    assert!(view.error.unwrap_or_default().contains("no result within"));
}

#[actix::test]
async fn a_cancelled_run_stays_and_a_stopped_test_run_goes() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "wait 1")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(1).await;
    let stopped = rig.runs.stop(&rig.tenant, &run).await.unwrap();
    assert_eq!(stopped.status, Some("CANCELLED"));
    assert_eq!(rig.runs.stop(&rig.tenant, &run).await.unwrap(), stopped, "once more is harmless");
    let view = rig.view(&run).await;
    assert_eq!(view.row.status, "CANCELLED");
    // What comes late is dropped.
    rig.fake.release(1);

    let nodes = json!([{"id":"start","type":"start"}, js("js", "wait 1")]);
    let edges = json!([{"source":"start","target":"js"}]);
    let test = StartTest {
        tenant: rig.tenant.clone(),
        workflow: None,
        nodes,
        edges,
        options: None,
        inputs: None,
        starter: Starter::default(),
    };
    let started = rig.runs.start_test(test).await.unwrap();
    assert!(started.is_test);
    let view = rig.view(&started.instance_id).await;
    assert!(!serde_json::to_string(&view).unwrap().contains("__workflowDefinition"));
    let stopped = rig.runs.stop(&rig.tenant, &started.instance_id).await.unwrap();
    assert_eq!((stopped.instance_id, stopped.status), (None, None));
    let gone = rig.runs.view(&rig.tenant, &started.instance_id).await.unwrap_err();
    assert_eq!(gone.code(), Code::RunNotFound);
    let again = rig.runs.stop(&rig.tenant, &started.instance_id).await.unwrap_err();
    assert_eq!(again.code(), Code::RunNotFound);
}

#[actix::test]
async fn an_idempotency_key_stands_for_one_run() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "return 1")]).await;
    let mut start = rig.start_of(&workflow);
    start.idempotency_key = Some("k".to_owned());
    let all = futures_util::future::join_all((0..8).map(|_| rig.runs.start(start.clone()))).await;
    let first = all[0].as_ref().unwrap().instance_id.clone();
    assert!(all.iter().all(|started| started.as_ref().unwrap().instance_id == first));
    start.inputs = Some(json!({"x": 2}));
    assert_eq!(rig.runs.start(start).await.unwrap_err().code(), Code::Conflict);
}

#[actix::test]
async fn beyond_the_limit_runs_wait_in_order_and_beyond_the_queue_they_are_refused() {
    let dir = dir();
    let rig = Rig::with(dir.path(), Default::default(), Default::default(), |parts| {
        parts.workflow.max_active_per_tenant = 1;
        parts.workflow.max_queued_per_tenant = 2;
    });
    let workflow = rig.chain(&[js("js", "wait 7")]).await;
    let (first, second, third) =
        (rig.run(&workflow).await, rig.run(&workflow).await, rig.run(&workflow).await);
    assert_eq!((first.status, second.status, third.status), ("RUNNING", "PENDING", "PENDING"));
    let refused = rig.runs.start(rig.start_of(&workflow)).await.unwrap_err();
    assert_eq!(refused.code(), Code::RateLimited);
    assert_eq!(trace(&rig.view(&second.instance_id).await), ["1 INPUT_SET -"]);
    rig.runs.stop(&rig.tenant, &second.instance_id).await.unwrap();
    rig.fake.release(2);
    rig.until(&first.instance_id, "COMPLETED").await;
    let view = rig.until(&third.instance_id, "COMPLETED").await;
    assert_eq!(trace(&view).len(), 8);
    assert_eq!(rig.run(&workflow).await.status, "RUNNING");
}

fn node_event(key: &str, node: &str) -> IngestEvent {
    let event = json!({"key": key, "type": "node", "nodeID": node, "status": "success", "output": {"a": 1}});
    serde_json::from_value(event).unwrap()
}

#[actix::test]
async fn ingest_takes_each_key_once() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "return 1")]).await;
    let mut start = rig.start_of(&workflow);
    start.executor = Executor::External;
    let run = rig.runs.start(start).await.unwrap().instance_id;
    let ingest = |events: Vec<IngestEvent>| {
        rig.runs.ingest(Ingest { tenant: rig.tenant.clone(), run: run.clone(), events })
    };
    let results = ingest(vec![node_event("a", "js"), node_event("b", "js"), node_event("a", "js")]).await;
    let results: Vec<Value> = results.unwrap().iter().map(|r| serde_json::to_value(r).unwrap()).collect();
    assert_eq!(
        results,
        [
            json!({"key": "a", "seq": 2, "duplicate": false}),
            json!({"key": "b", "seq": 3, "duplicate": false}),
            json!({"key": "a", "seq": 2, "duplicate": true}),
        ]
    );
    // Many at once with the same keys: one row a key.
    let keys: Vec<String> = (0..20).map(|n| format!("k{n}")).collect();
    let batch = || keys.iter().map(|key| node_event(key, "js")).collect::<Vec<_>>();
    let all = futures_util::future::join_all((0..5).map(|_| ingest(batch()))).await;
    let seqs: Vec<Vec<_>> =
        all.into_iter().map(|results| results.unwrap().iter().map(|r| r.seq).collect()).collect();
    assert!(seqs.iter().all(|other| *other == seqs[0]));
    assert_eq!(rig.view(&run).await.seq.0, 23);
    // It lives on between requests: it would have to fold its rows for each of them.
    let actors = rig.runs.registry().list(10).await;
    assert_eq!(actors.iter().map(|actor| (actor.state, actor.restarts)).collect::<Vec<_>>(), [("alive", 0)]);

    let unknown = ingest(vec![node_event("c", "nobody")]).await.unwrap_err();
    assert_eq!(unknown.code(), Code::InvalidRequest);
    let end = json!({"key": "end", "type": "status", "status": "COMPLETED", "contextData": {"z": 1}, "output": {"t": 2}});
    let end: IngestEvent = serde_json::from_value(end).unwrap();
    ingest(vec![end.clone()]).await.unwrap();
    let view = rig.view(&run).await;
    assert_eq!((view.row.status, view.output.as_deref()), ("COMPLETED", Some(&json!({"t": 2}))));
    assert_eq!(serde_json::to_value(&view.context_data).unwrap(), json!({"z": 1}));
    let late = ingest(vec![node_event("d", "js")]).await.unwrap_err();
    assert_eq!(late.code(), Code::RunNotRunning);
    // A request that was carried out and whose answer got lost is answered again.
    assert!(ingest(vec![node_event("a", "js"), end]).await.unwrap().iter().all(|result| result.duplicate));
}

#[actix::test]
async fn what_is_executed_elsewhere_need_not_be_executable_here_and_takes_no_place() {
    let dir = dir();
    let rig = Rig::with(dir.path(), Fake::default(), Clock::real(), |parts| {
        parts.workflow.max_active_per_tenant = 1;
    });
    let workflow = rig.chain(&[json!({"id": "q", "type": "dataQuery", "data": {}})]).await;
    let refused = rig.runs.start(rig.start_of(&workflow)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidDefinition);
    let mut start = rig.start_of(&workflow);
    start.executor = Executor::External;
    let run = rig.runs.start(start.clone()).await.unwrap().instance_id;
    let more = rig.runs.start(start.clone()).await.unwrap_err();
    assert_eq!(more.code(), Code::RateLimited);
    // The tenant's own runs have their own place.
    let own = rig.chain(&[js("js", "return 1")]).await;
    let own = rig.run(&own).await.instance_id;
    rig.until(&own, "COMPLETED").await;

    let fake = rig.kill().await;
    let rig = Rig::with(dir.path(), fake, Clock::real(), |parts| parts.workflow.max_active_per_tenant = 1);
    rig.runs.recover().await.unwrap();
    assert_eq!(rig.runs.start(start.clone()).await.unwrap_err().code(), Code::RateLimited);
    let ingest = |event: IngestEvent| {
        rig.runs.ingest(Ingest { tenant: rig.tenant.clone(), run: run.clone(), events: vec![event] })
    };
    ingest(node_event("a", "q")).await.unwrap();
    let end = json!({"key": "end", "type": "status", "status": "COMPLETED", "contextData": {}});
    ingest(serde_json::from_value(end).unwrap()).await.unwrap();
    assert_eq!(rig.view(&run).await.row.status, "COMPLETED");
    rig.runs.start(start).await.unwrap();
}

#[actix::test]
async fn a_deleted_workflow_takes_its_runs_with_it() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "wait 1")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.catalogue.delete(&rig.tenant, &workflow).await.unwrap();
    assert_eq!(rig.runs.view(&rig.tenant, &run).await.unwrap_err().code(), Code::RunNotFound);
    assert_eq!(rig.catalogue.get(&rig.tenant, &workflow).await.unwrap_err().code(), Code::WorkflowNotFound);
    let refused = rig.runs.start(rig.start_of(&workflow)).await.unwrap_err();
    assert_eq!(refused.code(), Code::WorkflowNotFound);
}

#[actix::test]
async fn a_saved_workflow_keeps_what_a_patch_does_not_name() {
    let dir = dir();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "return 1")]).await;
    let by = Starter::default();
    let patch = serde_json::from_value(json!({"title": "Other"})).unwrap();
    let saved = rig.catalogue.update(&rig.tenant, &workflow, &by, patch).await.unwrap();
    assert_eq!(
        (saved.title.as_str(), saved.nodes.len(), saved.edges.len(), saved.version),
        ("Other", 3, 2, 2)
    );
    let copy = rig.catalogue.duplicate(&rig.tenant, &workflow, &by).await.unwrap();
    assert_eq!(copy.title, "Other (Copy)");
    assert!(copy.nodes.iter().all(|node| saved.nodes.iter().all(|other| other.node_id != node.node_id)));
    for bad in [json!({"title": " "}), json!({"title": "a\0b"}), json!({"workflowDescription": "\0"})] {
        let bad = serde_json::from_value(bad).unwrap();
        let refused = rig.catalogue.update(&rig.tenant, &workflow, &by, bad).await.unwrap_err();
        assert_eq!(refused.code(), Code::ValidationError);
        assert!(refused.details().is_some());
    }
}

/// Rows that the database never takes end the run, once and told, instead of an actor that dies over and over.
#[actix::test]
async fn what_can_never_be_stored_fails_its_run() {
    use diesel::RunQueryDsl;
    let dir = dir();
    let rig = Rig::start(dir.path());
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON journal WHEN NEW.payload LIKE '%poison%' \
                  BEGIN SELECT RAISE(ABORT, 'never'); END";
    rig.store
        .write(move |db| match db {
            crate::store::Connection::Sqlite(db) => {
                diesel::sql_query(refuse).execute(db)?;
                Ok(())
            }
            _ => unreachable!(),
        })
        .await
        .unwrap();
    let workflow = rig.chain(&[js("js", "return \"poison\"")]).await;
    let run = rig.run(&workflow).await.instance_id;
    let view = rig.until(&run, "FAILED").await;
    assert_eq!(view.error_code.as_deref(), Some("SERVER_ERROR"));
    assert_eq!(rig.fake.keys(), ["js/1"], "not tried again");
    assert_eq!(rig.runs.queue(&rig.tenant).await.unwrap().active, 0);
    let actors = rig.runs.registry().list(10).await;
    assert!(actors.iter().all(|actor| actor.restarts == 0));
    // Others go on; and what passes in time costs no run.
    let run = rig.run(&rig.chain(&[js("js", "return 1")]).await).await.instance_id;
    rig.until(&run, "COMPLETED").await;
}
