//! What the actor of a registration is asked. Each command carries the way to answer it.

use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::{AckFrame, Error};
use crate::{
    delivery::Member,
    ids::{ApiKeyId, RunId, TenantId, UserId, WorkflowId},
    protocol::{
        events::{WidgetConnect, WidgetMode},
        frame::Frame,
    },
    store::tables::runs::Run,
    supervise::{Command, Refused},
};

/// The way to answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct By {
    /// The user.
    pub user: Option<UserId>,
    /// The API key, if one was used.
    pub api_key: Option<ApiKeyId>,
}

/// Registers a widget. The right to is checked before.
pub struct Connect {
    /// The socket.
    pub member: Member,
    /// The run's tenant.
    pub tenant: TenantId,
    /// What it wants of which run.
    pub target: Target,
    /// What the page said.
    pub said: Box<WidgetConnect>,
    /// Who.
    pub by: By,
    /// The ack, queued before the first frame.
    pub ack: Option<AckFrame>,
}

/// What a widget wants of which run.
pub enum Target {
    /// A new run.
    Execute(WorkflowId),
    /// To watch this one.
    Subscribe(Box<Run>),
    /// To be told where this one is.
    Replay(Box<Run>),
}

impl Target {
    pub(super) fn mode(&self) -> WidgetMode {
        match self {
            Self::Execute(_) => WidgetMode::Execute,
            Self::Subscribe(_) => WidgetMode::Subscribe,
            Self::Replay(_) => WidgetMode::Replay,
        }
    }
}

/// Runs its workflow again. The right to is checked before.
pub struct Refresh {
    /// The socket.
    pub member: Member,
    /// Inputs; else those of the last connect.
    pub inputs: Option<Map<String, Value>>,
    /// Who.
    pub by: By,
    /// The ack, queued before the first frame.
    pub ack: Option<AckFrame>,
}

/// Ends a registration.
pub struct Disconnect {
    /// The socket.
    pub member: Member,
    /// What it is told behind all that the registration was told.
    pub last: Vec<Frame>,
}

/// It is registered, or was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// The run.
    pub run: RunId,
    /// Nothing is registered: it was a replay.
    pub once: bool,
}

/// What a registration can be asked.
pub(super) enum Ask {
    Connect(Box<Connect>, Reply<Connected>),
    Refresh(Refresh, Reply<Connected>),
    Disconnect(Disconnect, Reply<()>),
    /// Its socket is gone.
    Gone,
}

/// A command on its way.
pub struct WidgetCommand(pub(super) Ask);

impl Command for WidgetCommand {
    fn refuse(self, why: Refused) {
        let why = Error::Refused(why);
        match self.0 {
            Ask::Connect(_, reply) | Ask::Refresh(_, reply) => answer(reply, Err(why)),
            Ask::Disconnect(_, reply) => answer(reply, Err(why)),
            // Its row goes with the next start, at the latest.
            Ask::Gone => {}
        }
    }
}

/// Who asked may have gone.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    let _ = reply.send(result);
}
