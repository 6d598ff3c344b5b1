//! What is wrong with a definition: what refuses a save, and what is only told.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Catalogue, SaveWorkflow, stored::text};
use crate::{
    engine::{self, Fault, Severity, Source},
    ids::TenantId,
    store::tables::{dataqueries, definitions},
    workflow::{Error, Issue, definitions::issues},
};

/// What comes of a query that is not there, and where to look.
const NO_QUERY: &str =
    "the node fails with PERMISSION_DENIED; GET …/dataqueries has the saved queries of this tenant";
/// Longest title in characters.
pub(super) const TITLE: usize = 255;

impl Catalogue {
    /// Everything that can be said of a workflow that is not saved: what refuses its save, what keeps it
    /// from running, what is probably not meant.
    pub async fn validate(&self, tenant: &TenantId, save: &SaveWorkflow) -> Result<Vec<Issue>, Error> {
        let mut all = wrong_texts(save);
        all.extend(wrong_title(Some(save.title.as_deref().unwrap_or_default())));
        all.extend(self.problems_of(tenant, &save.source()).await?);
        Ok(all)
    }

    /// What keeps a graph from running, and what is probably not meant.
    pub(super) async fn problems_of(&self, tenant: &TenantId, source: &Source) -> Result<Vec<Issue>, Error> {
        let mut problems = issues(engine::problems(source, &self.runs.hub.limits));
        problems.extend(self.foreign(tenant, source).await?);
        Ok(problems)
    }

    /// Nodes that name a workflow or a saved query which the tenant does not have: they would fail.
    async fn foreign(&self, tenant: &TenantId, source: &Source) -> Result<Vec<Issue>, Error> {
        let workflows = references(&source.nodes, "subWorkflow", "childWorkflowID");
        let mut queries = references(&source.nodes, "dataQuery", "dataQueryID");
        if self.beside_service {
            queries.clear();
        }
        if workflows.is_empty() && queries.is_empty() {
            return Ok(Vec::new());
        }
        let ids = |named: &HashMap<String, Places>| named.keys().cloned().collect::<Vec<String>>();
        let (of, workflow_ids, query_ids) = (tenant.clone(), ids(&workflows), ids(&queries));
        let read = move |db: &mut _| {
            Ok((definitions::known(db, &of, &workflow_ids)?, dataqueries::known(db, &of, &query_ids)?))
        };
        let (known_workflows, known_queries) = self.runs.hub.store.read(read).await?;
        let mut all =
            missing(workflows, known_workflows, "workflow", "the node fails with PERMISSION_DENIED");
        all.extend(missing(queries, known_queries, "saved query", NO_QUERY));
        Ok(all)
    }

    /// Refuses what cannot be saved, with everything that is wrong.
    pub(super) fn check(&self, title: Option<&str>, source: &Source) -> Result<(), Error> {
        let mut wrong: Vec<Issue> = wrong_title(title).into_iter().collect();
        wrong.extend(issues(engine::check_saved(source, &self.runs.hub.limits)));
        if wrong.is_empty() { Ok(()) } else { Err(Error::Validation(wrong)) }
    }
}

/// The places of a field of a node: path and node.
pub(super) type Places = Vec<(String, Option<String>)>;

/// Literal values of a field of all nodes of a type, with their places.
pub(super) fn references(nodes: &Value, kind: &str, field: &str) -> HashMap<String, Places> {
    let mut found: HashMap<String, Places> = HashMap::new();
    for (index, node) in nodes.as_array().into_iter().flatten().enumerate() {
        if text(node, &["type", "nodeType"]).as_deref() != Some(kind) {
            continue;
        }
        for data in ["data", "nodeConfig"] {
            let named = node.get(data).and_then(|data| data.get(field)).and_then(Value::as_str);
            // A template is resolved by the run.
            if let Some(id) = named.map(str::trim).filter(|id| !id.is_empty() && !id.contains("{{")) {
                let place = (format!("nodes[{index}].{data}.{field}"), text(node, &["id", "nodeID"]));
                found.entry(id.to_owned()).or_default().push(place);
            }
        }
    }
    found
}

/// Warnings about what nodes name and the tenant does not have, in the order of the nodes.
fn missing(named: HashMap<String, Places>, known: Vec<String>, what: &str, hint: &str) -> Vec<Issue> {
    let known: HashSet<String> = known.into_iter().collect();
    let missing = named.into_iter().filter(|(id, _)| !known.contains(id));
    let mut issues: Vec<Issue> = missing
        .flat_map(|(_, places)| places)
        .map(|(path, node)| Issue {
            node,
            code: Some(Fault::UnknownReference),
            hint: Some(hint.to_owned()),
            severity: Some(Severity::Warning),
            ..Issue::new(path, format!("the tenant has no such {what}"))
        })
        .collect();
    issues.sort_by(|one, other| (one.path.len(), &one.path).cmp(&(other.path.len(), &other.path)));
    issues
}

fn wrong(path: &str, code: Fault, message: &str) -> Issue {
    Issue { code: Some(code), severity: Some(Severity::Error), ..Issue::new(path, message) }
}

fn wrong_title(title: Option<&str>) -> Option<Issue> {
    let title = title?.trim();
    let fits = (1..=TITLE).contains(&title.chars().count());
    let code = if title.is_empty() { Fault::MissingField } else { Fault::OutOfRange };
    (!fits).then(|| wrong("title", code, "1 to 255 characters"))
}

/// Lists and logs show titles and folders on one line, and PostgreSQL has no NUL in its texts: such a
/// text is refused with its field on both databases.
fn wrong_texts(save: &SaveWorkflow) -> Vec<Issue> {
    let folder = save.folder_id.as_ref().and_then(Option::as_deref);
    let description = save.workflow_description.as_ref().and_then(Option::as_deref);
    let texts = [
        ("title", save.title.as_deref(), char::is_control as fn(char) -> bool),
        ("folderID", folder, char::is_control),
        ("workflowDescription", description, |c| c == '\0'),
    ];
    let bad = texts.into_iter().filter(|(_, text, bad)| text.is_some_and(|text| text.chars().any(bad)));
    bad.map(|(path, ..)| wrong(path, Fault::Invalid, "must not contain control characters")).collect()
}

pub(super) fn check_texts(save: &SaveWorkflow) -> Result<(), Error> {
    let wrong = wrong_texts(save);
    if wrong.is_empty() { Ok(()) } else { Err(Error::Validation(wrong)) }
}
