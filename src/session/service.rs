//! What stands behind sessions: the hub's router, an example.

use std::{any::Any, net::IpAddr, rc::Rc};

use futures_util::future::LocalBoxFuture;
use serde_json::{Map, Value};

use super::{close::Close, socket::Socket};
use crate::{
    delivery::Member,
    error::{Code, Coded},
    protocol::{
        frame::Message,
        socketio::{Event, ack_error},
    },
};

/// Who is at the other end, as the request said that opened the session.
#[derive(Clone)]
pub struct Peer {
    /// Its address; behind a trusted proxy the one that the proxy names.
    pub ip: IpAddr,
    /// `Origin`.
    pub origin: Option<String>,
    /// `Authorization`: a credential, never logged.
    pub authorization: Option<String>,
    /// `X-API-Key`: a credential, never logged.
    pub api_key: Option<String>,
    /// `User-Agent`, cut to 256 characters.
    pub user_agent: Option<String>,
    /// The query's pairs: they may hold credentials, never logged.
    pub query: Vec<(String, String)>,
}

impl Peer {
    /// A value of the query.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Never its credentials.
impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer").field("ip", &self.ip).field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// A client wants to join a namespace.
pub struct Connect {
    /// `/` or `/…`, at most 128 bytes, no control characters.
    pub namespace: String,
    /// The `auth` object of the client; empty without one.
    pub auth: Map<String, Value>,
    /// The other end.
    pub peer: Rc<Peer>,
    /// The socket that it will be. It is known to delivery already.
    pub member: Member,
}

/// A socket was let in.
pub struct Accepted {
    /// What the service keeps with it ([`Socket::data`]).
    pub data: Rc<dyn Any>,
}

impl Accepted {
    /// With something to keep.
    pub fn with(data: impl Any) -> Self {
        Self { data: Rc::new(data) }
    }
}

/// A socket was not let in: `connect_error`. The session stays open.
#[derive(Debug, Clone, PartialEq)]
pub struct ConnectRefused {
    /// What a page shows.
    pub message: String,
    /// `{"code": …}` (`contract.md` 1.3).
    pub data: Option<Value>,
}

impl ConnectRefused {
    /// There is no such namespace. The exact words are part of the protocol.
    pub fn invalid_namespace() -> Self {
        Self { message: "Invalid namespace".to_owned(), data: None }
    }

    /// With a code of the table.
    pub fn coded(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), data: Some(serde_json::json!({ "code": code })) }
    }
}

impl<E: Coded> From<&E> for ConnectRefused {
    fn from(error: &E) -> Self {
        Self::coded(error.code(), error.public_message())
    }
}

/// How an event was taken.
pub enum Outcome {
    /// It is carried out, or on its way in an order that the service keeps.
    Done,
    /// It is carried out when this ends; until then the session's next commands wait. Dropped when the
    /// session ends.
    Later(LocalBoxFuture<'static, ()>),
}

/// What stands behind the sessions of one worker thread. Called by the session's actor: a panic ends
/// that session alone.
pub trait Service {
    /// A client wants to join a namespace. Commands that it sends meanwhile wait.
    fn connect(&self, connect: Connect) -> LocalBoxFuture<'static, Result<Accepted, ConnectRefused>>;

    /// It has joined: the answer is queued, what is emitted now comes behind it.
    fn connected(&self, socket: &Socket) {
        let _ = socket;
    }

    /// An event. Events of one session are carried out one after the other. A name that nobody knows
    /// is ignored.
    fn event(&self, socket: &Socket, event: Event) -> Outcome;

    /// An event that was not taken, because the session's rate is over its limit. The ack, if there is
    /// one, is answered here; a module's error event may be emitted too.
    fn limited(&self, socket: &Socket, event: &Event, retry_after_ms: u64) {
        if let Some(id) = event.ack {
            let message = format!("too many events: try again in {retry_after_ms} ms");
            socket.emit(ack_error(socket.namespace(), id, Code::RateLimited, &message));
        }
    }

    /// A socket has left, or its session has ended (`session`): its memberships have ended already.
    fn disconnected(&self, socket: &Socket, reason: Left) {
        let _ = (socket, reason);
    }
}

/// Why a socket is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// The client left the namespace.
    Client,
    /// The hub ended the socket ([`Socket::disconnect`]).
    Hub,
    /// The session ended.
    Session(Close),
}

impl Left {
    /// Socket.IO's word for it.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Client => "client namespace disconnect",
            Self::Hub => "server namespace disconnect",
            Self::Session(close) => close.reason(),
        }
    }
}

/// Plain Engine.IO behind a session, without namespaces.
pub trait RawService {
    /// A message. `answer` queues frames for the same session.
    fn message(&self, message: Message, answer: &mut dyn FnMut(crate::protocol::frame::Frame));
}
