//! What the assistant proposes and how a person answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    ai::ToolCall,
    ids::{MessageId, ProposalId},
};

/// A proposal as it is journaled; nothing of it ever changes but its status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Proposal {
    /// Names it; a start of a workflow has it as its key.
    #[serde(rename = "proposalID")]
    pub id: ProposalId,
    /// The person's message that it came from.
    pub turn: MessageId,
    /// What would be done, exactly.
    #[serde(flatten)]
    pub call: ToolCall,
    /// The same in words.
    pub summary: String,
    /// A digest of what the call would have run when it was proposed: what was saved anew since was
    /// approved by nobody (`faults.md` A62).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seal: Option<String>,
    /// From then on nobody may approve it.
    pub expires_at: Timestamp,
}

/// Where a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ProposalStatus {
    /// Waits for a person.
    Open,
    /// A person said yes; it is being carried out.
    Approved,
    /// Carried out.
    Done,
    /// It was tried and failed.
    Failed,
    /// A person said no.
    Rejected,
    /// A newer one took its place.
    Superseded,
    /// Nobody answered in time.
    Expired,
    /// It had begun, and whether it happened is not known: the hub died, or its answer never came.
    Unknown,
}

/// What a message asks of the open proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Do it.
    Approve,
    /// Do not.
    Reject,
    /// Show what it would do.
    Test,
}

impl Action {
    /// As it is said on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Approve => "approve",
            Action::Reject => "reject",
            Action::Test => "test",
        }
    }
}

/// A person's word on a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    /// What they want.
    pub action: Action,
    /// Which proposal they mean; none: the open one, if its message was sent to this socket.
    pub proposal: Option<ProposalId>,
}

/// How carrying out a proposal ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Answered {
    /// With a result.
    Done(Box<crate::ai::Output>),
    /// It failed, without effect as far as is known.
    Failed(crate::ai::ToolError),
    /// It was under way and its end is not known (the connection broke off, its time was over): it may
    /// have had its effect. A person must look; it is not tried again.
    Unknown(crate::ai::ToolError),
}
