//! Why a payload is none.

use crate::{
    error::{Code, Coded},
    ids::IdError,
};

/// A payload of the wrong shape: `INVALID_REQUEST`, with the field and what belongs there. It never
/// repeats the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The argument is missing, or no object.
    #[error("the argument must be an object")]
    NoObject,
    /// A field that must be there is not.
    #[error("{field} is missing")]
    Missing {
        /// Its name on the wire.
        field: &'static str,
    },
    /// A field of another type.
    #[error("{field} must be {expected}")]
    Type {
        /// Its name on the wire.
        field: &'static str,
        /// What it must be, with article.
        expected: &'static str,
    },
    /// A widget wants something else of a run.
    #[error("mode must be execute, subscribe or replay")]
    Mode,
    /// A text that is no id.
    #[error("{field}: {why}")]
    Id {
        /// Its name on the wire.
        field: &'static str,
        /// The rule that it breaks.
        why: IdError,
    },
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Mode => Code::UnknownMode,
            _ => Code::InvalidRequest,
        }
    }
}
