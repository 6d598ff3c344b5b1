//! What can go wrong with a room, as its callers may tell it.

use super::room::Refusal;
use crate::{
    error::{Code, Coded},
    store,
    supervise::Refused,
};

/// Why something about a room was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is none, or none for this person: the same words for both.
    #[error("no such chat room")]
    NotFound,
    /// The room says no.
    #[error(transparent)]
    Room(Refusal),
    /// A user has too many rooms.
    #[error("you have {0} chat rooms in this tenant already (chat.rooms_per_user): delete some")]
    TooManyRooms(usize),
    /// Its actor did not take the command.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Its actor ended before it answered: the command may have been carried out or not.
    #[error("the room's actor ended before it answered")]
    Lost,
    /// A row that no build of ours wrote, or a frame that cannot be written.
    #[error("{0}")]
    Corrupted(String),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NoSuchRoom => Self::NotFound,
            refusal => Self::Room(refusal),
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::NotFound => Code::RoomNotFound,
            Error::Room(refusal) => refusal.code(),
            Error::TooManyRooms(_) => Code::RateLimited,
            Error::Refused(refused) => refused.code(),
            Error::Lost => Code::StorageUnavailable,
            Error::Corrupted(_) => Code::ServerError,
            Error::Store(error) => error.code(),
        }
    }
}
