//! Names, reasons and the two traits between a switchboard and a session.

use std::{
    io::{self, IoSlice},
    time::Duration,
};

pub use engineioxide::DisconnectReason;

use crate::{
    config,
    error::{Code, Coded},
    ids::{SocketId, StreamId},
};

/// What members watch: the stream whose rows are published (`run:…`, `room:…`).
pub type Subject = StreamId;

/// A session's place on its worker. The generation tells it from the place's earlier tenants, so a
/// late message never reaches a stranger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    pub(super) index: u32,
    pub(super) generation: u32,
}

/// One socket, as domain actors name it. `Send`; it stays valid (and harmless) when the socket is gone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Member {
    pub(super) shard: u16,
    pub(super) slot: Slot,
    pub(super) socket: SocketId,
}

impl Member {
    /// The worker that holds its session.
    pub fn shard(&self) -> u16 {
        self.shard
    }
    /// Its session's place there.
    pub fn slot(&self) -> Slot {
        self.slot
    }
    /// The socket: a session's membership in one namespace.
    pub fn socket(&self) -> &SocketId {
        &self.socket
    }
}

/// Why a session's slot ended. Engine.IO's reasons are engineioxide's; the others are ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// A reason that Engine.IO knows: transport closed or failed, heartbeat missed, server stopping.
    Engine(DisconnectReason),
    /// Its queue passed `delivery.queue_bytes` or `delivery.queue_frames`.
    SlowClient,
    /// Its peer read nothing for `session.stall_timeout`.
    Stalled,
    /// All queues together passed `delivery.queue_bytes_total`, and it was the fullest.
    Overload,
    /// A reason of the session's own, by its code: lower-case words with underscores, from a closed
    /// set, because it is a metric's label.
    Session(&'static str),
}

impl CloseReason {
    /// Its name in metrics, logs and close records.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Engine(DisconnectReason::TransportClose) => "transport_close",
            Self::Engine(DisconnectReason::MultipleHttpPollingError) => "multiple_polls",
            Self::Engine(DisconnectReason::PacketParsingError) => "parse_error",
            Self::Engine(DisconnectReason::TransportError) => "transport_error",
            Self::Engine(DisconnectReason::HeartbeatTimeout) => "ping_timeout",
            Self::Engine(DisconnectReason::ClosingServer) => "server_stopping",
            Self::SlowClient => "slow_client",
            Self::Stalled => "stalled",
            Self::Overload => "overload",
            Self::Session(code) => code,
        }
    }
}

/// What a session can be woken for. One of each kind at a time; setting it again moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Deadline {
    /// Time to send a ping.
    PingDue,
    /// No pong came.
    PongMissing,
    /// No namespace was joined.
    ConnectTimeout,
    /// The upgrade to websocket was not finished.
    UpgradeTimeout,
    /// An attachment of a binary packet did not come.
    AttachmentTimeout,
    /// The oldest ack that the hub waits for.
    AckTimeout,
    /// The switchboard's own: a peer that reads nothing, or a closing session that does not drain.
    Stall,
}

impl Deadline {
    /// How many kinds there are.
    pub(super) const KINDS: usize = 7;
}

/// What a session hears of its slot. Called by the switchboard's task with no borrow held, never from
/// inside a call of the session, so an outlet may call the switchboard back.
pub trait Outlet {
    /// The slot is gone, whoever ended it: called once for every slot that was opened. Nothing that
    /// is pushed to it arrives any more; an owned socket may be dropped now.
    fn closed(&self, why: CloseReason);
    /// A deadline that the session had set has passed. It is unset before the call.
    fn deadline(&self, what: Deadline);
    /// The socket took no more bytes. Wait until it is writable, then call
    /// [`Switchboard::writable`](super::Switchboard::writable); until then the flusher leaves it alone.
    fn blocked(&self) {}
}

/// The write side of an owned socket. Never called with a borrow held.
pub trait Sink {
    /// One vectored write that does not wait.
    ///
    /// # Errors
    /// `WouldBlock` when the socket takes nothing now; anything else ends the session.
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize>;
    /// The same past any remembered readiness: asked when a stalled socket is about to be closed, and
    /// the kernel calls it writable only when a third of its buffer is free.
    ///
    /// # Errors
    /// As [`Sink::try_write`].
    fn probe(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_write(bytes)
    }
}

/// Bounds and times, out of `[delivery]` and `[session]`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `delivery.queue_bytes`.
    pub queue_bytes: usize,
    /// `delivery.queue_frames`.
    pub queue_frames: usize,
    /// `delivery.queue_bytes_total`, over all workers.
    pub queue_bytes_total: usize,
    /// `session.stall_timeout`.
    pub stall_timeout: Duration,
    /// Deadlines are kept in steps of this: a fraction of the smallest configured interval, so that
    /// short intervals are exact and long ones wake the worker for many sessions at once.
    pub tick: Duration,
}

impl Settings {
    /// Reads the two sections.
    pub fn new(delivery: &config::sections::Delivery, session: &config::sections::Session) -> Self {
        let smallest = [
            session.ping_interval,
            session.ping_timeout,
            session.upgrade_timeout,
            session.connect_timeout,
            session.attachment_timeout,
            session.ack_timeout,
        ]
        .into_iter()
        .map(config::DurationSetting::get)
        .fold(session.stall_timeout.get(), Duration::min);
        Self {
            queue_bytes: delivery.queue_bytes.get(),
            queue_frames: delivery.queue_frames,
            queue_bytes_total: delivery.queue_bytes_total.get(),
            stall_timeout: session.stall_timeout.get(),
            tick: (smallest / 64).clamp(Duration::from_millis(1), Duration::from_millis(50)),
        }
    }
}

/// One session's queue, for inspection.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Inspection {
    /// Bytes that wait.
    pub queued_bytes: usize,
    /// Frames that wait.
    pub queued_frames: usize,
    /// The socket takes nothing at the moment.
    pub blocked: bool,
    /// Memberships of its sockets.
    pub memberships: usize,
}

/// Why a switchboard could not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More workers than shards.
    #[error("all {0} shards have a worker already")]
    NoShardLeft(usize),
}

impl Coded for Error {
    fn code(&self) -> Code {
        Code::ServerError
    }
}
