//! Data sources, saved queries, widgets, listeners.

use serde_json::json;

use super::bed::{at, both, open};
use crate::{
    ids::{DataQueryId, DataSourceId, ListenerId, TenantId, WidgetId},
    store::{
        Connection, Error, Store,
        tables::{
            ListPage,
            dataqueries::{self, DataQueryChange, NewDataQuery},
            datasources::{self, DataSourceChange, NewDataSource},
            listeners::{self, ListenerChange, NewListener},
            tenants,
            widgets::{self, NewWidget, WidgetChange},
        },
    },
};

async fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    store.write(f).await
}

fn t(id: &str) -> TenantId {
    TenantId::trusted(id)
}

fn source(tenant: &str, id: &str) -> NewDataSource {
    NewDataSource {
        datasource_id: DataSourceId::trusted(id),
        tenant_id: t(tenant),
        title: format!("Source {id}"),
        description: None,
        kind: "postgresql".to_owned(),
        options: json!({ "host": "db" }),
        secret: Some("sealed".to_owned()),
        creator_id: None,
        at: at(1),
    }
}

fn query(tenant: &str, id: &str, source: Option<&str>) -> NewDataQuery {
    NewDataQuery {
        data_query_id: DataQueryId::trusted(id),
        tenant_id: t(tenant),
        datasource_id: source.map(DataSourceId::trusted),
        title: format!("Query {id}"),
        description: None,
        options: json!({ "query": "SELECT 1" }),
        folder_id: None,
        creator_id: None,
        at: at(1),
    }
}

fn listener(tenant: &str, id: &str, source: Option<&str>) -> NewListener {
    NewListener {
        listener_id: ListenerId::trusted(id),
        tenant_id: t(tenant),
        datasource_id: source.map(DataSourceId::trusted),
        title: format!("Listener {id}"),
        description: None,
        kind: "webhook".to_owned(),
        status: "ACTIVE".to_owned(),
        options: json!({}),
        creator_id: None,
        at: at(1),
    }
}

fn widget(tenant: &str, id: &str, second: i64) -> NewWidget {
    NewWidget {
        widget_id: WidgetId::trusted(id),
        tenant_id: t(tenant),
        title: format!("Widget {id}"),
        description: None,
        kind: "bar".to_owned(),
        config: json!({ "workflowID": "w" }),
        refresh_interval: Some(60),
        folder_id: None,
        creator_id: None,
        at: at(second),
    }
}

async fn tenants(store: &Store) {
    write(store, |c| {
        for id in ["t", "x"] {
            let new = tenants::NewTenant {
                tenant_id: t(id),
                title: id.to_owned(),
                timezone: "UTC".to_owned(),
                creator_id: None,
                at: at(1),
            };
            tenants::insert(c, &new)?;
        }
        Ok(())
    })
    .await
    .unwrap();
}

#[test]
fn a_change_touches_what_it_names() {
    both(async |database| {
        let store = open(database);
        tenants(&store).await;
        let made = write(&store, |c| datasources::insert(c, &source("t", "d"))).await.unwrap();
        assert_eq!((made.secret.as_deref(), &made.options), (Some("sealed"), &json!({ "host": "db" })));
        let change = DataSourceChange { title: Some("New".to_owned()), ..Default::default() };
        let id = DataSourceId::trusted("d");
        let saved = write(&store, {
            let id = id.clone();
            move |c| datasources::update(c, &t("t"), &id, &change, at(2))
        });
        let saved = saved.await.unwrap();
        assert_eq!((saved.title.as_str(), saved.secret, saved.updated_at), ("New", made.secret, at(2)));
        let change = DataSourceChange { secret: Some(None), ..Default::default() };
        let saved =
            write(&store, move |c| datasources::update(c, &t("t"), &id, &change, at(3))).await.unwrap();
        assert_eq!((saved.title.as_str(), saved.secret), ("New", None));

        write(&store, |c| widgets::insert(c, &widget("t", "w", 1))).await.unwrap();
        let change = WidgetChange { refresh_interval: Some(None), ..Default::default() };
        let id = WidgetId::trusted("w");
        let saved = write(&store, move |c| widgets::update(c, &t("t"), &id, &change, at(2))).await.unwrap();
        assert_eq!((saved.refresh_interval, saved.config), (None, json!({ "workflowID": "w" })));
    });
}

#[test]
fn a_row_is_found_changed_and_removed_in_its_tenant_only() {
    both(async |database| {
        let store = open(database);
        tenants(&store).await;
        write(&store, |c| {
            datasources::insert(c, &source("t", "d"))?;
            dataqueries::insert(c, &query("t", "q", Some("d")))?;
            widgets::insert(c, &widget("t", "w", 1))?;
            listeners::insert(c, &listener("t", "l", None))
        })
        .await
        .unwrap();
        for (tenant, there) in [("x", false), ("t", true)] {
            let found = write(&store, move |c| {
                let (d, q) = (DataSourceId::trusted("d"), DataQueryId::trusted("q"));
                let (w, l) = (WidgetId::trusted("w"), ListenerId::trusted("l"));
                let found = [
                    datasources::find(c, &t(tenant), &d)?.is_some(),
                    dataqueries::find(c, &t(tenant), &q)?.is_some(),
                    widgets::find(c, &t(tenant), &w)?.is_some(),
                    listeners::find(c, &t(tenant), &l)?.is_some(),
                ];
                let missing = |outcome: Result<(), Error>| matches!(outcome, Err(Error::NotFound));
                let changed = [
                    datasources::update(c, &t(tenant), &d, &DataSourceChange::default(), at(2)).map(drop),
                    dataqueries::update(c, &t(tenant), &q, &DataQueryChange::default(), at(2)).map(drop),
                    widgets::update(c, &t(tenant), &w, &WidgetChange::default(), at(2)).map(drop),
                    listeners::update(c, &t(tenant), &l, &ListenerChange::default(), at(2)).map(drop),
                ];
                let removed = [
                    dataqueries::remove(c, &t(tenant), &q),
                    widgets::remove(c, &t(tenant), &w),
                    listeners::remove(c, &t(tenant), &l),
                    datasources::remove(c, &t(tenant), &d),
                ];
                Ok((found, changed.map(|o| !missing(o)), removed.map(|o| !missing(o))))
            });
            assert_eq!(found.await.unwrap(), ([there; 4], [there; 4], [there; 4]), "{tenant}");
        }
    });
}

#[test]
fn a_data_source_is_named_in_its_tenant_and_kept_while_it_is() {
    both(async |database| {
        let store = open(database);
        tenants(&store).await;
        write(&store, |c| {
            datasources::insert(c, &source("t", "d"))?;
            datasources::insert(c, &source("x", "foreign"))?;
            dataqueries::insert(c, &query("t", "q", Some("d")))?;
            listeners::insert(c, &listener("t", "l", Some("d")))
        })
        .await
        .unwrap();
        for bad in ["foreign", "nowhere"] {
            let new = query("t", "p", Some(bad));
            let refused = write(&store, move |c| dataqueries::insert(c, &new)).await;
            assert!(matches!(refused, Err(Error::Reference)), "{refused:?}");
            let change = ListenerChange {
                datasource_id: Some(Some(DataSourceId::trusted(bad))),
                ..Default::default()
            };
            let id = ListenerId::trusted("l");
            let refused = write(&store, move |c| listeners::update(c, &t("t"), &id, &change, at(2))).await;
            assert!(matches!(refused, Err(Error::Reference)), "{refused:?}");
        }
        let d = DataSourceId::trusted("d");
        let refused = write(&store, {
            let d = d.clone();
            move |c| datasources::remove(c, &t("t"), &d)
        });
        assert!(matches!(refused.await, Err(Error::Reference)));
        let users = store.read(move |c| datasources::users(c, &d, 10)).await.unwrap();
        assert_eq!(users.queries, [(DataQueryId::trusted("q"), "Query q".to_owned())]);
        assert_eq!(users.listeners, [(ListenerId::trusted("l"), "Listener l".to_owned())]);
    });
}

#[test]
fn lists_are_newest_first_searched_by_title() {
    both(async |database| {
        let store = open(database);
        tenants(&store).await;
        write(&store, |c| {
            for n in 0..5 {
                widgets::insert(c, &widget("t", &format!("w{n}"), n / 2))?;
                datasources::insert(c, &NewDataSource { at: at(n / 2), ..source("t", &format!("d{n}")) })?;
                dataqueries::insert(
                    c,
                    &NewDataQuery { at: at(n / 2), ..query("t", &format!("q{n}"), None) },
                )?;
                listeners::insert(
                    c,
                    &NewListener { at: at(n / 2), ..listener("t", &format!("l{n}"), None) },
                )?;
            }
            widgets::insert(c, &widget("x", "foreign", 9))
        })
        .await
        .unwrap();
        let all = store
            .read(|c| {
                let page = ListPage { page_size: 3, ..ListPage::default() };
                let first = widgets::list(c, &t("t"), None, &page)?;
                let next = ListPage { cursor: first.next_cursor.clone(), ..page };
                let second = widgets::list(c, &t("t"), None, &next)?;
                let rows = first.rows.iter().chain(&second.rows);
                Ok((
                    json!(rows.map(|row| row.widget_id.clone()).collect::<Vec<_>>()),
                    second.next_cursor,
                    first.total,
                ))
            })
            .await
            .unwrap();
        assert_eq!(all, (json!(["w4", "w3", "w2", "w1", "w0"]), None, 5));
        let totals = store
            .read(|c| {
                let page = ListPage::default();
                Ok([
                    datasources::list(c, &t("t"), Some("source D3"), &page)?.total,
                    dataqueries::list(c, &t("t"), Some("QUERY"), &page)?.total,
                    widgets::list(c, &t("t"), Some("w%"), &page)?.total,
                    listeners::list(c, &t("x"), None, &page)?.total,
                ])
            })
            .await;
        assert_eq!(totals.unwrap(), [1, 5, 0, 0]);
    });
}
