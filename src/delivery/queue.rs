//! A session's outbound queue: bounded in bytes and frames, in the order of pushing.
//!
//! Its bounds are checked against what already waits, not against the new frame, so a frame that is
//! larger than the bound still reaches a client that reads. (N5: a queue never exceeds its bound by
//! more than its last frame.)

use std::{collections::VecDeque, io::IoSlice};

use crate::{
    metrics::invariant_violated,
    protocol::frame::{Frame, Policy},
};

/// Above this many places an emptied queue gives its memory back.
const KEEP: usize = 8;

/// Most that may wait for one session.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub bytes: usize,
    pub frames: usize,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Queued,
    /// An older frame with the same key gave way.
    Replaced,
    /// Volatile, and too much waits.
    Dropped,
    /// The bound is reached: the session has to be closed.
    Full,
}

#[derive(Default)]
pub(super) struct Queue {
    frames: VecDeque<Frame>,
    bytes: usize,
    count: usize,
    /// Bytes of the first frame that are written already.
    written: usize,
}

impl Queue {
    /// Adds a frame as its policy says.
    pub fn push(&mut self, frame: Frame, bounds: &Bounds) -> Pushed {
        let mut pushed = Pushed::Queued;
        match frame.policy() {
            Policy::Log => {}
            Policy::Volatile => {
                if !self.is_below_half(bounds) {
                    return Pushed::Dropped;
                }
            }
            Policy::Latest(_) => {
                if self.remove_older(frame.policy()) {
                    pushed = Pushed::Replaced;
                }
            }
        }
        if self.is_full(bounds) {
            return Pushed::Full;
        }
        let cost = frame.cost();
        self.push_last(frame);
        if self.bytes.saturating_sub(cost) >= bounds.bytes.max(1) {
            invariant_violated("N5", "an outbound queue is over its bound");
        }
        pushed
    }

    /// Adds a frame whatever waits: the last word to a session that is being closed, or what belongs to
    /// the frame before it.
    pub fn push_last(&mut self, frame: Frame) {
        self.bytes += frame.cost();
        self.count += frame.frames();
        self.frames.push_back(frame);
    }

    /// A frame of which nothing is written yet gives way to a newer one of its key.
    fn remove_older(&mut self, policy: &Policy) -> bool {
        let begun = usize::from(self.written > 0);
        let Some(at) = self.frames.iter().skip(begun).position(|waiting| waiting.policy() == policy) else {
            return false;
        };
        if let Some(older) = self.frames.remove(at + begun) {
            self.forget(&older, 0);
        }
        true
    }

    fn forget(&mut self, frame: &Frame, written: usize) {
        self.bytes = self.bytes.saturating_sub(frame.cost() - written);
        self.count = self.count.saturating_sub(frame.frames());
    }

    /// What a vectored write takes next; the number of slices.
    pub fn slices<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let mut skip = self.written;
        let mut count = 0;
        for part in self.frames.iter().flat_map(Frame::parts) {
            if skip >= part.len() {
                skip -= part.len();
                continue;
            }
            let Some(slice) = out.get_mut(count) else { break };
            *slice = IoSlice::new(part.get(skip..).unwrap_or_default());
            skip = 0;
            count += 1;
        }
        count
    }

    /// So many bytes were written.
    pub fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.frames.front() {
            let rest = first.cost() - self.written;
            if written < rest {
                self.written += written;
                self.bytes = self.bytes.saturating_sub(written);
                return;
            }
            written -= rest;
            if let Some(first) = self.frames.pop_front() {
                self.forget(&first, self.written);
            }
            self.written = 0;
        }
        self.give_back();
    }

    /// Whole frames up to `max_bytes` and `max_packets`, at least one.
    pub fn take(&mut self, max_bytes: usize, max_packets: usize) -> Vec<Frame> {
        let mut taken = Vec::new();
        let (mut bytes, mut packets) = (0, 0);
        while let Some(first) = self.frames.front() {
            let more = (bytes + first.cost(), packets + first.packets());
            if !taken.is_empty() && (more.0 > max_bytes || more.1 > max_packets) {
                break;
            }
            (bytes, packets) = more;
            if let Some(first) = self.frames.pop_front() {
                self.forget(&first, self.written);
                // Of a frame that was begun on a socket nobody could read the rest.
                if std::mem::take(&mut self.written) == 0 {
                    taken.push(first);
                }
            }
        }
        self.give_back();
        taken
    }

    fn give_back(&mut self) {
        if self.frames.is_empty() && self.frames.capacity() > KEEP {
            self.frames = VecDeque::new();
        }
    }

    /// What was pushed while the queue was away at a write comes behind it.
    pub fn append(&mut self, mut later: Queue) {
        if !later.frames.is_empty() {
            self.bytes += later.bytes;
            self.count += later.count;
            self.frames.append(&mut later.frames);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Frames that wait.
    pub fn frames(&self) -> usize {
        self.count
    }

    fn is_full(&self, bounds: &Bounds) -> bool {
        self.bytes >= bounds.bytes || self.count >= bounds.frames
    }

    /// Time for the next page, and the last moment for volatile frames.
    pub fn is_below_half(&self, bounds: &Bounds) -> bool {
        self.bytes < bounds.bytes.div_ceil(2) && self.count < bounds.frames.div_ceil(2)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { bytes: 100, frames: 8 };

    fn frame(text: &str) -> Frame {
        Frame::engine(text)
    }

    fn written(queue: &Queue) -> Vec<u8> {
        let mut slices = [IoSlice::new(&[]); 4];
        let count = queue.slices(&mut slices);
        slices[..count].iter().flat_map(|slice| slice.to_vec()).collect()
    }

    #[test]
    fn the_bound_counts_what_waits_not_what_comes() {
        let mut queue = Queue::default();
        assert_eq!(queue.push(frame(&"x".repeat(5000)), &BOUNDS), Pushed::Queued);
        assert_eq!(queue.push(frame("y"), &BOUNDS), Pushed::Full);
        queue.advance(5004 - 99);
        assert_eq!(queue.push(frame("y"), &BOUNDS), Pushed::Queued);
    }

    #[test]
    fn a_pair_is_one_frame_of_the_bound() {
        let mut queue = Queue::default();
        for _ in 0..7 {
            assert_eq!(queue.push(frame("x"), &BOUNDS), Pushed::Queued);
        }
        assert_eq!(queue.push(Frame::pair(&frame("a"), &frame("b")), &BOUNDS), Pushed::Queued);
        assert_eq!(queue.frames(), 8);
        assert_eq!(queue.push(frame("x"), &BOUNDS), Pushed::Full);
        assert_eq!(queue.take(usize::MAX, usize::MAX).last().map(|last| last.messages().count()), Some(2));
    }

    #[test]
    fn only_the_newest_of_a_key_waits_and_a_begun_frame_stays() {
        let mut queue = Queue::default();
        let latest = |text: &str| frame(text).with_policy(Policy::Latest("k".into()));
        queue.push(latest("one"), &BOUNDS);
        queue.advance(1);
        assert_eq!(queue.push(latest("two"), &BOUNDS), Pushed::Queued, "the first is half written");
        queue.push(frame("log"), &BOUNDS);
        assert_eq!(queue.push(latest("three"), &BOUNDS), Pushed::Replaced);
        assert_eq!(written(&queue), b"\x03one\x81\x03log\x81\x05three");
        assert_eq!((queue.bytes(), queue.frames()), (4 + 5 + 7, 3));
    }

    #[test]
    fn volatile_frames_need_half_of_the_queue() {
        let mut queue = Queue::default();
        let volatile = || frame("v").with_policy(Policy::Volatile);
        for _ in 0..4 {
            assert_eq!(queue.push(volatile(), &BOUNDS), Pushed::Queued);
        }
        assert_eq!(queue.push(volatile(), &BOUNDS), Pushed::Dropped);
        assert_eq!(queue.push(frame("x"), &BOUNDS), Pushed::Queued);
    }

    #[test]
    fn a_batch_has_at_least_one_frame_and_whole_ones() {
        let mut queue = Queue::default();
        for text in ["aaaa", "bb", "cc"] {
            queue.push(frame(text), &BOUNDS);
        }
        assert_eq!(queue.take(1, usize::MAX).len(), 1);
        assert_eq!(queue.take(8, usize::MAX).len(), 2);
        assert!(queue.take(8, usize::MAX).is_empty() && queue.bytes() == 0 && queue.frames() == 0);
    }

    #[test]
    fn a_batch_has_so_many_packets_at_most() {
        let mut queue = Queue::default();
        for _ in 0..3 {
            queue.push(Frame::pair(&frame("a"), &frame("b")), &BOUNDS);
        }
        let taken = |queue: &mut Queue, most| queue.take(usize::MAX, most).len();
        assert_eq!((taken(&mut queue, 5), taken(&mut queue, 1)), (2, 1), "whole frames, at least one");
    }

    proptest! {
        /// However a socket cuts the writes: the bytes are the frames in order, the counts are exact.
        #[test]
        fn writes_of_any_size_keep_bytes_and_counts(steps in prop::collection::vec((0usize..300, 0usize..400), 1..60)) {
            let bounds = Bounds { bytes: 1000, frames: 20 };
            let (mut queue, mut sent, mut got) = (Queue::default(), Vec::new(), Vec::new());
            let (mut pushed, mut bytes) = (0u32, 0);
            for (size, write) in steps {
                let frame = frame(&format!("{pushed}:{}", "x".repeat(size)));
                let before = (queue.bytes(), queue.frames());
                match queue.push(frame.clone(), &bounds) {
                    Pushed::Queued => { sent.extend_from_slice(&frame.websocket()); pushed += 1; bytes += frame.cost(); }
                    Pushed::Full => prop_assert!(before.0 >= 1000 || before.1 >= 20),
                    other => prop_assert!(false, "{other:?}"),
                }
                let mut next = written(&queue);
                next.truncate(write);
                queue.advance(next.len());
                bytes -= next.len();
                got.extend(next);
                prop_assert_eq!(queue.bytes(), bytes);
            }
            while !queue.is_empty() {
                let next = written(&queue);
                queue.advance(next.len());
                got.extend(next);
            }
            prop_assert_eq!(got, sent);
            prop_assert_eq!((queue.bytes(), queue.frames()), (0, 0));
        }
    }
}
