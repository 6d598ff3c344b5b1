//! What the machine asks: stop, or stop at once.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGXFSZ: without a handler a full quota would end the process instead of failing a write.
const FILE_TOO_LARGE: i32 = 25;

/// Signals from now on.
pub(in crate::server) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Takes them over; needs a runtime.
    pub(in crate::server) fn new() -> io::Result<Self> {
        // The handler stays for the life of the process; nobody needs to hear of it.
        drop(signal(SignalKind::from_raw(FILE_TOO_LARGE))?);
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the next wish to stop, and names it.
    pub async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
