//! A socket with a budget: what the driver would buffer whole is bounded here.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// How many bytes may still be read.
#[derive(Debug, Clone, Default)]
pub(super) struct Budget {
    left: Arc<AtomicUsize>,
    spent: Arc<AtomicBool>,
}

impl Budget {
    pub fn new(bytes: usize) -> Self {
        Self { left: Arc::new(AtomicUsize::new(bytes)), spent: Arc::default() }
    }
    /// For the next query.
    pub fn set(&self, bytes: usize) {
        self.left.store(bytes, Relaxed);
    }
    /// Nothing more is read.
    pub fn spend(&self) {
        self.left.store(0, Relaxed);
        self.spent.store(true, Relaxed);
    }
    /// Whether more came than may: the connection is of no use then.
    pub fn is_spent(&self) -> bool {
        self.spent.load(Relaxed)
    }
    fn take(&self, bytes: usize) -> bool {
        let taken = self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(bytes)).is_ok();
        if !taken {
            self.spent.store(true, Relaxed);
        }
        taken
    }
}

/// The socket.
pub(super) struct Metered {
    stream: TcpStream,
    budget: Budget,
}

impl Metered {
    pub fn new(stream: TcpStream, budget: Budget) -> Self {
        Self { stream, budget }
    }
}

impl AsyncRead for Metered {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        let read = buffer.filled().len().saturating_sub(before);
        if read > 0 && !self.budget.take(read) {
            return Poll::Ready(Err(io::Error::other("more bytes than the answer may have")));
        }
        polled
    }
}

impl AsyncWrite for Metered {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
