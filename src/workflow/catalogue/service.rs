//! Creates, changes, lists and removes workflows.

use serde_json::Value;

use super::{SaveWorkflow, VersionView, WorkflowList, WorkflowView, checked::check_texts, stored::view};
use crate::{
    clock::to_wire,
    engine::Source,
    ids::{RunId, TenantId, WorkflowId},
    store::{
        self,
        tables::{
            ListPage,
            definitions::{self, NewWorkflow, WorkflowChange, WorkflowFilter},
            runs,
        },
    },
    workflow::{Error, Runs, Starter, definitions::source_of},
};

/// Most versions that are listed.
const VERSIONS: i64 = 1000;
/// Runs removed in one transaction.
const PART: i64 = 50;

/// The saved workflows. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Catalogue {
    pub(super) runs: Runs,
    /// There may be queries that only the query service beside the hub knows.
    pub(super) beside_service: bool,
}

impl Catalogue {
    /// Beside the runs of its workflows.
    pub fn new(runs: Runs) -> Self {
        Self { runs, beside_service: false }
    }

    /// With a query service beside the hub, a query that the tenant does not have is no mistake.
    #[must_use]
    pub fn beside_query_service(self, beside_service: bool) -> Self {
        Self { beside_service, ..self }
    }

    /// Saves a new workflow as its version 1.
    pub async fn create(
        &self,
        tenant: &TenantId,
        by: &Starter,
        save: SaveWorkflow,
    ) -> Result<WorkflowView, Error> {
        let new = self.new_workflow(tenant, by, save)?;
        let saved = self.runs.hub.store.write(move |db| definitions::insert(db, &new)).await?;
        let mut view = view(&saved)?;
        view.problems = self.problems_of(tenant, &source_of(&saved.graph)?).await?;
        Ok(view)
    }

    /// What a body makes, checked.
    pub(super) fn new_workflow(
        &self,
        tenant: &TenantId,
        by: &Starter,
        save: SaveWorkflow,
    ) -> Result<NewWorkflow, Error> {
        check_texts(&save)?;
        let source = save.source();
        self.check(Some(save.title.as_deref().unwrap_or_default()), &source)?;
        Ok(NewWorkflow {
            workflow_id: WorkflowId::generate(),
            tenant_id: tenant.clone(),
            title: save.title.unwrap_or_default(),
            description: save.workflow_description.flatten(),
            options: source.options.to_string(),
            folder_id: save.folder_id.flatten(),
            nodes: source.nodes.to_string(),
            edges: source.edges.to_string(),
            creator_id: by.user.clone(),
            created_by_api_key_id: by.api_key.clone(),
            at: self.runs.hub.clock.now(),
        })
    }

    /// The workflows of a tenant, newest first.
    pub async fn list(
        &self,
        tenant: &TenantId,
        filter: WorkflowFilter,
        page: ListPage,
    ) -> Result<WorkflowList, Error> {
        let (tenant, number, size) = (tenant.clone(), page.page, page.page_size);
        let listed =
            self.runs.hub.store.read(move |db| definitions::list(db, &tenant, &filter, &page)).await?;
        let per_page = i64::from(size.max(1));
        Ok(WorkflowList {
            workflows: listed.rows.iter().map(view).collect::<Result<_, _>>()?,
            total_count: listed.total,
            total_pages: (listed.total + per_page - 1) / per_page,
            page: number,
            page_size: size,
            next_cursor: listed.next_cursor,
        })
    }

    /// One of a tenant.
    pub async fn get(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<WorkflowView, Error> {
        Ok(view(&self.find(tenant, workflow).await?)?)
    }

    /// One of a tenant as it was in that version.
    pub async fn get_version(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        version: i64,
    ) -> Result<WorkflowView, Error> {
        let mut found = self.find(tenant, workflow).await?;
        let id = workflow.clone();
        let row = self.runs.hub.store.read(move |db| definitions::version(db, &id, version)).await?;
        found.graph = row.ok_or(Error::WorkflowNotFound)?;
        Ok(view(&found)?)
    }

    /// Its versions, newest first.
    pub async fn versions(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
    ) -> Result<Vec<VersionView>, Error> {
        let (of, id) = (tenant.clone(), workflow.clone());
        let heads = self.runs.hub.store.read(move |db| definitions::versions(db, &of, &id, VERSIONS)).await?;
        if heads.is_empty() {
            return Err(Error::WorkflowNotFound);
        }
        let view = |head: definitions::VersionHead| VersionView {
            version: head.version,
            title: head.title,
            creator_id: head.author,
            created_at: to_wire(head.created_at),
        };
        Ok(heads.into_iter().map(view).collect())
    }

    /// Saves a change as the next version; an absent field stays, and a change of nothing makes none.
    /// Runs that began before go on with theirs.
    pub async fn update(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        by: &Starter,
        save: SaveWorkflow,
    ) -> Result<WorkflowView, Error> {
        check_texts(&save)?;
        let old = source_of(&self.find(tenant, workflow).await?.graph)?;
        let source = Source {
            nodes: save.nodes.clone().unwrap_or_else(|| old.nodes.clone()),
            edges: save.edges.clone().unwrap_or_else(|| old.edges.clone()),
            options: save.workflow_options.clone().unwrap_or_else(|| old.options.clone()),
        };
        self.check(save.title.as_deref(), &source)?;
        let problems = self.problems_of(tenant, &source).await?;
        // Equal values are no change, however they are written.
        let text = |new: Option<Value>, old: &Value| new.filter(|new| new != old).map(|new| new.to_string());
        let change = WorkflowChange {
            title: save.title,
            description: save.workflow_description,
            options: text(save.workflow_options, &old.options),
            folder_id: save.folder_id,
            nodes: text(save.nodes, &old.nodes),
            edges: text(save.edges, &old.edges),
            author: by.user.clone(),
        };
        let (tenant, id, at) = (tenant.clone(), workflow.clone(), self.runs.hub.clock.now());
        let saved = self
            .runs
            .hub
            .store
            .write(move |db| definitions::update(db, &tenant, &id, &change, at))
            .await
            .map_err(|error| match error {
                store::Error::NotFound => Error::WorkflowNotFound,
                store::Error::Fenced => Error::Conflict("it was saved by somebody else meanwhile".to_owned()),
                error => Error::Store(error),
            })?;
        let mut view = view(&saved)?;
        view.problems = problems;
        Ok(view)
    }

    /// Cancels the workflow's active runs, removes all its runs, then itself.
    pub async fn delete(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<(), Error> {
        self.find(tenant, workflow).await?;
        loop {
            self.remove_runs(workflow).await?;
            // No run begins from here on, so that none is left without its definition.
            let _none_begins = self.runs.hub.starting.write().await;
            // Those that began meanwhile: few, and they may not hold it up by coming again and again.
            self.remove_runs(workflow).await?;
            let (of, id) = (tenant.clone(), workflow.clone());
            let gone = self
                .runs
                .hub
                .store
                .write(move |db| {
                    if runs::any_of_workflow(db, &id)? {
                        return Ok(false);
                    }
                    definitions::remove(db, &of, &id).map(|()| true)
                })
                .await;
            match gone {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(store::Error::NotFound) => return Err(Error::WorkflowNotFound),
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Cancels its active runs and removes those that have ended. A run that begins meanwhile stays: its
    /// rows are never taken from under it, so that its watchers hear of its end.
    async fn remove_runs(&self, workflow: &WorkflowId) -> Result<(), Error> {
        let store = &self.runs.hub.store;
        let id = workflow.clone();
        for run in store.read(move |db| runs::active_of_workflow(db, &id)).await? {
            let Some(located) = self.runs.locate(&run).await? else { continue };
            match self.runs.cancel(&located.run, Some("its workflow was deleted".to_owned())).await {
                // Somebody else removed it at the same time.
                Ok(_) | Err(Error::RunNotFound) => {}
                Err(error) => return Err(error),
            }
        }
        loop {
            let id = workflow.clone();
            let some = store.read(move |db| runs::ended_of_workflow(db, &id, PART)).await?;
            if some.is_empty() {
                return Ok(());
            }
            let remove = |db: &mut store::Connection, run: &RunId| match runs::remove(db, run) {
                Ok(()) | Err(store::Error::NotFound) => Ok(()),
                Err(error) => Err(error),
            };
            store.write(move |db| some.iter().try_for_each(|run| remove(db, run))).await?;
        }
    }

    pub(super) async fn find(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
    ) -> Result<definitions::Workflow, Error> {
        let (tenant, id) = (tenant.clone(), workflow.clone());
        let found = self.runs.hub.store.read(move |db| definitions::find(db, &tenant, &id)).await?;
        found.ok_or(Error::WorkflowNotFound)
    }
}
