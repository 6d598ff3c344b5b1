//! Writes sockets: one vectored write a socket and turn.

use std::{
    cell::RefCell,
    io::{self, ErrorKind, IoSlice},
    time::Instant,
};

use engineioxide::DisconnectReason;
use tokio::net::TcpStream;

use super::{
    state::{Board, Call},
    types::{CloseReason, Deadline, Sink, Slot},
    wheel::Wheel,
};

/// Sockets written before the worker's other tasks get their turn.
pub(super) const SOCKETS_A_TURN: usize = 256;

/// Frames that one write takes.
const SLICES: usize = 64;

/// How a socket is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// If it is marked dirty and takes something.
    Dirty,
    /// Past its readiness, before it is given up as stalled.
    Probe,
}

/// One write to the socket at `index`. The queue is away from its place meanwhile and the board is not
/// borrowed. True when bytes left.
pub(super) fn write(board: &RefCell<Board>, index: u32, how: How, now: Instant) -> bool {
    let (sink, mut queue, generation) = {
        let mut board = board.borrow_mut();
        let Some(place) = board.places.get_mut(index) else { return false };
        let dirty = std::mem::take(&mut place.dirty);
        if how == How::Dirty && (!dirty || place.blocked) {
            return false;
        }
        let Some(sink) = place.sink.clone().filter(|_| !place.queue.is_empty()) else { return false };
        (sink, std::mem::take(&mut place.queue), place.generation)
    };
    let mut slices = [IoSlice::new(&[]); SLICES];
    let count = queue.slices(&mut slices);
    let bytes = slices.get(..count).unwrap_or_default();
    let result = if how == How::Probe { sink.probe(bytes) } else { sink.try_write(bytes) };
    drop(sink);

    let mut board = board.borrow_mut();
    let board = &mut *board;
    let before = queue.bytes();
    let slot = Slot { index, generation };
    let Some(place) = board.places.get_mut(index).filter(|place| place.generation == generation) else {
        board.queued = board.queued.saturating_sub(before);
        return false;
    };
    let written = match result {
        Ok(0) => Err(ErrorKind::WriteZero),
        Ok(written) => Ok(written),
        Err(error) => Err(error.kind()),
    };
    if let Ok(written) = written {
        queue.advance(written);
    }
    let after = queue.bytes();
    queue.append(std::mem::take(&mut place.queue));
    place.queue = queue;
    match written {
        Ok(_) => {
            if place.ending.is_none() && Wheel::is_set(&mut place.armed, Deadline::Stall) {
                board.wheel.clear(&mut place.armed, index, Deadline::Stall);
            }
            let more = !place.queue.is_empty();
            let blocked = place.blocked;
            // What came meanwhile is no part of what left.
            let later = place.queue.bytes().saturating_sub(after);
            board.drained(index, before + later);
            if more && !blocked {
                board.mark(index);
            }
            true
        }
        Err(ErrorKind::Interrupted) => {
            board.mark(index);
            false
        }
        Err(ErrorKind::WouldBlock) => {
            place.blocked = true;
            if how == How::Dirty {
                arm_stall(board, slot, now);
                board.calls.push_back(Call::Blocked(slot));
            }
            false
        }
        Err(_) => {
            board.end(index, CloseReason::Engine(DisconnectReason::TransportError));
            false
        }
    }
}

/// The peer has `stall_timeout` to read something.
fn arm_stall(board: &mut Board, slot: Slot, now: Instant) {
    let until = now + board.settings.stall_timeout;
    let Some(place) = board.places.get_mut(slot.index) else { return };
    if !Wheel::is_set(&mut place.armed, Deadline::Stall) {
        board.wheel.set(&mut place.armed, slot.index, Deadline::Stall, until);
    }
}

/// The stall deadline of a session has passed.
pub(super) fn stalled(board: &RefCell<Board>, slot: Slot, now: Instant) {
    let ending = {
        let mut board = board.borrow_mut();
        let Some(place) = board.place(slot) else { return };
        place.ending.clone()
    };
    if let Some(why) = ending {
        board.borrow_mut().end(slot.index, why);
        return;
    }
    let progress = write(board, slot.index, How::Probe, now);
    let mut board = board.borrow_mut();
    let Some(place) = board.place(slot) else { return };
    if !place.blocked {
        return;
    }
    if progress {
        arm_stall(&mut board, slot, now);
    } else {
        board.end(slot.index, CloseReason::Stalled);
    }
}

impl Sink for TcpStream {
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        match bytes {
            [one] => TcpStream::try_write(self, one),
            many => self.try_write_vectored(many),
        }
    }
    fn probe(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        socket2::SockRef::from(self).send_vectored(bytes)
    }
}

/// A socket whose reader needs `&mut` (`poll_read`), which it must not hold across a call.
impl<S: Sink> Sink for RefCell<S> {
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_borrow().map_err(|_| ErrorKind::Interrupted)?.try_write(bytes)
    }
    fn probe(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        self.try_borrow().map_err(|_| ErrorKind::Interrupted)?.probe(bytes)
    }
}
