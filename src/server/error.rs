//! Why a hub does not start.

use std::{io, path::PathBuf};

use crate::{ai, auth::SetupError, chat, datasource::seal::KeyError, outbound, store, widget, workflow};

/// Told to the operator; nothing is running then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error("server.listen = {listen:?}: {source}; name another with --listen")]
    Listen {
        /// As it is set.
        listen: String,
        /// What the system says.
        source: io::Error,
    },
    /// The tokens of others could not be verified.
    #[error(transparent)]
    Auth(#[from] SetupError),
    /// The database cannot be used.
    #[error("{0}")]
    Store(#[from] store::Error),
    /// The outgoing client cannot be built.
    #[error("{0}")]
    Outbound(#[from] outbound::Error),
    /// The key of stored credentials cannot be read or made.
    #[error("the key of data sources: {0}")]
    Key(#[from] KeyError),
    /// What an earlier process left of its widgets cannot be removed.
    #[error("registrations: {0}")]
    Widgets(#[from] widget::Error),
    /// Runs could not be woken.
    #[error("runs could not be woken: {0}")]
    Recovery(#[source] workflow::Error),
    /// The assistant of chat rooms cannot be made.
    #[error("[ai]: {0}")]
    Assistant(#[from] ai::Error),
    /// Chat rooms could not be woken.
    #[error("chat rooms could not be woken: {0}")]
    Rooms(#[source] chat::Error),
    /// The control socket cannot be made.
    #[error("{path}: {source}")]
    Control {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Threads or signals of the system.
    #[error("{what}: {source}")]
    System {
        /// What was to be done.
        what: &'static str,
        /// What the system says.
        source: io::Error,
    },
}

impl Error {
    /// Whether the settings are at fault: another exit code.
    pub fn is_settings(&self) -> bool {
        matches!(self, Self::Auth(_) | Self::Store(store::Error::Url(_)) | Self::Key(KeyError::NotAKey(_)))
    }
}
