//! A bucket that is refilled evenly.

use std::time::{Duration, Instant};

use crate::config::Rate;

/// What is left of a [`Rate`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    left: f64,
    at: Instant,
}

impl Bucket {
    /// A full one.
    pub fn full(rate: &Rate, now: Instant) -> Self {
        Self { left: rate.burst as f64, at: now }
    }

    fn refill(&mut self, rate: &Rate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * rate.refill()).min(rate.burst as f64);
        self.at = now;
    }

    /// Takes `amount` out. One that is larger than the bucket needs a full one, so that it is not
    /// refused for ever.
    ///
    /// # Errors
    /// How long it takes until there is enough.
    pub fn take(&mut self, rate: &Rate, amount: u64, now: Instant) -> Result<(), Duration> {
        self.refill(rate, now);
        let amount = (amount as f64).min(rate.burst as f64);
        if self.left >= amount {
            self.left -= amount;
            return Ok(());
        }
        let seconds = (amount - self.left) / rate.refill().max(f64::MIN_POSITIVE);
        Err(Duration::try_from_secs_f64(seconds).unwrap_or(rate.per))
    }

    /// Whether nothing was taken lately.
    pub fn is_full(&mut self, rate: &Rate, now: Instant) -> bool {
        self.refill(rate, now);
        self.left >= rate.burst as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_burst_then_the_rate() {
        let rate = Rate::per_second(10, 20);
        let now = Clock::real().monotonic();
        let mut bucket = Bucket::full(&rate, now);
        assert!((0..20).all(|_| bucket.take(&rate, 1, now).is_ok()));
        assert_eq!(bucket.take(&rate, 1, now), Err(Duration::from_millis(100)));
        let later = now + Duration::from_millis(150);
        assert!(bucket.take(&rate, 1, later).is_ok() && bucket.take(&rate, 1, later).is_err());
        assert!(
            bucket.take(&rate, 1000, now + Duration::from_secs(10)).is_ok(),
            "a full bucket for a large one"
        );
        assert!(bucket.is_full(&rate, now + Duration::from_secs(20)));
    }
}
