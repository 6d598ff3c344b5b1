//! Buckets that are refilled evenly: one, or one for each of many keys.

use std::{
    collections::HashMap,
    hash::Hash,
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use crate::config::Rate;

/// Keys that are remembered before those with a full bucket are forgotten.
const REMEMBERED: usize = 20_000;

/// What is left of a [`Rate`].
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
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

/// A bucket a key, shared by all threads.
#[derive(Debug)]
pub struct Buckets<K> {
    rate: Rate,
    known: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash + Clone> Buckets<K> {
    /// All full.
    pub fn new(rate: Rate) -> Self {
        Self { rate, known: Mutex::default() }
    }

    /// Takes one out of the key's.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub fn take(&self, key: &K, now: Instant) -> Result<(), Duration> {
        let mut known = self.known.lock();
        if known.len() >= REMEMBERED && !known.contains_key(key) {
            known.retain(|_, bucket| !bucket.is_full(&self.rate, now));
            // So many at work at once: who has many addresses shall have neither our memory nor our time.
            if known.len() > REMEMBERED / 2 {
                known.clear();
            }
        }
        let bucket = known.entry(key.clone()).or_insert_with(|| Bucket::full(&self.rate, now));
        bucket.take(&self.rate, 1, now)
    }

    /// Puts one back that was taken for nothing.
    pub fn give_back(&self, key: &K) {
        if let Some(bucket) = self.known.lock().get_mut(key) {
            bucket.left = (bucket.left + 1.0).min(self.rate.burst as f64);
        }
    }

    /// Whether nothing is left for the key.
    pub fn is_empty(&self, key: &K, now: Instant) -> bool {
        self.known.lock().get_mut(key).is_some_and(|bucket| {
            bucket.refill(&self.rate, now);
            bucket.left < 1.0
        })
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

    #[test]
    fn each_key_has_its_own() {
        let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let buckets = Buckets::new(Rate::per_second(10, 2));
        let take = |key: &str| buckets.take(&key.to_owned(), clock.monotonic());
        let wait = Err(Duration::from_millis(100));
        assert_eq!((take("a"), take("a"), take("a")), (Ok(()), Ok(()), wait));
        assert!(buckets.is_empty(&"a".to_owned(), clock.monotonic()));
        assert!(!buckets.is_empty(&"b".to_owned(), clock.monotonic()));
        assert_eq!(take("b"), Ok(()));
        clock.advance(Duration::from_millis(100));
        assert_eq!((take("a"), take("a")), (Ok(()), wait));
        buckets.give_back(&"a".to_owned());
        assert_eq!((take("a"), take("a")), (Ok(()), wait));
    }

    #[test]
    fn a_million_keys_are_not_remembered() {
        let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let buckets = Buckets::new(Rate::per_second(1, 2));
        for key in 0..1_000_000_u32 {
            let _ = buckets.take(&key, clock.monotonic());
        }
        assert!(buckets.known.lock().len() <= REMEMBERED);
    }
}
