//! A socket: a session's membership in one namespace, as its service sees it.

use std::{any::Any, cell::RefCell, rc::Rc, time::Duration};

use serde::Serialize;
use tokio::sync::oneshot;

use super::{acks::Acks, service::Peer};
use crate::{
    clock::Clock,
    delivery::{Deadline, Member, Slot, Switchboard},
    ids::SocketId,
    protocol::{
        frame::Frame,
        socketio::{Ack, AckId, ack_frame, event_with_ack},
    },
};

/// Why an event of the hub has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// `session.ack_timeout` passed.
    #[error("operation has timed out")]
    TimedOut,
    /// `session.pending_acks` are waited for already.
    #[error("too many acks are waited for")]
    TooMany,
    /// The socket is gone.
    #[error("the socket is gone")]
    Gone,
    /// The body does not become JSON.
    #[error("the event cannot be encoded")]
    Encoding,
}

/// Who waits for an ack.
pub(super) struct Waiting {
    pub namespace: Rc<str>,
    pub answer: oneshot::Sender<Result<Ack, AskError>>,
}

/// What a socket may ask of its session.
pub(super) trait Owner {
    /// End this socket.
    fn leave(&self, socket: &SocketId);
    /// End the session.
    fn close(&self);
}

/// What all sockets of a session share.
pub(super) struct Shared {
    pub board: Rc<Switchboard>,
    pub slot: Slot,
    pub peer: Rc<Peer>,
    pub acks: RefCell<Acks<Waiting>>,
    pub ack_timeout: Duration,
    pub clock: Clock,
    pub owner: Rc<dyn Owner>,
}

/// A socket. Cheap to clone; harmless when it is gone.
#[derive(Clone)]
pub struct Socket(Rc<Inner>);

struct Inner {
    shared: Rc<Shared>,
    namespace: Rc<str>,
    member: Member,
    data: Rc<dyn Any>,
}

impl Socket {
    pub(super) fn new(shared: Rc<Shared>, namespace: Rc<str>, member: Member, data: Rc<dyn Any>) -> Self {
        Self(Rc::new(Inner { shared, namespace, member, data }))
    }

    /// Its public id.
    pub fn id(&self) -> &SocketId {
        self.0.member.socket()
    }

    /// How domain actors name it.
    pub fn member(&self) -> &Member {
        &self.0.member
    }

    /// Its namespace.
    pub fn namespace(&self) -> &str {
        &self.0.namespace
    }

    /// What the service has given it when it was let in, if it is a `T`.
    pub fn data<T: Any>(&self) -> Option<&T> {
        self.0.data.downcast_ref()
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Rc<Peer> {
        &self.0.shared.peer
    }

    /// Queues a frame. False when it was dropped, or the session is gone.
    pub fn emit(&self, frame: Frame) -> bool {
        self.0.shared.board.push(self.0.shared.slot, frame)
    }

    /// Answers an event with one argument.
    ///
    /// # Errors
    /// When `body` does not become JSON.
    pub fn ack(&self, id: AckId, body: &impl Serialize) -> Result<(), serde_json::Error> {
        self.emit(ack_frame(self.namespace(), id, body)?);
        Ok(())
    }

    /// Emits an event and waits for its ack.
    ///
    /// # Errors
    /// When none comes.
    pub fn ask(
        &self,
        name: &str,
        body: &impl Serialize,
    ) -> impl Future<Output = Result<Ack, AskError>> + 'static {
        let begun = self.begin_ask(name, body);
        async move { begun?.await.unwrap_or(Err(AskError::Gone)) }
    }

    fn begin_ask(
        &self,
        name: &str,
        body: &impl Serialize,
    ) -> Result<oneshot::Receiver<Result<Ack, AskError>>, AskError> {
        let shared = &self.0.shared;
        let (answer, receiver) = oneshot::channel();
        let deadline = shared.clock.monotonic() + shared.ack_timeout;
        let waiting = Waiting { namespace: self.0.namespace.clone(), answer };
        let (id, oldest) = {
            let mut acks = shared.acks.borrow_mut();
            let id = acks.begin(deadline, waiting).ok_or(AskError::TooMany)?;
            (id, acks.next_deadline().unwrap_or(deadline))
        };
        let frame = event_with_ack(self.namespace(), name, id, body).map_err(|_| AskError::Encoding)?;
        if !self.emit(frame) {
            return Err(AskError::Gone);
        }
        shared.board.set_deadline(shared.slot, Deadline::AckTimeout, oldest);
        Ok(receiver)
    }

    /// Ends this socket: the client hears `io server disconnect` and does not come back by itself.
    pub fn disconnect(&self) {
        self.0.shared.owner.leave(self.id());
    }

    /// Ends the whole session; the client comes back by itself.
    pub fn close_session(&self) {
        self.0.shared.owner.close();
    }
}

/// Never its data: that may be an identity with a credential.
impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("id", self.id()).field("namespace", &self.namespace()).finish()
    }
}
