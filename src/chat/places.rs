//! How many turns are answered at once (`ai.concurrent`): who waits is served in order, and one tenant
//! has at most half of the places.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::TenantId;

/// Tenants that are remembered before those without turns are forgotten.
const REMEMBERED: usize = 1024;

/// The places.
pub(super) struct Places {
    all: Arc<Semaphore>,
    per_tenant: usize,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A place, given back on drop.
pub(super) struct Place {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Places {
    pub(super) fn new(places: usize) -> Self {
        let places = places.max(1);
        Self {
            all: Arc::new(Semaphore::new(places)),
            per_tenant: places.div_ceil(2),
            tenants: Mutex::default(),
        }
    }

    /// Waits for a place; first among the tenant's own, so that who waits for those holds none of the
    /// others. None only when the hub ends.
    pub(super) async fn wait(&self, tenant: &TenantId) -> Option<Place> {
        let own = {
            let mut tenants = self.tenants.lock();
            if tenants.len() >= REMEMBERED {
                tenants.retain(|_, places| Arc::strong_count(places) > 1);
            }
            let new = || Arc::new(Semaphore::new(self.per_tenant));
            Arc::clone(tenants.entry(tenant.clone()).or_insert_with(new))
        };
        let own = own.acquire_owned().await.ok()?;
        let all = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place { _own: own, _all: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_tenant_takes_at_most_half_and_who_waits_is_next() {
        let places = Places::new(4);
        let (a, b) = (TenantId::trusted("a"), TenantId::trusted("b"));
        let first = places.wait(&a).await;
        let _second = places.wait(&a).await;
        let mut third = std::pin::pin!(places.wait(&a));
        assert!(futures_util::poll!(third.as_mut()).is_pending());
        let _others = (places.wait(&b).await, places.wait(&b).await);
        drop(first);
        assert!(third.await.is_some());
    }
}
