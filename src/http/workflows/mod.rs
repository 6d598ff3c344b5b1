//! Workflows of a tenant and their runs (`contract.md` 6.3, 6.4): what pages ask by REST.
//!
//! The functions read fields and hand them to `workflow`; what is allowed in a definition, an input
//! or an ingested event is decided there.

mod collection;
mod definitions;
mod ingest;
mod runs;
mod schemas;
pub(super) mod told;

use super::routes::{Access::Tenant, Route, row};
use crate::{
    auth::Permission::{
        WorkflowCreate, WorkflowDelete, WorkflowExecute, WorkflowExport, WorkflowList, WorkflowRead,
        WorkflowTest, WorkflowUpdate,
    },
    error::Code::{CollectionNotFound, NotFound, RunNotFound, SchemaNotFound, WorkflowNotFound},
};

/// The rows; those with a fixed word stand before the one that takes any.
pub(super) const ROUTES: &[Route] = &[
    row("GET", "/api/v1/tenants/{tenantID}/workflows", Tenant(&[WorkflowList]), NotFound, |a| {
        Box::pin(definitions::list(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/workflows", Tenant(&[WorkflowCreate]), NotFound, |a| {
        Box::pin(definitions::create(a))
    }),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/workflows/schemas",
        Tenant(&[WorkflowList]),
        SchemaNotFound,
        |a| Box::pin(schemas::list(a)),
    ),
    row("POST", "/api/v1/tenants/{tenantID}/workflows/validate", Tenant(&[WorkflowCreate]), NotFound, |a| {
        Box::pin(definitions::validate(a))
    }),
    row("POST", "/api/v1/tenants/{tenantID}/workflows/import", Tenant(&[WorkflowCreate]), NotFound, |a| {
        Box::pin(definitions::import(a))
    }),
    row("GET", "/api/v1/tenants/{tenantID}/workflows/queue", Tenant(&[WorkflowList]), NotFound, |a| {
        Box::pin(runs::queue(a))
    }),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/workflows/test",
        Tenant(&[WorkflowTest]),
        WorkflowNotFound,
        |a| Box::pin(runs::test(a)),
    ),
    row("GET", "/api/v1/tenants/{tenantID}/workflows/instances", Tenant(&[WorkflowList]), NotFound, |a| {
        Box::pin(runs::list(a))
    }),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/workflows/instances/{instanceID}",
        Tenant(&[WorkflowRead]),
        RunNotFound,
        |a| Box::pin(runs::get(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/workflows/instances/{instanceID}/widget",
        Tenant(&[WorkflowRead]),
        RunNotFound,
        |a| Box::pin(runs::widget(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/workflows/instances/{instanceID}/stop",
        Tenant(&[WorkflowExecute]),
        RunNotFound,
        |a| Box::pin(runs::stop(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/workflows/instances/{instanceID}/events",
        Tenant(&[WorkflowExecute]),
        RunNotFound,
        |a| Box::pin(ingest::take(a)),
    ),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/workflows/data-collection/{collectionRequestID}",
        Tenant(&[WorkflowRead]),
        CollectionNotFound,
        |a| Box::pin(collection::get(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/workflows/data-collection/{collectionRequestID}/submit",
        Tenant(&[WorkflowExecute]),
        CollectionNotFound,
        |a| Box::pin(collection::submit(a)),
    ),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/workflows/{workflowID}",
        Tenant(&[WorkflowRead]),
        WorkflowNotFound,
        |a| Box::pin(definitions::get(a)),
    ),
    row(
        "PATCH",
        "/api/v1/tenants/{tenantID}/workflows/{workflowID}",
        Tenant(&[WorkflowUpdate]),
        WorkflowNotFound,
        |a| Box::pin(definitions::update(a)),
    ),
    row(
        "DELETE",
        "/api/v1/tenants/{tenantID}/workflows/{workflowID}",
        Tenant(&[WorkflowDelete]),
        WorkflowNotFound,
        |a| Box::pin(definitions::delete(a)),
    ),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/workflows/{workflowID}/versions",
        Tenant(&[WorkflowRead]),
        WorkflowNotFound,
        |a| Box::pin(definitions::versions(a)),
    ),
    row(
        "GET",
        "/api/v1/tenants/{tenantID}/workflows/{workflowID}/export",
        Tenant(&[WorkflowExport]),
        WorkflowNotFound,
        |a| Box::pin(definitions::export(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/workflows/{workflowID}/clone",
        Tenant(&[WorkflowRead, WorkflowCreate]),
        WorkflowNotFound,
        |a| Box::pin(definitions::duplicate(a)),
    ),
    row(
        "POST",
        "/api/v1/tenants/{tenantID}/workflows/{workflowID}/execute",
        Tenant(&[WorkflowExecute]),
        WorkflowNotFound,
        |a| Box::pin(runs::execute(a)),
    ),
];
