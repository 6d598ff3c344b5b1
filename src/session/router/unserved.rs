//! Events of the contract that this version does not serve yet: each gets the answer that the
//! contract promises for a refusal, never silence.

use super::hub::From;
use crate::{
    error::{Code, Coded},
    protocol::events::Client,
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

/// What has no answer event: the ack alone.
pub(super) fn quiet(from: &From, event: Client) {
    from.refuse(&Unserved(event));
}
