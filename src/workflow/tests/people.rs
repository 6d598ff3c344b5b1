//! Runs that ask people, and runs that start runs.

use serde_json::{Value, json};

use super::rig::{Fake, Rig, js, until};
use crate::{
    clock::Clock,
    engine::Submitter,
    error::Coded,
    ids::{CollectionId, NodeId, RunId, TenantId, UserId, Visit, WorkflowId},
    workflow::Error,
};

fn by(user: &str) -> Submitter {
    Submitter { user: Some(UserId::trusted(user)), api_key: None, email: None }
}

fn asks(id: &str, kind: &str, data: Value) -> Value {
    json!({"id": id, "type": kind, "data": data})
}

async fn asked(rig: &Rig, run: &RunId, node: &str) -> CollectionId {
    until("the request", || async { (!rig.view(run).await.pending_requests.is_empty()).then_some(()) }).await;
    CollectionId::of(run, &NodeId::trusted(node), Visit(1))
}

#[actix_rt::test]
async fn of_two_answers_at_once_one_wins_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let schema =
        json!({"type": "object", "required": ["jsResult"], "properties": {"jsResult": {"type": "integer"}}});
    let form = asks(
        "form",
        "dataCollection",
        json!({"formSchema": schema, "outputVariable": "jsResult", "approvers": "u1,u2"}),
    );
    let run = rig.run(&rig.chain(&[form]).await).await.instance_id;
    let id = asked(&rig, &run, "form").await;

    let code = |result: Result<CollectionId, Error>| {
        result.map(|_| "ok").unwrap_or_else(|error| error.code().as_str())
    };
    let submit = |answer: Value, who: &str| rig.runs.submit(&rig.tenant, &id, answer, by(who));
    assert_eq!(code(submit(json!([1]), "u1").await), "INVALID_REQUEST");
    assert_eq!(code(submit(json!({"jsResult": "x"}), "u1").await), "INPUT_INVALID");
    assert_eq!(code(submit(json!({"jsResult": 1}), "u9").await), "PERMISSION_DENIED");
    assert_eq!(
        code(submit(json!({"jsResult": 1, "x": "y".repeat(300_000)}), "u1").await),
        "PAYLOAD_TOO_LARGE"
    );
    let foreign = rig.runs.submit(&TenantId::trusted("t2"), &id, json!({}), by("u1")).await;
    assert_eq!(code(foreign), "COLLECTION_NOT_FOUND");

    let (first, second) =
        tokio::join!(submit(json!({"jsResult": 1}), "u1"), submit(json!({"jsResult": 2}), "u2"));
    let mut codes = [code(first), code(second)];
    codes.sort_unstable();
    assert_eq!(codes, ["COLLECTION_CLOSED", "ok"]);
    let view = rig.until(&run, "COMPLETED").await;
    assert!(view.pending_requests.is_empty());
    let request = rig.runs.request(&rig.tenant, &id).await.unwrap();
    assert_eq!(request.status, "COMPLETED");
    let answer = request.submitted_data.unwrap();
    assert_eq!(
        answer["jsResult"],
        if request.submitted_by_user_id == Some(UserId::trusted("u1")) { 1 } else { 2 }
    );
    assert_eq!(code(submit(json!({"jsResult": 3}), "u1").await), "COLLECTION_CLOSED");
}

/// What a widget says and what it answers are one thing: the slower of two leaves no row of its input.
#[actix_rt::test]
async fn a_widget_that_loses_the_race_leaves_no_row() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let form = asks("form", "dataCollection", json!({"outputVariable": "jsResult"}));
    let workflow = rig.chain(&[form]).await;
    for _ in 0..20 {
        let run = rig.run(&workflow).await.instance_id;
        asked(&rig, &run, "form").await;
        let say = |value: i64| {
            let input = crate::engine::WidgetInput {
                widget: crate::ids::WidgetId::trusted("w"),
                input_type: "form_submit".to_owned(),
                data: json!({"jsResult": value}),
                answers: None,
            };
            rig.runs.widget_input(&rig.tenant, &run, input, by("u1"))
        };
        let (first, second) = tokio::join!(say(1), say(2));
        let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
        assert!(won.unwrap().collection.is_some());
        assert_eq!(lost.unwrap_err().code().as_str(), "COLLECTION_CLOSED");
        let view = rig.until(&run, "COMPLETED").await;
        let inputs =
            view.logs.iter().filter(|log| serde_json::to_string(log).unwrap().contains("__widgetInput"));
        assert_eq!(inputs.count(), 1, "{:?}", super::rig::trace(&view));
    }
}

#[actix_rt::test]
async fn a_request_outlives_the_hub_and_a_cancel_closes_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let approval = asks("ask", "approval", json!({"expiryMinutes": 0, "outputVariable": "jsResult"}));
    let workflow = rig.chain(&[approval]).await;
    let (run, other) = (rig.run(&workflow).await.instance_id, rig.run(&workflow).await.instance_id);
    let id = asked(&rig, &run, "ask").await;
    let cancelled = asked(&rig, &other, "ask").await;
    rig.kill().await;

    let rig = Rig::start(dir.path());
    assert_eq!(rig.runs.recover().await.unwrap(), 0, "who waits is not woken");
    rig.runs.stop(&rig.tenant, &other).await.unwrap();
    assert_eq!(rig.runs.request(&rig.tenant, &cancelled).await.unwrap().status, "CANCELLED");
    let answer = json!({"decision": "approve", "comment": "yes"});
    rig.runs.submit(&rig.tenant, &id, answer, by("u1")).await.unwrap();
    let view = rig.until(&run, "COMPLETED").await;
    assert_eq!(view.output.unwrap().as_ref(), &json!({"total": {"approved": true, "comment": "yes"}}));
}

#[actix_rt::test]
async fn nobody_answers_in_time() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let data = json!({"expiryMinutes": 0.002, "outputVariable": "jsResult"});
    let late = rig.run(&rig.chain(&[asks("form", "dataCollection", data.clone())]).await).await.instance_id;
    let view = rig.until(&late, "FAILED").await;
    assert!(view.error.unwrap().contains("in time"));
    let id = CollectionId::of(&late, &NodeId::trusted("form"), Visit(1));
    assert_eq!(rig.runs.request(&rig.tenant, &id).await.unwrap().status, "EXPIRED");
    let result = rig.runs.submit(&rig.tenant, &id, json!({}), by("u1")).await;
    assert_eq!(result.unwrap_err().code().as_str(), "COLLECTION_CLOSED");
}

fn child(id: &str, workflow: &WorkflowId, more: Value) -> Value {
    let mut data = json!({"childWorkflowID": workflow, "inputMapping": {"y": "{{ctx.input.x}}"}, "outputVariable": "jsResult"});
    for (key, value) in more.as_object().unwrap() {
        data[key] = value.clone();
    }
    json!({"id": id, "type": "subWorkflow", "data": data})
}

#[actix_rt::test]
async fn a_child_is_a_run_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    // At its limit a tenant's children run all the same.
    let rig = Rig::with(dir.path(), Fake::default(), Clock::real(), |parts| {
        parts.workflow.max_active_per_tenant = 1
    });
    let inner = rig.chain(&[js("js", "return 7")]).await;
    let outer = rig.chain(&[child("sub", &inner, json!({"mergeOutputs": true}))]).await;
    let run = rig.run(&outer).await.instance_id;
    let view = rig.until(&run, "COMPLETED").await;
    assert_eq!(view.output.unwrap().as_ref(), &json!({"total": {"total": 7}}));
    let of = RunId::of_child(&run, &NodeId::trusted("sub"), Visit(1), crate::ids::Attempt(1));
    let below = rig.view(&of).await;
    assert_eq!(below.row.parent_instance_id.as_ref(), Some(&run));
    assert_eq!(below.context_data.fields().get("input").unwrap().as_ref(), &json!({"y": 1}));

    let missing = rig.chain(&[child("sub", &WorkflowId::trusted("nope"), json!({}))]).await;
    let run = rig.run(&missing).await.instance_id;
    let view = rig.until(&run, "FAILED").await;
    assert!(view.error.unwrap().contains("no such workflow"));
}

#[actix_rt::test]
async fn a_child_is_found_again_after_a_crash_and_goes_with_its_parent() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let inner = rig.chain(&[js("js", "wait 5")]).await;
    let outer = rig.chain(&[child("sub", &inner, json!({}))]).await;
    let (run, stopped) = (rig.run(&outer).await.instance_id, rig.run(&outer).await.instance_id);
    rig.fake.until_attempts(2).await;
    rig.runs.stop(&rig.tenant, &stopped).await.unwrap();
    let of = |run: &RunId| RunId::of_child(run, &NodeId::trusted("sub"), Visit(1), crate::ids::Attempt(1));
    rig.until(&of(&stopped), "CANCELLED").await;
    let fake = rig.kill().await;

    let rig = Rig::with(dir.path(), fake, Clock::real(), |_| {});
    rig.runs.recover().await.unwrap();
    rig.fake.until_attempts(3).await;
    rig.fake.release(8);
    let view = rig.until(&run, "COMPLETED").await;
    assert_eq!(view.output.unwrap().as_ref(), &json!({"total": {"total": 5}}));
}

/// A child's time begins with the child, not with the hub.
#[actix_rt::test]
async fn a_restart_gives_a_child_no_further_time() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::real();
    let rig = Rig::start(dir.path());
    let inner = rig.chain(&[js("js", "wait 5")]).await;
    let outer = rig.chain(&[child("sub", &inner, json!({"timeoutSeconds": 60}))]).await;
    let run = rig.run(&outer).await.instance_id;
    rig.fake.until_attempts(1).await;
    let fake = rig.kill().await;

    let later = Clock::fixed(clock.now() + jiff::SignedDuration::from_secs(61));
    let rig = Rig::with(dir.path(), fake, later, |_| {});
    rig.runs.recover().await.unwrap();
    let view = rig.until(&run, "FAILED").await;
    assert!(view.error.unwrap_or_default().contains("60 s"));
    let of = RunId::of_child(&run, &NodeId::trusted("sub"), Visit(1), crate::ids::Attempt(1));
    rig.until(&of, "CANCELLED").await;
}

/// The next attempt is a run of its own, and what the first one did does not count.
#[actix_rt::test]
async fn a_further_attempt_starts_a_child_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let inner = rig.chain(&[js("js", "throw up")]).await;
    let retries = json!({"errorHandling": "retry_then_fail", "retryLimit": 1, "retryDelaySeconds": 0});
    let run = rig.run(&rig.chain(&[child("sub", &inner, retries)]).await).await.instance_id;
    rig.until(&run, "FAILED").await;
    let of = |attempt| RunId::of_child(&run, &NodeId::trusted("sub"), Visit(1), crate::ids::Attempt(attempt));
    for attempt in [1, 2] {
        assert_eq!(rig.view(&of(attempt)).await.row.status, "FAILED", "{attempt}");
    }
    assert_ne!(of(1), of(2));
}

/// A test run goes with all that it started, however deep.
#[actix_rt::test]
async fn a_stopped_test_run_takes_its_children_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let inner = rig.chain(&[js("js", "wait 5")]).await;
    let middle = rig.chain(&[child("sub", &inner, json!({}))]).await;
    let test = crate::workflow::StartTest {
        tenant: rig.tenant.clone(),
        workflow: None,
        nodes: json!([{"id": "start", "type": "start"}, child("sub", &middle, json!({}))]),
        edges: json!([{"source": "start", "target": "sub"}]),
        options: None,
        inputs: None,
        starter: crate::workflow::Starter::default(),
    };
    let run = rig.runs.start_test(test).await.unwrap().instance_id;
    rig.fake.until_attempts(1).await;
    let of = |run: &RunId| RunId::of_child(run, &NodeId::trusted("sub"), Visit(1), crate::ids::Attempt(1));
    let (first, second) = (of(&run), of(&of(&run)));
    assert_eq!(rig.view(&second).await.row.status, "RUNNING");
    rig.runs.stop(&rig.tenant, &run).await.unwrap();
    for gone in [&run, &first, &second] {
        let error = rig.runs.view(&rig.tenant, gone).await.unwrap_err();
        assert_eq!(error.code().as_str(), "RUN_NOT_FOUND");
    }
    assert_eq!(rig.runs.queue(&rig.tenant).await.unwrap().active, 0);
}

/// Real children: one that is its own, one that is a child of its child, and a chain that is too long.
#[actix_rt::test]
async fn children_end_somewhere() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let by = crate::workflow::Starter::default();
    let calls = |of: &WorkflowId| {
        let nodes = json!([{"id": "start", "type": "start"}, child("sub", of, json!({}))]);
        serde_json::from_value(json!({"nodes": nodes, "edges": [{"source": "start", "target": "sub"}]}))
            .unwrap()
    };
    let (one, two) = (rig.chain(&[js("js", "return 1")]).await, rig.chain(&[js("js", "return 1")]).await);
    rig.catalogue.update(&rig.tenant, &one, &by, calls(&one)).await.unwrap();
    let view = rig.until(&rig.run(&one).await.instance_id, "FAILED").await;
    assert!(view.error.clone().unwrap_or_default().contains("its own child"), "{:?}", view.error);
    rig.catalogue.update(&rig.tenant, &one, &by, calls(&two)).await.unwrap();
    rig.catalogue.update(&rig.tenant, &two, &by, calls(&one)).await.unwrap();
    let view = rig.until(&rig.run(&one).await.instance_id, "FAILED").await;
    assert!(view.error.clone().unwrap_or_default().contains("child"), "{:?}", view.error);

    let mut at = rig.chain(&[js("js", "return 7")]).await;
    for depth in 1..=7 {
        at = rig.chain(&[child("sub", &at, json!({}))]).await;
        let status = if depth <= 5 { "COMPLETED" } else { "FAILED" };
        let view = rig.until(&rig.run(&at).await.instance_id, status).await;
        assert_eq!(view.error.is_some_and(|error| error.contains("maxDepth")), depth > 5, "{depth}");
    }
    assert_eq!(rig.runs.queue(&rig.tenant).await.unwrap().active, 0);
}
