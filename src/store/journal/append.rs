//! What the journal is asked and what it answers.

use jiff::Timestamp;

use super::NewRow;
use crate::{
    ids::{ChatRoomId, CollectionId, Epoch, HubId, RunId, Seq, StreamId},
    store::tables::{
        audit::NoteEntry,
        chat::{MemberChange, NewRoom, RoomChange},
        collection::{CloseRequest, NewRequest},
        registrations::Registration,
        runs::{NewRun, RunChange},
    },
};

/// Who caused an append; decides who waits when the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A client: `Busy` from 80 % of the queue, `Unavailable` while storage fails.
    Client,
    /// The hub itself (a result, a timer): waits, as long as storage fails.
    Hub,
}

/// Rows for one stream, all or none. The caller has at most one in flight a stream.
#[derive(Debug, Clone)]
pub struct Append {
    /// Where.
    pub stream: StreamId,
    /// The stream is new: it is made with owner version 1, and `Duplicate(Stream)` if it exists.
    pub create: bool,
    /// The stream's last seq as the caller knows it (0 for a new one); else `Fenced`.
    pub expected_head: Seq,
    /// From [`Ownership`] (1 for whoever made the stream); an older one is `Fenced`.
    pub owner_version: i64,
    /// At least one.
    pub rows: Vec<NewRow>,
    /// What must be true if and only if the rows are there.
    pub projections: Vec<Projection>,
    /// Who caused it.
    pub origin: Origin,
}

/// The rows are committed and synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// Life of the stream.
    pub epoch: Epoch,
    /// Seq of the first of the rows; the others follow.
    pub first: Seq,
    /// Seq of the last.
    pub head: Seq,
}

/// The right to append to a stream, until somebody else acquires it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    /// For [`Append::owner_version`].
    pub owner_version: i64,
    /// Last seq of the stream.
    pub head: Seq,
    /// Life of the stream.
    pub epoch: Epoch,
}

/// What is written into other tables in the transaction of the rows. Those that name no stream or
/// run are about the append's own stream.
#[derive(Debug, Clone)]
pub enum Projection {
    /// A run begins. `Duplicate(Run)` when its id is taken.
    RunInserted(Box<NewRun>),
    /// A run is elsewhere now.
    RunChanged {
        /// The run.
        run: RunId,
        /// Where it is.
        change: Box<RunChange>,
    },
    /// Only whether a run must be woken at start.
    RunAttention {
        /// The run.
        run: RunId,
        /// It must.
        on: bool,
    },
    /// Sets a timer of the stream, or moves it.
    Timer {
        /// Which of its timers.
        key: String,
        /// When.
        due_at: Timestamp,
    },
    /// Removes a timer of the stream.
    TimerDone {
        /// Which.
        key: String,
    },
    /// Removes all timers of the stream.
    TimersCleared,
    /// `Duplicate(IdempotencyKey)` when the scope has the key.
    IdempotencyKey {
        /// Tenant and route, as its writer spells them.
        scope: String,
        /// The client's key.
        key: String,
        /// What the repeated request is answered with.
        value: String,
        /// Now.
        at: Timestamp,
    },
    /// `Duplicate(IngestKey)` when the run has the key.
    IngestKey {
        /// The run.
        run: RunId,
        /// The client's key.
        key: String,
        /// The row that it made.
        seq: Seq,
    },
    /// A visit asks somebody.
    RequestOpened(Box<NewRequest>),
    /// A request takes no answer any more.
    RequestClosed {
        /// The request.
        request: CollectionId,
        /// Why.
        close: Box<CloseRequest>,
    },
    /// A chat room begins. `Duplicate(ChatRoom)` when its id is taken.
    RoomInserted(Box<NewRoom>),
    /// A chat room is as this says now.
    RoomChanged {
        /// The room.
        room: ChatRoomId,
        /// How.
        change: Box<RoomChange>,
    },
    /// Somebody is in a chat room now, or out of it.
    ChatMember(Box<MemberChange>),
    /// A row of the audit.
    Audit(Box<NoteEntry>),
    /// A widget is registered with the run of the stream.
    Registered {
        /// The registration.
        row: Box<Registration>,
        /// Whose socket it is.
        hub: HubId,
        /// Now.
        at: Timestamp,
    },
}
