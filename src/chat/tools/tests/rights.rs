//! Each tool for who may not, for strangers and across tenants: nothing is told, nothing is done.

use serde_json::json;

use super::rig::{Rig, ended, nobody, operator, proposal, run_query, start_workflow};
use crate::{
    ai::{Person, ToolCall, ToolError},
    auth::NewApiKey,
    chat::{Answered, Hands, Rights, tools::Plan},
    ids::{DataQueryId, DataSourceId, RunId, WorkflowId},
};

/// One call of each tool, for things that are there.
async fn calls(rig: &Rig) -> Vec<ToolCall> {
    let run = RunId::generate();
    rig.host.runs.lock().insert((rig.tenant.clone(), run.clone()), ended("Report"));
    vec![
        run_query(&rig.sales().await, json!({ "month": "2026-10" })),
        run_query(&rig.sell().await, json!({ "month": "2026-11" })),
        start_workflow(&rig.workflow(Plan { title: "Report".to_owned(), ..Plan::default() }), json!({})),
        ToolCall::ReadRun { run },
        ToolCall::SearchCatalogue { text: "sales".to_owned() },
        draft(&rig.shop),
    ]
}

/// The same calls for things that are not there.
fn missing() -> Vec<ToolCall> {
    vec![
        run_query(&DataQueryId::generate(), json!({ "month": "2026-10" })),
        run_query(&DataQueryId::generate(), json!({ "month": "2026-11" })),
        start_workflow(&WorkflowId::generate(), json!({})),
        ToolCall::ReadRun { run: RunId::generate() },
        ToolCall::SearchCatalogue { text: "nothing at all".to_owned() },
        draft(&DataSourceId::generate()),
    ]
}

fn draft(source: &DataSourceId) -> ToolCall {
    ToolCall::DraftQuery { source: source.clone(), statement: "SELECT count(*) AS n FROM sales".to_owned() }
}

fn failed(answered: Answered) -> ToolError {
    match answered {
        Answered::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// All doors refuse alike, and nothing happens.
async fn refused_everywhere(rig: &Rig, person: &Person, call: &ToolCall) -> ToolError {
    let error = rig.call(person, call).await.unwrap_err();
    assert_eq!(rig.check(person, call).await.unwrap_err(), error, "{call:?}");
    assert_eq!(rig.preview(person, call).await.unwrap_err(), error, "{call:?}");
    assert_eq!(failed(rig.carry_out(person, &proposal(call)).await), error, "{call:?}");
    error
}

#[tokio::test]
async fn who_may_not_is_refused_at_every_door_and_learns_nothing() {
    let rig = Rig::start().await;
    for (there, missing) in calls(&rig).await.iter().zip(&missing()) {
        for person in [&rig.mute, &rig.eve, &nobody()] {
            let tells_nothing = matches!(there, ToolCall::SearchCatalogue { .. });
            let error = if tells_nothing {
                rig.call(person, there).await.unwrap_err()
            } else {
                refused_everywhere(&rig, person, there).await
            };
            assert!(matches!(error, ToolError::Denied(_)), "{there:?}: {error:?}");
            assert_eq!(
                rig.call(person, missing).await.unwrap_err(),
                error,
                "whether it is there is not told"
            );
        }
    }
    assert_eq!((rig.count(), rig.server.count()), (3, 0));
    assert!(rig.host.starts.lock().is_empty() && rig.host.tests.lock().is_empty());
}

#[tokio::test]
async fn what_is_another_tenants_is_missing() {
    let rig = Rig::start().await;
    let by = operator();
    rig.auth.put_member(&by, &rig.other, &rig.ann.user, "ADMIN").await.unwrap();
    let desk = rig.desk_in(&rig.ann, &rig.other);
    for (foreign, missing) in calls(&rig).await.into_iter().zip(missing()) {
        if matches!(foreign, ToolCall::SearchCatalogue { .. }) {
            let found = desk.call(foreign).await.unwrap();
            assert_eq!(found.value, json!({ "entries": [] }));
            continue;
        }
        let (here, nowhere) = (desk.call(foreign.clone()).await, desk.call(missing).await);
        assert!(matches!(here, Err(ToolError::NotFound(_))), "{foreign:?}: {here:?}");
        assert_eq!(here, nowhere);
        let tools = &rig.tools;
        let done = tools.carry_out(proposal(&foreign), rig.ann.clone(), rig.other.clone()).await;
        assert_eq!(failed(done), here.clone().unwrap_err());
        assert_eq!(tools.preview(proposal(&foreign), rig.ann.clone(), rig.other.clone()).await, here);
    }
    assert_eq!(rig.count(), 3);
    assert!(rig.host.starts.lock().is_empty() && rig.host.tests.lock().is_empty());
}

#[tokio::test]
async fn a_right_is_asked_again_at_the_moment_of_the_effect() {
    let rig = Rig::start().await;
    let by = operator();
    let sell = run_query(&rig.sell().await, json!({ "month": "2026-11" }));
    let start = rig.workflow(Plan { title: "Report".to_owned(), ..Plan::default() });
    let start = start_workflow(&start, json!({}));
    for call in [&sell, &start] {
        rig.check(&rig.bob, call).await.unwrap();
    }
    rig.auth.put_member(&by, &rig.tenant, &rig.bob.user, "MUTE").await.unwrap();
    for call in [&sell, &start] {
        let error = failed(rig.carry_out(&rig.bob, &proposal(call)).await);
        assert!(matches!(error, ToolError::Denied(_)), "{error:?}");
    }
    assert_eq!(rig.count(), 3);
    assert!(rig.host.starts.lock().is_empty());
    // Somebody else of the room who may.
    assert!(matches!(rig.carry_out(&rig.ann, &proposal(&sell)).await, Answered::Done(_)));
    assert_eq!(rig.count(), 4);
}

#[tokio::test]
async fn a_key_has_no_more_rights_than_it_was_given() {
    let rig = Rig::start().await;
    let new = NewApiKey { title: "narrow".to_owned(), role: Some("MUTE".to_owned()), expires_at: None };
    let (key, _) = rig.auth.create_api_key(&operator(), &rig.tenant, Some(&rig.ann.user), new).await.unwrap();
    let narrow = Person { api_key: Some(key.id), ..rig.ann.clone() };
    let sales = run_query(&rig.sales().await, json!({ "month": "2026-10" }));
    assert!(rig.call(&rig.ann, &sales).await.is_ok());
    assert_eq!(
        refused_everywhere(&rig, &narrow, &sales).await,
        ToolError::Denied("tenant:dataquery:execute")
    );
}

#[tokio::test]
async fn what_somebody_may_is_what_their_role_says() {
    let rig = Rig::start().await;
    let of = |person: &Person| rig.tools.rights(person.clone(), rig.tenant.clone());
    assert_eq!(of(&rig.ann).await, Rights { query: true, execute: true });
    assert_eq!(of(&rig.bob).await, Rights { query: true, execute: true });
    for nothing in [&rig.mute, &rig.eve, &nobody()] {
        assert_eq!(of(nothing).await, Rights::default());
    }
    let rights = ["tenant:ai:chat", "tenant:workflow:execute"].map(str::to_owned).to_vec();
    rig.auth.put_role(&operator(), &rig.tenant, "STARTS", rights).await.unwrap();
    rig.auth.put_member(&operator(), &rig.tenant, &rig.bob.user, "STARTS").await.unwrap();
    assert_eq!(of(&rig.bob).await, Rights { query: false, execute: true });
}
