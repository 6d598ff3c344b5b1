//! Events of the contract that this version does not serve yet: each gets the answer that the
//! contract promises for a refusal, never silence.

use serde::Serialize;

use super::hub::From;
use crate::{
    error::{Code, Coded},
    protocol::events::{Client, ErrorBody, Server},
};

/// Not in this version.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{} is not supported by this version", .0.as_str())]
struct Unserved(Client);

impl Coded for Unserved {
    fn code(&self) -> Code {
        Code::InvalidRequest
    }
}

#[derive(Serialize)]
struct ChatError {
    error: ErrorBody,
}

/// Chat: an error event and the ack.
pub(super) fn chat(from: &From, event: Client) {
    let refused = Unserved(event);
    from.refuse(&refused);
    // Leaving has no answer event.
    if event != Client::ChatRoomDisconnect {
        from.emit(Server::ChatError, &ChatError { error: ErrorBody::of(&refused) });
    }
}

/// What has no answer event: the ack alone.
pub(super) fn quiet(from: &From, event: Client) {
    from.refuse(&Unserved(event));
}
