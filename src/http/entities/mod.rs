//! What a tenant stores beside workflows (`contract.md` 6.2, 6.3, 7): data sources, saved queries,
//! widgets, listeners; and what is asked of them: run a query, try a source, the data of a widget,
//! publish an event.
//!
//! Each body is read field by field, so that all that is wrong is told at once (`form`); each change
//! is one transaction with its audit row (`change`); credentials leave a body before anything else
//! looks at it (`secrets`).

mod change;
mod data;
mod dataqueries;
mod datasources;
mod form;
mod listeners;
mod publish;
mod secrets;
mod told;
mod widgets;

use super::routes::{Access::Tenant, Route, row};
use crate::{
    auth::Permission::{
        DataQueryCreate, DataQueryDelete, DataQueryExecute, DataQueryList, DataQueryRead, DataQueryUpdate,
        DataSourceCreate, DataSourceDelete, DataSourceList, DataSourceRead, DataSourceUpdate, ListenerCreate,
        ListenerDelete, ListenerList, ListenerPublish, ListenerRead, ListenerUpdate, WidgetCreate,
        WidgetDelete, WidgetExecute, WidgetList, WidgetRead, WidgetUpdate, WorkflowExecute,
    },
    error::Code::{NotFound, WidgetNotFound, WorkflowNotFound},
};

/// The rows; those with a fixed word stand before the one that takes any.
pub(super) const ROUTES: &[Route] = &[
    row("GET", "/api/v1/tenants/{tenantID}/datasources", Tenant(&[DataSourceList]), NotFound, |a| {
        Box::pin(datasources::list(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/datasources", Tenant(&[DataSourceCreate]), NotFound, |a| {
        Box::pin(datasources::create(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/datasources/test", Tenant(&[DataSourceCreate]), NotFound, |a| {
        Box::pin(datasources::test_unsaved(a))
    }),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/datasources/{datasourceID}",
        Tenant(&[DataSourceRead]),
        NotFound,
        |a| Box::pin(datasources::get(a)),
    ),
    row(
        "PATCH",
        "/api/v1/tenants/{tenantID}/datasources/{datasourceID}",
        Tenant(&[DataSourceUpdate]),
        NotFound,
        |a| Box::pin(datasources::update(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/datasources/{datasourceID}",
        Tenant(&[DataSourceDelete]),
        NotFound,
        |a| Box::pin(datasources::delete(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/datasources/{datasourceID}/test",
        Tenant(&[DataSourceRead]),
        NotFound,
        |a| Box::pin(datasources::test(a)),
    ),
    row("GET", "/api/v1/tenants/{tenantID}/dataqueries", Tenant(&[DataQueryList]), NotFound, |a| {
        Box::pin(dataqueries::list(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/dataqueries", Tenant(&[DataQueryCreate]), NotFound, |a| {
        Box::pin(dataqueries::create(a))
    }),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/dataqueries/{dataQueryID}",
        Tenant(&[DataQueryRead]),
        NotFound,
        |a| Box::pin(dataqueries::get(a)),
    ),
    row(
        "PATCH",
        "/api/v1/tenants/{tenantID}/dataqueries/{dataQueryID}",
        Tenant(&[DataQueryUpdate]),
        NotFound,
        |a| Box::pin(dataqueries::update(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/dataqueries/{dataQueryID}",
        Tenant(&[DataQueryDelete]),
        NotFound,
        |a| Box::pin(dataqueries::delete(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/dataqueries/{dataQueryID}/run",
        Tenant(&[DataQueryExecute]),
        NotFound,
        |a| Box::pin(dataqueries::run(a)),
    ),
    row("GET", "/api/v1/tenants/{tenantID}/widgets", Tenant(&[WidgetList]), NotFound, |a| {
        Box::pin(widgets::list(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/widgets", Tenant(&[WidgetCreate]), NotFound, |a| {
        Box::pin(widgets::create(a))
    }),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/widgets/data",
        Tenant(&[WidgetExecute, WorkflowExecute]),
        WorkflowNotFound,
        |a| Box::pin(data::of_unsaved(a)),
    ),
    row("GET", "/api/v1/tenants/{tenantID}/widgets/{widgetID}", Tenant(&[WidgetRead]), WidgetNotFound, |a| {
        Box::pin(widgets::get(a))
    }),
    row(
        "PATCH",
        "/api/v1/tenants/{tenantID}/widgets/{widgetID}",
        Tenant(&[WidgetUpdate]),
        WidgetNotFound,
        |a| Box::pin(widgets::update(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/widgets/{widgetID}",
        Tenant(&[WidgetDelete]),
        WidgetNotFound,
        |a| Box::pin(widgets::delete(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/widgets/{widgetID}/data",
        Tenant(&[WidgetExecute, WorkflowExecute]),
        WidgetNotFound,
        |a| Box::pin(data::of_saved(a)),
    ),
    row("GET", "/api/v1/tenants/{tenantID}/listeners", Tenant(&[ListenerList]), NotFound, |a| {
        Box::pin(listeners::list(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/listeners", Tenant(&[ListenerCreate]), NotFound, |a| {
        Box::pin(listeners::create(a))
    }),
    row("GET", "/api/v1/tenants/{tenantID}/listeners/{listenerID}", Tenant(&[ListenerRead]), NotFound, |a| {
        Box::pin(listeners::get(a))
    }),
    row(
        "PATCH",
        "/api/v1/tenants/{tenantID}/listeners/{listenerID}",
        Tenant(&[ListenerUpdate]),
        NotFound,
        |a| Box::pin(listeners::update(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/listeners/{listenerID}",
        Tenant(&[ListenerDelete]),
        NotFound,
        |a| Box::pin(listeners::delete(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/listeners/{listenerID}/publish",
        Tenant(&[ListenerPublish]),
        NotFound,
        |a| Box::pin(publish::publish(a)),
    ),
];
