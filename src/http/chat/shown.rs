//! Rooms and what was said in them, as REST shows them.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{
    chat::{
        self,
        room::{RoomEvent, RowError},
    },
    clock::to_wire,
    ids::{ChatRoomId, TenantId, UserId},
    store::{
        Row,
        tables::chat::{ChatMember, ChatRoom},
    },
};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RoomView {
    #[serde(rename = "chatRoomID")]
    id: ChatRoomId,
    #[serde(rename = "tenantID")]
    tenant: TenantId,
    title: Option<String>,
    #[serde(rename = "ownerID")]
    owner: UserId,
    #[serde(rename = "firebaseID")]
    subject: String,
    is_archived: bool,
    message_count: i64,
    last_message_at: Option<String>,
    created_at: String,
    updated_at: String,
}

impl From<ChatRoom> for RoomView {
    fn from(row: ChatRoom) -> Self {
        Self {
            id: row.chat_room_id,
            tenant: row.tenant_id,
            title: row.title,
            owner: row.owner_id,
            subject: row.subject,
            is_archived: row.is_archived,
            message_count: row.messages,
            last_message_at: row.last_message_at.map(to_wire),
            created_at: to_wire(row.created_at),
            updated_at: to_wire(row.updated_at),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MemberView {
    #[serde(rename = "userID")]
    user: UserId,
    #[serde(rename = "firebaseID")]
    subject: String,
    role: &'static str,
    #[serde(rename = "invitedBy", skip_serializing_if = "Option::is_none")]
    invited_by: Option<UserId>,
    created_at: String,
}

/// The owner, then those who were let in.
pub(super) fn members(room: &ChatRoom, members: Vec<ChatMember>) -> Vec<MemberView> {
    let owner = MemberView {
        user: room.owner_id.clone(),
        subject: room.subject.clone(),
        role: "owner",
        invited_by: None,
        created_at: to_wire(room.created_at),
    };
    let others = members.into_iter().map(|member| MemberView {
        user: member.user_id,
        subject: member.subject,
        role: "member",
        invited_by: Some(member.invited_by),
        created_at: to_wire(member.created_at),
    });
    std::iter::once(owner).chain(others).collect()
}

/// A row of the journal; none for what is the hub's own (a snapshot). Where somebody said it from is for the
/// audit only.
pub(super) fn message(row: &Row) -> Result<Option<Value>, RowError> {
    let event = RoomEvent::read(&row.kind, &row.payload)?;
    let mut shown = match &event {
        RoomEvent::Snapshot(_) => return Ok(None),
        RoomEvent::Said(said) => {
            let mut shown = plain(&**said);
            for name in ["userID", "firebaseID"] {
                if let Some(value) = shown.get("who").and_then(|who| who.get(name)).cloned() {
                    shown.insert(name.to_owned(), value);
                }
            }
            shown.insert("role".to_owned(), json!("user"));
            shown
        }
        RoomEvent::Told(told) => {
            let mut shown = plain(&**told);
            shown.insert("text".to_owned(), json!(chat::shown(told)));
            shown.insert("role".to_owned(), json!("assistant"));
            shown
        }
        RoomEvent::Opened(it) => plain(it),
        RoomEvent::Approved(it) => plain(&**it),
        RoomEvent::Closed(it) => plain(&**it),
        RoomEvent::Returned(it) => plain(it),
        RoomEvent::Added(it) | RoomEvent::Removed(it) => plain(&**it),
        RoomEvent::Changed(it) => plain(it),
    };
    shown.remove("who");
    if let Some(by) = shown.get_mut("by").and_then(Value::as_object_mut) {
        by.retain(|name, _| matches!(name.as_str(), "userID" | "firebaseID"));
    }
    shown.entry("role").or_insert_with(|| json!("event"));
    shown.insert("kind".to_owned(), json!(event.kind().as_str()));
    shown.insert("seq".to_owned(), json!(row.seq));
    if let Some(at) = shown.get_mut("at") {
        *at = json!(to_wire(row.at));
    }
    Ok(Some(Value::Object(shown)))
}

fn plain(event: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(event) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) | Err(_) => Map::new(),
    }
}
