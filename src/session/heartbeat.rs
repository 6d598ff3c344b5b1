//! Signs of life, from one instant: the handshake. Nothing is rounded, and nothing but the pong that
//! was asked for moves the schedule (`protocol.md` 1.8).

use std::time::{Duration, Instant};

/// The schedule of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heartbeat {
    interval: Duration,
    timeout: Duration,
    /// When the next ping is due, or when the one that waits for its pong was.
    ping: Instant,
    waiting: bool,
}

impl Heartbeat {
    /// Begins at the handshake.
    pub fn start(opened: Instant, interval: Duration, timeout: Duration) -> Self {
        Self { interval, timeout, ping: opened + interval, waiting: false }
    }

    /// When the next ping is due.
    pub fn ping_due(&self) -> Instant {
        self.ping
    }

    /// When the session ends without a pong: counted from when the ping was due, not from when it was
    /// sent.
    pub fn pong_by(&self) -> Instant {
        self.ping + self.timeout
    }

    /// The ping was sent.
    pub fn pinged(&mut self) {
        self.waiting = true;
    }

    /// A pong came. False when nobody had asked for it: it changes nothing.
    pub fn pong(&mut self, now: Instant) -> bool {
        if self.waiting {
            self.waiting = false;
            self.ping = now + self.interval;
            return true;
        }
        false
    }

    /// Whether the session is over, whether or not a timer has noticed it.
    pub fn is_over(&self, now: Instant) -> bool {
        now >= self.pong_by()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const INTERVAL: Duration = Duration::from_millis(300);
    const TIMEOUT: Duration = Duration::from_millis(200);

    #[test]
    fn deadlines_run_from_the_handshake() {
        let opened = Clock::real().monotonic();
        let mut beat = Heartbeat::start(opened, INTERVAL, TIMEOUT);
        assert_eq!(beat.ping_due(), opened + INTERVAL);
        assert!(!beat.pong(opened + TIMEOUT), "nobody asked");
        assert_eq!(beat.pong_by(), opened + INTERVAL + TIMEOUT);
        beat.pinged();
        assert_eq!(beat.pong_by(), opened + INTERVAL + TIMEOUT, "a late ping does not move it");
        assert!(!beat.is_over(opened + Duration::from_millis(499)));
        assert!(beat.is_over(opened + Duration::from_millis(500)));
    }

    #[test]
    fn the_next_ping_is_an_interval_after_the_pong() {
        let opened = Clock::real().monotonic();
        let mut beat = Heartbeat::start(opened, INTERVAL, TIMEOUT);
        beat.pinged();
        assert!(beat.pong(opened + Duration::from_millis(310)));
        assert_eq!(beat.ping_due(), opened + Duration::from_millis(610));
        assert!(!beat.pong(opened + Duration::from_millis(320)));
        assert_eq!(beat.ping_due(), opened + Duration::from_millis(610));
    }
}
