//! What happened in a room: one event is one journal row.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Facts, RoomMember};
use crate::{
    ai::Table,
    chat::{Action, Asker, Proposal, ProposalStatus},
    error::{Code, Coded},
    ids::{MessageId, ProposalId, RunId, UserId},
};

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum RoomEvent {
    /// The room begins. `ROOM_OPENED`.
    Opened(Opened),
    /// A person said something. `USER_MESSAGE`.
    Said(Box<UserMessage>),
    /// The assistant said something. `BOT_MESSAGE`.
    Told(Box<BotMessage>),
    /// A person said yes; carried out after the commit. `PROPOSAL_APPROVED`.
    Approved(Box<Approved>),
    /// A proposal takes no answer any more. `PROPOSAL_CLOSED`.
    Closed(Box<Closed>),
    /// The approver had no right: others may answer it. `PROPOSAL_RETURNED`.
    Returned(Returned),
    /// Somebody was let in. `MEMBER_ADDED`.
    Added(Box<Membership>),
    /// Somebody is out. `MEMBER_REMOVED`.
    Removed(Box<Membership>),
    /// Title or archive. `ROOM_CHANGED`.
    Changed(Changed),
    /// The state at this row, so that a recovery may begin here. `ROOM_SNAPSHOT`.
    Snapshot(Box<Facts>),
}

/// The room begins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opened {
    /// Who made it.
    pub owner: RoomMember,
    /// What it is called, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// A person said something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UserMessage {
    /// Its name.
    #[serde(rename = "messageID")]
    pub message: MessageId,
    /// Who, and from where.
    pub who: Asker,
    /// What.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What is asked of a proposal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<Action>,
    /// Of which: named by the person, or the open one when it was said.
    #[serde(rename = "proposalID", default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
    /// One was open, but its message was not sent to that socket, and the person named none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unseen: bool,
    /// The client's own name of it.
    #[serde(rename = "clientMessageID", default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// With an answer.
    Ok,
    /// Without one; the text says why.
    Error,
    /// A person stopped it.
    Cancelled,
}

/// The assistant said something: the one answer to a message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BotMessage {
    /// Its name.
    #[serde(rename = "messageID")]
    pub message: MessageId,
    /// What it answers.
    pub in_reply_to: MessageId,
    /// Never empty.
    pub text: String,
    /// What it proposes: open from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Proposal>,
    /// Rows that belong to the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Table>,
    /// A run that the text is about.
    #[serde(rename = "instanceID", default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// How the turn ended.
    pub ended: Ended,
    /// Why it ended badly, for programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The text begins with an answer that broke off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Tokens that a model counted.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tokens: u64,
    /// When.
    pub at: Timestamp,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's way")]
fn is_zero(tokens: &u64) -> bool {
    *tokens == 0
}

/// A person said yes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Approved {
    /// The proposal.
    #[serde(rename = "proposalID")]
    pub proposal: ProposalId,
    /// The message that says so; it is answered with what came of it.
    #[serde(rename = "messageID")]
    pub message: MessageId,
    /// Who, and from where.
    pub by: Asker,
    /// When.
    pub at: Timestamp,
}

/// A proposal takes no answer any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// The proposal.
    #[serde(rename = "proposalID")]
    pub proposal: ProposalId,
    /// Why.
    pub status: ProposalStatus,
    /// Who closed it; none: time, or a newer one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Asker>,
    /// A rejection's reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The run that it started.
    #[serde(rename = "instanceID", default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// When.
    pub at: Timestamp,
}

/// The approver had no right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Returned {
    /// The proposal.
    #[serde(rename = "proposalID")]
    pub proposal: ProposalId,
    /// Who had none.
    pub by: Asker,
    /// When.
    pub at: Timestamp,
}

/// Somebody was let in or out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Membership {
    /// Who.
    pub member: RoomMember,
    /// Who did it.
    pub by: Asker,
    /// When.
    pub at: Timestamp,
}

/// Title or archive; what is not named stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// The title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Who did it.
    #[serde(rename = "userID")]
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// The kinds of a room's rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RowKind {
    /// `ROOM_OPENED`
    Opened,
    /// `USER_MESSAGE`
    Said,
    /// `BOT_MESSAGE`
    Told,
    /// `PROPOSAL_APPROVED`
    Approved,
    /// `PROPOSAL_CLOSED`
    Closed,
    /// `PROPOSAL_RETURNED`
    Returned,
    /// `MEMBER_ADDED`
    Added,
    /// `MEMBER_REMOVED`
    Removed,
    /// `ROOM_CHANGED`
    Changed,
    /// `ROOM_SNAPSHOT`
    Snapshot,
}

impl RowKind {
    /// Spelling in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "ROOM_OPENED",
            Self::Said => "USER_MESSAGE",
            Self::Told => "BOT_MESSAGE",
            Self::Approved => "PROPOSAL_APPROVED",
            Self::Closed => "PROPOSAL_CLOSED",
            Self::Returned => "PROPOSAL_RETURNED",
            Self::Added => "MEMBER_ADDED",
            Self::Removed => "MEMBER_REMOVED",
            Self::Changed => "ROOM_CHANGED",
            Self::Snapshot => "ROOM_SNAPSHOT",
        }
    }
}

impl fmt::Display for RowKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A row that no build of ours wrote.
#[derive(Debug, thiserror::Error)]
pub enum RowError {
    /// None of ours.
    #[error("no room has rows of the kind {0:?}")]
    Kind(String),
    /// The payload does not fit the kind.
    #[error("the payload of a {kind} row does not fit: {source}")]
    Payload {
        /// The kind.
        kind: String,
        /// What does not fit.
        source: serde_json::Error,
    },
}

impl Coded for RowError {
    fn code(&self) -> Code {
        Code::ServerError
    }
}

impl RoomEvent {
    /// The kind of its row.
    pub fn kind(&self) -> RowKind {
        match self {
            Self::Opened(_) => RowKind::Opened,
            Self::Said(_) => RowKind::Said,
            Self::Told(_) => RowKind::Told,
            Self::Approved(_) => RowKind::Approved,
            Self::Closed(_) => RowKind::Closed,
            Self::Returned(_) => RowKind::Returned,
            Self::Added(_) => RowKind::Added,
            Self::Removed(_) => RowKind::Removed,
            Self::Changed(_) => RowKind::Changed,
            Self::Snapshot(_) => RowKind::Snapshot,
        }
    }

    /// The payload of its row, JSON text.
    pub fn payload(&self) -> String {
        let text = match self {
            Self::Opened(it) => serde_json::to_string(it),
            Self::Said(it) => serde_json::to_string(it),
            Self::Told(it) => serde_json::to_string(it),
            Self::Approved(it) => serde_json::to_string(it),
            Self::Closed(it) => serde_json::to_string(it),
            Self::Returned(it) => serde_json::to_string(it),
            Self::Added(it) | Self::Removed(it) => serde_json::to_string(it),
            Self::Changed(it) => serde_json::to_string(it),
            Self::Snapshot(it) => serde_json::to_string(it),
        };
        // Nothing in an event can fail to be written: all keys are texts.
        text.unwrap_or_default()
    }

    /// From a row.
    pub fn read(kind: &str, payload: &str) -> Result<Self, RowError> {
        let read = match kind {
            "ROOM_OPENED" => serde_json::from_str(payload).map(Self::Opened),
            "USER_MESSAGE" => serde_json::from_str(payload).map(Self::Said),
            "BOT_MESSAGE" => serde_json::from_str(payload).map(Self::Told),
            "PROPOSAL_APPROVED" => serde_json::from_str(payload).map(Self::Approved),
            "PROPOSAL_CLOSED" => serde_json::from_str(payload).map(Self::Closed),
            "PROPOSAL_RETURNED" => serde_json::from_str(payload).map(Self::Returned),
            "MEMBER_ADDED" => serde_json::from_str(payload).map(Self::Added),
            "MEMBER_REMOVED" => serde_json::from_str(payload).map(Self::Removed),
            "ROOM_CHANGED" => serde_json::from_str(payload).map(Self::Changed),
            "ROOM_SNAPSHOT" => serde_json::from_str(payload).map(Self::Snapshot),
            other => return Err(RowError::Kind(other.to_owned())),
        };
        read.map_err(|source| RowError::Payload { kind: kind.to_owned(), source })
    }
}
