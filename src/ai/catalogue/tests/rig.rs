//! Rows of a catalogue, written as REST writes them.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    ids::{DataQueryId, DataSourceId, TenantId, WorkflowId},
    store::{
        Connection, Error, Store,
        tables::{
            dataqueries::{self, NewDataQuery},
            datasources::{self, NewDataSource},
            definitions::{self, NewWorkflow},
            tenants,
        },
    },
};

pub fn t(tenant: &str) -> TenantId {
    TenantId::trusted(tenant)
}

pub fn at() -> Timestamp {
    "2026-11-25T10:00:00Z".parse().unwrap()
}

pub async fn write<T: Send + 'static>(
    store: &Store,
    f: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
) -> T {
    store.write(f).await.unwrap()
}

pub async fn tenant(store: &Store, id: &'static str) {
    let new = tenants::NewTenant {
        tenant_id: t(id),
        title: id.to_owned(),
        timezone: "Europe/Berlin".to_owned(),
        creator_id: None,
        at: at(),
    };
    write(store, move |c| tenants::insert(c, &new)).await;
}

/// An input definition.
pub fn input(key: &str, kind: &str, more: &Value) -> Value {
    let mut definition = json!({ "key": key, "type": kind });
    for (name, value) in more.as_object().into_iter().flatten() {
        definition[name] = value.clone();
    }
    definition
}

pub fn query(tenant: &str, id: &str, title: &str, about: &str, options: Value) -> NewDataQuery {
    NewDataQuery {
        data_query_id: DataQueryId::trusted(id),
        tenant_id: t(tenant),
        datasource_id: None,
        title: title.to_owned(),
        description: (!about.is_empty()).then(|| about.to_owned()),
        options,
        folder_id: None,
        creator_id: None,
        at: at(),
    }
}

pub async fn save(store: &Store, new: NewDataQuery) {
    write(store, move |c| dataqueries::insert(c, &new)).await;
}

pub async fn source(store: &Store, tenant: &str, id: &str, title: &str) {
    let new = NewDataSource {
        datasource_id: DataSourceId::trusted(id),
        tenant_id: t(tenant),
        title: title.to_owned(),
        description: None,
        kind: "sqlite".to_owned(),
        options: json!({ "file": "x" }),
        secret: None,
        creator_id: None,
        at: at(),
    };
    write(store, move |c| datasources::insert(c, &new)).await;
}

pub async fn workflow(store: &Store, tenant: &str, id: &str, title: &str, about: &str, options: &Value) {
    let new = NewWorkflow {
        workflow_id: WorkflowId::trusted(id),
        tenant_id: t(tenant),
        title: title.to_owned(),
        description: Some(about.to_owned()),
        options: options.to_string(),
        folder_id: None,
        nodes: "[]".to_owned(),
        edges: "[]".to_owned(),
        creator_id: None,
        created_by_api_key_id: None,
        at: at(),
    };
    write(store, move |c| definitions::insert(c, &new)).await;
}
