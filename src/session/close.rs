//! Why a session ended: its code, what a client hears of it, and whether it is told in order.

use crate::delivery::{CloseReason, DisconnectReason};

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// The client said `1`.
    Client,
    /// The transport was closed by the other side: a close frame, the end of the connection.
    Gone,
    /// The transport failed: a poll was aborted, a body was cut, a body was of a wrong kind.
    TransportError,
    /// Two polls, or two posts, at once.
    Overlap,
    /// No pong came.
    PingTimeout,
    /// An Engine.IO packet that no client may send; the label of the rule.
    Packet(&'static str),
    /// A websocket frame against RFC 6455 or over a limit: its close code, the label of the rule.
    Frame(u16, &'static str),
    /// A Socket.IO packet against the protocol; the label of the rule.
    Protocol(&'static str),
    /// No namespace was joined in time.
    ConnectTimeout,
    /// Attachments did not come in time.
    AttachmentTimeout,
    /// Too many events, again and again.
    RateLimited,
    /// Its outbound queue was full.
    SlowClient,
    /// It read nothing for too long.
    Stalled,
    /// All queues together were too full, and its was the fullest.
    Overload,
    /// The hub ended it: a service asked for it.
    Forced,
    /// The hub is being stopped.
    Stopping,
    /// The session failed inside the hub.
    Failed,
}

impl Close {
    /// Its name in metrics and logs, from a closed set.
    pub fn code(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Gone => "transport_close",
            Self::TransportError => "transport_error",
            Self::Overlap => "overlap",
            Self::PingTimeout => "ping_timeout",
            Self::Packet(_) | Self::Frame(..) => "parse_error",
            Self::Protocol(_) => "protocol_error",
            Self::ConnectTimeout => "connect_timeout",
            Self::AttachmentTimeout => "attachment_timeout",
            Self::RateLimited => "rate_limited",
            Self::SlowClient => "slow_client",
            Self::Stalled => "stalled",
            Self::Overload => "overload",
            Self::Forced => "forced",
            Self::Stopping => "server_stopping",
            Self::Failed => "failed",
        }
    }

    /// The rule that was broken, if one was.
    pub fn rule(self) -> Option<&'static str> {
        match self {
            Self::Packet(rule) | Self::Frame(_, rule) | Self::Protocol(rule) => Some(rule),
            _ => None,
        }
    }

    /// The word of Socket.IO's servers for it (`protocol.md` 2.6).
    pub fn reason(self) -> &'static str {
        match self {
            Self::Client | Self::Gone => "transport close",
            Self::TransportError | Self::Overlap | Self::Stalled => "transport error",
            Self::PingTimeout => "ping timeout",
            Self::Packet(_) | Self::Frame(..) | Self::Protocol(_) | Self::AttachmentTimeout => "parse error",
            Self::ConnectTimeout | Self::RateLimited | Self::SlowClient | Self::Overload | Self::Forced => {
                "forced close"
            }
            Self::Stopping => "server shutting down",
            Self::Failed => "forced server close",
        }
    }

    /// The code of the websocket close frame.
    pub fn websocket_code(self) -> u16 {
        match self {
            Self::Client | Self::Gone | Self::Forced => 1000,
            Self::Stopping => 1001,
            Self::Frame(code, _) => code,
            Self::Packet(_) | Self::TransportError | Self::Overlap => 1002,
            Self::Protocol(_)
            | Self::ConnectTimeout
            | Self::AttachmentTimeout
            | Self::RateLimited
            | Self::SlowClient
            | Self::PingTimeout
            | Self::Stalled => 1008,
            Self::Overload => 1013,
            Self::Failed => 1011,
        }
    }

    /// Whether a polling client without a pending GET still gets `1` with its next one; else its sid is
    /// gone at once (`protocol.md` 1.5).
    pub fn is_orderly(self) -> bool {
        matches!(
            self,
            Self::Protocol(_)
                | Self::ConnectTimeout
                | Self::AttachmentTimeout
                | Self::RateLimited
                | Self::Forced
                | Self::Stopping
        )
    }

    /// Whether there is nobody left to write to.
    pub fn is_lost(self) -> bool {
        matches!(self, Self::Gone | Self::TransportError | Self::SlowClient | Self::Stalled | Self::Overload)
    }
}

impl From<Close> for CloseReason {
    fn from(close: Close) -> Self {
        match close {
            Close::Client | Close::Gone => Self::Engine(DisconnectReason::TransportClose),
            Close::TransportError => Self::Engine(DisconnectReason::TransportError),
            Close::Overlap => Self::Engine(DisconnectReason::MultipleHttpPollingError),
            Close::PingTimeout => Self::Engine(DisconnectReason::HeartbeatTimeout),
            Close::Packet(_) | Close::Frame(..) => Self::Engine(DisconnectReason::PacketParsingError),
            Close::Stopping => Self::Engine(DisconnectReason::ClosingServer),
            Close::SlowClient => Self::SlowClient,
            Close::Stalled => Self::Stalled,
            Close::Overload => Self::Overload,
            other => Self::Session(other.code()),
        }
    }
}

impl From<CloseReason> for Close {
    fn from(reason: CloseReason) -> Self {
        match reason {
            CloseReason::Engine(DisconnectReason::TransportClose) => Self::Gone,
            CloseReason::Engine(DisconnectReason::MultipleHttpPollingError) => Self::Overlap,
            CloseReason::Engine(DisconnectReason::PacketParsingError) => Self::Packet("packet"),
            CloseReason::Engine(DisconnectReason::TransportError) => Self::TransportError,
            CloseReason::Engine(DisconnectReason::HeartbeatTimeout) => Self::PingTimeout,
            CloseReason::Engine(DisconnectReason::ClosingServer) => Self::Stopping,
            CloseReason::SlowClient => Self::SlowClient,
            CloseReason::Stalled => Self::Stalled,
            CloseReason::Overload => Self::Overload,
            CloseReason::Session(_) => Self::Forced,
        }
    }
}
