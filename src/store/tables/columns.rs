//! How ids, times and closed sets leave the database: columns hold text and integers.

use std::{borrow::Cow, sync::Arc};

use diesel::{
    backend::Backend,
    deserialize::{self, FromSql, Queryable},
    sql_types::{BigInt, Nullable, Text},
};
use jiff::Timestamp;

use crate::{
    ids::{
        ApiKeyId, ChatRoomId, CollectionId, DataQueryId, DataSourceId, ListenerId, NodeId, RequestId, RunId,
        SocketId, StreamId, TenantId, UserId, WidgetId, WorkflowId,
    },
    store::Error,
};

/// A text column.
pub struct Id(pub(in crate::store::tables) String);
/// A text column that may be null.
pub struct OptId(Option<String>);
/// A text column that holds JSON.
pub struct Json(String);
/// Microseconds since 1970.
pub struct Time(i64);
/// The same, or null.
pub struct OptTime(Option<i64>);

impl<DB: Backend> Queryable<Text, DB> for Id
where
    String: FromSql<Text, DB>,
{
    type Row = String;
    fn build(row: String) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl<DB: Backend> Queryable<Text, DB> for Json
where
    String: FromSql<Text, DB>,
{
    type Row = String;
    fn build(row: String) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl<DB: Backend> Queryable<Nullable<Text>, DB> for OptId
where
    String: FromSql<Text, DB>,
{
    type Row = Option<String>;
    fn build(row: Option<String>) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl<DB: Backend> Queryable<BigInt, DB> for Time
where
    i64: FromSql<BigInt, DB>,
{
    type Row = i64;
    fn build(row: i64) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl<DB: Backend> Queryable<Nullable<BigInt>, DB> for OptTime
where
    i64: FromSql<BigInt, DB>,
{
    type Row = Option<i64>;
    fn build(row: Option<i64>) -> deserialize::Result<Self> {
        Ok(Self(row))
    }
}

impl From<Id> for RunId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for ChatRoomId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for TenantId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for UserId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for ApiKeyId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for WorkflowId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for StreamId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for DataSourceId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for DataQueryId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for WidgetId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for SocketId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for ListenerId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for CollectionId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<Id> for NodeId {
    fn from(column: Id) -> Self {
        Self::trusted(&column.0)
    }
}
impl From<OptId> for Option<RunId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| RunId::trusted(&text))
    }
}
impl From<OptId> for Option<TenantId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| TenantId::trusted(&text))
    }
}
impl From<OptId> for Option<UserId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| UserId::trusted(&text))
    }
}
impl From<OptId> for Option<ApiKeyId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| ApiKeyId::trusted(&text))
    }
}
impl From<OptId> for Option<WorkflowId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| WorkflowId::trusted(&text))
    }
}
impl From<OptId> for Option<DataSourceId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| DataSourceId::trusted(&text))
    }
}
impl From<OptId> for Option<NodeId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| NodeId::trusted(&text))
    }
}
impl From<OptId> for Option<RequestId> {
    fn from(column: OptId) -> Self {
        column.0.map(|text| RequestId::trusted(&text))
    }
}

impl TryFrom<Json> for serde_json::Value {
    type Error = serde_json::Error;
    fn try_from(column: Json) -> Result<Self, Self::Error> {
        serde_json::from_str(&column.0)
    }
}

impl TryFrom<Time> for Timestamp {
    type Error = jiff::Error;
    fn try_from(column: Time) -> Result<Self, Self::Error> {
        Timestamp::from_microsecond(column.0)
    }
}
impl TryFrom<OptTime> for Option<Timestamp> {
    type Error = jiff::Error;
    fn try_from(column: OptTime) -> Result<Self, Self::Error> {
        column.0.map(Timestamp::from_microsecond).transpose()
    }
}

/// A text for people as columns hold it. PostgreSQL refuses a NUL in a text column, and what a script
/// throws may have one: the row would be refused for ever, so both databases get a U+FFFD instead.
pub(in crate::store) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// A time as columns hold it.
pub(in crate::store) fn to_micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A text outside its closed set.
pub(in crate::store::tables) fn unknown(what: &str, text: &str) -> Error {
    Error::Value(Arc::from(format!("{what} {text:?}").as_str()))
}
