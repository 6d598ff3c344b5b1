//! What the door of rooms is asked and answers.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

use super::Consent;
use crate::{
    ai::Person,
    delivery::Member,
    ids::{ChatRoomId, MessageId, RequestId, Seq, TenantId},
    protocol::frame::Frame,
};

/// Makes the frame of an ack from what was joined; `None` when there is nothing to send.
pub type AckFrame = Arc<dyn Fn(&Joined) -> Option<Frame> + Send + Sync>;

/// Who asks, and from where: for rights and the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asker {
    /// Who.
    #[serde(flatten)]
    pub person: Person,
    /// Where from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The request or event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestId>,
}

/// A socket enters a room (`contract.md` 2.1). That the person may chat in the tenant was asked before.
pub struct Join {
    /// In which tenant.
    pub tenant: TenantId,
    /// Who.
    pub asker: Asker,
    /// Which room; none: `current`, else the last one within `chat.resume_window`, else a new one.
    pub room: Option<ChatRoomId>,
    /// The room that this socket is in.
    pub current: Option<ChatRoomId>,
    /// The socket.
    pub member: Member,
    /// It wants the answer while it grows.
    pub stream: bool,
    /// Queued before `ai_chat_room_id`.
    pub ack: Option<AckFrame>,
}

/// The socket is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// Where.
    pub room: ChatRoomId,
    /// Whose.
    pub tenant: TenantId,
    /// There was something before.
    pub resumed: bool,
    /// The room's last row.
    pub head: Seq,
    /// The lowest row of a message that the socket was sent: of the history, or of what follows.
    pub seen_from: Seq,
}

/// A person says something (`contract.md` 2.2). That they may chat in the tenant was asked before.
#[derive(Debug, Clone)]
pub struct Say {
    /// In which room.
    pub room: ChatRoomId,
    /// The tenant that the payload named, if it did: another than the room's is no such room.
    pub tenant: Option<TenantId>,
    /// Who.
    pub asker: Asker,
    /// What; may be empty beside a consent.
    pub text: String,
    /// What is asked of a proposal.
    pub consent: Option<Consent>,
    /// The client's own name of the message: sent again, it is one message.
    pub client_id: Option<String>,
    /// The socket: it also hears of it when there is no answer.
    pub from: Option<Member>,
    /// [`Joined::seen_from`] of the socket; none: it never joined (REST, or a socket that only talks).
    pub seen_from: Option<Seq>,
}

/// The message is in the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Its name.
    pub message: MessageId,
    /// Its row.
    pub seq: Seq,
    /// It was there already.
    pub repeated: bool,
}
