//! Step 7 of a frame, the last: one worker's switchboard. A committed row, encoded once, goes into the queue of each
//! member on this worker and is flushed.

use std::{
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
    time::Instant,
};

use engineioxide::DisconnectReason;
use tokio::sync::mpsc::UnboundedReceiver;

use super::{
    driver, flusher,
    messages::Command,
    shards::{Line, Shards},
    state::{Board, Call},
    types::{CloseReason, Deadline, Error, Inspection, Member, Outlet, Settings, Sink, Slot, Subject},
};
use crate::{
    clock::Clock,
    ids::{Seq, SocketId},
    protocol::frame::Frame,
};

/// Most packets of a batch. python-engineio takes the 17th of one payload for an attack and ends the
/// connection; a client that comes back for a long replay would never get through.
const PACKETS: usize = 16;

thread_local! {
    static CURRENT: RefCell<Weak<Switchboard>> = const { RefCell::new(Weak::new()) };
}

/// The shard of `delivery` on one worker thread. Not `Send`; sessions of the thread share the `Rc`.
///
/// No method calls an [`Outlet`]: outlets are called later, by the switchboard's own task. A slot that
/// has ended is no error anywhere: the call does nothing.
pub struct Switchboard {
    pub(super) shards: Shards,
    pub(super) shard: u16,
    pub(super) clock: Clock,
    pub(super) board: RefCell<Board>,
    pub(super) receiver: RefCell<Option<UnboundedReceiver<Command>>>,
    /// Until when the task sleeps, as far as deadlines go.
    pub(super) until: Cell<Option<Instant>>,
    /// What the metric was last told of `Board::queued`.
    pub(super) shown: Cell<usize>,
    driver: RefCell<Option<Waker>>,
}

impl Switchboard {
    /// Takes a free shard and starts its task on this thread (which must run a local task set, as
    /// actix's do). It ends with the thread's tasks, or when its last `Rc` is dropped; its sessions end
    /// with it, and the shard is free again.
    ///
    /// # Errors
    /// When every shard has a worker.
    pub fn start(shards: &Shards, settings: Settings, clock: Clock) -> Result<Rc<Self>, Error> {
        let (shard, receiver) = shards.claim()?;
        let board = Board::new(shard, Arc::clone(&shards.0), settings, clock.monotonic());
        let this = Rc::new(Self {
            shards: shards.clone(),
            shard,
            clock,
            board: RefCell::new(board),
            receiver: RefCell::new(Some(receiver)),
            until: Cell::new(None),
            shown: Cell::new(0),
            driver: RefCell::new(None),
        });
        driver::spawn(&this);
        CURRENT.set(Rc::downgrade(&this));
        Ok(this)
    }

    /// The one that was last started on this thread, if it lives.
    pub fn current() -> Option<Rc<Self>> {
        CURRENT.with_borrow(Weak::upgrade)
    }

    /// Its number.
    pub fn shard(&self) -> u16 {
        self.shard
    }

    /// A place for a session. [`Outlet::closed`] is called once, when it ends.
    pub fn open(&self, outlet: Rc<dyn Outlet>) -> Slot {
        let generation =
            self.line(|line| line.generation.fetch_add(1, Ordering::Relaxed)).unwrap_or_default();
        self.with(|board| board.open(outlet, generation.wrapping_add(1)))
    }

    /// Names a socket of a session and makes it known: frames and joins of a socket that is not known
    /// (or has left) are dropped.
    pub fn member(&self, slot: Slot, socket: SocketId) -> Member {
        self.with(|board| {
            if let Some(place) = board.living(slot).filter(|place| !place.sockets.contains(&socket)) {
                place.sockets.push(socket.clone());
            }
        });
        Member { shard: self.shard, slot, socket }
    }

    /// Queues an answer of the session. False when it was dropped or the slot is gone; a full queue
    /// ends the session as `slow_client`.
    pub fn push(&self, slot: Slot, frame: Frame) -> bool {
        self.with(|board| board.push(slot, frame))
    }

    /// Writes what is queued now instead of at the flusher's turn: for the end of a read.
    pub fn flush(&self, slot: Slot) {
        let dirty = self.board.borrow_mut().place(slot).is_some_and(|place| place.dirty);
        if dirty {
            flusher::write(&self.board, slot.index, flusher::How::Dirty, self.clock.monotonic());
            self.with(|_| ());
        }
    }

    /// While the guard lives, what is pushed to this session waits; when it is dropped, it is written in
    /// one go. For the time that a session works on what its client sent: its answers neither wait for
    /// the flusher's turn nor wake it.
    pub fn cork(&self, slot: Slot) -> Cork<'_> {
        self.board.borrow_mut().corked = Some(slot.index);
        Cork { board: self, slot }
    }

    /// From now on the flusher writes the queue to this socket.
    pub fn attach(&self, slot: Slot, sink: Rc<dyn Sink>) {
        let old = self.with(|board| board.attach(slot, Some(sink)));
        drop(old);
    }

    /// The socket is not written any more; the queue waits (for [`Switchboard::poll_take`]).
    pub fn detach(&self, slot: Slot) {
        let old = self.with(|board| board.attach(slot, None));
        drop(old);
    }

    /// The socket can be written again after [`Outlet::blocked`].
    pub fn writable(&self, slot: Slot) {
        self.with(|board| {
            if let Some(place) = board.place(slot) {
                place.blocked = false;
                if !place.queue.is_empty() {
                    board.mark(slot.index);
                }
            }
        });
    }

    /// A batch for a transport that takes by credit (polling, mounted): whole frames, at least one,
    /// up to `max_bytes` and 16 packets. Pending while nothing is queued (one waiter; a second takes its place);
    /// `None` when the slot is gone.
    pub fn poll_take(&self, slot: Slot, max_bytes: usize, cx: &mut Context<'_>) -> Poll<Option<Vec<Frame>>> {
        // Cloned before the borrow, the old one dropped behind it: a waker is foreign code.
        let waker = cx.waker().clone();
        let (answer, _old) = self.with(|board| {
            let Some(place) = board.place(slot) else { return (Poll::Ready(None), None) };
            if place.queue.is_empty() || place.sink.is_some() {
                return (Poll::Pending, place.taker.replace(waker));
            }
            (Poll::Ready(Some(board.take(slot, max_bytes, PACKETS))), None)
        });
        answer
    }

    /// The same, at once: empty when nothing is queued.
    pub fn take(&self, slot: Slot, max_bytes: usize) -> Vec<Frame> {
        self.with(|board| board.take(slot, max_bytes, usize::MAX))
    }

    /// [`Outlet::deadline`] is called at `at` or up to one tick later.
    pub fn set_deadline(&self, slot: Slot, what: Deadline, at: Instant) {
        self.with(|board| {
            let board = &mut *board;
            let place = board.places.get_mut(slot.index).filter(|place| {
                place.generation == slot.generation && place.ending.is_none() && what != Deadline::Stall
            });
            if let Some(place) = place {
                board.wheel.set(&mut place.armed, slot.index, what, at);
            }
        });
    }

    /// Forgets a deadline.
    pub fn clear_deadline(&self, slot: Slot, what: Deadline) {
        self.with(|board| {
            let board = &mut *board;
            let place = board
                .places
                .get_mut(slot.index)
                .filter(|place| place.generation == slot.generation && what != Deadline::Stall);
            if let Some(place) = place {
                board.wheel.clear(&mut place.armed, slot.index, what);
            }
        });
    }

    /// Ends a session: its memberships end now, then what is queued and `last` are written (or taken)
    /// for at most `stall_timeout`, then [`Outlet::closed`] is called.
    pub fn close(&self, slot: Slot, why: CloseReason, last: Option<Frame>) {
        let now = self.clock.monotonic();
        self.with(|board| board.close(slot, why, last, now));
    }

    /// Ends a session without writing what is queued: its transport is gone.
    pub fn abort(&self, slot: Slot, why: CloseReason) {
        self.with(|board| {
            if board.place(slot).is_some() {
                board.end(slot.index, why);
            }
        });
    }

    /// Ends all sessions as [`Switchboard::close`] does.
    pub fn close_all(&self, why: &CloseReason, last: Option<&Frame>) {
        let now = self.clock.monotonic();
        self.with(|board| board.close_all(why, last, now));
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
        self.with(|board| board.join_here(slot, socket, subject, after_seq, progress))
    }

    /// Ends one membership.
    pub fn leave(&self, slot: Slot, socket: &SocketId, subject: &Subject) {
        self.with(|board| board.leave(slot, socket, subject));
    }

    /// The socket is gone (namespace disconnected): its memberships end and it is not known any more.
    pub fn leave_all(&self, slot: Slot, socket: &SocketId) {
        self.with(|board| board.leave_all(slot, socket));
    }

    /// Open slots.
    pub fn sessions(&self) -> usize {
        self.board.borrow().places.len()
    }

    /// One session's queue; `None` when the slot is gone.
    pub fn inspect(&self, slot: Slot) -> Option<Inspection> {
        self.board.borrow_mut().inspect(slot)
    }

    /// The only way to the state: when the borrow has ended, who waits is woken, and the task if there
    /// is something to write, to tell or to cut, or a deadline before its next waking.
    fn with<R>(&self, change: impl FnOnce(&mut Board) -> R) -> R {
        let (result, wakes, work) = {
            let mut board = self.board.borrow_mut();
            let before = board.queued;
            let result = change(&mut board);
            let work = board.has_work()
                || board.wheel.next().is_some_and(|next| self.until.get().is_none_or(|until| next < until))
                || (board.queued > before && self.is_over_total(&board));
            (result, std::mem::take(&mut board.wakes), work)
        };
        for waker in wakes {
            waker.wake();
        }
        if work {
            self.kick();
        }
        result
    }

    /// Whether all queues together are over their bound, this worker's newest bytes included.
    fn is_over_total(&self, board: &Board) -> bool {
        self.line(|line| line.queued.store(board.queued, Ordering::Relaxed));
        self.shards.queued().0 > board.settings.queue_bytes_total
    }

    /// Runs the task soon.
    pub(super) fn kick(&self) {
        // Taken, so that many pushes of one turn wake it once; it leaves its waker again when it runs.
        let waker = self.driver.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The task runs: it is woken through this waker from now on.
    pub(super) fn remember(&self, waker: &Waker) {
        let waker = waker.clone();
        let old = self.driver.replace(Some(waker));
        drop(old);
    }

    pub(super) fn line<R>(&self, read: impl FnOnce(&Line) -> R) -> Option<R> {
        self.shards.0.lines.get(usize::from(self.shard)).map(read)
    }

    /// Ends all sessions at once.
    pub(super) fn end_all(&self, why: &CloseReason) {
        self.with(|board| {
            let all: Vec<u32> = board.places.iter().map(|(index, _)| index).collect();
            for index in all {
                board.end(index, why.clone());
            }
        });
    }

    /// The worker ends: its sessions end, and the shard is free for the next worker.
    pub(super) fn shut(&self) {
        let Some(receiver) = self.receiver.take() else { return };
        self.shards.give_back(self.shard, receiver);
        self.end_all(&CloseReason::Engine(DisconnectReason::ClosingServer));
        let calls = std::mem::take(&mut self.board.borrow_mut().calls);
        self.settle();
        for call in calls {
            if let Call::Closed(place, why) = call {
                place.outlet.closed(why);
            }
        }
    }
}

/// See [`Switchboard::cork`].
#[must_use = "it is drawn when it is dropped"]
pub struct Cork<'a> {
    board: &'a Switchboard,
    slot: Slot,
}

impl Drop for Cork<'_> {
    fn drop(&mut self) {
        self.board.board.borrow_mut().corked = None;
        self.board.flush(self.slot);
    }
}

impl Drop for Switchboard {
    fn drop(&mut self) {
        self.shut();
        self.kick();
    }
}
