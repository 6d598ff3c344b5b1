//! One worker's switchboard.

use std::{
    rc::Rc,
    task::{Context, Poll},
    time::Instant,
};

use super::{
    shards::Shards,
    types::{CloseReason, Deadline, Error, Inspection, Member, Outlet, Settings, Sink, Slot, Subject},
};
use crate::{
    clock::Clock,
    ids::{Seq, SocketId},
    protocol::frame::Frame,
};

/// The shard of `delivery` on one worker thread. Not `Send`; sessions of the thread share the `Rc`.
///
/// No method calls an [`Outlet`]: outlets are called later, by the switchboard's own task. A slot that
/// has ended is no error anywhere: the call does nothing.
pub struct Switchboard {
    _shards: Shards,
}

#[expect(unused_variables, clippy::unimplemented, reason = "signatures first; the bodies follow at once")]
impl Switchboard {
    /// Takes a free shard and starts its task on this thread (which must run a local task set, as
    /// actix's do). The switchboard ends when its last `Rc` is dropped, with all its sessions.
    ///
    /// # Errors
    /// When every shard has a worker.
    pub fn start(shards: &Shards, settings: Settings, clock: Clock) -> Result<Rc<Self>, Error> {
        unimplemented!()
    }
    /// The one of this thread, if it was started.
    pub fn current() -> Option<Rc<Self>> {
        unimplemented!()
    }
    /// Its number.
    pub fn shard(&self) -> u16 {
        unimplemented!()
    }
    /// A place for a session. [`Outlet::closed`] is called once, when it ends.
    pub fn open(&self, outlet: Rc<dyn Outlet>) -> Slot {
        unimplemented!()
    }
    /// Names a socket of a session and makes it known: frames and joins of a socket that is not known
    /// (or has left) are dropped.
    pub fn member(&self, slot: Slot, socket: SocketId) -> Member {
        unimplemented!()
    }
    /// Queues an answer of the session. False when it was dropped or the slot is gone; a full queue
    /// closes the session.
    pub fn push(&self, slot: Slot, frame: Frame) -> bool {
        unimplemented!()
    }
    /// Writes what is queued now instead of at the flusher's turn: for the end of a read.
    pub fn flush(&self, slot: Slot) {
        unimplemented!()
    }
    /// From now on the flusher writes the queue to this socket.
    pub fn attach(&self, slot: Slot, sink: Rc<dyn Sink>) {
        unimplemented!()
    }
    /// The socket is not written any more; the queue waits (for [`Switchboard::poll_take`]).
    pub fn detach(&self, slot: Slot) {
        unimplemented!()
    }
    /// The socket can be written again after [`Outlet::blocked`].
    pub fn writable(&self, slot: Slot) {
        unimplemented!()
    }
    /// A batch for a transport that takes by credit (polling, mounted): whole frames, at least one,
    /// up to `max_bytes`. Pending while nothing is queued; `None` when the slot is gone.
    pub fn poll_take(&self, slot: Slot, max_bytes: usize, cx: &mut Context<'_>) -> Poll<Option<Vec<Frame>>> {
        unimplemented!()
    }
    /// The same, at once: empty when nothing is queued.
    pub fn take(&self, slot: Slot, max_bytes: usize) -> Vec<Frame> {
        unimplemented!()
    }
    /// [`Outlet::deadline`] is called at `at` or up to one tick later.
    pub fn set_deadline(&self, slot: Slot, what: Deadline, at: Instant) {
        unimplemented!()
    }
    /// Forgets a deadline.
    pub fn clear_deadline(&self, slot: Slot, what: Deadline) {
        unimplemented!()
    }
    /// Ends a session: its memberships end now, then what is queued and `last` are written (or taken)
    /// for at most `stall_timeout`, then [`Outlet::closed`] is called.
    pub fn close(&self, slot: Slot, why: CloseReason, last: Option<Frame>) {
        unimplemented!()
    }
    /// Ends a session without writing what is queued: its transport is gone.
    pub fn abort(&self, slot: Slot, why: CloseReason) {
        unimplemented!()
    }
    /// Ends all sessions as [`Switchboard::close`] does.
    pub fn close_all(&self, why: &CloseReason, last: Option<&Frame>) {
        unimplemented!()
    }
    /// Answers a join on the worker itself, without a hop and without a snapshot: rows above
    /// `after_seq` that arrive from now on are delivered. A snapshot has no gap only if the subject
    /// had a member here when the snapshot came (its rows pass through this thread then), so the first
    /// join takes the road over the subject's actor ([`Shards::add_member`]). False when the socket is
    /// not known or is a member already.
    pub fn join(
        &self,
        slot: Slot,
        socket: &SocketId,
        subject: &Subject,
        after_seq: Seq,
        progress: bool,
    ) -> bool {
        unimplemented!()
    }
    /// Ends one membership.
    pub fn leave(&self, slot: Slot, socket: &SocketId, subject: &Subject) {
        unimplemented!()
    }
    /// The socket is gone (namespace disconnected): its memberships end and it is not known any more.
    pub fn leave_all(&self, slot: Slot, socket: &SocketId) {
        unimplemented!()
    }
    /// Open slots.
    pub fn sessions(&self) -> usize {
        unimplemented!()
    }
    /// One session's queue; `None` when the slot is gone.
    pub fn inspect(&self, slot: Slot) -> Option<Inspection> {
        unimplemented!()
    }
}
