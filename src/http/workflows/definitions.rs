//! Definitions: list, create, check, read, change, remove, copy, carry elsewhere.

use serde_json::Value;

use super::told::{starter, told};
use crate::{
    auth::Permission,
    http::{Answer, Asked, Failure},
    ids::WorkflowId,
    store::tables::definitions::WorkflowFilter,
    workflow::{ImportWorkflow, SaveWorkflow, WorkflowView, runs_queries},
};

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let given = |name: &str| asked.query.get(name).filter(|text| !text.is_empty()).cloned();
    let filter = WorkflowFilter { search: given("search"), folder_id: given("folderID") };
    let page = asked.page()?;
    Answer::object(&asked.hub.parts.catalogue.list(asked.tenant()?, filter, page).await.map_err(told)?)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let save: SaveWorkflow = asked.fields()?;
    may_run_queries(&asked, save.nodes.as_ref()).await?;
    let by = starter(asked.identity()?);
    let workflow = asked.hub.parts.catalogue.create(asked.tenant()?, &by, save).await.map_err(told)?;
    Ok(saved(&workflow)?.created())
}

/// `POST …/validate`: what would be said of the body, without saving it.
pub(super) async fn validate(asked: Asked) -> Result<Answer, Failure> {
    let save: SaveWorkflow = asked.fields()?;
    let problems = asked.hub.parts.catalogue.validate(asked.tenant()?, &save).await.map_err(told)?;
    let valid = !problems.iter().any(|problem| problem.is_error());
    Answer::field("valid", &valid)?.and("problems", &problems)
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    let (catalogue, tenant) = (&asked.hub.parts.catalogue, asked.tenant()?);
    let found = match asked.query.get("version").filter(|text| !text.is_empty()) {
        None => catalogue.get(tenant, &id).await,
        Some(text) => {
            let rule = || Failure::validation(vec![("version".into(), "must be a number from 1".into())]);
            let version = text.parse().ok().filter(|version| *version > 0).ok_or_else(rule)?;
            catalogue.get_version(tenant, &id, version).await
        }
    };
    Answer::field("workflow", &found.map_err(told)?)
}

pub(super) async fn versions(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    Answer::field("versions", &asked.hub.parts.catalogue.versions(asked.tenant()?, &id).await.map_err(told)?)
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    let save: SaveWorkflow = asked.fields()?;
    match &save.nodes {
        Some(nodes) => may_run_queries(&asked, Some(nodes)).await?,
        None => may_run_its_queries(&asked, &id).await?,
    }
    let by = starter(asked.identity()?);
    let workflow = asked.hub.parts.catalogue.update(asked.tenant()?, &id, &by, save).await;
    saved(&workflow.map_err(told)?)
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    asked.hub.parts.catalogue.delete(asked.tenant()?, &id).await.map_err(told)?;
    Answer::field("message", &"Workflow deleted successfully.")
}

pub(super) async fn duplicate(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    may_run_its_queries(&asked, &id).await?;
    let by = starter(asked.identity()?);
    let workflow = asked.hub.parts.catalogue.duplicate(asked.tenant()?, &id, &by).await.map_err(told)?;
    Ok(saved(&workflow)?.created())
}

pub(super) async fn export(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    Answer::field("bundle", &asked.hub.parts.catalogue.export(asked.tenant()?, &id).await.map_err(told)?)
}

pub(super) async fn import(asked: Asked) -> Result<Answer, Failure> {
    let import: ImportWorkflow = asked.fields()?;
    for workflow in &import.bundle.workflows {
        may_run_queries(&asked, Some(&workflow.nodes)).await?;
    }
    let by = starter(asked.identity()?);
    let made = asked.hub.parts.catalogue.import(asked.tenant()?, &by, import).await.map_err(told)?;
    Ok(Answer::object(&made)?.created())
}

/// A saved workflow, with what is to be said of it.
fn saved(workflow: &WorkflowView) -> Result<Answer, Failure> {
    Answer::field("workflow", workflow)?.and("problems", &workflow.problems)
}

/// A graph with saved queries is an author's who may run those (`contract.md` 6.2).
pub(super) async fn may_run_queries(asked: &Asked, nodes: Option<&Value>) -> Result<(), Failure> {
    if nodes.is_some_and(runs_queries) {
        let permission = Permission::DataQueryExecute;
        asked.hub.parts.auth.authorize(asked.identity()?, permission, asked.tenant()?).await?;
    }
    Ok(())
}

/// The same of a saved workflow.
async fn may_run_its_queries(asked: &Asked, id: &WorkflowId) -> Result<(), Failure> {
    let (auth, tenant) = (&asked.hub.parts.auth, asked.tenant()?);
    let Err(denied) = auth.authorize(asked.identity()?, Permission::DataQueryExecute, tenant).await else {
        return Ok(());
    };
    let workflow = asked.hub.parts.catalogue.get(tenant, id).await.map_err(told)?;
    let runs_queries = workflow.nodes.iter().any(|node| node.node_type == "dataQuery");
    if runs_queries { Err(denied.into()) } else { Ok(()) }
}
