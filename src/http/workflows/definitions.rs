//! Definitions: list, create, read, change, remove, copy.

use super::{starter, told};
use crate::{
    http::{Answer, Asked, Failure},
    ids::WorkflowId,
    store::tables::definitions::WorkflowFilter,
    workflow::SaveWorkflow,
};

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let given = |name: &str| asked.query.get(name).filter(|text| !text.is_empty()).cloned();
    let filter = WorkflowFilter { search: given("search"), folder_id: given("folderID") };
    let page = asked.page()?;
    Answer::object(&asked.hub.parts.catalogue.list(asked.tenant()?, filter, page).await.map_err(told)?)
}

pub(super) async fn create(asked: Asked) -> Result<Answer, Failure> {
    let save: SaveWorkflow = asked.fields()?;
    let by = starter(asked.identity()?);
    let workflow = asked.hub.parts.catalogue.create(asked.tenant()?, &by, save).await.map_err(told)?;
    Ok(Answer::field("workflow", &workflow)?.created())
}

pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    Answer::field("workflow", &asked.hub.parts.catalogue.get(asked.tenant()?, &id).await.map_err(told)?)
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    let save: SaveWorkflow = asked.fields()?;
    let by = starter(asked.identity()?);
    let workflow = asked.hub.parts.catalogue.update(asked.tenant()?, &id, &by, save).await;
    Answer::field("workflow", &workflow.map_err(told)?)
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    asked.hub.parts.catalogue.delete(asked.tenant()?, &id).await.map_err(told)?;
    Answer::field("message", &"Workflow deleted successfully.")
}

pub(super) async fn duplicate(asked: Asked) -> Result<Answer, Failure> {
    let id = asked.id("workflowID", WorkflowId::parse)?;
    let by = starter(asked.identity()?);
    let workflow = asked.hub.parts.catalogue.duplicate(asked.tenant()?, &id, &by).await.map_err(told)?;
    Ok(Answer::field("workflow", &workflow)?.created())
}
