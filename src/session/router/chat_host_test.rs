//! Workflows for the tools of a chat, on real runs.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::OfWorkflows;
use crate::{
    ai::{Person, ToolError},
    auth::{Auth, By, NewUser, directory::StoreDirectory},
    chat::tools::{Host, Plan, RunSeen, Start, StartTest},
    clock::Clock,
    ids::{DataQueryId, RunId, TenantId, WorkflowId},
    workflow::tests::rig::{Rig, js, until},
};

fn host(rig: &Rig) -> OfWorkflows {
    OfWorkflows { runs: rig.runs.clone(), catalogue: rig.catalogue.clone() }
}

/// A member of the tenant, whose row is there.
async fn member(rig: &Rig) -> Person {
    let auth = Auth::offline(Arc::new(StoreDirectory::new(rig.store.clone())), Clock::real());
    let by = By { who: "test".to_owned(), request: None, ip: None };
    let new = NewUser { subject: "ann".to_owned(), ..NewUser::default() };
    let user = auth.create_member(&by, &rig.tenant, new, "MEMBER").await.unwrap();
    Person { user: user.id, subject: user.subject, api_key: None }
}

fn start(rig: &Rig, workflow: &WorkflowId, person: &Person, key: &str) -> Start {
    Start {
        tenant: rig.tenant.clone(),
        workflow: workflow.clone(),
        inputs: Map::from_iter([("x".to_owned(), json!(0.1))]),
        person: person.clone(),
        key: key.to_owned(),
    }
}

async fn plan(rig: &Rig, workflow: &WorkflowId) -> Plan {
    host(rig).plan(rig.tenant.clone(), workflow.clone()).await.unwrap().unwrap()
}

async fn has_ended(rig: &Rig, run: &RunId) -> RunSeen {
    until("the end of a run", || async {
        let seen = host(rig).run(rig.tenant.clone(), run.clone()).await.unwrap().unwrap();
        seen.has_ended().then_some(seen)
    })
    .await
}

fn query(id: &str, data: Value) -> Value {
    json!({ "id": id, "type": "dataQuery", "data": data })
}

fn child(id: &str, workflow: &str) -> Value {
    json!({ "id": id, "type": "subWorkflow", "data": { "childWorkflowID": workflow } })
}

#[actix_rt::test]
async fn a_plan_holds_the_queries_of_children_and_tells_what_only_a_run_can_know() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let deep = rig.chain(&[query("q", json!({ "dataQueryID": " deep " }))]).await;
    let top = rig
        .chain(&[
            query("a", json!({ "dataQueryID": "own" })),
            query("b", json!({ "dataQueryID": "off", "isDisabled": true })),
            child("c", deep.as_str()),
            child("d", deep.as_str()),
            child("e", "01990000-0000-7000-8000-000000000000"),
        ])
        .await;
    let known = |id: &str| Some(DataQueryId::trusted(id));
    let found = plan(&rig, &top).await;
    assert_eq!(found.queries, [known("own"), known("deep")]);
    assert_eq!((found.title.as_str(), found.is_disabled, found.steps), ("Sales", false, 10));
    for data in [json!({ "dataQueryID": "{{ctx.q}}" }), json!({ "dataQueryID": 7 })] {
        let workflow = rig.chain(&[query("q", data)]).await;
        assert_eq!(plan(&rig, &workflow).await.queries, [None]);
    }
    let workflow = rig.chain(&[child("c", "{{ctx.w}}")]).await;
    assert_eq!(plan(&rig, &workflow).await.queries, [None]);
    let strange = TenantId::trusted("t2");
    assert!(host(&rig).plan(strange, top).await.unwrap().is_none(), "another tenant's is none");
    rig.kill().await;
}

#[actix_rt::test]
async fn a_start_is_one_run_a_key_also_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("js", "return 5")]).await;
    let (ann, tenant) = (member(&rig).await, rig.tenant.clone());
    let none = host(&rig).started(tenant.clone(), workflow.clone(), "p1".to_owned()).await.unwrap();
    assert!(none.is_none());
    let run = host(&rig).start(start(&rig, &workflow, &ann, "p1")).await.unwrap();
    assert_eq!(host(&rig).start(start(&rig, &workflow, &ann, "p1")).await.unwrap(), run);
    let other = host(&rig).start(start(&rig, &workflow, &ann, "p2")).await.unwrap();
    assert_ne!(other, run);
    let seen = has_ended(&rig, &run).await;
    assert_eq!((seen.status, seen.output, seen.is_test), ("COMPLETED", Some(json!({ "total": 5 })), false));
    assert_eq!(seen.starter, Some(ann.user.clone()));
    let fake = rig.kill().await;
    let rig = Rig::with(dir.path(), fake, Clock::real(), |_| {});
    let found = host(&rig).started(tenant, workflow.clone(), "p1".to_owned()).await.unwrap();
    assert_eq!(found, Some(run.clone()));
    assert_eq!(host(&rig).start(start(&rig, &workflow, &ann, "p1")).await.unwrap(), run);
    let strange = TenantId::trusted("t2");
    let foreign = host(&rig).started(strange.clone(), workflow, "p1".to_owned()).await.unwrap();
    assert!(foreign.is_none());
    assert!(host(&rig).run(strange, run).await.unwrap().is_none());
    rig.kill().await;
}

#[actix_rt::test]
async fn what_is_not_there_is_refused_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.chain(&[]).await;
    let ann = member(&rig).await;
    let trouble = host(&rig).start(start(&rig, &WorkflowId::generate(), &ann, "p1")).await.unwrap_err();
    assert_eq!(trouble.error, ToolError::NotFound("workflow"));
    assert!(!trouble.again && !trouble.unsure);
    rig.kill().await;
}

#[actix_rt::test]
async fn a_plan_runs_as_a_test() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let inner = rig.chain(&[js("js", "return 2")]).await;
    let workflow = rig.chain(&[js("js", "return 5"), child("c", inner.as_str())]).await;
    let ann = member(&rig).await;
    let start = StartTest {
        tenant: rig.tenant.clone(),
        workflow: workflow.clone(),
        plan: plan(&rig, &workflow).await,
        inputs: Map::new(),
        person: ann.clone(),
    };
    let run = host(&rig).start_test(start).await.unwrap();
    let seen = has_ended(&rig, &run).await;
    assert_eq!((seen.title.as_str(), seen.is_test, seen.starter), ("Sales", true, Some(ann.user)));
    // The graph is the saved one: its first node ran, and the child's attempt with it.
    let keys = rig.fake.keys();
    assert!(keys.iter().any(|key| key.starts_with("js/")), "{keys:?} {} {:?}", seen.status, seen.error);
    rig.kill().await;
}
