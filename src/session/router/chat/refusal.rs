//! Why a chat event is refused.

use serde_json::value::RawValue;

use crate::{
    auth, chat,
    error::{Code, Coded},
    ids::ChatRoomId,
    protocol::events::{self, ChatError, ChatUserMessage, Client, Server},
    session::router::hub::From,
};

/// Why.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    #[error(transparent)]
    Payload(#[from] events::Error),
    /// Missing, or none of the caller's business: the same words for both.
    #[error("no such chat room")]
    NotFound,
    #[error("say which tenant: send tenantID")]
    NoTenant,
    #[error("say which room: send chatRoomID, or join one first")]
    NoRoom,
    #[error("you may not chat in this tenant")]
    Denied,
    #[error("a socket is in at most {0} chat rooms at once (limits.joins)")]
    TooMany(usize),
    #[error("too many events of this tenant (limits.client_events_per_tenant): try again in {0} ms")]
    TooFast(u64),
    #[error("too many events: try again in {0} ms")]
    Limited(u64),
    #[error(transparent)]
    Auth(auth::Error),
    #[error(transparent)]
    Chat(#[from] chat::Error),
}

impl Coded for Refusal {
    fn code(&self) -> Code {
        match self {
            Refusal::Payload(error) => error.code(),
            Refusal::NotFound => Code::RoomNotFound,
            Refusal::NoTenant => Code::InvalidTenant,
            Refusal::NoRoom => Code::InvalidRequest,
            Refusal::Denied => Code::PermissionDenied,
            Refusal::TooMany(_) | Refusal::TooFast(_) | Refusal::Limited(_) => Code::RateLimited,
            Refusal::Auth(error) => error.code(),
            Refusal::Chat(error) => error.code(),
        }
    }

    fn public_message(&self) -> String {
        match self {
            Refusal::Auth(error) => error.public_message(),
            Refusal::Chat(error) => error.public_message(),
            _ => self.to_string(),
        }
    }
}

/// The error event, and the ack.
pub(super) fn refuse(from: &From, room: Option<&ChatRoomId>, refusal: &Refusal) {
    log::debug!(
        socket:% = from.socket.id(), code = refusal.code().as_str();
        "a chat event was refused: {refusal}"
    );
    from.refuse(refusal);
    from.emit(Server::ChatError, &ChatError::of(room, refusal));
}

/// An event that was not taken because the session sends too many: pages know no acks.
pub(in crate::session::router) fn limited(
    from: &From,
    event: Client,
    argument: &RawValue,
    retry_after_ms: u64,
) {
    if matches!(event, Client::ChatRoomJoin | Client::ChatUserMessage | Client::ChatCancel) {
        let room = ChatUserMessage::room_of(argument);
        from.emit(Server::ChatError, &ChatError::of(room.as_ref(), &Refusal::Limited(retry_after_ms)));
    }
}
