//! Why a call has no answer.

use crate::error::{Code, Coded};

/// Which limit of time ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// `outbound.connect_timeout`.
    Connect,
    /// `outbound.idle_timeout`.
    Idle,
    /// `outbound.total_timeout`, or the call's own.
    Total,
}

/// Why a call has no answer. The words may reach whoever wrote the address (a tenant): they name
/// what was asked for and the setting to change, never what the inside looks like.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address is loopback, link-local, private or reserved.
    #[error("{host} is not a public address; operators: outbound.allow_private permits it")]
    BlockedAddress {
        /// Host of the URL.
        host: String,
    },
    /// The port is not in `outbound.ports`.
    #[error("port {port} may not be called; operators: outbound.ports lists those that may")]
    BlockedPort {
        /// Port of the URL.
        port: u16,
    },
    /// No absolute http or https URL, or one with a user in it.
    #[error("the address is not valid: {0}")]
    InvalidUrl(String),
    /// A method, header name or header value with characters that HTTP does not allow.
    #[error("the {0} is not valid")]
    InvalidHeader(&'static str),
    /// The answer is larger than the limit, after decompression.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// `outbound.max_body`, or the call's own.
        limit: usize,
    },
    /// It took too long.
    #[error("no answer in time ({0:?})")]
    Timeout(Phase),
    /// More redirects than `outbound.redirects`, or one that this call does not follow.
    #[error("the answer redirects {0}")]
    Redirect(&'static str),
    /// The name is unknown, nobody listens, TLS failed, or what came back is no HTTP.
    #[error("the address could not be reached: {0}")]
    Unreachable(String),
    /// The client cannot be built; the words are for the log.
    #[error("the HTTP client could not be built: {0}")]
    Unusable(String),
}

impl Error {
    /// The reason as a closed set of words (`error.reason`, metrics).
    pub fn reason(&self) -> &'static str {
        match self {
            Self::BlockedAddress { .. } => "blocked_address",
            Self::BlockedPort { .. } => "blocked_port",
            Self::InvalidUrl(_) => "invalid_url",
            Self::InvalidHeader(_) => "invalid_header",
            Self::TooLarge { .. } => "too_large",
            Self::Timeout(_) => "timeout",
            Self::Redirect(_) => "redirect",
            Self::Unreachable(_) => "unreachable",
            Self::Unusable(_) => "unusable",
        }
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Unusable(_) => Code::ServerError,
            _ => Code::NodeFailed,
        }
    }
}
