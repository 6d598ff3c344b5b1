//! Why a turn has no answer.

use crate::{
    config::Size,
    error::{Code, Coded},
};

/// A turn that came to nothing. The room says so in one message and goes on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The endpoint did not answer as it should.
    #[error("the assistant's endpoint {0}")]
    Endpoint(String),
    /// The turn took longer than it may.
    #[error("the assistant took longer than {0} s")]
    Late(u64),
    /// Its answer was longer than it may be; no more of it was read.
    #[error("the assistant's answer is longer than {0}")]
    Endless(Size),
    /// It asked for too many tools, or for none that there is, again and again.
    #[error("the assistant went round in circles")]
    Circles,
    /// A bound of `[ai]`; the text names it.
    #[error("{0}")]
    Limited(String),
    /// Ours.
    #[error("{0}")]
    Internal(String),
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::Endpoint(_) | Error::Late(_) | Error::Endless(_) | Error::Circles => {
                Code::AssistantUnavailable
            }
            Error::Limited(_) => Code::RateLimited,
            Error::Internal(_) => Code::ServerError,
        }
    }
}

/// An error with what had been told already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Why.
    pub error: Error,
    /// The part of the text that was told; empty for none.
    pub partial: String,
    /// Tokens that a model counted, in and out.
    pub tokens: u64,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, partial: String::new(), tokens: 0 }
    }
}
