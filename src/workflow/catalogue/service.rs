//! Creates, changes, lists and removes workflows.

use serde_json::{Value, json};

use super::{
    SaveWorkflow, WorkflowList, WorkflowView,
    stored::{array, renamed, view},
};
use crate::{
    engine::{self, Source},
    ids::{TenantId, WorkflowId},
    store::{
        self,
        tables::{
            ListPage,
            definitions::{self, NewWorkflow, WorkflowChange, WorkflowFilter},
            runs,
        },
    },
    workflow::{
        Error, Issue, Runs, Starter,
        definitions::{issues, source_of},
    },
};

/// Longest title in characters.
const TITLE: usize = 255;
/// Runs removed in one transaction.
const PART: i64 = 50;

/// The saved workflows. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Catalogue {
    runs: Runs,
}

impl Catalogue {
    /// Beside the runs of its workflows.
    pub fn new(runs: Runs) -> Self {
        Self { runs }
    }

    /// Saves a new workflow as its version 1.
    pub async fn create(
        &self,
        tenant: &TenantId,
        by: &Starter,
        save: SaveWorkflow,
    ) -> Result<WorkflowView, Error> {
        check_texts(&save)?;
        let source = Source {
            nodes: save.nodes.unwrap_or_else(|| json!([])),
            edges: save.edges.unwrap_or_else(|| json!([])),
            options: save.workflow_options.unwrap_or_else(|| json!({})),
        };
        self.check(Some(save.title.as_deref().unwrap_or_default()), &source)?;
        let new = NewWorkflow {
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
        };
        let saved = self.runs.hub.store.write(move |db| definitions::insert(db, &new)).await?;
        Ok(view(&saved)?)
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

    /// Saves a change as the next version; an absent field stays. Runs that began before go on with
    /// theirs.
    pub async fn update(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        by: &Starter,
        save: SaveWorkflow,
    ) -> Result<WorkflowView, Error> {
        check_texts(&save)?;
        let saved = source_of(&self.find(tenant, workflow).await?.graph)?;
        let source = Source {
            nodes: save.nodes.clone().unwrap_or(saved.nodes),
            edges: save.edges.clone().unwrap_or(saved.edges),
            options: save.workflow_options.clone().unwrap_or(saved.options),
        };
        self.check(save.title.as_deref(), &source)?;
        let text = |value: Value| value.to_string();
        let change = WorkflowChange {
            title: save.title,
            description: save.workflow_description,
            options: save.workflow_options.map(text),
            folder_id: save.folder_id,
            nodes: save.nodes.map(text),
            edges: save.edges.map(text),
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
        Ok(view(&saved)?)
    }

    /// Cancels the workflow's active runs, removes all its runs, then itself.
    pub async fn delete(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<(), Error> {
        self.find(tenant, workflow).await?;
        loop {
            self.remove_runs(workflow).await?;
            // No run begins from here on, so that none is left without its definition.
            let _none_begins = self.runs.hub.starting.write().await;
            let (of, id) = (tenant.clone(), workflow.clone());
            let gone = self
                .runs
                .hub
                .store
                .write(move |db| {
                    if !runs::of_workflow(db, &id, 1)?.is_empty() {
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

    async fn remove_runs(&self, workflow: &WorkflowId) -> Result<(), Error> {
        let store = &self.runs.hub.store;
        let id = workflow.clone();
        for run in store.read(move |db| runs::active_of_workflow(db, &id)).await? {
            if let Some(located) = self.runs.locate(&run).await? {
                self.runs.cancel(&located.run, Some("its workflow was deleted".to_owned())).await?;
            }
        }
        loop {
            let id = workflow.clone();
            let some = store.read(move |db| runs::of_workflow(db, &id, PART)).await?;
            if some.is_empty() {
                return Ok(());
            }
            store.write(move |db| some.iter().try_for_each(|run| runs::remove(db, run))).await?;
        }
    }

    /// Saves a copy: title + ` (Copy)`, new node ids, edges mapped.
    pub async fn duplicate(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        by: &Starter,
    ) -> Result<WorkflowView, Error> {
        let original = self.find(tenant, workflow).await?;
        let fresh = || uuid::Uuid::now_v7().to_string();
        let (nodes, edges) = renamed(array(&original.graph.nodes)?, array(&original.graph.edges)?, fresh);
        let room = TITLE - " (Copy)".len();
        let title: String = original.row.title.chars().take(room).chain(" (Copy)".chars()).collect();
        let options = source_of(&original.graph)?.options;
        let save = SaveWorkflow {
            title: Some(title),
            nodes: Some(Value::Array(nodes)),
            edges: Some(Value::Array(edges)),
            workflow_options: Some(options),
            workflow_description: Some(original.row.description),
            folder_id: Some(original.row.folder_id),
        };
        self.create(tenant, by, save).await
    }

    async fn find(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<definitions::Workflow, Error> {
        let (tenant, id) = (tenant.clone(), workflow.clone());
        let found = self.runs.hub.store.read(move |db| definitions::find(db, &tenant, &id)).await?;
        found.ok_or(Error::WorkflowNotFound)
    }

    /// Everything that is wrong with what is to be saved.
    fn check(&self, title: Option<&str>, source: &Source) -> Result<(), Error> {
        let mut wrong = Vec::new();
        if let Some(title) = title
            && !(1..=TITLE).contains(&title.trim().chars().count())
        {
            let message = "1 to 255 characters".to_owned();
            wrong.push(Issue { path: "title".to_owned(), node: None, message });
        }
        wrong.extend(issues(engine::check_saved(source, &self.runs.hub.limits)));
        if wrong.is_empty() { Ok(()) } else { Err(Error::Validation(wrong)) }
    }
}

/// PostgreSQL has no NUL in its texts: it is refused with its field on both databases.
fn check_texts(save: &SaveWorkflow) -> Result<(), Error> {
    let texts = [
        ("title", save.title.as_ref()),
        ("workflowDescription", save.workflow_description.as_ref().and_then(Option::as_ref)),
        ("folderID", save.folder_id.as_ref().and_then(Option::as_ref)),
    ];
    let wrong: Vec<Issue> = texts
        .into_iter()
        .filter(|(_, text)| text.is_some_and(|text| text.contains('\0')))
        .map(|(path, _)| Issue {
            path: path.to_owned(),
            node: None,
            message: "must not contain a NUL character".to_owned(),
        })
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Validation(wrong)) }
}
