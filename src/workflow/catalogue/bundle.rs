//! What an export holds: a workflow with the workflows that it runs, in the form that create takes, and
//! by name what it needs beside them. No secret, no id of a user, no run.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::WorkflowView;
use crate::workflow::Issue;

/// Names the form.
pub(super) const FORMAT: &str = "jethub.workflow";
/// Of the form; a newer one is refused.
pub(super) const FORMAT_VERSION: u32 = 1;
/// Most workflows of a bundle.
pub(super) const MOST: usize = 100;

/// An exported workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bundle {
    /// `jethub.workflow`.
    pub format: String,
    /// 1.
    pub format_version: u32,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exported_at: Option<String>,
    /// The exported workflow, then those that it runs.
    pub workflows: Vec<Packed>,
    /// Saved queries that they run.
    #[serde(default)]
    pub data_queries: Vec<PackedQuery>,
    /// What those ask.
    #[serde(default)]
    pub data_sources: Vec<PackedSource>,
    /// Named by them, and not there when they were exported.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// A workflow of a bundle, in client form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Packed {
    /// Its id where it came from; inside the bundle its name.
    #[serde(rename = "workflowID")]
    pub workflow_id: String,
    /// 1 to 255 characters.
    pub title: String,
    /// For people.
    #[serde(default)]
    pub workflow_description: Option<String>,
    /// Client form.
    pub nodes: Value,
    /// Client form.
    pub edges: Value,
    /// A free object.
    #[serde(default)]
    pub workflow_options: Value,
}

/// A saved query, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackedQuery {
    /// Its id where it came from; inside the bundle its name.
    #[serde(rename = "dataQueryID")]
    pub data_query_id: String,
    /// Its title.
    pub title: String,
    /// Which data source it asks.
    #[serde(rename = "datasourceID", default)]
    pub datasource_id: Option<String>,
}

/// A data source, by name and kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PackedSource {
    /// Its id where it came from; inside the bundle its name.
    #[serde(rename = "datasourceID")]
    pub datasource_id: String,
    /// Its title.
    pub title: String,
    /// `postgresql`, `mysql`, `sqlite`, `http`.
    pub kind: String,
}

/// A body of import.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportWorkflow {
    /// What an export gave.
    pub bundle: Bundle,
    /// Another title of the first workflow.
    #[serde(default)]
    pub title: Option<String>,
    /// Where pages show them.
    #[serde(rename = "folderID", default)]
    pub folder_id: Option<String>,
    /// The tenant's own query for one of the bundle: `{ "<dataQueryID there>": "<dataQueryID here>" }`.
    #[serde(default)]
    pub data_queries: HashMap<String, String>,
}

/// What an import made.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// The exported workflow under its new id.
    pub workflow: WorkflowView,
    /// The new id of each workflow of the bundle.
    #[serde(rename = "workflowIDs")]
    pub workflow_ids: HashMap<String, String>,
    /// What is left to do before it can run, and what is probably not meant.
    pub problems: Vec<Issue>,
}
