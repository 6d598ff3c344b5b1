//! Events of all clients of one tenant, over all workers (`limits.client_events_per_tenant`).

use std::{collections::HashMap, time::Instant};

use parking_lot::Mutex;

use crate::{clock::Clock, config::Rate, ids::TenantId};

/// Tenants that are remembered before full buckets are forgotten.
const REMEMBERED: usize = 10_000;

/// One bucket a tenant.
pub struct TenantRates {
    rate: Rate,
    clock: Clock,
    buckets: Mutex<HashMap<TenantId, Bucket>>,
}

struct Bucket {
    left: f64,
    at: Instant,
}

impl TenantRates {
    /// Shared by all workers.
    pub fn new(rate: Rate, clock: Clock) -> Self {
        Self { rate, clock, buckets: Mutex::default() }
    }

    /// Takes one event of the tenant, or says how many milliseconds to wait.
    pub fn take(&self, tenant: &TenantId) -> Result<(), u64> {
        let now = self.clock.monotonic();
        let (burst, refill) = (self.rate.burst as f64, self.rate.refill());
        let mut buckets = self.buckets.lock();
        if buckets.len() >= REMEMBERED && !buckets.contains_key(tenant) {
            buckets.retain(|_, bucket| bucket.filled(now, refill) < burst);
        }
        let bucket = buckets.entry(tenant.clone()).or_insert(Bucket { left: burst, at: now });
        let left = bucket.filled(now, refill).min(burst);
        bucket.at = now;
        bucket.left = left;
        if left >= 1.0 {
            bucket.left -= 1.0;
            return Ok(());
        }
        let wait = (1.0 - left) / refill.max(f64::MIN_POSITIVE) * 1000.0;
        Err(wait.ceil().clamp(1.0, 3_600_000.0) as u64)
    }
}

impl Bucket {
    fn filled(&self, now: Instant, refill: f64) -> f64 {
        self.left + now.saturating_duration_since(self.at).as_secs_f64() * refill
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_tenant_has_its_own_bucket() {
        let clock = Clock::fixed(jiff::Timestamp::UNIX_EPOCH);
        let rates = TenantRates::new(Rate::per_second(10, 2), clock.clone());
        let (a, b) = (TenantId::trusted("a"), TenantId::trusted("b"));
        assert_eq!((rates.take(&a), rates.take(&a), rates.take(&a)), (Ok(()), Ok(()), Err(100)));
        assert_eq!(rates.take(&b), Ok(()));
        clock.advance(Duration::from_millis(100));
        assert_eq!((rates.take(&a), rates.take(&a)), (Ok(()), Err(100)));
    }
}
