//! Guessing at `/admin/v1`: after so many failed credentials an address must wait (`faults.md` A12).

use std::{collections::HashMap, net::IpAddr, time::Instant};

use parking_lot::Mutex;

use crate::config::Rate;

/// Most addresses remembered; then those that have recovered most are forgotten.
const MOST: usize = 10_000;

/// A bucket an address: each failure takes from it, time fills it. Pure but for its lock.
pub(super) struct Failures {
    rate: Rate,
    known: Mutex<HashMap<IpAddr, Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl Failures {
    pub fn new(rate: Rate) -> Self {
        Self { rate, known: Mutex::default() }
    }

    /// Whether the address must wait. Loopback never does.
    pub fn must_wait(&self, ip: IpAddr, now: Instant) -> bool {
        !ip.is_loopback() && self.known.lock().get(&ip).is_some_and(|bucket| self.left(bucket, now) < 1.0)
    }

    /// Notes a failure.
    pub fn note(&self, ip: IpAddr, now: Instant) {
        let mut known = self.known.lock();
        if known.len() >= MOST && !known.contains_key(&ip) {
            let full = self.rate.burst as f64;
            known.retain(|_, bucket| self.left(bucket, now) < full);
            if known.len() >= MOST {
                known.clear();
            }
        }
        let left = known.get(&ip).map_or(self.rate.burst as f64, |bucket| self.left(bucket, now));
        known.insert(ip, Bucket { left: (left - 1.0).max(0.0), at: now });
    }

    fn left(&self, bucket: &Bucket, now: Instant) -> f64 {
        let gained = now.saturating_duration_since(bucket.at).as_secs_f64() * self.rate.refill();
        (bucket.left + gained).min(self.rate.burst as f64)
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
