//! What runs ask people: the request of a visit and its answer, projections of the run's rows.

use diesel::prelude::*;
use jiff::Timestamp;

use super::{
    columns::{Id, OptId, OptTime, Time, plain, unknown},
    to_micros,
};
use crate::{
    ids::{ApiKeyId, CollectionId, NodeId, RunId, UserId},
    store::{Connection, Error, schema::collection_requests},
};

/// Where a request is (`contract.md` 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestStatus {
    /// It waits for an answer.
    Pending,
    /// It was answered.
    Completed,
    /// Nobody answered in time.
    Expired,
    /// Its run ended.
    Cancelled,
}

impl RequestStatus {
    /// Spelling on the wire and in the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Completed => "COMPLETED",
            Self::Expired => "EXPIRED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

impl TryFrom<Id> for RequestStatus {
    type Error = Error;
    fn try_from(column: Id) -> Result<Self, Error> {
        [Self::Pending, Self::Completed, Self::Expired, Self::Cancelled]
            .into_iter()
            .find(|status| status.as_str() == column.0)
            .ok_or_else(|| unknown("request status", &column.0))
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = collection_requests)]
pub struct Request {
    /// `collectionRequestID`.
    #[diesel(deserialize_as = Id)]
    pub collection_request_id: CollectionId,
    /// Of which run.
    #[diesel(deserialize_as = Id)]
    pub instance_id: RunId,
    /// Of which node.
    #[diesel(deserialize_as = Id)]
    pub node_id: NodeId,
    /// Of which of its visits.
    pub visit: i64,
    /// Of which attempt.
    pub node_attempt: i64,
    /// Where it is.
    #[diesel(deserialize_as = Id)]
    pub status: RequestStatus,
    /// `form`, `api`, `approval`.
    pub collection_type: String,
    /// JSON.
    pub collection_config: String,
    /// JSON; none: not answered.
    pub submitted_data: Option<String>,
    /// Who answered, if a user did (of an API key its creator).
    #[diesel(deserialize_as = OptId)]
    pub submitted_by_user_id: Option<UserId>,
    /// Who answered, if a key did.
    #[diesel(deserialize_as = OptId)]
    pub submitted_by_api_key_id: Option<ApiKeyId>,
    /// The address of who answered.
    pub submitted_by_email: Option<String>,
    /// None: never.
    #[diesel(deserialize_as = OptTime)]
    pub expires_at: Option<Timestamp>,
    /// Asked.
    #[diesel(deserialize_as = Time)]
    pub created_at: Timestamp,
    /// Asked, or closed.
    #[diesel(deserialize_as = Time)]
    pub updated_at: Timestamp,
}

/// A request that is opened.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// `collectionRequestID`.
    pub collection_request_id: CollectionId,
    /// Of which run.
    pub instance_id: RunId,
    /// Of which node.
    pub node_id: NodeId,
    /// Of which of its visits.
    pub visit: u32,
    /// Of which attempt.
    pub node_attempt: u32,
    /// `form`, `api`, `approval`.
    pub collection_type: String,
    /// JSON.
    pub collection_config: String,
    /// None: never.
    pub expires_at: Option<Timestamp>,
    /// Now.
    pub at: Timestamp,
}

/// Why a request takes no answer any more.
#[derive(Debug, Clone)]
pub struct CloseRequest {
    /// Not pending.
    pub status: RequestStatus,
    /// The answer, JSON.
    pub submitted_data: Option<String>,
    /// Who answered, if a user did.
    pub user_id: Option<UserId>,
    /// Who answered, if a key did.
    pub api_key_id: Option<ApiKeyId>,
    /// The address of who answered.
    pub email: Option<String>,
    /// Now.
    pub at: Timestamp,
}

pub(in crate::store) fn insert(connection: &mut Connection, new: &NewRequest) -> Result<(), Error> {
    diesel::insert_into(collection_requests::table)
        .values((
            collection_requests::collection_request_id.eq(new.collection_request_id.as_str()),
            collection_requests::instance_id.eq(new.instance_id.as_str()),
            collection_requests::node_id.eq(new.node_id.as_str()),
            collection_requests::visit.eq(i64::from(new.visit)),
            collection_requests::node_attempt.eq(i64::from(new.node_attempt)),
            collection_requests::status.eq(RequestStatus::Pending.as_str()),
            collection_requests::collection_type.eq(&new.collection_type),
            collection_requests::collection_config.eq(&new.collection_config),
            collection_requests::expires_at.eq(new.expires_at.map(to_micros)),
            collection_requests::created_at.eq(to_micros(new.at)),
            collection_requests::updated_at.eq(to_micros(new.at)),
        ))
        .execute(connection)?;
    Ok(())
}

/// Closes a request, if it is open.
pub(in crate::store) fn close(
    connection: &mut Connection,
    id: &CollectionId,
    close: &CloseRequest,
) -> Result<(), Error> {
    let open = collection_requests::table
        .find(id.as_str())
        .filter(collection_requests::status.eq(RequestStatus::Pending.as_str()));
    diesel::update(open)
        .set((
            collection_requests::status.eq(close.status.as_str()),
            collection_requests::submitted_data.eq(close.submitted_data.as_deref()),
            collection_requests::submitted_by_user_id.eq(close.user_id.as_ref().map(UserId::as_str)),
            collection_requests::submitted_by_api_key_id.eq(close.api_key_id.as_ref().map(ApiKeyId::as_str)),
            collection_requests::submitted_by_email.eq(close.email.as_deref().map(plain)),
            collection_requests::updated_at.eq(to_micros(close.at)),
        ))
        .execute(connection)?;
    Ok(())
}

/// One by id, of any tenant: the caller compares that of its run.
pub fn find(connection: &mut Connection, id: &CollectionId) -> Result<Option<Request>, Error> {
    let query = collection_requests::table.find(id.as_str()).select(Request::as_select());
    Ok(query.first(connection).optional()?)
}

/// Open requests of a run, oldest first.
pub fn open_of_run(connection: &mut Connection, run: &RunId) -> Result<Vec<Request>, Error> {
    let query = collection_requests::table
        .filter(collection_requests::instance_id.eq(run.as_str()))
        .filter(collection_requests::status.eq(RequestStatus::Pending.as_str()))
        .select(Request::as_select());
    let order = (collection_requests::created_at.asc(), collection_requests::collection_request_id.asc());
    Ok(query.order(order).load(connection)?)
}

pub(super) fn remove_of_run(connection: &mut Connection, run: &RunId) -> Result<(), Error> {
    diesel::delete(collection_requests::table.filter(collection_requests::instance_id.eq(run.as_str())))
        .execute(connection)?;
    Ok(())
}
