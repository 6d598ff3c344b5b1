//! The only place that asks the time. Pure parts take `now` as an argument; shells hold a
//! [`Clock`], which a test may fix and advance.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use parking_lot::Mutex;

/// Wall clock and monotonic clock. Cheap to clone; clones of a fixed clock move together.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    fixed: Option<Arc<Mutex<Fixed>>>,
}

#[derive(Debug)]
struct Fixed {
    wall: Timestamp,
    monotonic: Instant,
}

impl Clock {
    /// The machine's clock.
    pub fn real() -> Self {
        Self::default()
    }
    /// A clock that stands still until [`Clock::advance`].
    pub fn fixed(wall: Timestamp) -> Self {
        Self { fixed: Some(Arc::new(Mutex::new(Fixed { wall, monotonic: now_monotonic() }))) }
    }
    /// Wall time: for rows, events and log lines. It may jump: deadlines use [`Clock::monotonic`].
    pub fn now(&self) -> Timestamp {
        match &self.fixed {
            Some(fixed) => fixed.lock().wall,
            None => now_wall(),
        }
    }
    /// Monotonic time: for deadlines inside the process.
    pub fn monotonic(&self) -> Instant {
        match &self.fixed {
            Some(fixed) => fixed.lock().monotonic,
            None => now_monotonic(),
        }
    }
    /// Moves a fixed clock (both times); nothing on a real one.
    pub fn advance(&self, by: Duration) {
        if let Some(fixed) = &self.fixed {
            let mut fixed = fixed.lock();
            fixed.monotonic += by;
            if let Ok(wall) = fixed.wall.checked_add(by) {
                fixed.wall = wall;
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this file is where the time is asked")]
fn now_monotonic() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this file is where the time is asked")]
fn now_wall() -> Timestamp {
    Timestamp::now()
}

/// ISO-8601 in UTC with milliseconds, the form of every time on the wire (`contract.md` head).
pub fn to_wire(at: Timestamp) -> String {
    format!("{at:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wire_times_have_milliseconds() {
        let at: Timestamp = "2026-01-01T00:00:00.5Z".parse().unwrap_or_default();
        assert_eq!(to_wire(at), "2026-01-01T00:00:00.500Z");
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let before = clock.monotonic();
        clock.advance(Duration::from_secs(60));
        assert_eq!(clock.now().as_second(), 60);
        assert_eq!(clock.monotonic() - before, Duration::from_secs(60));
    }
}
