//! What can go wrong with a registration, as its callers may tell it.

use crate::{
    error::{Code, Coded},
    store,
    supervise::Refused,
};

/// Why something about a widget was not done.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The socket holds no registration of it.
    #[error("this widget is not connected")]
    NotConnected,
    /// Its run has no saved workflow that could run again.
    #[error("the run of this widget has no workflow")]
    NoWorkflow,
    /// Of the run, in words for the caller.
    #[error("{message}")]
    Run {
        /// Why, stable.
        code: Code,
        /// In words that a client may read.
        message: String,
    },
    /// Its actor did not take the command.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Its actor ended before it answered: the command may have been carried out or not.
    #[error("the widget's actor ended before it answered")]
    Lost,
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// Of the run.
    pub fn of_run(error: &(impl Coded + ?Sized)) -> Self {
        Self::Run { code: error.code(), message: error.public_message() }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Error::NotConnected => Code::NotConnected,
            Error::NoWorkflow => Code::WorkflowNotFound,
            Error::Run { code, .. } => *code,
            Error::Refused(refused) => refused.code(),
            Error::Lost => Code::StorageUnavailable,
            Error::Store(error) => error.code(),
        }
    }
}
