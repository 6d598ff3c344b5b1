//! What was proposed is what is run: a digest of it is kept with the proposal, and what was saved anew
//! since then was approved by nobody.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Caller;
use crate::{
    ai::{ToolCall, ToolError},
    chat::{Proposal, tools::hands::Inner},
    error::Code,
    ids::{DataQueryId, DataSourceId, TenantId},
    store::tables::{dataqueries, datasources},
};

impl Inner {
    /// A digest of what the call would run; none for what is no longer there or cannot be read now.
    pub(in crate::chat::tools) async fn seal(&self, tenant: &TenantId, call: &ToolCall) -> Option<String> {
        let what = match call {
            ToolCall::RunQuery { query, .. } => self.of_query(tenant, query).await?,
            ToolCall::DraftQuery { source, .. } => self.of_source(tenant, source).await?,
            ToolCall::StartWorkflow { workflow, .. } => {
                let plan = self.host.plan(tenant.clone(), workflow.clone()).await.ok().flatten()?;
                let queries: Vec<&str> = plan.queries.iter().flatten().map(DataQueryId::as_str).collect();
                json!([plan.options, plan.nodes, plan.edges, plan.steps, queries])
            }
            ToolCall::ReadRun { .. } | ToolCall::SearchCatalogue { .. } => return None,
        };
        let digest = Sha256::digest(what.to_string().as_bytes());
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Refuses what differs from what was proposed. What is gone is for the call itself to say.
    pub(in crate::chat::tools) async fn unchanged(
        &self,
        caller: &Caller,
        proposal: &Proposal,
    ) -> Result<(), ToolError> {
        let Some(proposed) = &proposal.seal else { return Ok(()) };
        match self.seal(&caller.tenant, &proposal.call).await {
            Some(now) if now != *proposed => {
                let message = "it was changed since it was proposed, so nothing was done; ask for it again";
                Err(ToolError::Failed { code: Code::Conflict, message: message.to_owned() })
            }
            Some(_) | None => Ok(()),
        }
    }

    async fn of_query(&self, tenant: &TenantId, query: &DataQueryId) -> Option<Value> {
        let (of, id) = (tenant.clone(), query.clone());
        let row = self.store.read(move |db| dataqueries::find(db, &of, &id)).await.ok().flatten()?;
        let source = match &row.datasource_id {
            Some(source) => self.of_source(tenant, source).await?,
            None => Value::Null,
        };
        Some(json!([row.datasource_id.as_ref().map(DataSourceId::as_str), row.options, source]))
    }

    async fn of_source(&self, tenant: &TenantId, source: &DataSourceId) -> Option<Value> {
        let (of, id) = (tenant.clone(), source.clone());
        let row = self.store.read(move |db| datasources::find(db, &of, &id)).await.ok().flatten()?;
        Some(json!([row.kind, row.options, row.secret]))
    }
}
