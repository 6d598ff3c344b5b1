//! Creates, changes, lists and removes workflows.

use super::{SaveWorkflow, WorkflowList, WorkflowView};
use crate::{
    ids::{TenantId, WorkflowId},
    store::tables::{ListPage, definitions::WorkflowFilter},
    workflow::{Error, Starter},
};

/// The saved workflows. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Catalogue {}

impl Catalogue {
    /// Saves a new workflow as its version 1.
    pub async fn create(
        &self,
        tenant: &TenantId,
        by: &Starter,
        save: SaveWorkflow,
    ) -> Result<WorkflowView, Error> {
        unimplemented!("{tenant} {by:?} {save:?}")
    }

    /// The workflows of a tenant, newest first.
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: WorkflowFilter,
        page: ListPage,
    ) -> Result<WorkflowList, Error> {
        unimplemented!("{tenant} {filter:?} {page:?}")
    }

    /// One of a tenant.
    pub async fn get(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<WorkflowView, Error> {
        unimplemented!("{tenant} {workflow}")
    }

    /// Saves a change as the next version; an absent field stays. Runs that began before go on with
    /// theirs.
    pub async fn update(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        by: &Starter,
        save: SaveWorkflow,
    ) -> Result<WorkflowView, Error> {
        unimplemented!("{tenant} {workflow} {by:?} {save:?}")
    }

    /// Cancels the workflow's active runs, removes all its runs, then itself.
    pub async fn delete(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<(), Error> {
        unimplemented!("{tenant} {workflow}")
    }

    /// Saves a copy: title + ` (Copy)`, new node ids, edges mapped.
    pub async fn duplicate(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        by: &Starter,
    ) -> Result<WorkflowView, Error> {
        unimplemented!("{tenant} {workflow} {by:?}")
    }
}
