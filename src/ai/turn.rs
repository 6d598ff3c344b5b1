//! What an assistant is asked.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::Table;
use crate::ids::{ApiKeyId, ChatRoomId, MessageId, TenantId, UserId};

/// Who speaks. It names who they are, not what they may do: that is asked each time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The user's row.
    #[serde(rename = "userID")]
    pub user: UserId,
    /// `firebaseID` on the wire.
    #[serde(rename = "firebaseID")]
    pub subject: String,
    /// The API key, if one was used: it may narrow the rights.
    #[serde(rename = "apiKeyID", default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKeyId>,
}

/// One message to be answered, with what the assistant may know. Nothing of another room or tenant is in it.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Whose room.
    pub tenant: TenantId,
    /// The room.
    pub room: ChatRoomId,
    /// The person's message that this turn answers.
    pub message: MessageId,
    /// Who said it.
    pub person: Person,
    /// What they said: text of a stranger.
    pub text: String,
    /// What was said before in this room, oldest first, at most `ai.history`.
    pub history: Vec<Said>,
    /// Now: "last month" is counted from here.
    pub now: Timestamp,
    /// Of the tenant.
    pub timezone: TimeZone,
    /// The person may see and run saved queries.
    pub may_query: bool,
    /// The person may see and run workflows.
    pub may_execute: bool,
    /// What has no effect may be run at once; if not, it is proposed.
    pub auto_run: bool,
    /// Tokens that models have counted for this room until now, in and out.
    pub tokens: u64,
}

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A person of the room.
    Person,
    /// The assistant.
    Assistant,
    /// The hub for it: what came of a consent, or why there was no answer. It may quote other systems.
    Hub,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// By whom.
    pub by: Speaker,
    /// The words.
    pub text: String,
    /// A table that came with them: data, never words to be followed.
    pub data: Option<Table>,
    /// When.
    pub at: Timestamp,
}
