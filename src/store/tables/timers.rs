//! Timers: when a stream wants to be woken. Written as projections of its rows.

use diesel::{
    prelude::*,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{BigInt, Text},
};
use jiff::Timestamp;

use super::{
    columns::{Id, Time},
    to_micros,
};
use crate::{
    ids::StreamId,
    store::{Connection, Error, connection::MultiBackend, schema::timers},
};

/// A wake time; one a stream and key.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = timers)]
pub struct Timer {
    /// Who is woken.
    #[diesel(deserialize_as = Id)]
    pub stream: StreamId,
    /// Which of its timers.
    pub key: String,
    /// When.
    #[diesel(deserialize_as = Time)]
    pub due_at: Timestamp,
}

/// Timers of the streams whose names begin so, due until then (that moment included), earliest first,
/// behind `after`.
pub fn due(
    connection: &mut Connection,
    streams: &str,
    until: Timestamp,
    after: Option<&Timer>,
    limit: i64,
) -> Result<Vec<Timer>, Error> {
    let mut query = timers::table
        .filter(timers::due_at.le(to_micros(until)))
        .filter(timers::stream.like(format!("{streams}%")))
        .select(Timer::as_select())
        .into_boxed();
    if let Some(last) = after {
        let (at, stream) = (to_micros(last.due_at), last.stream.as_str());
        let same_stream = timers::stream.eq(stream).and(timers::key.gt(last.key.as_str()));
        let same_time = timers::due_at.eq(at).and(timers::stream.gt(stream).or(same_stream));
        query = query.filter(timers::due_at.gt(at).or(same_time));
    }
    let query = query.order((timers::due_at.asc(), timers::stream.asc(), timers::key.asc())).limit(limit);
    Ok(query.load(connection)?)
}

/// The timers of one stream, by key.
pub fn of_stream(connection: &mut Connection, stream: &StreamId) -> Result<Vec<Timer>, Error> {
    let query = timers::table.filter(timers::stream.eq(stream.as_str())).select(Timer::as_select());
    Ok(query.order(timers::key.asc()).load(connection)?)
}

/// Sets a timer, or moves it.
pub(in crate::store) fn set(
    connection: &mut Connection,
    stream: &StreamId,
    key: &str,
    due_at: Timestamp,
) -> Result<(), Error> {
    Upsert { stream: stream.as_str(), key, due_at: to_micros(due_at) }.execute(connection)?;
    Ok(())
}

/// Written out, because Diesel has no upsert for two databases; both read the same text.
struct Upsert<'a> {
    stream: &'a str,
    key: &'a str,
    due_at: i64,
}

impl QueryFragment<MultiBackend> for Upsert<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        out.push_sql("INSERT INTO timers (stream, key, due_at) VALUES (");
        out.push_bind_param::<Text, str>(self.stream)?;
        out.push_sql(", ");
        out.push_bind_param::<Text, str>(self.key)?;
        out.push_sql(", ");
        out.push_bind_param::<BigInt, i64>(&self.due_at)?;
        out.push_sql(") ON CONFLICT (stream, key) DO UPDATE SET due_at = excluded.due_at");
        Ok(())
    }
}

impl QueryId for Upsert<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl RunQueryDsl<Connection> for Upsert<'_> {}

/// Removes a timer, if it is there.
pub(in crate::store) fn clear(
    connection: &mut Connection,
    stream: &StreamId,
    key: &str,
) -> Result<(), Error> {
    diesel::delete(timers::table.find((stream.as_str(), key))).execute(connection)?;
    Ok(())
}

/// Removes all timers of a stream.
pub(in crate::store) fn clear_all(connection: &mut Connection, stream: &StreamId) -> Result<(), Error> {
    diesel::delete(timers::table.filter(timers::stream.eq(stream.as_str()))).execute(connection)?;
    Ok(())
}
