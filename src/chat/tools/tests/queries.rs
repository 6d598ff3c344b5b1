//! `run_query`: read at once, proposed, shown, carried out once.

use serde_json::json;

use super::rig::{Rig, nobody, proposal, run_query};
use crate::{
    ai::{ToolCall, ToolError},
    chat::Answered,
    error::{Code, Coded},
    ids::DataQueryId,
};

#[tokio::test]
async fn what_only_reads_is_run_at_once() {
    let rig = Rig::start().await;
    let sales = run_query(&rig.sales().await, json!({ "month": "2026-10" }));
    let output = rig.call(&rig.bob, &sales).await.unwrap();
    assert_eq!(output.text, "2 rows.");
    let data = output.data.unwrap();
    assert_eq!((data.columns, data.truncated), (vec!["month".to_owned(), "total".to_owned()], false));
    assert_eq!(data.rows, [[json!("2026-10"), json!(2.5)], [json!("2026-10"), json!(3.5)]]);
    assert_eq!(output.value["rows"].as_array().unwrap().len(), 2);
    assert!(!rig.has_effect(&sales).await);
    let words = rig.check(&rig.bob, &sales).await.unwrap();
    assert_eq!(words, r#"run the query “Sales” with month = "2026-10""#);
    let shown = rig.preview(&rig.bob, &sales).await.unwrap();
    assert_eq!(shown.text, "2 rows.");
    let approved = proposal(&sales);
    for _ in 0..2 {
        let done = rig.carry_out(&rig.bob, &approved).await;
        assert!(matches!(done, Answered::Done(output) if output.text == "2 rows."), "it may be repeated");
    }
}

#[tokio::test]
async fn more_rows_than_a_chat_shows_are_told() {
    let rig = Rig::with(|ai| ai.max_rows = 2).await;
    let all = rig.query(&rig.shop, "All", json!({ "query": "SELECT id FROM sales ORDER BY id" })).await;
    let output = rig.call(&rig.bob, &run_query(&all, json!({}))).await.unwrap();
    let data = output.data.unwrap();
    assert_eq!(
        (output.text.as_str(), data.rows.len(), data.truncated),
        ("The first 2 rows; there are more.", 2, true)
    );
    assert_eq!(output.value["truncated"], true);
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_named() {
    let rig = Rig::start().await;
    let sales = rig.sales().await;
    for (given, word) in
        [(json!({}), "month: is required"), (json!({ "month": "x", "year\u{202e}": 1 }), "year\u{fffd}")]
    {
        let call = run_query(&sales, given);
        let error = rig.call(&rig.bob, &call).await.unwrap_err();
        assert!(matches!(&error, ToolError::Invalid(words) if words.contains(word)), "{error:?}");
        assert_eq!(rig.check(&rig.bob, &call).await.unwrap_err(), error);
        assert_eq!(rig.preview(&rig.bob, &call).await.unwrap_err(), error);
        let done = rig.carry_out(&rig.bob, &proposal(&call)).await;
        assert_eq!(done, Answered::Failed(error));
    }
    let large = run_query(&sales, json!({ "month": "x".repeat(20_000) }));
    assert!(matches!(rig.call(&rig.bob, &large).await, Err(ToolError::Invalid(_))));
    let missing = run_query(&DataQueryId::generate(), json!({}));
    assert_eq!(rig.call(&rig.bob, &missing).await.unwrap_err(), ToolError::NotFound("query"));
    assert!(rig.has_effect(&missing).await, "what is not known has an effect");
}

#[tokio::test]
async fn a_query_that_writes_needs_consent_and_its_preview_writes_nothing() {
    let rig = Rig::start().await;
    let sell = run_query(&rig.sell().await, json!({ "month": "2026-11" }));
    assert_eq!(rig.call(&rig.ann, &sell).await.unwrap_err(), ToolError::NeedsConsent);
    assert!(rig.has_effect(&sell).await);
    let words = rig.check(&rig.ann, &sell).await.unwrap();
    assert_eq!(words, r#"run the query “Sell”, which may change something, with month = "2026-11""#);
    let shown = rig.preview(&rig.ann, &sell).await.unwrap();
    assert!(shown.text.contains("INSERT INTO sales") && shown.text.contains("2026-11"), "{}", shown.text);
    assert!(shown.text.ends_with("Nothing was run or sent."), "{}", shown.text);
    let data = shown.data.unwrap();
    assert_eq!(data.columns, ["name", "value"]);
    assert!(data.rows.iter().any(|row| row[0] == "parameter 1" && row[1] == "2026-11"), "{:?}", data.rows);
    assert_eq!(rig.count(), 3, "nothing was written");
    let approved = proposal(&sell);
    let done = rig.carry_out(&rig.ann, &approved).await;
    let Answered::Done(output) = done else { panic!("{done:?}") };
    assert_eq!((output.text.as_str(), rig.count()), ("1 row was changed.", 4));
    let again = rig.carry_out(&rig.ann, &approved).await;
    assert!(matches!(again, Answered::Unknown(_)), "{again:?}");
    assert_eq!(rig.count(), 4, "a proposal is carried out once, whoever asks");
}

#[tokio::test]
async fn who_may_not_see_a_statement_is_not_shown_it() {
    let rig = Rig::start().await;
    let rights = ["tenant:ai:chat", "tenant:dataquery:execute"].map(str::to_owned).to_vec();
    let by = super::rig::operator();
    rig.auth.put_role(&by, &rig.tenant, "RUNS", rights).await.unwrap();
    rig.auth.put_member(&by, &rig.tenant, &rig.bob.user, "RUNS").await.unwrap();
    let sell = run_query(&rig.sell().await, json!({ "month": "2026-11" }));
    let shown = rig.preview(&rig.bob, &sell).await.unwrap();
    assert!(
        !shown.text.contains("INSERT") && shown.text.contains("2026-11") && shown.data.is_none(),
        "{shown:?}"
    );
    assert!(!shown.value.to_string().contains("INSERT"));
}

#[tokio::test]
async fn a_request_is_shown_without_secrets_and_not_sent() {
    let rig = Rig::start().await;
    let order = json!({ "method": "POST", "path": "/orders", "body": { "n": "{{n}}" } });
    let order = run_query(&rig.query(&rig.service, "Order", order).await, json!({ "n": 7 }));
    assert_eq!(rig.call(&rig.ann, &order).await.unwrap_err(), ToolError::NeedsConsent);
    let shown = rig.preview(&rig.ann, &order).await.unwrap();
    assert!(shown.text.contains("POST http://127.0.0.1") && shown.text.contains("/orders"), "{}", shown.text);
    assert!(shown.text.contains(r#"{"n":7}"#) && shown.text.contains("***"), "{}", shown.text);
    assert!(!format!("{shown:?}").contains("top-secret"), "{shown:?}");
    assert_eq!(rig.server.count(), 0, "nothing was sent");
    let approved = proposal(&order);
    let done = rig.carry_out(&rig.ann, &approved).await;
    assert!(matches!(done, Answered::Done(_)), "{done:?}");
    let sent = rig.server.requests.lock().join("\n");
    assert!(sent.contains("Bearer top-secret-token") || sent.contains("bearer top-secret-token"), "{sent}");
    assert!(sent.contains(approved.id.as_str()), "the proposal is the request's key: {sent}");
    assert_eq!(rig.server.count(), 1);
}

#[tokio::test]
async fn what_may_have_happened_is_unknown_and_not_tried_again() {
    let rig = Rig::start().await;
    let cut = |method: &str| json!({ "method": method, "path": "/cut" });
    let post = run_query(&rig.query(&rig.service, "Cut", cut("POST")).await, json!({}));
    let done = rig.carry_out(&rig.ann, &proposal(&post)).await;
    assert!(matches!(done, Answered::Unknown(_)), "{done:?}");
    assert_eq!(rig.server.count(), 1, "once");
    let get = run_query(&rig.query(&rig.service, "Get", cut("GET")).await, json!({}));
    let done = rig.carry_out(&rig.ann, &proposal(&get)).await;
    assert!(matches!(done, Answered::Failed(_)), "what only reads has no effect to fear: {done:?}");
    let bad = json!({ "method": "POST", "path": "/bad" });
    let bad = run_query(&rig.query(&rig.service, "Bad", bad).await, json!({}));
    let done = rig.carry_out(&rig.ann, &proposal(&bad)).await;
    assert!(matches!(done, Answered::Failed(_)), "it was refused: {done:?}");
    let wrong = json!({ "query": "INSERT INTO nowhere VALUES (1)", "readOnly": false });
    let wrong = run_query(&rig.query(&rig.shop, "Wrong", wrong).await, json!({}));
    let done = rig.carry_out(&rig.ann, &proposal(&wrong)).await;
    let Answered::Failed(error) = done else { panic!("{done:?}") };
    assert_eq!(error.code(), Code::QueryFailed);
}

#[tokio::test]
async fn two_who_carry_out_one_proposal_at_once_change_one_thing() {
    let rig = Rig::start().await;
    let approved = proposal(&run_query(&rig.sell().await, json!({ "month": "2026-11" })));
    let both = futures_util::future::join_all((0..8).map(|_| rig.carry_out(&rig.ann, &approved))).await;
    let done = both.iter().filter(|answered| matches!(answered, Answered::Done(_))).count();
    assert_eq!((done, rig.count()), (1, 4), "{both:?}");
}

#[tokio::test]
async fn a_query_saved_as_reading_cannot_write_whatever_it_says() {
    let rig = Rig::start().await;
    let liar = json!({ "query": "DELETE FROM sales" });
    let liar = run_query(&rig.query(&rig.shop, "Liar", liar).await, json!({}));
    assert!(matches!(
        rig.call(&rig.ann, &liar).await,
        Err(ToolError::Failed { code: Code::QueryFailed, .. })
    ));
    assert!(rig.preview(&rig.ann, &liar).await.is_err());
    assert!(matches!(rig.carry_out(&rig.ann, &proposal(&liar)).await, Answered::Failed(_)));
    assert_eq!(rig.count(), 3);
}

#[tokio::test]
async fn where_nothing_runs_at_once_everything_but_a_search_is_proposed() {
    for own in [None, Some(false), Some(true)] {
        let rig = Rig::with(|ai| {
            ai.auto_run = own.is_none_or(|own| !own) && own.is_some();
            if let Some(own) = own {
                let tenant: crate::config::sections::AiTenant =
                    serde_json::from_value(json!({ "tenant": "t1", "auto_run": own })).unwrap();
                ai.tenants = vec![tenant];
            }
        })
        .await;
        let sales = run_query(&rig.sales().await, json!({ "month": "2026-10" }));
        let called = rig.call(&rig.bob, &sales).await;
        if own == Some(true) {
            assert!(called.is_ok(), "{called:?}");
        } else {
            assert_eq!(called.unwrap_err(), ToolError::NeedsConsent);
        }
        let search = ToolCall::SearchCatalogue { text: "sales".to_owned() };
        assert!(rig.call(&rig.bob, &search).await.is_ok());
        assert!(matches!(rig.carry_out(&rig.bob, &proposal(&sales)).await, Answered::Done(_)));
        let stranger = rig.call(&nobody(), &sales).await;
        assert!(matches!(stranger, Err(ToolError::Denied(_))), "a refusal comes before a proposal");
    }
}
