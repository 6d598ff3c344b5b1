//! What can go wrong with a room.

use crate::{
    error::{Code, Coded},
    store,
};

/// Why a room was not found or an event not published.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// No such listener, or of another tenant.
    #[error("no such listener")]
    NotFound,
    /// The hub's own store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The event does not become JSON.
    #[error("the event cannot be written: {0}")]
    Encoding(String),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Store(error) => error.code(),
            Self::Encoding(_) => Code::ServerError,
        }
    }
}
