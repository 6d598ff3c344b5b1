//! What was proposed is what is run: a digest of it is kept with the proposal, and what was saved anew
//! since then was approved by nobody.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Caller;
use crate::{
    ai::{ToolCall, ToolError},
    chat::{
        Proposal,
        tools::{Plan, hands::Inner},
    },
    error::Code,
    ids::{DataQueryId, TenantId},
};

impl Inner {
    /// A digest of what the call would run; none for what is no longer there or cannot be read now.
    pub(in crate::chat::tools) async fn seal(&self, tenant: &TenantId, call: &ToolCall) -> Option<String> {
        let digest = match call {
            ToolCall::RunQuery { query, .. } => self.sources.fingerprint(tenant, query).await.ok()??,
            ToolCall::DraftQuery { source, .. } => {
                self.sources.fingerprint_of_source(tenant, source).await.ok()??
            }
            ToolCall::StartWorkflow { workflow, .. } => {
                of_plan(&self.host.plan(tenant.clone(), workflow.clone()).await.ok()??)
            }
            ToolCall::ReadRun { .. } | ToolCall::SearchCatalogue { .. } => return None,
        };
        Some(hex(&digest))
    }

    /// Refuses what differs from what was proposed. What is gone is for the call itself to say.
    pub(in crate::chat::tools) async fn unchanged(
        &self,
        caller: &Caller,
        proposal: &Proposal,
    ) -> Result<(), ToolError> {
        if proposal.seal.is_none() {
            return Ok(());
        }
        self.seal(&caller.tenant, &proposal.call).await.map_or(Ok(()), |now| same(proposal, &now))
    }
}

/// The same for a plan that was read already.
pub(in crate::chat::tools) fn unchanged_plan(proposal: &Proposal, plan: &Plan) -> Result<(), ToolError> {
    same(proposal, &hex(&of_plan(plan)))
}

fn same(proposal: &Proposal, now: &str) -> Result<(), ToolError> {
    if proposal.seal.as_ref().is_none_or(|proposed| proposed == now) {
        return Ok(());
    }
    let message = "it was changed since it was proposed, so nothing was done; ask for it again";
    Err(ToolError::Failed { code: Code::Conflict, message: message.to_owned() })
}

fn of_plan(plan: &Plan) -> [u8; 32] {
    let queries: Vec<&str> = plan.queries.iter().flatten().map(DataQueryId::as_str).collect();
    let what = json!([plan.options, plan.nodes, plan.edges, plan.steps, queries]);
    Sha256::digest(what.to_string().as_bytes()).into()
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
