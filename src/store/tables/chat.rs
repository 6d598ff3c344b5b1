//! Chat rooms and who is in them. What is said is in the journal; these rows are projections of it.

use diesel::prelude::*;
use jiff::Timestamp;

use super::{
    ListPage, Listed,
    columns::{Id, OptTime, Time},
    page::{contains, lower},
    timers, to_micros,
};
use crate::{
    ids::{ChatRoomId, StreamId, TenantId, UserId},
    store::{
        Connection, Error,
        schema::{chat_members, chat_rooms, idempotency_keys, journal, streams},
    },
};

/// The head of a room.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = chat_rooms)]
pub struct ChatRoom {
    /// uuid v7.
    #[diesel(deserialize_as = Id)]
    pub chat_room_id: ChatRoomId,
    /// Whose.
    #[diesel(deserialize_as = Id)]
    pub tenant_id: TenantId,
    /// Who made it.
    #[diesel(deserialize_as = Id)]
    pub owner_id: UserId,
    /// `firebaseID` of the owner.
    pub subject: String,
    /// Given, or the first words that were said.
    pub title: Option<String>,
    /// Put away.
    pub is_archived: bool,
    /// A message waits for its answer.
    pub attention: bool,
    /// Messages and answers, ever.
    pub messages: i64,
    /// The last of them.
    #[diesel(deserialize_as = OptTime)]
    pub last_message_at: Option<Timestamp>,
    /// Made.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Changed.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = chat_members)]
pub struct ChatMember {
    /// Who.
    #[diesel(deserialize_as = Id)]
    pub user_id: UserId,
    /// `firebaseID`.
    pub subject: String,
    /// By whom.
    #[diesel(deserialize_as = Id)]
    pub invited_by: UserId,
    /// When.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
}

/// What a new room needs.
#[derive(Debug, Clone)]
pub struct NewRoom {
    /// uuid v7.
    pub chat_room_id: ChatRoomId,
    /// Whose.
    pub tenant_id: TenantId,
    /// Who makes it.
    pub owner_id: UserId,
    /// `firebaseID` of the owner.
    pub subject: String,
    /// What it is called, if it is.
    pub title: Option<String>,
    /// Now.
    pub at: Timestamp,
}

/// How a room is now.
#[derive(Debug, Clone)]
pub struct RoomChange {
    /// What it is called, if it is.
    pub title: Option<String>,
    /// Put away.
    pub is_archived: bool,
    /// A message waits for its answer.
    pub attention: bool,
    /// Messages and answers, ever.
    pub messages: i64,
    /// The last of them.
    pub last_message_at: Option<Timestamp>,
    /// Now.
    pub at: Timestamp,
}

/// Somebody comes or goes.
#[derive(Debug, Clone)]
pub struct MemberChange {
    /// Where.
    pub room: ChatRoomId,
    /// Who.
    pub user: UserId,
    /// `firebaseID`.
    pub subject: String,
    /// Comes.
    pub inside: bool,
    /// By whom.
    pub by: UserId,
    /// Now.
    pub at: Timestamp,
}

pub(in crate::store) fn insert(connection: &mut Connection, new: &NewRoom) -> Result<(), Error> {
    diesel::insert_into(chat_rooms::table)
        .values((
            chat_rooms::chat_room_id.eq(new.chat_room_id.as_str()),
            chat_rooms::tenant_id.eq(new.tenant_id.as_str()),
            chat_rooms::owner_id.eq(new.owner_id.as_str()),
            chat_rooms::subject.eq(&new.subject),
            chat_rooms::title.eq(&new.title),
            chat_rooms::is_archived.eq(false),
            chat_rooms::attention.eq(false),
            chat_rooms::messages.eq(0_i64),
            chat_rooms::last_message_at.eq(None::<i64>),
            chat_rooms::created_at.eq(to_micros(new.at)),
            chat_rooms::updated_at.eq(to_micros(new.at)),
        ))
        .execute(connection)?;
    Ok(())
}

pub(in crate::store) fn update(
    connection: &mut Connection,
    room: &ChatRoomId,
    change: &RoomChange,
) -> Result<(), Error> {
    diesel::update(chat_rooms::table.find(room.as_str()))
        .set((
            chat_rooms::title.eq(&change.title),
            chat_rooms::is_archived.eq(change.is_archived),
            chat_rooms::attention.eq(change.attention),
            chat_rooms::messages.eq(change.messages),
            chat_rooms::last_message_at.eq(change.last_message_at.map(to_micros)),
            chat_rooms::updated_at.eq(to_micros(change.at)),
        ))
        .execute(connection)?;
    Ok(())
}

pub(in crate::store) fn set_member(connection: &mut Connection, change: &MemberChange) -> Result<(), Error> {
    let row = chat_members::table.find((change.room.as_str(), change.user.as_str()));
    diesel::delete(row).execute(connection)?;
    if change.inside {
        diesel::insert_into(chat_members::table)
            .values((
                chat_members::chat_room_id.eq(change.room.as_str()),
                chat_members::user_id.eq(change.user.as_str()),
                chat_members::subject.eq(&change.subject),
                chat_members::invited_by.eq(change.by.as_str()),
                chat_members::created_at.eq(to_micros(change.at)),
            ))
            .execute(connection)?;
    }
    Ok(())
}

/// A room, of whatever tenant: the caller answers a foreign one as a missing one.
pub fn find(connection: &mut Connection, room: &ChatRoomId) -> Result<Option<ChatRoom>, Error> {
    let query = chat_rooms::table.find(room.as_str()).select(ChatRoom::as_select());
    Ok(query.first(connection).optional()?)
}

/// Who is in a room beside its owner, in order of entry.
pub fn members(connection: &mut Connection, room: &ChatRoomId) -> Result<Vec<ChatMember>, Error> {
    let query = chat_members::table
        .filter(chat_members::chat_room_id.eq(room.as_str()))
        .select(ChatMember::as_select())
        .order((chat_members::created_at.asc(), chat_members::user_id.asc()));
    Ok(query.load(connection)?)
}

/// Owns the room, or was let in.
pub fn is_inside(connection: &mut Connection, room: &ChatRoom, user: &UserId) -> Result<bool, Error> {
    if room.owner_id == *user {
        return Ok(true);
    }
    let row = chat_members::table.find((room.chat_room_id.as_str(), user.as_str()));
    let found: Option<String> = row.select(chat_members::user_id).first(connection).optional()?;
    Ok(found.is_some())
}

/// Rooms of a user in a tenant, their own and those that they were let into; latest change first.
pub fn list(
    connection: &mut Connection,
    tenant: &TenantId,
    user: &UserId,
    (archived, search): (Option<bool>, Option<&str>),
    page: &ListPage,
) -> Result<Listed<ChatRoom>, Error> {
    let inside = || chat_members::table.filter(chat_members::user_id.eq(user.as_str().to_owned()));
    let theirs = || {
        chat_rooms::owner_id
            .eq(user.as_str().to_owned())
            .or(chat_rooms::chat_room_id.eq_any(inside().select(chat_members::chat_room_id)))
    };
    let mut count = chat_rooms::table
        .filter(chat_rooms::tenant_id.eq(tenant.as_str()))
        .filter(theirs())
        .count()
        .into_boxed();
    let mut query = chat_rooms::table
        .filter(chat_rooms::tenant_id.eq(tenant.as_str()))
        .filter(theirs())
        .select(ChatRoom::as_select())
        .into_boxed();
    if let Some(archived) = archived {
        count = count.filter(chat_rooms::is_archived.eq(archived));
        query = query.filter(chat_rooms::is_archived.eq(archived));
    }
    if let Some(search) = search {
        let pattern = contains(search);
        count = count.filter(lower(chat_rooms::title.assume_not_null()).like(pattern.clone()).escape('\\'));
        query = query.filter(lower(chat_rooms::title.assume_not_null()).like(pattern).escape('\\'));
    }
    let total = count.get_result(connection)?;
    if let Some((at, id)) = page.after()? {
        let same = chat_rooms::updated_at.eq(at).and(chat_rooms::chat_room_id.lt(id));
        query = query.filter(chat_rooms::updated_at.lt(at).or(same));
    }
    let rows = query
        .order((chat_rooms::updated_at.desc(), chat_rooms::chat_room_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    Ok(page.finish(rows, total, |row: &ChatRoom| (row.updated_at, row.chat_room_id.as_str().to_owned())))
}

/// The user's own room in which something was said last, since then; not one that is put away.
pub fn latest(
    connection: &mut Connection,
    tenant: &TenantId,
    owner: &UserId,
    since: Timestamp,
) -> Result<Option<ChatRoomId>, Error> {
    let id: Option<String> = chat_rooms::table
        .filter(chat_rooms::tenant_id.eq(tenant.as_str()))
        .filter(chat_rooms::owner_id.eq(owner.as_str()))
        .filter(chat_rooms::is_archived.eq(false))
        .filter(chat_rooms::last_message_at.ge(to_micros(since)))
        .order((chat_rooms::last_message_at.desc(), chat_rooms::chat_room_id.desc()))
        .select(chat_rooms::chat_room_id)
        .first(connection)
        .optional()?;
    Ok(id.map(|id| ChatRoomId::trusted(&id)))
}

/// The user's own room in which nothing was ever said, the newest; not one that is put away.
pub fn blank(
    connection: &mut Connection,
    tenant: &TenantId,
    owner: &UserId,
) -> Result<Option<ChatRoomId>, Error> {
    let id: Option<String> = chat_rooms::table
        .filter(chat_rooms::tenant_id.eq(tenant.as_str()))
        .filter(chat_rooms::owner_id.eq(owner.as_str()))
        .filter(chat_rooms::is_archived.eq(false))
        .filter(chat_rooms::last_message_at.is_null())
        .order(chat_rooms::chat_room_id.desc())
        .select(chat_rooms::chat_room_id)
        .first(connection)
        .optional()?;
    Ok(id.map(|id| ChatRoomId::trusted(&id)))
}

/// How many rooms a user has in a tenant.
pub fn count_of(connection: &mut Connection, tenant: &TenantId, owner: &UserId) -> Result<i64, Error> {
    let query = chat_rooms::table
        .filter(chat_rooms::tenant_id.eq(tenant.as_str()))
        .filter(chat_rooms::owner_id.eq(owner.as_str()));
    Ok(query.count().get_result(connection)?)
}

/// Rooms that must be woken at start, by id, behind `after`.
pub fn needing_attention(
    connection: &mut Connection,
    after: Option<&ChatRoomId>,
    limit: i64,
) -> Result<Vec<ChatRoomId>, Error> {
    let mut query = chat_rooms::table
        .filter(chat_rooms::attention.eq(true))
        .select(chat_rooms::chat_room_id)
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(chat_rooms::chat_room_id.gt(after.as_str()));
    }
    let ids: Vec<String> = query.order(chat_rooms::chat_room_id.asc()).limit(limit).load(connection)?;
    Ok(ids.iter().map(|id| ChatRoomId::trusted(id)).collect())
}

/// Rooms in which nothing has happened since then and nothing waits, oldest first.
pub fn idle_since(
    connection: &mut Connection,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<ChatRoomId>, Error> {
    let ids: Vec<String> = chat_rooms::table
        .filter(chat_rooms::updated_at.lt(to_micros(since)))
        .filter(chat_rooms::attention.eq(false))
        .order((chat_rooms::updated_at.asc(), chat_rooms::chat_room_id.asc()))
        .select(chat_rooms::chat_room_id)
        .limit(limit)
        .load(connection)?;
    Ok(ids.iter().map(|id| ChatRoomId::trusted(id)).collect())
}

/// Removes a room with its stream, rows, timers, keys and members. An append of its actor that comes later
/// finds no stream and is fenced.
pub fn remove(connection: &mut Connection, room: &ChatRoomId) -> Result<(), Error> {
    let stream = StreamId::of_room(room);
    diesel::delete(streams::table.find(stream.as_str())).execute(connection)?;
    diesel::delete(journal::table.filter(journal::stream.eq(stream.as_str()))).execute(connection)?;
    timers::clear_all(connection, &stream)?;
    diesel::delete(idempotency_keys::table.filter(idempotency_keys::scope.eq(stream.as_str())))
        .execute(connection)?;
    diesel::delete(chat_members::table.filter(chat_members::chat_room_id.eq(room.as_str())))
        .execute(connection)?;
    let gone = diesel::delete(chat_rooms::table.find(room.as_str())).execute(connection)?;
    if gone == 0 { Err(Error::NotFound) } else { Ok(()) }
}
