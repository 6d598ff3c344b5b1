//! Users: whom tokens speak of.

use diesel::prelude::*;
use jiff::Timestamp;

use crate::{
    ids::UserId,
    store::{
        Connection, Error,
        schema::users,
        tables::{
            ListPage, Listed,
            columns::{Id, OptTime, Time},
            to_micros,
        },
    },
};

/// A user.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = users)]
pub struct User {
    /// Ours.
    #[diesel(deserialize_as = Id)]
    pub user_id: UserId,
    /// The claim `sub` of the user's tokens (`firebaseID` on the wire); unique.
    pub subject: String,
    /// From the token or an admin.
    pub email: Option<String>,
    /// For people.
    pub first_name: Option<String>,
    /// For people.
    pub last_name: Option<String>,
    /// Cut off everywhere.
    pub is_disabled: bool,
    /// May do everything in every tenant.
    pub is_platform_admin: bool,
    /// Tokens issued before are refused.
    #[diesel(deserialize_as = OptTime)]
    pub tokens_valid_after: Option<Timestamp>,
    /// Last handshake, coarse.
    #[diesel(deserialize_as = OptTime)]
    pub last_seen: Option<Timestamp>,
    /// Made.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Changed.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// What a new user needs.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// Ours.
    pub user_id: UserId,
    /// The claim `sub`.
    pub subject: String,
    /// Mail address.
    pub email: Option<String>,
    /// For people.
    pub first_name: Option<String>,
    /// For people.
    pub last_name: Option<String>,
    /// May do everything.
    pub is_platform_admin: bool,
    /// Now.
    pub at: Timestamp,
}

/// What may change; an absent field stays.
#[derive(Debug, Clone, Default)]
pub struct UserChange {
    /// Mail address.
    pub email: Option<String>,
    /// For people.
    pub first_name: Option<String>,
    /// For people.
    pub last_name: Option<String>,
    /// Cut off, or let in again.
    pub is_disabled: Option<bool>,
    /// May do everything.
    pub is_platform_admin: Option<bool>,
    /// Tokens issued before are refused.
    pub tokens_valid_after: Option<Timestamp>,
}

/// Inserts one; `Duplicate(User)` when the subject or the id is taken.
pub fn insert(connection: &mut Connection, new: &NewUser) -> Result<User, Error> {
    let at = to_micros(new.at);
    diesel::insert_into(users::table)
        .values((
            users::user_id.eq(new.user_id.as_str()),
            users::subject.eq(&new.subject),
            users::email.eq(&new.email),
            users::first_name.eq(&new.first_name),
            users::last_name.eq(&new.last_name),
            users::is_disabled.eq(false),
            users::is_platform_admin.eq(new.is_platform_admin),
            users::created_at.eq(at),
            users::updated_at.eq(at),
        ))
        .execute(connection)?;
    find(connection, &new.user_id)?.ok_or(Error::NotFound)
}

/// One by id.
pub fn find(connection: &mut Connection, id: &UserId) -> Result<Option<User>, Error> {
    let query = users::table.find(id.as_str()).select(User::as_select());
    Ok(query.first(connection).optional()?)
}

/// One by the claim `sub`.
pub fn by_subject(connection: &mut Connection, subject: &str) -> Result<Option<User>, Error> {
    let query = users::table.filter(users::subject.eq(subject)).select(User::as_select());
    Ok(query.first(connection).optional()?)
}

/// All, newest first.
pub fn list(connection: &mut Connection, page: &ListPage) -> Result<Listed<User>, Error> {
    let total = users::table.count().get_result(connection)?;
    let mut query = users::table.select(User::as_select()).into_boxed();
    if let Some((at, id)) = page.after()? {
        let same = users::created_at.eq(at).and(users::user_id.lt(id));
        query = query.filter(users::created_at.lt(at).or(same));
    }
    let rows = query
        .order((users::created_at.desc(), users::user_id.desc()))
        .limit(page.limit())
        .offset(page.offset())
        .load(connection)?;
    Ok(page.finish(rows, total, |row: &User| (row.created_at, row.user_id.to_string())))
}

/// Changes what is given; `NotFound` when there is no such user.
pub fn update(
    connection: &mut Connection,
    id: &UserId,
    change: &UserChange,
    at: Timestamp,
) -> Result<(), Error> {
    let changed = diesel::update(users::table.find(id.as_str()))
        .set((
            change.email.as_ref().map(|email| users::email.eq(email)),
            change.first_name.as_ref().map(|name| users::first_name.eq(name)),
            change.last_name.as_ref().map(|name| users::last_name.eq(name)),
            change.is_disabled.map(|disabled| users::is_disabled.eq(disabled)),
            change.is_platform_admin.map(|admin| users::is_platform_admin.eq(admin)),
            change.tokens_valid_after.map(|after| users::tokens_valid_after.eq(to_micros(after))),
            users::updated_at.eq(to_micros(at)),
        ))
        .execute(connection)?;
    if changed == 0 { Err(Error::NotFound) } else { Ok(()) }
}

/// Notes a handshake; nothing when the user is gone.
pub fn seen(connection: &mut Connection, id: &UserId, at: Timestamp) -> Result<(), Error> {
    diesel::update(users::table.find(id.as_str()))
        .set(users::last_seen.eq(to_micros(at)))
        .execute(connection)?;
    Ok(())
}
