//! `start_workflow`: proposed, shown without effect, started once.

use serde_json::json;

use super::rig::{Rig, proposal, run_query, start_workflow, trouble};
use crate::{
    ai::{ToolCall, ToolError},
    chat::{
        Answered,
        tools::{Plan, Trouble},
    },
    error::{Code, Coded},
    ids::{DataQueryId, RunId, WorkflowId},
};

fn report() -> Plan {
    let options = json!({ "inputDefinitions": [{ "key": "month", "type": "string", "required": true }] });
    Plan { title: "Report".to_owned(), options, steps: 3, ..Plan::default() }
}

fn run_of(answered: &Answered) -> RunId {
    match answered {
        Answered::Done(output) => output.run.clone().unwrap(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_start_is_proposed_and_happens_once() {
    let rig = Rig::start().await;
    let call = start_workflow(&rig.workflow(report()), json!({ "month": "2026-10" }));
    assert_eq!(rig.call(&rig.bob, &call).await.unwrap_err(), ToolError::NeedsConsent);
    assert!(rig.has_effect(&call).await);
    let words = rig.check(&rig.bob, &call).await.unwrap();
    assert_eq!(words, r#"start the workflow “Report” with month = "2026-10""#);
    assert!(rig.host.starts.lock().is_empty());
    let approved = proposal(&call);
    let (first, again) = (rig.carry_out(&rig.bob, &approved).await, rig.carry_out(&rig.bob, &approved).await);
    assert_eq!(run_of(&first), run_of(&again));
    {
        let starts = rig.host.starts.lock();
        assert_eq!(starts.len(), 1, "the second found the run of the first");
        assert_eq!(starts[0].key, approved.id.as_str());
        assert_eq!((&starts[0].person, &starts[0].inputs["month"]), (&rig.bob, &json!("2026-10")));
    }
    let other = rig.carry_out(&rig.bob, &proposal(&call)).await;
    assert_ne!(run_of(&other), run_of(&first), "another proposal is another start");
}

#[tokio::test]
async fn a_start_that_was_lost_is_found_again() {
    let rig = Rig::start().await;
    let call = start_workflow(&rig.workflow(report()), json!({ "month": "2026-10" }));
    // The answer was lost after the run began.
    *rig.host.troubles.lock() = vec![(trouble(true), true), (trouble(false), false)];
    let approved = proposal(&call);
    let done = rig.carry_out(&rig.bob, &approved).await;
    assert_eq!(Some(run_of(&done)), rig.host.keys.lock().get(approved.id.as_str()).cloned());
    assert_eq!(rig.host.keys.lock().len(), 1);
    // The right was taken between the start and the end of the proposal, which came to nothing in a crash.
    rig.auth.delete_member(&super::rig::operator(), &rig.tenant, &rig.bob.user).await.unwrap();
    let again = rig.carry_out(&rig.bob, &approved).await;
    assert_eq!(run_of(&again), run_of(&done), "it was started: to say that nothing was done would be wrong");
    let other = rig.carry_out(&rig.bob, &proposal(&call)).await;
    assert_eq!(other, Answered::Failed(ToolError::Denied("tenant:ai:chat")));
}

#[tokio::test]
async fn a_start_whose_outcome_stays_unknown_says_so() {
    for unsure in [false, true] {
        let rig = Rig::start().await;
        let call = start_workflow(&rig.workflow(report()), json!({ "month": "2026-10" }));
        let mut troubles: Vec<_> = (0..20).map(|_| (trouble(false), false)).collect();
        troubles[2].0.unsure = unsure;
        *rig.host.troubles.lock() = troubles;
        let done = rig.carry_out(&rig.bob, &proposal(&call)).await;
        match unsure {
            true => assert!(matches!(done, Answered::Unknown(_)), "{done:?}"),
            false => assert!(matches!(done, Answered::Failed(_)), "{done:?}"),
        }
        assert!(rig.host.troubles.lock().len() > 5, "not for ever");
    }
}

#[tokio::test]
async fn a_start_that_is_refused_fails() {
    let rig = Rig::start().await;
    let call = start_workflow(&rig.workflow(report()), json!({ "month": "2026-10" }));
    let error = ToolError::Failed { code: Code::RateLimited, message: "full".to_owned() };
    *rig.host.troubles.lock() = vec![(Trouble { error: error.clone(), again: false, unsure: false }, false)];
    assert_eq!(rig.carry_out(&rig.bob, &proposal(&call)).await, Answered::Failed(error));
}

#[tokio::test]
async fn arguments_that_do_not_fit_start_nothing() {
    let rig = Rig::start().await;
    let workflow = rig.workflow(report());
    for given in [json!({}), json!({ "month": "1", "monht": "2" })] {
        let call = start_workflow(&workflow, given);
        for error in
            [rig.call(&rig.bob, &call).await.unwrap_err(), rig.preview(&rig.bob, &call).await.unwrap_err()]
        {
            assert!(matches!(error, ToolError::Invalid(_)), "{error:?}");
        }
        let done = rig.carry_out(&rig.bob, &proposal(&call)).await;
        assert!(matches!(done, Answered::Failed(ToolError::Invalid(_))), "{done:?}");
    }
    let missing = start_workflow(&WorkflowId::generate(), json!({}));
    assert_eq!(rig.check(&rig.bob, &missing).await.unwrap_err(), ToolError::NotFound("workflow"));
    let disabled = rig.workflow(Plan { is_disabled: true, ..report() });
    let disabled = start_workflow(&disabled, json!({ "month": "1" }));
    assert_eq!(rig.check(&rig.bob, &disabled).await.unwrap_err().code(), Code::Conflict);
    assert!(rig.host.starts.lock().is_empty() && rig.host.tests.lock().is_empty());
}

#[tokio::test]
async fn a_workflow_that_only_reads_is_shown_as_a_test_run() {
    let rig = Rig::start().await;
    let queries = vec![Some(rig.sales().await)];
    let call = start_workflow(&rig.workflow(Plan { queries, ..report() }), json!({ "month": "2026-10" }));
    let shown = rig.preview(&rig.bob, &call).await.unwrap();
    assert_eq!(shown.text, "A test run was started. The run of “Report” has completed.");
    assert_eq!(shown.data.unwrap().rows, [[json!("total"), json!(3)]]);
    let run = shown.run.unwrap();
    assert!(rig.host.starts.lock().is_empty());
    assert_eq!(rig.host.tests.lock().len(), 1);
    // It is its starter's, and of those who may test.
    let read = ToolCall::ReadRun { run };
    assert!(rig.call(&rig.bob, &read).await.is_ok());
    assert!(rig.call(&rig.ann, &read).await.is_ok());
    let cid = super::rig::nobody();
    rig.auth.put_member(&super::rig::operator(), &rig.tenant, &rig.mute.user, "MEMBER").await.unwrap();
    assert_eq!(rig.call(&rig.mute, &read).await.unwrap_err(), ToolError::NotFound("run"));
    assert!(matches!(rig.call(&cid, &read).await, Err(ToolError::Denied(_))));
}

#[tokio::test]
async fn a_workflow_that_may_change_something_is_told_in_words() {
    let rig = Rig::start().await;
    let (reads, writes) = (rig.sales().await, rig.sell().await);
    let gone = DataQueryId::generate();
    for (queries, words) in [
        (vec![Some(reads.clone()), Some(writes)], "“Sell”"),
        (vec![Some(reads), None], "only known while it runs"),
        (vec![Some(gone)], "a query that is not here"),
    ] {
        let call = start_workflow(&rig.workflow(Plan { queries, ..report() }), json!({ "month": "2026-10" }));
        let shown = rig.preview(&rig.bob, &call).await.unwrap();
        assert!(shown.text.contains(words) && shown.text.contains("no test run was made"), "{}", shown.text);
        assert!(shown.run.is_none() && shown.data.is_none());
    }
    assert!(rig.host.tests.lock().is_empty() && rig.host.starts.lock().is_empty());
    assert_eq!(rig.count(), 3);
    let sales = rig.sales().await;
    assert!(rig.call(&rig.bob, &run_query(&sales, json!({ "month": "2026-10" }))).await.is_ok());
}
