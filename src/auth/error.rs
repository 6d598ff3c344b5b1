//! What can go wrong when a client says who it is or asks for something.

use crate::error::{Code, Coded};

/// Why a credential or a request is refused. The `&'static str` reasons are for the log only; a
/// client learns the code, so that a guesser gets no help (`faults.md` A1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No credential at all.
    #[error("User auth token not found")]
    Missing,
    /// A JWT that is malformed, forged, expired or not ours.
    #[error("User auth token expired")]
    Token {
        /// One of a closed set of words, for log and metric.
        reason: &'static str,
    },
    /// An API key that is unknown, disabled or expired.
    #[error("Invalid or Inactive API key")]
    ApiKey {
        /// One of a closed set of words, for log and metric.
        reason: &'static str,
    },
    /// The token is valid, but no user has its subject.
    #[error("no user belongs to this token")]
    NoUser,
    /// The identity may not do this: no permission, or the user is disabled.
    #[error("Permission denied")]
    Denied,
    /// The identity is no member of the tenant: answered as a subject that does not exist.
    #[error("not found")]
    NotAMember,
    /// The thing to change does not exist.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// It exists already.
    #[error("{0} exists already")]
    Conflict(&'static str),
    /// A field is not valid.
    #[error("{0}")]
    Invalid(String),
    /// Too many failures from one address.
    #[error("too many failed attempts: wait a minute")]
    TooManyFailures,
    /// The store is full or away, for now.
    #[error("the store cannot answer")]
    Unavailable,
    /// A defect of the hub.
    #[error("internal error")]
    Internal,
}

impl Error {
    /// The words for the log line and the metric.
    pub fn reason(&self) -> &'static str {
        match self {
            Error::Missing => "missing",
            Error::Token { reason } | Error::ApiKey { reason } => reason,
            Error::NoUser => "no_user",
            Error::Denied => "denied",
            Error::NotAMember => "not_a_member",
            Error::NotFound(_) => "not_found",
            Error::Conflict(_) => "conflict",
            Error::Invalid(_) => "invalid",
            Error::TooManyFailures => "too_many_failures",
            Error::Unavailable => "unavailable",
            Error::Internal => "internal",
        }
    }

    /// Whether it is the credential itself that failed (counted against guessing).
    pub fn is_failed_credential(&self) -> bool {
        matches!(self, Error::Token { .. } | Error::ApiKey { .. })
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::Missing => Code::TokenNotFound,
            Error::Token { .. } => Code::TokenExpired,
            Error::ApiKey { .. } => Code::InvalidApiKey,
            Error::NoUser => Code::InvalidUser,
            Error::Denied => Code::PermissionDenied,
            Error::NotAMember | Error::NotFound(_) => Code::NotFound,
            Error::Conflict(_) => Code::Conflict,
            Error::Invalid(_) => Code::InvalidRequest,
            Error::TooManyFailures => Code::RateLimited,
            Error::Unavailable => Code::StorageUnavailable,
            Error::Internal => Code::ServerError,
        }
    }
}
