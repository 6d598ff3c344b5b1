//! Copies of workflows: clone in a tenant, export, and import of what an export gave.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use serde_json::Value;

use super::{
    Bundle, Catalogue, ImportWorkflow, Imported, SaveWorkflow, WorkflowView,
    bundle::{FORMAT, FORMAT_VERSION, MOST, Packed},
    checked::{TITLE, references},
    stored::{array, each_text, renamed, view},
};
use crate::{
    clock::to_wire,
    engine::{Fault, Severity},
    ids::{TenantId, WorkflowId},
    store::tables::definitions::{self, NewWorkflow},
    workflow::{Error, Issue, Starter, definitions::source_of},
};

/// A new id that is a name in code too: `ctx.__node_<id>`.
fn fresh() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

impl Catalogue {
    /// Saves a copy: title + ` (Copy)`, new node ids, edges and what names nodes mapped.
    pub async fn duplicate(
        &self,
        tenant: &TenantId,
        workflow: &WorkflowId,
        by: &Starter,
    ) -> Result<WorkflowView, Error> {
        let original = self.find(tenant, workflow).await?;
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

    /// A workflow with the workflows that it runs, and by name the queries and sources that they need.
    pub async fn export(&self, tenant: &TenantId, workflow: &WorkflowId) -> Result<Bundle, Error> {
        let mut bundle = Bundle {
            format: FORMAT.to_owned(),
            format_version: FORMAT_VERSION,
            exported_at: Some(to_wire(self.runs.hub.clock.now())),
            workflows: Vec::new(),
            data_queries: Vec::new(),
            data_sources: Vec::new(),
            missing: Vec::new(),
        };
        let (mut seen, mut next) = (HashSet::new(), VecDeque::from([workflow.clone()]));
        let mut queries = BTreeSet::new();
        while let Some(id) = next.pop_front() {
            if !seen.insert(id.clone()) {
                continue;
            }
            let found = match self.find(tenant, &id).await {
                Ok(found) => found,
                Err(Error::WorkflowNotFound) if id != *workflow => {
                    bundle.missing.push(id.as_str().to_owned());
                    continue;
                }
                Err(error) => return Err(error),
            };
            if bundle.workflows.len() == MOST {
                return Err(Error::TooLarge(format!("a bundle has at most {MOST} workflows")));
            }
            let source = source_of(&found.graph)?;
            let mut children: Vec<String> =
                references(&source.nodes, "subWorkflow", "childWorkflowID").into_keys().collect();
            children.sort();
            queries.extend(references(&source.nodes, "dataQuery", "dataQueryID").into_keys());
            next.extend(children.iter().filter_map(|id| WorkflowId::parse(id).ok()));
            bundle.workflows.push(Packed {
                workflow_id: id.as_str().to_owned(),
                title: found.graph.title,
                workflow_description: found.row.description,
                nodes: source.nodes,
                edges: source.edges,
                workflow_options: source.options,
            });
        }
        self.pack_needs(tenant, queries.into_iter().collect(), &mut bundle).await?;
        Ok(bundle)
    }

    /// Saves the workflows of a bundle under new ids, all or none. What they name beside themselves is
    /// mapped to what the tenant has; what it has not is told.
    pub async fn import(
        &self,
        tenant: &TenantId,
        by: &Starter,
        import: ImportWorkflow,
    ) -> Result<Imported, Error> {
        let ImportWorkflow { bundle, title, folder_id, data_queries } = import;
        check_form(&bundle)?;
        let queries = self.own_queries(tenant, &bundle, &data_queries).await?;
        let ids: HashMap<String, WorkflowId> =
            bundle.workflows.iter().map(|one| (one.workflow_id.clone(), WorkflowId::generate())).collect();
        let mut left = Vec::new();
        let (mut wrong, mut new) = (Vec::new(), Vec::new());
        for (index, mut packed) in bundle.workflows.into_iter().enumerate() {
            let at = format!("bundle.workflows[{index}]");
            let Some(id) = ids.get(&packed.workflow_id) else { continue };
            if index == 0
                && let Some(title) = &title
            {
                packed.title.clone_from(title);
            }
            point(&mut packed.nodes, "subWorkflow", "childWorkflowID", &at, &mut left, |old| {
                ids.get(old).map(|id| id.as_str().to_owned())
            });
            point(&mut packed.nodes, "dataQuery", "dataQueryID", &at, &mut left, |old| {
                queries.get(old).cloned()
            });
            match self.unpacked(tenant, by, packed, folder_id.clone()) {
                Ok(made) => new.push(NewWorkflow { workflow_id: id.clone(), ..made }),
                Err(Error::Validation(issues)) => {
                    let below = |issue: Issue| Issue { path: format!("{at}.{}", issue.path), ..issue };
                    wrong.extend(issues.into_iter().map(below));
                }
                Err(error) => return Err(error),
            }
        }
        if !wrong.is_empty() {
            return Err(Error::Validation(wrong));
        }
        let store = &self.runs.hub.store;
        let saved = store
            .write(move |db| {
                new.iter().map(|new| definitions::insert(db, new)).collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let first = saved.first().ok_or(Error::WorkflowNotFound)?;
        for (index, saved) in saved.iter().enumerate() {
            for issue in self.problems_of(tenant, &source_of(&saved.graph)?).await? {
                left.push(Issue { path: format!("bundle.workflows[{index}].{}", issue.path), ..issue });
            }
        }
        Ok(Imported {
            workflow: view(first)?,
            workflow_ids: ids.into_iter().map(|(old, new)| (old, new.as_str().to_owned())).collect(),
            problems: left,
        })
    }

    fn unpacked(
        &self,
        tenant: &TenantId,
        by: &Starter,
        packed: Packed,
        folder_id: Option<String>,
    ) -> Result<NewWorkflow, Error> {
        let items = |value: Value| match value {
            Value::Array(items) => Ok(items),
            other => Err(other),
        };
        // What is no list is told by the check.
        let (nodes, edges) = match (items(packed.nodes), items(packed.edges)) {
            (Ok(nodes), Ok(edges)) => {
                let (nodes, edges) = renamed(nodes, edges, fresh);
                (Value::Array(nodes), Value::Array(edges))
            }
            (nodes, edges) => {
                (nodes.map_or_else(|v| v, Value::Array), edges.map_or_else(|v| v, Value::Array))
            }
        };
        let save = SaveWorkflow {
            title: Some(packed.title),
            nodes: Some(nodes),
            edges: Some(edges),
            workflow_options: Some(packed.workflow_options).filter(|options| !options.is_null()),
            workflow_description: Some(packed.workflow_description),
            folder_id: Some(folder_id),
        };
        self.new_workflow(tenant, by, save)
    }
}

fn check_form(bundle: &Bundle) -> Result<(), Error> {
    let refused = |path: &str, message: String| {
        let code = Some(Fault::Invalid);
        Err(Error::Validation(vec![Issue {
            code,
            severity: Some(Severity::Error),
            ..Issue::new(path, message)
        }]))
    };
    if bundle.format != FORMAT {
        return refused("bundle.format", format!("must be {FORMAT}"));
    }
    if bundle.format_version != FORMAT_VERSION {
        return refused("bundle.formatVersion", format!("this hub reads {FORMAT_VERSION} only"));
    }
    if !(1..=MOST).contains(&bundle.workflows.len()) {
        return refused("bundle.workflows", format!("must be 1 to {MOST}"));
    }
    let mut seen = HashSet::new();
    if !bundle.workflows.iter().all(|one| seen.insert(&one.workflow_id)) {
        return refused("bundle.workflows", "a workflowID stands there twice".to_owned());
    }
    Ok(())
}

/// Maps what the nodes of a type name; what has no new name is emptied and told, so that no id of
/// somebody else is saved.
fn point(
    nodes: &mut Value,
    kind: &str,
    field: &str,
    at: &str,
    left: &mut Vec<Issue>,
    new: impl Fn(&str) -> Option<String>,
) {
    let found = references(nodes, kind, field);
    let mapped: HashMap<&String, Option<String>> = found.keys().map(|old| (old, new(old))).collect();
    for (old, places) in &found {
        if mapped.get(old).is_some_and(Option::is_none) {
            left.extend(places.iter().map(|(path, node)| Issue {
                node: node.clone(),
                code: Some(Fault::UnknownReference),
                hint: Some(format!("it was {old} where the bundle comes from: name one of this tenant")),
                severity: Some(Severity::Error),
                ..Issue::new(format!("{at}.{path}"), "is not in the bundle, nor in this tenant")
            }));
        }
    }
    for node in nodes.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let is_kind =
            ["type", "nodeType"].into_iter().any(|name| node.get(name).and_then(Value::as_str) == Some(kind));
        for data in ["data", "nodeConfig"] {
            if let Some(value) = node.get_mut(data).and_then(|data| data.get_mut(field)).filter(|_| is_kind) {
                each_text(value, &mut |old| {
                    mapped.get(&old.trim().to_owned()).map(|new| new.clone().unwrap_or_default())
                });
            }
        }
    }
}
