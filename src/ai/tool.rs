//! What an assistant may ask for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Table;
use crate::{
    error::{Code, Coded},
    ids::{DataQueryId, DataSourceId, RunId, WorkflowId},
};

/// The tools by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tool {
    /// Runs a saved query.
    RunQuery,
    /// Starts a workflow.
    StartWorkflow,
    /// Says where a run is.
    ReadRun,
    /// Looks the catalogue up.
    SearchCatalogue,
    /// SQL that is saved nowhere.
    DraftQuery,
}

/// A call with its arguments: what is journaled of a proposal, word for word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "tool", content = "arguments", rename_all = "snake_case")]
pub enum ToolCall {
    /// Runs a saved query of the tenant.
    RunQuery {
        /// Which.
        #[serde(rename = "dataQueryID")]
        query: DataQueryId,
        /// Its inputs; checked against its definitions.
        #[serde(default, rename = "inputValues")]
        inputs: Map<String, Value>,
    },
    /// Starts a workflow of the tenant.
    StartWorkflow {
        /// Which.
        #[serde(rename = "workflowID")]
        workflow: WorkflowId,
        /// Its inputs; checked against its definitions.
        #[serde(default, rename = "inputValues")]
        inputs: Map<String, Value>,
    },
    /// Says where a run of the tenant is.
    ReadRun {
        /// Which.
        #[serde(rename = "instanceID")]
        run: RunId,
    },
    /// Finds what fits some words.
    SearchCatalogue {
        /// The words.
        text: String,
    },
    /// Runs SQL that is saved nowhere, reading only. Always a proposal.
    DraftQuery {
        /// On which database.
        #[serde(rename = "datasourceID")]
        source: DataSourceId,
        /// One statement.
        statement: String,
    },
}

impl ToolCall {
    /// Which tool.
    pub fn tool(&self) -> Tool {
        match self {
            ToolCall::RunQuery { .. } => Tool::RunQuery,
            ToolCall::StartWorkflow { .. } => Tool::StartWorkflow,
            ToolCall::ReadRun { .. } => Tool::ReadRun,
            ToolCall::SearchCatalogue { .. } => Tool::SearchCatalogue,
            ToolCall::DraftQuery { .. } => Tool::DraftQuery,
        }
    }
}

/// What a tool gives back. Data: nothing in it is ever followed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Output {
    /// In words, for the chat.
    pub text: String,
    /// Rows, at most `ai.max_rows`.
    pub data: Option<Table>,
    /// The run that was started or read.
    pub run: Option<RunId>,
    /// The whole as JSON, for a model; the caller bounds and fences it.
    pub value: Value,
}

/// A call that was asked of a desk.
pub type Called = Result<Output, ToolError>;

/// Why a tool gave nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// It has an effect, or is always decided by a person: propose it.
    #[error("this needs the consent of a person: propose it")]
    NeedsConsent,
    /// The person may not do this.
    #[error("you have no right to do this ({0})")]
    Denied(&'static str),
    /// There is none in this tenant, or not for this person.
    #[error("there is no such {0} in this tenant")]
    NotFound(&'static str),
    /// The arguments do not fit; the text names each.
    #[error("{0}")]
    Invalid(String),
    /// It was carried out and failed, or could not be.
    #[error("{message}")]
    Failed {
        /// Stable.
        code: Code,
        /// For people.
        message: String,
    },
}

impl Coded for ToolError {
    fn code(&self) -> Code {
        match self {
            ToolError::NeedsConsent | ToolError::Denied(_) => Code::PermissionDenied,
            ToolError::NotFound(_) => Code::NotFound,
            ToolError::Invalid(_) => Code::InputInvalid,
            ToolError::Failed { code, .. } => *code,
        }
    }
}
