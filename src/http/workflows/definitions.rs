//! Definitions: list, create, read, change, remove, copy.

use super::told::{starter, told};
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
    let save = saved(&asked)?;
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
    let save = saved(&asked)?;
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

/// The fields of a body. Lists and logs show titles and folders on one line, and no database takes a
/// NUL.
fn saved(asked: &Asked) -> Result<SaveWorkflow, Failure> {
    let save: SaveWorkflow = asked.fields()?;
    let folder = save.folder_id.as_ref().and_then(Option::as_deref);
    let description = save.workflow_description.as_ref().and_then(Option::as_deref);
    let mut issues = Vec::new();
    for (name, text, bad) in [
        ("title", save.title.as_deref(), char::is_control as fn(char) -> bool),
        ("folderID", folder, char::is_control),
        ("workflowDescription", description, |c| c == '\0'),
    ] {
        if text.is_some_and(|text| text.chars().any(bad)) {
            issues.push((name.to_owned(), "must not contain control characters".to_owned()));
        }
    }
    if issues.is_empty() { Ok(save) } else { Err(Failure::validation(issues)) }
}
