//! What clients send of chat rooms: `contract.md` 2.1 to 2.3.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    ids::{ChatRoomId, MessageId, ProposalId, TenantId},
    protocol::events::{
        Error, Object,
        read::Fields,
        wire::{AnyId, TextOrNumber},
    },
};

const ROOM: &[&str] = &["chatRoomID", "roomId", "chatRoomId", "roomID"];
const TENANT: &[&str] = &["tenantID"];

/// `ai_chat_room_join`: enter a room, or come back into one. Pages send it without any argument.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatRoomJoin {
    /// The room to come back into; also read as `roomId`. Without it: the room that this socket is in,
    /// else the last one in which something was said within `chat.resume_window`, else a new one.
    #[serde(rename = "chatRoomID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub room: Option<ChatRoomId>,
    /// The tenant of the room; may be left out by who is in one tenant only.
    #[serde(rename = "tenantID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TextOrNumber>")]
    pub tenant: Option<TenantId>,
    /// Also `ai_chat_bot_delta` while an answer grows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stream: bool,
}

impl ChatRoomJoin {
    /// Reads an event's first argument; without one everything is left out.
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        let fields = Fields::or_empty(argument)?;
        Ok(Self {
            room: fields.optional_id(ROOM, ChatRoomId::parse)?,
            tenant: fields.id_or_number(TENANT, TenantId::parse)?,
            stream: fields.flag("stream")?,
        })
    }
}

/// What a message asks of the assistant's open proposal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChatAction {
    /// Do it.
    Approve,
    /// Do not; the text says why.
    Reject,
    /// Show what it would do, without doing it.
    Test,
}

/// What is said: an object, or a plain string for its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatText {
    /// The words; may be left out beside an action.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What is asked of the open proposal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<ChatAction>,
    /// Which proposal is meant; without it the open one, if its message was sent to this socket.
    #[serde(rename = "proposalID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub proposal: Option<ProposalId>,
}

/// `ai_chat_user_message`: say something. Each accepted one gets exactly one `ai_chat_bot_message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatUserMessage {
    /// What is said.
    pub message: ChatText,
    /// The room; also read as `roomId`. Without it the one room that this socket is in.
    #[serde(rename = "chatRoomID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub room: Option<ChatRoomId>,
    /// The tenant of the room. A room of another tenant than this is answered like none.
    #[serde(rename = "tenantID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<TextOrNumber>")]
    pub tenant: Option<TenantId>,
    /// The client's own name of the message: sent again under it, it is one message.
    #[serde(rename = "clientMessageID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub client_message: Option<MessageId>,
}

impl ChatUserMessage {
    /// Reads an event's first argument (`RawValue::NULL` when there is none).
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        let fields = Fields::of(argument)?;
        let wrong = Error::Type { field: "message", expected: "a string or an object" };
        let message = match fields.value(&["message"]) {
            None => return Err(Error::Missing { field: "message" }),
            Some(Value::String(text)) => {
                if text.trim().is_empty() {
                    return Err(Error::Type { field: "message", expected: "a text that is not empty" });
                }
                ChatText { text: text.clone(), action: None, proposal: None }
            }
            Some(Value::Object(said)) => said_of(said)?,
            Some(_) => return Err(wrong),
        };
        let inner = match fields.value(&["message"]) {
            Some(Value::Object(said)) => {
                Fields::from(said.clone()).optional_id(&["clientMessageID"], MessageId::parse)?
            }
            _ => None,
        };
        Ok(Self {
            message,
            room: fields.optional_id(ROOM, ChatRoomId::parse)?,
            tenant: fields.id_or_number(TENANT, TenantId::parse)?,
            client_message: fields.optional_id(&["clientMessageID"], MessageId::parse)?.or(inner),
        })
    }

    /// The room of a payload that cannot be read otherwise: for the error event.
    pub fn room_of(argument: &RawValue) -> Option<ChatRoomId> {
        Fields::of(argument).ok()?.optional_id(ROOM, ChatRoomId::parse).ok()?
    }
}

fn said_of(said: &Object) -> Result<ChatText, Error> {
    let text = match said.get("text") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(_) => return Err(Error::Type { field: "message.text", expected: "a string" }),
    };
    let expected = "approve, reject or test";
    let action = match said.get("action") {
        None | Some(Value::Null) => None,
        Some(Value::String(word)) if word.is_empty() => None,
        Some(word) => Some(
            serde_json::from_value(word.clone())
                .map_err(|_| Error::Type { field: "message.action", expected })?,
        ),
    };
    if text.trim().is_empty() && action.is_none() {
        return Err(Error::Missing { field: "message.text" });
    }
    let proposal = Fields::from(said.clone()).optional_id(&["proposalID"], ProposalId::parse)?;
    Ok(ChatText { text, action, proposal })
}

/// `ai_chat_room_disconnect` and `ai_chat_cancel`: leave a room, or stop its answer. Without a room, all
/// that this socket is in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ChatRoomName {
    /// The room; also read as `roomId`.
    #[serde(rename = "chatRoomID", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<AnyId>")]
    pub room: Option<ChatRoomId>,
}

impl ChatRoomName {
    /// Reads an event's first argument; without one everything is left out.
    pub fn parse(argument: &RawValue) -> Result<Self, Error> {
        Ok(Self { room: Fields::or_empty(argument)?.optional_id(ROOM, ChatRoomId::parse)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        serde_json::from_str(text).unwrap_or_else(|_| unreachable!())
    }

    #[test]
    fn joins_are_read_also_without_an_argument() {
        let parse = |text: &str| ChatRoomJoin::parse(&raw(text));
        assert_eq!(parse("null"), Ok(ChatRoomJoin::default()));
        assert_eq!(parse(r#"{"firebaseID":"u"}"#), Ok(ChatRoomJoin::default()));
        let room = Some(ChatRoomId::trusted("r"));
        for text in [r#"{"chatRoomID":"r"}"#, r#"{"roomId":"r"}"#] {
            assert_eq!(parse(text).map(|join| join.room), Ok(room.clone()), "{text}");
        }
        let all = parse(r#"{"chatRoomID":"r","tenantID":5,"stream":true}"#);
        assert_eq!(all, Ok(ChatRoomJoin { room, tenant: Some(TenantId::trusted("5")), stream: true }));
        for text in ["5", "[]", r#""r""#, r#"{"chatRoomID":5}"#, r#"{"stream":1}"#] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn messages_are_objects_or_plain_strings() {
        let parse = |text: &str| ChatUserMessage::parse(&raw(text));
        let seed = parse(
            r#"{"message":{"text":"Show me sales for last month","action":"test"},"chatRoomID":"r",
                "firebaseID":"uid","tenantID":"t"}"#,
        );
        let message = ChatText {
            text: "Show me sales for last month".into(),
            action: Some(ChatAction::Test),
            proposal: None,
        };
        assert_eq!(
            seed,
            Ok(ChatUserMessage {
                message,
                room: Some(ChatRoomId::trusted("r")),
                tenant: Some(TenantId::trusted("t")),
                client_message: None
            })
        );
        let plain = parse(r#"{"message":"hi","roomId":"r"}"#);
        assert_eq!(plain.map(|said| said.message.text), Ok("hi".to_owned()));
        let approved = parse(r#"{"message":{"action":"approve","proposalID":"p","clientMessageID":"c"}}"#);
        let approved = approved.map(|said| (said.message.action, said.message.proposal, said.client_message));
        let named = (Some(ProposalId::trusted("p")), Some(MessageId::trusted("c")));
        assert_eq!(approved, Ok((Some(ChatAction::Approve), named.0, named.1)));
        for text in [
            "null",
            "{}",
            r#"{"message":null}"#,
            r#"{"message":5}"#,
            r#"{"message":""}"#,
            r#"{"message":{}}"#,
            r#"{"message":{"text":"  "}}"#,
            r#"{"message":{"text":5}}"#,
            r#"{"message":{"action":"delete"}}"#,
            r#"{"message":"hi","clientMessageID":5}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
