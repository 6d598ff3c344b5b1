//! What the hub sends of chat rooms: `contract.md` 3.1, 3.2, and the answers to acks.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    error::Coded,
    ids::{ChatRoomId, MessageId, ProposalId, RunId, Seq},
    protocol::events::{
        ErrorBody, WireTime,
        wire::{AnyId, Place},
    },
};

/// Who said something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatRole {
    /// A person.
    User,
    /// The assistant.
    Assistant,
}

/// A message of the past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatHistoryItem<'a> {
    /// Who said it.
    pub role: ChatRole,
    /// The words.
    pub text: Cow<'a, str>,
    /// Place of its row in the room.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// When.
    pub at: WireTime,
    /// Names it.
    #[serde(rename = "messageID")]
    #[schemars(with = "AnyId")]
    pub message_id: MessageId,
    /// Of an answer: the message that it answers.
    #[serde(rename = "inReplyTo", skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<AnyId>")]
    pub in_reply_to: Option<MessageId>,
    /// What the answer proposed, while it is open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proposal: Option<ChatProposal<'a>>,
}

/// `ai_chat_room_id`: which room was entered, to the socket that entered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatRoomEntered<'a> {
    /// The room.
    #[serde(rename = "chatRoomID")]
    #[schemars(with = "AnyId")]
    pub room: ChatRoomId,
    /// There was something before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub resumed: Option<bool>,
    /// Only when resumed: the last messages, oldest first, at most 50.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history: Option<Vec<ChatHistoryItem<'a>>>,
}

/// What the assistant would do when a person agrees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatProposal<'a> {
    /// For `message.proposalID`.
    #[schemars(with = "AnyId")]
    pub id: ProposalId,
    /// The same, as answers spell it.
    #[serde(rename = "proposalID")]
    #[schemars(with = "AnyId")]
    pub id_again: ProposalId,
    /// `run_query`, `start_workflow`, `draft_query` …
    pub tool: Cow<'a, str>,
    /// With which arguments, exactly.
    pub arguments: Value,
    /// The same in words.
    pub summary: Cow<'a, str>,
    /// From then on nobody may approve it.
    pub expires_at: WireTime,
}

/// Rows for people.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChatTable {
    /// Names, in order.
    pub columns: Vec<String>,
    /// One value a column.
    pub rows: Vec<Vec<Value>>,
    /// There were more rows than are shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// `ai_chat_bot_message`: the assistant's answer, to everybody in the room. One for each message of a
/// person, in order, never before it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatBotMessage<'a> {
    /// The words, whole, and behind them the first rows of `data`, for pages that show nothing else (a model speaks
    /// for itself). Text, never markup.
    pub text: Cow<'a, str>,
    /// The same words again, as one page reads them.
    pub message: Cow<'a, str>,
    /// The room.
    #[serde(rename = "chatRoomID")]
    #[schemars(with = "AnyId")]
    pub room: ChatRoomId,
    /// Names it.
    #[serde(rename = "messageID")]
    #[schemars(with = "AnyId")]
    pub message_id: MessageId,
    /// The message that it answers.
    #[serde(rename = "inReplyTo")]
    #[schemars(with = "AnyId")]
    pub in_reply_to: MessageId,
    /// Place of its row in the room.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// What is proposed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proposal: Option<ChatProposal<'a>>,
    /// Rows that belong to the text.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub data: Option<Cow<'a, ChatTable>>,
    /// The run that was started or spoken of; it may be joined.
    #[serde(rename = "instanceID", skip_serializing_if = "Option::is_none", default)]
    #[schemars(with = "Option<AnyId>")]
    pub instance_id: Option<RunId>,
    /// The turn came to no good end; the text says so as well.
    #[serde(rename = "errorCode", skip_serializing_if = "Option::is_none", default)]
    pub error_code: Option<Cow<'a, str>>,
}

/// `ai_chat_bot_delta`: the next piece of an answer that still grows, only to sockets that asked for it.
/// It may be lost; the final message has everything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ChatBotDelta<'a> {
    /// The room.
    #[serde(rename = "chatRoomID")]
    #[schemars(with = "AnyId")]
    pub room: ChatRoomId,
    /// The message that is being answered.
    #[serde(rename = "inReplyTo")]
    #[schemars(with = "AnyId")]
    pub in_reply_to: MessageId,
    /// The piece.
    pub text: Cow<'a, str>,
}

/// `ai_chat_error`: a chat event was refused, or a message has no answer (beside the bot message that says so),
/// to the socket that sent it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChatError {
    /// The room, if one was named.
    #[serde(rename = "chatRoomID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub room: Option<ChatRoomId>,
    /// Why.
    pub error: ErrorBody,
}

impl ChatError {
    /// The code, and the words that a client may read.
    pub fn of(room: Option<&ChatRoomId>, error: &(impl Coded + ?Sized)) -> Self {
        Self { room: room.cloned(), error: ErrorBody::of(error) }
    }
}

/// The answer to a join, queued before `ai_chat_room_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatJoinAck {
    /// Always true.
    pub ok: bool,
    /// The room.
    #[serde(rename = "chatRoomID")]
    #[schemars(with = "AnyId")]
    pub room: ChatRoomId,
    /// There was something before.
    pub resumed: bool,
    /// The room's last row.
    #[schemars(with = "Place")]
    pub seq: Seq,
}

/// The answer to a message: it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatMessageAck {
    /// Always true.
    pub ok: bool,
    /// The room.
    #[serde(rename = "chatRoomID")]
    #[schemars(with = "AnyId")]
    pub room: ChatRoomId,
    /// The hub's name of the message: `inReplyTo` of its answer.
    #[serde(rename = "messageID")]
    #[schemars(with = "AnyId")]
    pub message: MessageId,
    /// Place of its row in the room.
    #[schemars(with = "Place")]
    pub seq: Seq,
    /// It was there already, under the same `clientMessageID`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub repeated: bool,
}

/// The answer to a cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatCancelAck {
    /// Always true.
    pub ok: bool,
    /// An answer was being made and is stopped.
    pub cancelled: bool,
}
