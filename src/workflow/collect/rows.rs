//! Requests as rows, and as REST shows them.

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{
    clock::to_wire,
    engine::{Closed, Effect, RunState},
    ids::{ApiKeyId, CollectionId, NodeId, RunId, Seq, UserId},
    store::{
        Projection,
        tables::collection::{CloseRequest, NewRequest, Request, RequestStatus},
    },
};

/// What of an effect on a request belongs into the transaction of its row.
pub(in crate::workflow) fn projection(run: &RunId, effect: &Effect, at: Timestamp) -> Option<Projection> {
    match effect {
        Effect::OpenRequest { node, visit, attempt, request, expires_at } => {
            Some(Projection::RequestOpened(Box::new(NewRequest {
                collection_request_id: CollectionId::of(run, node, *visit),
                instance_id: run.clone(),
                node_id: node.clone(),
                visit: visit.0,
                node_attempt: attempt.0,
                collection_type: request.collection_type.to_string(),
                collection_config: request.config.to_string(),
                expires_at: *expires_at,
                at,
            })))
        }
        Effect::CloseRequest { node, visit, how } => Some(Projection::RequestClosed {
            request: CollectionId::of(run, node, *visit),
            close: Box::new(close(how, at)),
        }),
        _ => None,
    }
}

fn close(how: &Closed, at: Timestamp) -> CloseRequest {
    let status = match how {
        Closed::Answered { .. } => RequestStatus::Completed,
        Closed::Expired => RequestStatus::Expired,
        Closed::Cancelled => RequestStatus::Cancelled,
    };
    let mut close =
        CloseRequest { status, submitted_data: None, user_id: None, api_key_id: None, email: None, at };
    if let Closed::Answered { data, by } = how {
        close.submitted_data = Some(data.to_string());
        close.user_id = by.user.clone();
        close.api_key_id = by.api_key.clone();
        close.email = by.email.clone();
    }
    close
}

/// A request (`contract.md` 7).
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestView {
    /// The request.
    #[serde(rename = "collectionRequestID")]
    pub collection_request_id: CollectionId,
    /// Of which run.
    #[serde(rename = "instanceID")]
    pub instance_id: RunId,
    /// Of which node.
    #[serde(rename = "nodeID")]
    pub node_id: NodeId,
    /// Of which attempt.
    pub node_attempt: i64,
    /// `PENDING`, `COMPLETED`, `EXPIRED`, `CANCELLED`.
    pub status: &'static str,
    /// `form`, `api`, `approval`.
    pub collection_type: String,
    /// What pages draw.
    pub collection_config: Value,
    /// The answer; null: none.
    pub submitted_data: Option<Value>,
    /// Who answered, if a user did (of an API key its creator).
    #[serde(rename = "submittedByUserID")]
    pub submitted_by_user_id: Option<UserId>,
    /// Who answered, if a key did.
    #[serde(rename = "submittedByApiKeyID")]
    pub submitted_by_api_key_id: Option<ApiKeyId>,
    /// The address of who answered.
    pub submitted_by_email: Option<String>,
    /// Null: never.
    pub expires_at: Option<String>,
    /// Asked.
    pub created_at: String,
    /// Asked, or closed.
    pub updated_at: String,
}

impl RequestView {
    pub(super) fn of(row: Request) -> Self {
        let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
        Self {
            collection_request_id: row.collection_request_id,
            instance_id: row.instance_id,
            node_id: row.node_id,
            node_attempt: row.node_attempt,
            status: row.status.as_str(),
            collection_type: row.collection_type,
            collection_config: json(&row.collection_config),
            submitted_data: row.submitted_data.as_deref().map(json),
            submitted_by_user_id: row.submitted_by_user_id,
            submitted_by_api_key_id: row.submitted_by_api_key_id,
            submitted_by_email: row.submitted_by_email,
            expires_at: row.expires_at.map(to_wire),
            created_at: to_wire(row.created_at),
            updated_at: to_wire(row.updated_at),
        }
    }
}

/// An open request in the view of its run, with what event 3.5 says.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PendingRequest {
    /// The request.
    #[serde(rename = "collectionRequestID")]
    pub collection_request_id: CollectionId,
    /// Of which node.
    #[serde(rename = "nodeID")]
    pub node_id: NodeId,
    /// `form`, `api`, `approval`.
    pub collection_type: Arc<str>,
    /// What pages draw.
    pub collection_config: Arc<Value>,
    /// None: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Index in the innermost loop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iteration: Option<u32>,
    /// Its row.
    pub seq: Seq,
}

/// The open requests of a run, oldest first.
pub(in crate::workflow) fn pending(run: &RunId, state: &RunState) -> Vec<PendingRequest> {
    let view = |open: crate::engine::OpenRequest| PendingRequest {
        collection_request_id: CollectionId::of(run, &open.node, open.visit),
        node_id: open.node,
        collection_type: open.request.collection_type.clone(),
        collection_config: open.request.config.clone(),
        expires_at: open.expires_at.map(to_wire),
        iteration: open.iteration,
        seq: open.seq,
    };
    state.open_requests().into_iter().map(view).collect()
}
