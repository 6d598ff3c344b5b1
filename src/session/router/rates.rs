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
        taken.map_err(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).clamp(1, 3_600_000))
    }
}
