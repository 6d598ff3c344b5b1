//! How much of what a client sent has not been carried out: the reader of its websocket stops at the
//! bound, and the kernel tells the client.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    task::{Context, Poll},
};

use futures_util::task::AtomicWaker;

/// Bytes (and a share for each packet) that may wait.
const OPEN: usize = 256 * 1024;
/// What a packet costs beside its bytes.
pub(in crate::session) const PACKET: usize = 64;

/// Between the reader of a websocket and its session.
#[derive(Debug, Default)]
pub(in crate::session) struct Gate {
    /// On the way to the session.
    sent: AtomicUsize,
    /// Waiting in it.
    backlog: AtomicUsize,
    reader: AtomicWaker,
}

impl Gate {
    pub fn sent(&self, cost: usize) {
        self.sent.fetch_add(cost, Ordering::AcqRel);
    }

    /// So much has arrived, and so much waits now.
    pub fn arrived(&self, cost: usize, backlog: usize) {
        let before = self.sent.fetch_sub(cost, Ordering::AcqRel);
        let waited = self.backlog.swap(backlog, Ordering::AcqRel);
        if before + waited > OPEN && self.is_open() {
            self.reader.wake();
        }
    }

    pub fn is_open(&self) -> bool {
        self.sent.load(Ordering::Acquire) + self.backlog.load(Ordering::Acquire) <= OPEN
    }

    /// Ready when the reader may go on.
    pub fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_open() {
            return Poll::Ready(());
        }
        self.reader.register(cx.waker());
        if self.is_open() { Poll::Ready(()) } else { Poll::Pending }
    }
}
