//! Under load: who waits is served in order, and no tenant takes all.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::rig::{Postgres, Rig, open_settings, tenant};
use crate::{
    clock::Clock,
    config::sections::DataSource,
    datasource::QueryCall,
    error::{Code, Coded},
    ids::{DataQueryId, DataSourceId, TenantId},
};

#[tokio::test]
async fn a_hundred_queries_share_four_connections() {
    let Some(database) = Postgres::new() else { return };
    let rig = Rig::new(open_settings());
    let source = rig.source("postgresql", database.options(), json!({}));
    let query = rig.query(&source, json!({ "query": "SELECT pg_backend_pid() AS pid, pg_sleep(0.02)" }));
    let begun = Clock::real().monotonic();
    let each = |number: usize| {
        let (rig, query) = (&rig, &query);
        async move {
            let answer = rig.sources.run(Rig::call(query, json!({}))).await.unwrap();
            (number, begun.elapsed(), answer["result"][0]["pid"].as_i64().unwrap())
        }
    };
    let mut done = join_all((0..100).map(each)).await;
    let pids: std::collections::HashSet<i64> = done.iter().map(|(.., pid)| *pid).collect();
    assert!(pids.len() <= 4, "{pids:?}");
    done.sort_by_key(|(_, at, _)| *at);
    // In order, give or take those at work at once and what a busy machine does; who is passed over for good comes last.
    for (place, (number, ..)) in done.iter().enumerate() {
        assert!(place.abs_diff(*number) <= 48, "{number} was {place}.");
    }
    let connections =
        rig.one(&source, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").await;
    assert!(connections.as_i64().unwrap() <= 4, "{connections}");
}

/// The other tenant has the same source and query.
fn share(rig: &Rig, source: &DataSourceId, query: &DataQueryId, other: &TenantId) {
    let saved = rig.table.queries.lock().get(&(tenant(), query.clone())).cloned().unwrap();
    rig.table.queries.lock().insert((other.clone(), query.clone()), saved);
    let sealed = rig.sources.vault().seal(other, source.as_str(), "{}").unwrap();
    let mut of_other = rig.table.sources.lock().get(&(tenant(), source.clone())).cloned().unwrap();
    of_other.sealed = Some(sealed);
    rig.table.sources.lock().insert((other.clone(), source.clone()), of_other);
}

#[tokio::test]
async fn slow_sources_of_two_tenants_hold_up_no_third() {
    let Some(database) = Postgres::new() else { return };
    let rig = Rig::new(DataSource { concurrent: 4, pool: 1, ..open_settings() });
    let source = rig.source("postgresql", database.options(), json!({}));
    let slow = rig.query(&source, json!({ "query": "SELECT pg_sleep(0.2)" }));
    let quick = rig.query(&source, json!({ "query": "SELECT 1" }));
    let (second, third) = (TenantId::trusted("t2"), TenantId::trusted("t3"));
    share(&rig, &source, &slow, &second);
    share(&rig, &source, &quick, &third);
    let call = |tenant: &TenantId, query| QueryCall { tenant: tenant.clone(), ..Rig::call(query, json!({})) };
    let greedy = [tenant(), second];
    let greedy = join_all((0..20).map(|n| rig.sources.run(call(&greedy[n % 2], &slow))));
    let modest = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = Clock::real().monotonic();
        rig.sources.run(call(&third, &quick)).await.unwrap();
        begun.elapsed()
    };
    let (outcomes, waited) = tokio::join!(greedy, modest);
    assert!(outcomes.iter().all(Result::is_ok));
    assert!(waited < Duration::from_millis(700), "{waited:?}");
}

#[tokio::test]
async fn a_tenant_that_asks_too_much_leaves_room_for_others() {
    let Some(database) = Postgres::new() else { return };
    let settings = DataSource { concurrent: 4, queue: 10, pool: 16, ..open_settings() };
    let rig = Rig::new(settings);
    let source = rig.source("postgresql", database.options(), json!({}));
    let slow = rig.query(&source, json!({ "query": "SELECT pg_sleep(1)" }));
    let quick = rig.query(&source, json!({ "query": "SELECT 1" }));
    let other = TenantId::trusted("t2");
    share(&rig, &source, &quick, &other);

    let greedy = async { join_all((0..14).map(|_| rig.sources.run(Rig::call(&slow, json!({}))))).await };
    let modest = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let begun = Clock::real().monotonic();
        let call = QueryCall { tenant: other.clone(), ..Rig::call(&quick, json!({})) };
        rig.sources.run(call).await.unwrap();
        begun.elapsed()
    };
    let (outcomes, waited) = tokio::join!(greedy, modest);
    assert!(waited < Duration::from_millis(700), "{waited:?}");
    let refused: Vec<_> = outcomes.iter().filter_map(|outcome| outcome.as_ref().err()).collect();
    assert_eq!(refused.len(), 2, "two at work, ten that wait, the others are sent away");
    assert!(refused.iter().all(|error| error.code() == Code::RateLimited));
}
