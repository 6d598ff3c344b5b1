//! The state of a switchboard: places, subjects, what is to be written, what is to be told. Only data:
//! nothing here calls out, so it can be borrowed as a whole; calls to outlets are noted and made by
//! the switchboard's task.

use std::{collections::VecDeque, rc::Rc, sync::Arc, task::Waker, time::Instant};

use smallvec::SmallVec;
use tokio::sync::oneshot;

use super::{
    slots::Slots,
    subjects::{Membership, Subjects},
};
use crate::{
    delivery::{
        queue::{Bounds, Pushed, Queue},
        shards::Shared,
        types::{CloseReason, Deadline, Inspection, Outlet, Settings, Sink, Slot},
        wheel::{Armed, Wheel},
    },
    ids::SocketId,
    metrics::{Reason, metrics},
    protocol::frame::Frame,
};

/// A session's place.
pub(in crate::delivery) struct Place {
    pub generation: u32,
    pub outlet: Rc<dyn Outlet>,
    pub sink: Option<Rc<dyn Sink>>,
    pub queue: Queue,
    pub sockets: SmallVec<[SocketId; 1]>,
    pub memberships: Vec<Membership>,
    pub armed: Armed,
    /// Who waits for a batch.
    pub taker: Option<Waker>,
    /// Who waits for the queue to be below half.
    pub credits: Vec<oneshot::Sender<()>>,
    /// Set while what is queued is still being written.
    pub ending: Option<CloseReason>,
    /// In the list of sockets to be written.
    pub dirty: bool,
    /// The socket takes nothing; its session waits until it does.
    pub blocked: bool,
}

/// A call that the switchboard's task makes.
pub(in crate::delivery) enum Call {
    Closed(Box<Place>, CloseReason),
    Deadline(Slot, Deadline),
    Blocked(Slot),
}

pub(in crate::delivery) struct Board {
    pub shard: u16,
    pub shared: Arc<Shared>,
    pub settings: Settings,
    pub bounds: Bounds,
    pub places: Slots<Place>,
    pub subjects: Subjects,
    pub dirty: VecDeque<u32>,
    /// Its frames are written when its cork is drawn, not at the flusher's turn.
    pub corked: Option<u32>,
    pub wheel: Wheel,
    pub calls: VecDeque<Call>,
    /// Woken when the borrow has ended.
    pub wakes: SmallVec<[Waker; 4]>,
    /// Bytes in all queues of this worker.
    pub queued: usize,
    /// Frames queued since they were last added to the metric.
    pub counted: u64,
}

impl Board {
    pub fn new(shard: u16, shared: Arc<Shared>, settings: Settings, now: Instant) -> Self {
        Self {
            shard,
            shared,
            bounds: Bounds { bytes: settings.queue_bytes, frames: settings.queue_frames },
            wheel: Wheel::new(now, settings.tick),
            settings,
            places: Slots::default(),
            subjects: Subjects::default(),
            dirty: VecDeque::new(),
            corked: None,
            calls: VecDeque::new(),
            wakes: SmallVec::new(),
            queued: 0,
            counted: 0,
        }
    }

    /// Whether the switchboard's task has to run.
    pub fn has_work(&self) -> bool {
        !self.dirty.is_empty() || !self.calls.is_empty()
    }

    pub fn open(&mut self, outlet: Rc<dyn Outlet>, generation: u32) -> Slot {
        let index = self.places.insert(Place {
            generation,
            outlet,
            sink: None,
            queue: Queue::default(),
            sockets: SmallVec::new(),
            memberships: Vec::new(),
            armed: Armed::default(),
            taker: None,
            credits: Vec::new(),
            ending: None,
            dirty: false,
            blocked: false,
        });
        Slot { index, generation }
    }

    /// The place, if it is still this tenant's.
    pub fn place(&mut self, slot: Slot) -> Option<&mut Place> {
        self.places.get_mut(slot.index).filter(|place| place.generation == slot.generation)
    }

    /// The same, unless it is being closed.
    pub fn living(&mut self, slot: Slot) -> Option<&mut Place> {
        self.place(slot).filter(|place| place.ending.is_none())
    }

    /// The place of a socket that is known there.
    pub fn socket(&mut self, slot: Slot, socket: &SocketId) -> Option<&mut Place> {
        self.living(slot).filter(|place| place.sockets.contains(socket))
    }

    /// Queues a frame; a full queue ends the session.
    pub fn push(&mut self, slot: Slot, frame: Frame) -> bool {
        if self.living(slot).is_none() {
            return false;
        }
        match self.enqueue(slot.index, frame) {
            Pushed::Queued | Pushed::Replaced => true,
            Pushed::Dropped => false,
            Pushed::Full => {
                self.end(slot.index, CloseReason::SlowClient);
                false
            }
        }
    }

    /// The one place where a frame enters a queue. The caller ends the session when it was full.
    pub fn enqueue(&mut self, index: u32, frame: Frame) -> Pushed {
        let Some(place) = self.places.get_mut(index) else { return Pushed::Dropped };
        let before = place.queue.bytes();
        let pushed = place.queue.push(frame, &self.bounds);
        self.queued = self.queued + place.queue.bytes() - before;
        match pushed {
            Pushed::Queued => {}
            Pushed::Replaced => count_dropped("coalesced"),
            Pushed::Dropped => count_dropped("volatile"),
            Pushed::Full => return pushed,
        }
        self.counted += 1;
        self.mark(index);
        pushed
    }

    /// Queues a frame that belongs to the one before it, which was taken: it is not refused and counts
    /// as none.
    pub fn enqueue_with(&mut self, index: u32, frame: Frame) {
        let Some(place) = self.places.get_mut(index) else { return };
        self.queued += frame.cost();
        place.queue.push_last(frame.uncounted());
        self.counted += 1;
        self.mark(index);
    }

    /// Something is queued: the socket is written at the next turn, or who waits for a batch is woken.
    pub fn mark(&mut self, index: u32) {
        let Some(place) = self.places.get_mut(index) else { return };
        if place.sink.is_none() {
            self.wakes.extend(place.taker.take());
        } else if !place.dirty && !place.blocked {
            place.dirty = true;
            if self.corked != Some(index) {
                self.dirty.push_back(index);
            }
        }
    }

    /// Bytes have left the queue at `index`: credits are given, and an ending session may be at its end.
    pub fn drained(&mut self, index: u32, bytes_before: usize) {
        let Some(place) = self.places.get_mut(index) else { return };
        self.queued = self.queued.saturating_sub(bytes_before.saturating_sub(place.queue.bytes()));
        if !place.credits.is_empty() && place.queue.is_below_half(&self.bounds) {
            for credit in place.credits.drain(..) {
                // Whoever replays may be gone.
                let _ = credit.send(());
            }
        }
        if place.queue.is_empty()
            && let Some(why) = place.ending.clone()
        {
            self.end(index, why);
        }
    }

    /// Begins the end of a session: memberships end, what is queued is still written.
    pub fn close(&mut self, slot: Slot, why: CloseReason, last: Option<Frame>, now: Instant) {
        if self.living(slot).is_none() {
            return;
        }
        self.leave_everything(slot.index);
        let Some(place) = self.places.get_mut(slot.index) else { return };
        place.sockets.clear();
        self.wheel.clear_all(&mut place.armed, slot.index);
        if let Some(last) = last {
            self.queued += last.cost();
            place.queue.push_last(last);
        }
        if place.queue.is_empty() {
            self.end(slot.index, why);
            return;
        }
        place.ending = Some(why);
        let until = now + self.settings.stall_timeout;
        self.wheel.set(&mut place.armed, slot.index, Deadline::Stall, until);
        self.mark(slot.index);
    }

    /// Ends a session at once.
    pub fn end(&mut self, index: u32, why: CloseReason) {
        self.leave_everything(index);
        let Some(mut place) = self.places.remove(index) else { return };
        self.wheel.clear_all(&mut place.armed, index);
        self.queued = self.queued.saturating_sub(place.queue.bytes());
        self.wakes.extend(place.taker.take());
        self.calls.push_back(Call::Closed(Box::new(place), why));
    }

    /// Ends the sessions with the fullest queues while all queues together are over their bound.
    pub fn relieve(&mut self, others: usize) {
        while self.queued > 0 && self.queued + others > self.settings.queue_bytes_total {
            let fullest = self.places.iter().max_by_key(|(_, place)| place.queue.bytes());
            let Some((index, _)) = fullest else { return };
            self.end(index, CloseReason::Overload);
        }
    }

    pub fn attach(&mut self, slot: Slot, sink: Option<Rc<dyn Sink>>) -> Option<Rc<dyn Sink>> {
        let place = self.places.get_mut(slot.index).filter(|place| place.generation == slot.generation)?;
        let old = std::mem::replace(&mut place.sink, sink);
        place.blocked = false;
        if place.ending.is_none() {
            self.wheel.clear(&mut place.armed, slot.index, Deadline::Stall);
        }
        if !place.queue.is_empty() {
            self.mark(slot.index);
        }
        old
    }

    pub fn take(&mut self, slot: Slot, max_bytes: usize, max_packets: usize) -> Vec<Frame> {
        let Some(place) = self.place(slot) else { return Vec::new() };
        let before = place.queue.bytes();
        let taken = place.queue.take(max_bytes, max_packets);
        if !taken.is_empty() {
            self.drained(slot.index, before);
        }
        taken
    }

    pub fn inspect(&mut self, slot: Slot) -> Option<Inspection> {
        let place = self.place(slot)?;
        Some(Inspection {
            queued_bytes: place.queue.bytes(),
            queued_frames: place.queue.frames(),
            blocked: place.blocked,
            memberships: place.memberships.len(),
        })
    }
}

fn count_dropped(reason: &'static str) {
    metrics().delivery.dropped.get_or_create(&Reason { reason }).inc();
}
