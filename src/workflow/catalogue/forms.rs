//! Workflows as REST reads and writes them (`contract.md` 5.1, 6.3, 7).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::{
    engine::Source,
    ids::{ApiKeyId, TenantId, UserId, WorkflowId},
    workflow::Issue,
};

/// A body of POST or PATCH; in PATCH an absent field stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SaveWorkflow {
    /// 1 to 255 characters; required to create.
    pub title: Option<String>,
    /// Client form of the nodes.
    pub nodes: Option<Value>,
    /// Client form of the edges.
    pub edges: Option<Value>,
    /// A free object.
    pub workflow_options: Option<Value>,
    /// For people; null removes it.
    #[serde(deserialize_with = "present")]
    pub workflow_description: Option<Option<String>>,
    /// Where pages show it; null removes it.
    #[serde(rename = "folderID", deserialize_with = "present")]
    pub folder_id: Option<Option<String>>,
}

impl SaveWorkflow {
    /// Its graph; what is absent is empty.
    pub(super) fn source(&self) -> Source {
        Source {
            nodes: self.nodes.clone().unwrap_or_else(|| json!([])),
            edges: self.edges.clone().unwrap_or_else(|| json!([])),
            options: self.workflow_options.clone().unwrap_or_else(|| json!({})),
        }
    }
}

/// Tells null from absent.
fn present<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(d).map(Some)
}

/// A workflow.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowView {
    /// uuid v7.
    #[serde(rename = "workflowID")]
    pub workflow_id: WorkflowId,
    /// 1 to 255 characters.
    pub title: String,
    /// Whose.
    #[serde(rename = "tenantID")]
    pub tenant_id: TenantId,
    /// Who made it, if a user did.
    #[serde(rename = "creatorID")]
    pub creator_id: Option<UserId>,
    /// Who made it, if a key did.
    #[serde(rename = "createdByApiKeyID")]
    pub created_by_api_key_id: Option<ApiKeyId>,
    /// Not to be run.
    pub is_disabled: bool,
    /// Since when.
    pub disabled_at: Option<String>,
    /// A free object.
    pub workflow_options: Value,
    /// For people.
    pub workflow_description: Option<String>,
    /// Where pages show it.
    #[serde(rename = "folderID")]
    pub folder_id: Option<String>,
    /// The newest version; from 1.
    pub version: i64,
    /// Made.
    pub created_at: String,
    /// Saved.
    pub updated_at: String,
    /// Stored form of the nodes.
    #[serde(rename = "tblWorkflowNodes")]
    pub nodes: Vec<NodeView>,
    /// Stored form of the edges.
    #[serde(rename = "tblWorkflowEdge")]
    pub edges: Vec<EdgeView>,
    /// What keeps it from running, or is probably not meant, when it was just saved; shown beside it.
    #[serde(skip)]
    pub problems: Vec<Issue>,
}

/// A version in the list of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct VersionView {
    /// From 1.
    pub version: i64,
    /// The title then.
    pub title: String,
    /// Who saved it, if a user did.
    #[serde(rename = "creatorID")]
    pub creator_id: Option<UserId>,
    /// When.
    pub created_at: String,
}

/// A node in stored form.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeView {
    /// Unique in its workflow.
    #[serde(rename = "nodeID")]
    pub node_id: String,
    /// Its workflow.
    #[serde(rename = "workflowID")]
    pub workflow_id: WorkflowId,
    /// `start`, `javascript` …
    pub node_type: String,
    /// `data` of the client form with `position`, `width`, `height`, `measured`.
    pub node_config: Value,
    /// From its configuration, if it says so.
    pub timeout_seconds: Option<Value>,
    /// From its configuration, if it says so.
    pub retry_limit: Option<Value>,
}

/// An edge in stored form.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EdgeView {
    /// Unique in its workflow.
    #[serde(rename = "edgeID")]
    pub edge_id: String,
    /// Its workflow.
    #[serde(rename = "workflowID")]
    pub workflow_id: WorkflowId,
    /// Where it begins.
    #[serde(rename = "upstreamNodeID")]
    pub upstream_node_id: String,
    /// Where it ends.
    #[serde(rename = "downstreamNodeID")]
    pub downstream_node_id: String,
    /// Port of the upstream node.
    pub source_handle: Option<String>,
    /// Port of the downstream node.
    pub target_handle: Option<String>,
    /// How pages draw it.
    pub edge_type: Option<String>,
    /// `label`, `style`, `animated`, `data`.
    pub edge_config: Value,
}

/// A part of the list of workflows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkflowList {
    /// Newest first.
    pub workflows: Vec<WorkflowView>,
    /// Of the whole list.
    pub total_count: i64,
    /// Of the whole list.
    pub total_pages: i64,
    /// As asked.
    pub page: u32,
    /// As asked, within its bounds.
    pub page_size: u32,
    /// For the next page; none at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}
