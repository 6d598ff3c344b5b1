//! What is found is what the database holds, at each moment and for each tenant.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use futures_util::future::join_all;
use serde_json::json;

use super::rig::{at, input, query, save, source, t, tenant, workflow, write};
use crate::{
    ai::catalogue::{Catalogue, shelves::Bounds},
    clock::Clock,
    ids::{DataQueryId, DataSourceId, WorkflowId},
    store::{
        Store,
        tables::{
            catalogue::revision,
            dataqueries::{self, DataQueryChange},
            datasources::{self, DataSourceChange},
            definitions::{self, WorkflowChange},
        },
        tests::bed::{both, open},
    },
};

async fn found(catalogue: &Catalogue, tenant: &str, text: &str) -> Vec<String> {
    let hits = catalogue.search(&t(tenant), text, true, true, 10).await.unwrap();
    hits.iter().map(|hit| hit.entry.subject.id().to_owned()).collect()
}

async fn newest(store: &Store, tenant: &'static str) -> i64 {
    store.read(move |c| revision(c, &t(tenant))).await.unwrap()
}

#[test]
fn what_is_found_is_in_step_with_each_change() {
    both(async |database| {
        let store = open(database);
        tenant(&store, "a").await;
        tenant(&store, "b").await;
        let catalogue = Catalogue::new(store.clone(), Clock::real());
        assert!(found(&catalogue, "a", "sales").await.is_empty());
        source(&store, "a", "shop", "Warehouse of Hamburg").await;
        let options = json!({
            "query": "SELECT region, sum(x) AS turnover FROM t WHERE kind = {{kind}} AND at >= {{fromDate}}",
            "inputDefinitions": [
                input("kind", "string", &json!({"enum": ["Wholesale", "Retail"], "label": "Sort of customer"})),
                input("fromDate", "string", &json!({})),
            ],
        });
        let mut new = query("a", "q1", "Sales by region", "What was earned", options);
        new.datasource_id = Some(DataSourceId::trusted("shop"));
        save(&store, new).await;
        workflow(
            &store,
            "a",
            "w1",
            "Refund an order",
            "Gives money back",
            &json!({"inputDefinitions": [input("order_no", "number", &json!({}))]}),
        )
        .await;
        save(&store, query("b", "q2", "Sales of others", "", json!({"query": "SELECT 1"}))).await;
        for (text, wanted) in [
            ("show me the sales", "q1"),
            ("earned", "q1"),
            ("customers", "q1"),
            ("retail", "q1"),
            ("from date", "q1"),
            ("turnover", "q1"),
            ("hamburg", "q1"),
            ("money", "w1"),
            ("refunds", "w1"),
            ("order no", "w1"),
        ] {
            assert_eq!(found(&catalogue, "a", text).await, [wanted], "{text}");
        }
        assert_eq!(found(&catalogue, "b", "sales").await, ["q2"]);
        // Each of these is a change that a search sees.
        let before = newest(&store, "a").await;
        let change = DataQueryChange { title: Some("Income".to_owned()), ..DataQueryChange::default() };
        write(&store, move |c| dataqueries::update(c, &t("a"), &DataQueryId::trusted("q1"), &change, at()))
            .await;
        assert!(found(&catalogue, "a", "sales").await.is_empty());
        assert_eq!(found(&catalogue, "a", "income").await, ["q1"]);
        let change = DataSourceChange { title: Some("Bremen".to_owned()), ..DataSourceChange::default() };
        write(&store, move |c| {
            datasources::update(c, &t("a"), &DataSourceId::trusted("shop"), &change, at())
        })
        .await;
        assert!(found(&catalogue, "a", "hamburg").await.is_empty());
        assert_eq!(found(&catalogue, "a", "bremen").await, ["q1"]);
        let change =
            WorkflowChange { description: Some(Some("Pays".to_owned())), ..WorkflowChange::default() };
        write(&store, move |c| definitions::update(c, &t("a"), &WorkflowId::trusted("w1"), &change, at()))
            .await;
        assert!(found(&catalogue, "a", "money").await.is_empty());
        assert_eq!(found(&catalogue, "a", "pay").await, ["w1"]);
        assert_eq!(newest(&store, "a").await, before + 3);
        write(&store, |c| definitions::remove(c, &t("a"), &WorkflowId::trusted("w1"))).await;
        write(&store, |c| dataqueries::remove(c, &t("a"), &DataQueryId::trusted("q1"))).await;
        write(&store, |c| datasources::remove(c, &t("a"), &DataSourceId::trusted("shop"))).await;
        assert!(catalogue.entries(&t("a"), true, true, 10).await.unwrap().is_empty());
        assert_eq!(newest(&store, "a").await, before + 6);
        assert_eq!(found(&catalogue, "b", "sales").await, ["q2"]);
        store.close().await;
    });
}

#[test]
fn a_change_that_is_rolled_back_leaves_the_revision() {
    both(async |database| {
        let store = open(database);
        tenant(&store, "a").await;
        let failed = store.write(|c| {
            dataqueries::insert(c, &query("a", "q1", "Sales", "", json!({})))?;
            Err::<(), _>(crate::store::Error::Busy)
        });
        assert!(failed.await.is_err());
        assert_eq!(newest(&store, "a").await, 0);
        store.close().await;
    });
}

#[test]
fn writers_of_one_tenant_do_not_collide() {
    both(async |database| {
        let store = open(database);
        tenant(&store, "a").await;
        let begun = AtomicUsize::new(0);
        let work = (0..40).map(|n| {
            let (store, begun) = (store.clone(), &begun);
            async move {
                begun.fetch_add(1, SeqCst);
                // The pool of a test is small: who finds no place comes again.
                loop {
                    let new = query("a", &format!("q{n}"), "Sales", "", json!({}));
                    match store.write(move |c| dataqueries::insert(c, &new)).await {
                        Ok(_) => return,
                        Err(crate::store::Error::Busy) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
        join_all(work).await;
        assert_eq!(newest(&store, "a").await, 40);
        let catalogue = Catalogue::new(store.clone(), Clock::real());
        assert_eq!(catalogue.entries(&t("a"), true, true, 100).await.unwrap().len(), 40);
        store.close().await;
    });
}

#[test]
fn rights_and_limits_choose_and_ties_go_by_id() {
    both(async |database| {
        let store = open(database);
        tenant(&store, "a").await;
        for id in ["q3", "q1", "q2"] {
            save(&store, query("a", id, "Sales", "", json!({}))).await;
        }
        workflow(&store, "a", "w1", "Sales", "", &json!({})).await;
        let catalogue = Catalogue::new(store.clone(), Clock::real());
        let ask = async |may_query, may_execute, limit| {
            let hits = catalogue.search(&t("a"), "sales", may_query, may_execute, limit).await.unwrap();
            hits.iter().map(|hit| hit.entry.subject.id().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(ask(true, true, 10).await, "q1 q2 q3 w1");
        assert_eq!(ask(true, false, 10).await, "q1 q2 q3");
        assert_eq!(ask(false, true, 10).await, "w1");
        assert_eq!(ask(false, false, 10).await, "");
        assert_eq!(ask(true, true, 2).await, "q1 q2");
        assert_eq!(ask(true, true, 0).await, "");
        assert!(catalogue.search(&t("nobody"), "sales", true, true, 10).await.unwrap().is_empty());
        assert!(catalogue.search(&t("a"), "show me", true, true, 10).await.unwrap().is_empty());
        store.close().await;
    });
}

#[test]
fn tenants_that_were_put_away_are_read_again() {
    both(async |database| {
        let store = open(database);
        let bounds = Bounds { tenants: 2, bytes: usize::MAX };
        let catalogue = Catalogue::bounded(store.clone(), Clock::real(), bounds);
        for name in ["a", "b", "c"] {
            tenant(&store, name).await;
            save(&store, query(name, &format!("{name}1"), "Sales", "", json!({}))).await;
        }
        for _ in 0..3 {
            for name in ["a", "b", "c", "a"] {
                assert_eq!(found(&catalogue, name, "sales").await, [format!("{name}1")]);
            }
        }
        // No room for two at once: the one that is asked stays.
        let tight = Catalogue::bounded(store.clone(), Clock::real(), Bounds { tenants: 9, bytes: 1 });
        let all = join_all(["a", "b", "c", "a"].map(|name| found(&tight, name, "sales"))).await;
        assert_eq!(all.concat(), ["a1", "b1", "c1", "a1"]);
        store.close().await;
    });
}

#[test]
fn many_entries_are_searched_and_changed_in_place() {
    both(async |database| {
        let store = open(database);
        tenant(&store, "a").await;
        for part in 0..20 {
            write(&store, move |c| {
                for n in 0..500 {
                    let n = part * 500 + n;
                    let title = format!("Report {n} of {}", ["sales", "stock", "staff"][n % 3]);
                    dataqueries::insert(
                        c,
                        &query("a", &format!("q{n:05}"), &title, "numbers for people", json!({})),
                    )?;
                }
                Ok(())
            })
            .await;
        }
        let catalogue = Catalogue::new(store.clone(), Clock::real());
        let clock = Clock::real();
        let begun = clock.monotonic();
        assert_eq!(found(&catalogue, "a", "report 4711").await[0], "q04711");
        let loaded = begun.elapsed();
        let begun = clock.monotonic();
        for _ in 0..20 {
            assert_eq!(found(&catalogue, "a", "sales report").await[0], "q00000");
        }
        let searched = begun.elapsed() / 20;
        save(&store, query("a", "q_new", "Report zebra", "", json!({}))).await;
        let begun = clock.monotonic();
        assert_eq!(found(&catalogue, "a", "zebra").await, ["q_new"]);
        println!(
            "{}: loaded in {loaded:?}, searched in {searched:?}, changed in {:?}",
            database.name,
            begun.elapsed()
        );
        store.close().await;
    });
}
