//! What a room's actor is asked. Each command carries the way to answer it; a room that dies with the
//! command closes that way, which its sender hears as [`Error::Lost`].

use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{
    Accepted, AckFrame, Asker, Error, Joined, Say,
    room::{self, RoomMember},
};
use crate::{
    clock::Clock,
    delivery::Member,
    ids::{ChatRoomId, TenantId, UserId},
    supervise::{self, Command, Refused, Timers},
};

/// The way to answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Nobody waits for the answer; refused, it is given again later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Wake {
    /// Load, and go on.
    GoOn,
    /// The timer of a proposal is due.
    Timer(Arc<str>),
}

impl supervise::Wake for Wake {
    type Id = ChatRoomId;
    const STREAMS: &'static str = "room:";
    fn id(name: &str) -> ChatRoomId {
        ChatRoomId::trusted(name)
    }
    fn timer(key: &str) -> Self {
        Self::Timer(Arc::from(key))
    }
    fn is_timer(&self) -> bool {
        matches!(self, Self::Timer(_))
    }
}

/// A socket enters.
pub(super) struct Enter {
    pub(super) asker: Asker,
    pub(super) member: Member,
    pub(super) stream: bool,
    pub(super) ack: Option<AckFrame>,
}

/// Somebody says something.
pub(super) struct Saying {
    /// What.
    pub(super) said: room::Said,
    /// In the tenant that they named.
    pub(super) tenant: Option<TenantId>,
    /// By which socket.
    pub(super) from: Option<Member>,
}

/// A change by REST.
pub(super) enum Change {
    Add(RoomMember),
    Remove(UserId),
    Rename(String),
    Archive(bool),
}

/// What a room can be asked.
pub(super) enum Ask {
    /// By the hub itself.
    Wake(Wake),
    /// A socket enters.
    Enter(Box<Enter>, Reply<Joined>),
    /// Somebody says something.
    Say(Box<Saying>, Reply<Accepted>),
    /// Stop the answer that is being made.
    Cancel(Asker, Reply<bool>),
    /// A change.
    Change(Asker, Change, Reply<()>),
    /// Remove the room with its journal.
    Delete(Asker, Reply<()>),
    /// Remove it if nothing has happened in it since then.
    Forget(Timestamp, Reply<bool>),
}

/// A command on its way, with what it takes to try again a wake that was refused.
pub struct RoomCommand {
    pub(super) room: ChatRoomId,
    pub(super) ask: Ask,
    pub(super) timers: Timers<Wake>,
    pub(super) clock: Clock,
}

impl Ask {
    /// Answers that it was not carried out.
    pub(super) fn refuse(self, why: Error) {
        match self {
            Ask::Wake(_) => {}
            Ask::Enter(_, reply) => answer(reply, Err(why)),
            Ask::Say(_, reply) => answer(reply, Err(why)),
            Ask::Cancel(_, reply) | Ask::Forget(_, reply) => answer(reply, Err(why)),
            Ask::Change(_, _, reply) | Ask::Delete(_, reply) => answer(reply, Err(why)),
        }
    }
}

/// Who asked may have gone.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    let _ = reply.send(result);
}

impl Command for RoomCommand {
    fn refuse(self, why: Refused) {
        match self.ask {
            Ask::Wake(wake) => {
                let later = self.clock.now() + jiff::SignedDuration::from_secs(1);
                self.timers.again(&self.room, wake, later);
            }
            ask => ask.refuse(Error::Refused(why)),
        }
    }
}

/// What is said, with the name that it gets.
pub(super) fn said(say: Say) -> (ChatRoomId, Box<Saying>) {
    let Say { room, tenant, asker, text, consent, client_id, from, seen_from } = say;
    let message = crate::ids::MessageId::generate();
    let said = room::Said { message, by: asker, text, consent, client_id, seen_from };
    (room, Box::new(Saying { said, tenant, from }))
}
