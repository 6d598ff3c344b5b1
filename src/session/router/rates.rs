//! Events of all clients of one tenant, over all workers (`limits.client_events_per_tenant`).

use crate::{buckets::Buckets, clock::Clock, config::Rate, ids::TenantId};

/// One bucket a tenant.
pub struct TenantRates {
    clock: Clock,
    buckets: Buckets<TenantId>,
}

impl TenantRates {
    /// Shared by all workers.
    pub fn new(rate: Rate, clock: Clock) -> Self {
        Self { clock, buckets: Buckets::new(rate) }
    }

    /// Takes one event of the tenant, or says how many milliseconds to wait.
    pub fn take(&self, tenant: &TenantId) -> Result<(), u64> {
        let taken = self.buckets.take(tenant, self.clock.monotonic());
        // Rounded up: who waits so long is not refused again.
        taken.map_err(|wait| (wait.as_secs_f64() * 1000.0).ceil().clamp(1.0, 3_600_000.0) as u64)
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
        clock.advance(Duration::from_micros(500));
        assert_eq!(rates.take(&a), Err(100), "99.5 ms");
    }
}
