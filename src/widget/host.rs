//! What registrations need of runs. `server` implements it over `workflow`: modules of one floor do not
//! know each other.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde_json::Value;

use super::Error;
use crate::{
    delivery::{Member, Projection},
    ids::{ApiKeyId, HubId, RunId, TenantId, UserId, WorkflowId},
    protocol::{events::JoinAck, frame::Frame},
    store::tables::{registrations::Registration, runs::Run},
};

/// Makes the frame of an ack; `None` when there is nothing to send.
pub type AckFrame = Arc<dyn Fn(&JoinAck) -> Option<Frame> + Send + Sync>;

/// A registration on its way into the membership of its socket.
#[derive(Clone)]
pub struct Watcher {
    /// The socket.
    pub member: Member,
    /// Which of its registrations.
    pub key: Arc<str>,
    /// What it is told.
    pub projection: Arc<dyn Projection>,
    /// The run that it was with until now.
    pub replaces: Option<RunId>,
    /// The ack, queued before the first frame.
    pub ack: Option<AckFrame>,
}

/// A new run with its first watcher.
pub struct Starting {
    /// Whose.
    pub tenant: TenantId,
    /// Of which workflow.
    pub workflow: WorkflowId,
    /// As they came.
    pub inputs: Option<Value>,
    /// The user who starts it.
    pub user: Option<UserId>,
    /// The API key, if one was used.
    pub api_key: Option<ApiKeyId>,
    /// Who watches, before any of its rows is published.
    pub watcher: Watcher,
    /// The row of the registration, without the run's id: written with the run's first rows.
    pub row: Box<Registration>,
    /// Whose process the socket is of.
    pub hub: HubId,
}

/// The runs.
pub trait Host: Send + Sync + 'static {
    /// Starts a run that is watched from its first row on.
    fn start(&self, starting: Starting) -> BoxFuture<'static, Result<RunId, Error>>;
    /// Registers with a run, or (`once`) only tells where it is.
    fn attach(&self, run: Run, watcher: Watcher, once: bool) -> BoxFuture<'static, Result<(), Error>>;
}
