//! The task of a switchboard: carries out commands, fires deadlines, writes sockets, tells outlets, and
//! gives way to the worker's other tasks after a bounded turn.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    rc::{Rc, Weak},
    sync::atomic::Ordering,
    task::{Context, Poll},
    time::Instant,
};

use futures_util::FutureExt;
use tokio::time::Sleep;

use super::{
    flusher::{self, How, SOCKETS_A_TURN},
    messages::Command,
    state::Call,
    switchboard::Switchboard,
    types::{CloseReason, Deadline, Outlet, Slot},
    wheel::Wheel,
};
use crate::metrics::metrics;

/// Commands carried out before sockets are written.
const COMMANDS_A_TURN: usize = 256;

/// Runs the switchboard on this thread until it is dropped.
pub(super) fn spawn(board: &Rc<Switchboard>) {
    let ended = Ended(Rc::downgrade(board));
    let weak = Rc::downgrade(board);
    actix_rt::spawn(async move {
        // Dropped with the task: also when the worker's runtime ends.
        let _ended = ended;
        loop {
            let driver = Driver { board: weak.clone(), sleep: None, until: None };
            match AssertUnwindSafe(driver).catch_unwind().await {
                Ok(()) => return,
                Err(_) => {
                    // A frame may be lost: its receivers must not go on as if nothing were missing.
                    log::error!("the switchboard panicked; its sessions are closed");
                    if let Some(board) = weak.upgrade() {
                        board.end_all(&CloseReason::Session("panicked"));
                    }
                }
            }
        }
    });
}

struct Ended(Weak<Switchboard>);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Some(board) = self.0.upgrade() {
            board.shut();
        }
    }
}

struct Driver {
    board: Weak<Switchboard>,
    sleep: Option<Pin<Box<Sleep>>>,
    until: Option<Instant>,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(board) = self.board.upgrade() else { return Poll::Ready(()) };
        board.remember(cx.waker());
        let again = board.turn(cx);
        let next = board.board.borrow().wheel.next();
        board.until.set(next);
        if again {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let Some(at) = next else {
            self.until = None;
            self.sleep = None;
            return Poll::Pending;
        };
        if self.until != Some(at) || self.sleep.is_none() {
            let wait = at.saturating_duration_since(board.clock.monotonic());
            self.until = Some(at);
            let deadline = tokio::time::Instant::now() + wait;
            match &mut self.sleep {
                Some(sleep) => sleep.as_mut().reset(deadline),
                None => self.sleep = Some(Box::pin(tokio::time::sleep_until(deadline))),
            }
        }
        if let Some(sleep) = &mut self.sleep
            && sleep.as_mut().poll(cx).is_ready()
        {
            self.sleep = None;
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Switchboard {
    /// One turn; true when there is more to do.
    fn turn(&self, cx: &mut Context<'_>) -> bool {
        let now = self.clock.monotonic();
        let more_commands = self.commands(cx, now);
        self.deadlines(now);
        self.bound_total();
        self.write_dirty(now);
        self.settle();
        self.tell();
        more_commands || self.board.borrow().has_work()
    }

    fn commands(&self, cx: &mut Context<'_>, now: Instant) -> bool {
        let mut taken = Taken { of: self, commands: 0, bytes: 0 };
        {
            let mut receiver = self.receiver.borrow_mut();
            let Some(receiver) = receiver.as_mut() else { return false };
            let mut board = self.board.borrow_mut();
            while taken.commands < COMMANDS_A_TURN {
                let Poll::Ready(Some(command)) = receiver.poll_recv(cx) else { break };
                taken.commands += 1;
                taken.bytes += command.cost();
                board.execute(command, now);
            }
        }
        if taken.commands > 0 {
            self.settle();
        }
        taken.commands == COMMANDS_A_TURN
    }

    fn deadlines(&self, now: Instant) {
        loop {
            let (slot, what) = {
                let mut board = self.board.borrow_mut();
                let Some((index, what)) = board.wheel.pop(now) else { return };
                let Some(place) = board.places.get_mut(index) else { continue };
                Wheel::fired(&mut place.armed, what);
                (Slot { index, generation: place.generation }, what)
            };
            if what == Deadline::Stall {
                flusher::stalled(&self.board, slot, now);
            } else {
                self.board.borrow_mut().calls.push_back(Call::Deadline(slot, what));
            }
        }
    }

    /// All queues together: the shard that holds the most cuts its fullest.
    fn bound_total(&self) {
        let queued = self.board.borrow().queued;
        if queued == 0 {
            return;
        }
        self.line(|line| line.queued.store(queued, Ordering::Relaxed));
        let (total, fullest) = self.shards.queued();
        if total <= self.board.borrow().settings.queue_bytes_total {
            return;
        }
        if fullest == self.shard {
            self.board.borrow_mut().relieve(total.saturating_sub(queued));
        } else {
            self.shards.send(fullest, Command::Relieve);
        }
    }

    fn write_dirty(&self, now: Instant) {
        for _ in 0..SOCKETS_A_TURN {
            let Some(index) = self.board.borrow_mut().dirty.pop_front() else { return };
            flusher::write(&self.board, index, How::Dirty, now);
            #[cfg(feature = "failpoints")]
            if !self.board.borrow().dirty.is_empty() {
                // some members of what was published have it, others do not
                crate::crash_point!("delivery.half");
            }
        }
    }

    /// Calls outlets. Nothing is borrowed here, so they may call back; a panic of one session ends that
    /// session alone.
    fn tell(&self) {
        let calls = std::mem::take(&mut self.board.borrow_mut().calls);
        for call in calls {
            match call {
                Call::Closed(place, why) => {
                    guarded(&place.outlet, |outlet| outlet.closed(why));
                }
                Call::Deadline(slot, what) => self.tell_one(slot, |outlet| outlet.deadline(what)),
                Call::Blocked(slot) => self.tell_one(slot, |outlet| outlet.blocked()),
            }
        }
    }

    fn tell_one(&self, slot: Slot, call: impl FnOnce(&dyn Outlet)) {
        let outlet = self.board.borrow_mut().place(slot).map(|place| Rc::clone(&place.outlet));
        if let Some(outlet) = outlet
            && !guarded(&outlet, call)
        {
            self.abort(slot, CloseReason::Session("panicked"));
        }
    }

    /// Wakes who waits, and lets others see what waits here.
    pub(super) fn settle(&self) {
        let (wakes, queued, frames, sessions) = {
            let mut board = self.board.borrow_mut();
            let wakes = std::mem::take(&mut board.wakes);
            (wakes, board.queued, std::mem::take(&mut board.counted), board.places.len())
        };
        for waker in wakes {
            waker.wake();
        }
        if frames > 0 {
            metrics().delivery.frames.inc_by(frames);
        }
        let before = self.shown.replace(queued);
        if before != queued {
            let change = i64::try_from(queued).unwrap_or(i64::MAX) - i64::try_from(before).unwrap_or(0);
            metrics().delivery.queued_bytes.inc_by(change);
        }
        self.line(|line| {
            line.queued.store(queued, Ordering::Relaxed);
            line.sessions.store(sessions, Ordering::Relaxed);
        });
    }
}

/// Commands taken out of the channel: counted as carried out when the turn leaves them, even by a panic.
struct Taken<'a> {
    of: &'a Switchboard,
    commands: usize,
    bytes: usize,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if self.commands > 0 {
            self.of.shards.carried_out(self.of.shard, self.commands, self.bytes);
        }
    }
}

fn guarded(outlet: &Rc<dyn Outlet>, call: impl FnOnce(&dyn Outlet)) -> bool {
    let called = catch_unwind(AssertUnwindSafe(|| call(outlet.as_ref())));
    if called.is_err() {
        log::error!("a session panicked when its slot told it something");
    }
    called.is_ok()
}
