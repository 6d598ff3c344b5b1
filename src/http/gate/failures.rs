//! Guessing at `/admin/v1`: after so many failed credentials an address must wait (`faults.md` A12).

use std::{net::IpAddr, time::Instant};

use crate::{buckets::Buckets, config::Rate};

/// A bucket an address: each failure takes from it, time fills it. Pure but for its lock.
pub(super) struct Failures(Buckets<IpAddr>);

impl Failures {
    pub fn new(rate: Rate) -> Self {
        Self(Buckets::new(rate))
    }

    /// Whether the address must wait. Loopback never does.
    pub fn must_wait(&self, ip: IpAddr, now: Instant) -> bool {
        !ip.is_loopback() && self.0.is_empty(&ip, now)
    }

    /// Notes a failure.
    pub fn note(&self, ip: IpAddr, now: Instant) {
        // Nothing left to take: it waits already.
        let _ = self.0.take(&ip, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use std::time::Duration;

    #[test]
    fn five_failures_a_minute_and_no_more() {
        let failures = Failures::new(Rate::each(5, Duration::from_secs(60)));
        let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let (guesser, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        for _ in 0..5 {
            assert!(!failures.must_wait(guesser, clock.monotonic()));
            failures.note(guesser, clock.monotonic());
        }
        assert!(failures.must_wait(guesser, clock.monotonic()));
        assert!(!failures.must_wait(other, clock.monotonic()));
        clock.advance(Duration::from_secs(12));
        assert!(!failures.must_wait(guesser, clock.monotonic()));
        failures.note(guesser, clock.monotonic());
        assert!(failures.must_wait(guesser, clock.monotonic()));
        let local: IpAddr = [127, 0, 0, 1].into();
        (0..9).for_each(|_| failures.note(local, clock.monotonic()));
        assert!(!failures.must_wait(local, clock.monotonic()));
    }
}
