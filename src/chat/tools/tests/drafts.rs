//! `draft_query`: SQL that is saved nowhere.

use serde_json::json;

use super::rig::{Rig, proposal};
use crate::{
    ai::{ToolCall, ToolError},
    chat::Answered,
    ids::DataSourceId,
};

fn draft(source: &DataSourceId, statement: &str) -> ToolCall {
    ToolCall::DraftQuery { source: source.clone(), statement: statement.to_owned() }
}

#[tokio::test]
async fn a_draft_is_always_proposed_and_only_reads() {
    let rig = Rig::start().await;
    let call = draft(&rig.shop, "SELECT count(*) AS n\nFROM sales");
    assert_eq!(rig.call(&rig.ann, &call).await.unwrap_err(), ToolError::NeedsConsent);
    let words = rig.check(&rig.ann, &call).await.unwrap();
    assert_eq!(words, "run this SQL, which may only read, on “Shop”: SELECT count(*) AS n FROM sales");
    assert!(!rig.has_effect(&call).await);
    let shown = rig.preview(&rig.ann, &call).await.unwrap();
    assert_eq!(shown.data.unwrap().rows, [[json!(3)]]);
    let done = rig.carry_out(&rig.ann, &proposal(&call)).await;
    let Answered::Done(output) = done else { panic!("{done:?}") };
    assert_eq!(output.text, "1 row.");
}

#[tokio::test]
async fn a_draft_that_writes_changes_nothing() {
    let rig = Rig::start().await;
    for statement in [
        "DELETE FROM sales",
        "INSERT INTO sales (month) VALUES ('x') RETURNING id",
        "WITH gone AS (SELECT 1) DELETE FROM sales",
        "SELECT 1; DELETE FROM sales",
        "DROP TABLE sales",
        "SELECT {{month}}",
        "",
    ] {
        let call = draft(&rig.shop, statement);
        assert!(rig.preview(&rig.ann, &call).await.is_err(), "{statement}");
        let done = rig.carry_out(&rig.ann, &proposal(&call)).await;
        assert!(matches!(done, Answered::Failed(_)), "{statement}: {done:?}");
    }
    assert_eq!(rig.count(), 3);
    let service = draft(&rig.service, "SELECT 1");
    assert!(rig.check(&rig.ann, &service).await.is_err(), "a service takes no SQL");
    assert_eq!(rig.server.count(), 0);
}

#[tokio::test]
async fn who_may_run_saved_queries_may_not_write_their_own() {
    let rig = Rig::start().await;
    let call = draft(&rig.shop, "SELECT 1");
    assert_eq!(rig.call(&rig.bob, &call).await.unwrap_err(), ToolError::Denied("tenant:dataquery:create"));
    let search = ToolCall::SearchCatalogue { text: "shop".to_owned() };
    let of = |value: &serde_json::Value| {
        let entries = value["entries"].as_array().unwrap();
        entries.iter().filter(|entry| entry["kind"] == "datasource").cloned().collect::<Vec<_>>()
    };
    assert!(of(&rig.call(&rig.bob, &search).await.unwrap().value).is_empty());
    let known = of(&rig.call(&rig.ann, &search).await.unwrap().value);
    assert_eq!(known.len(), 1, "the service is none: {known:?}");
    assert_eq!(known[0]["id"], rig.shop.as_str());
}
