//! List, read, call otherwise, put away, remove, export.

use serde::Deserialize;
use serde_json::Value;

use super::shown::{RoomView, members, message};
use crate::{
    ai::Person,
    chat::Asker,
    error::Code,
    http::{Answer, Asked, Failure, answer::listed},
    ids::{ChatRoomId, RequestId, Seq},
    store::tables::chat::{ChatMember, ChatRoom},
};

/// Rows of a page when none is asked for.
const ROWS: u32 = 100;
/// Bytes of an export; the rest is behind its cursor.
const EXPORT: usize = 32 << 20;
/// Longest title in characters.
const TITLE: usize = 255;

pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let given = |name: &str| asked.query.get(name).filter(|text| !text.is_empty());
    let archived = match given("archived").map(String::as_str) {
        None => Some(false),
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some("all") => None,
        Some(_) => {
            let rule = "must be true, false or all";
            return Err(Failure::validation(vec![("archived".into(), rule.into())]));
        }
    };
    let (search, page) = (given("search").cloned(), asked.page()?);
    let user = asker(&asked)?.person.user;
    let rooms = &asked.hub.parts.chats;
    let found = rooms.list(asked.tenant()?, &user, (archived, search), page.clone()).await?;
    listed("rooms", &found.map(RoomView::from), page.page, page.page_size)
}

/// Who asks: a room is entered by people.
pub(super) fn asker(asked: &Asked) -> Result<Asker, Failure> {
    let identity = asked.identity()?;
    let user = identity.user.clone().ok_or_else(|| Failure::of(Code::InvalidUser))?;
    let person = Person { user, subject: identity.subject.clone(), api_key: identity.api_key().cloned() };
    Ok(Asker { person, address: asked.ip, request: Some(RequestId::trusted(&asked.request_id)) })
}

/// The room of the address, if the caller is in it.
pub(super) async fn find(asked: &Asked) -> Result<(ChatRoomId, ChatRoom, Vec<ChatMember>), Failure> {
    let id = asked.id("chatRoomID", ChatRoomId::parse)?;
    let user = asker(asked)?.person.user;
    let (room, members) = asked.hub.parts.chats.find(asked.tenant()?, &user, &id).await?;
    Ok((id, room, members))
}

/// The room with a page of what was said, oldest first; `cursor` of an answer asks for what is behind it.
pub(super) async fn get(asked: Asked) -> Result<Answer, Failure> {
    let (id, room, people) = find(&asked).await?;
    let after = cursor(&asked)?;
    let size = match asked.query.contains_key("pageSize") {
        true => asked.page()?.page_size,
        false => ROWS,
    };
    let (messages, next) = read(&asked, &id, after, size as usize).await?;
    let people = members(&room, people);
    Answer::field("room", &RoomView::from(room))?
        .and("members", &people)?
        .and("messages", &messages)?
        .and("nextCursor", &next)
}

/// All of it, as one document.
pub(super) async fn export(asked: Asked) -> Result<Answer, Failure> {
    let (id, room, people) = find(&asked).await?;
    let (mut messages, mut bytes) = (Vec::new(), 0);
    let mut next = Some(cursor(&asked)?.to_string());
    while let Some(after) = next.take().and_then(|text| text.parse::<i64>().ok()) {
        if bytes >= EXPORT {
            next = Some(after.to_string());
            break;
        }
        let (page, more) = read(&asked, &id, Seq(after), 500).await?;
        bytes += page.iter().map(|message| message.to_string().len()).sum::<usize>();
        messages.extend(page);
        next = more;
    }
    let people = members(&room, people);
    Answer::field("room", &RoomView::from(room))?
        .and("members", &people)?
        .and("messages", &messages)?
        .and("nextCursor", &next)
}

fn cursor(asked: &Asked) -> Result<Seq, Failure> {
    match asked.query.get("cursor").filter(|text| !text.is_empty()) {
        None => Ok(Seq::ZERO),
        Some(text) => match text.parse::<i64>() {
            Ok(after) if after >= 0 => Ok(Seq(after)),
            Ok(_) | Err(_) => {
                Err(Failure::validation(vec![("cursor".into(), "must be a nextCursor of this room".into())]))
            }
        },
    }
}

/// A page of messages, and where the next begins.
async fn read(
    asked: &Asked,
    room: &ChatRoomId,
    after: Seq,
    rows: usize,
) -> Result<(Vec<Value>, Option<String>), Failure> {
    let page = asked.hub.parts.chats.rows(room, after, rows).await?;
    let mut messages = Vec::new();
    for row in &page.rows {
        match message(row) {
            Ok(message) => messages.extend(message),
            Err(error) => {
                log::error!(room:% = room, seq:% = row.seq; "a row of a chat room cannot be read: {error}");
                return Err(Failure::of(Code::ServerError));
            }
        }
    }
    let last = page.rows.last().map(|row| row.seq);
    Ok((messages, last.filter(|last| *last < page.head).map(|last| last.to_string())))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Patch {
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    is_archived: Option<bool>,
}

pub(super) async fn update(asked: Asked) -> Result<Answer, Failure> {
    let patch: Patch = asked.fields()?;
    let title = patch.title.map(|title| title.trim().to_owned());
    if let Some(title) = &title
        && (title.is_empty() || title.chars().count() > TITLE || title.chars().any(char::is_control))
    {
        let rule = format!("must be one line of 1 to {TITLE} characters");
        return Err(Failure::validation(vec![("title".into(), rule)]));
    }
    if title.is_none() && patch.is_archived.is_none() {
        return Err(Failure::validation(vec![("title".into(), "give title or isArchived".into())]));
    }
    let (id, ..) = find(&asked).await?;
    let (rooms, by) = (&asked.hub.parts.chats, asker(&asked)?);
    if let Some(title) = title {
        rooms.rename(&id, by.clone(), title).await?;
    }
    if let Some(archived) = patch.is_archived {
        rooms.archive(&id, by, archived).await?;
    }
    let (_, room, _) = find(&asked).await?;
    Answer::field("room", &RoomView::from(room))
}

pub(super) async fn delete(asked: Asked) -> Result<Answer, Failure> {
    let (id, ..) = find(&asked).await?;
    asked.hub.parts.chats.delete(&id, asker(&asked)?).await?;
    Answer::field("message", &"Chat room deleted successfully.")
}
