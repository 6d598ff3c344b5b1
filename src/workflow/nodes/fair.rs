//! Who is next: attempts beyond what the script pool takes wait here, in order, and one tenant
//! takes at most half of the places.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::ids::TenantId;

/// Tenants that are remembered before those without attempts are forgotten.
const REMEMBERED: usize = 1024;

/// The places.
pub(super) struct Turns {
    all: Arc<Semaphore>,
    per_tenant: usize,
    tenants: Mutex<HashMap<TenantId, Arc<Semaphore>>>,
}

/// A place, given back on drop.
pub(super) struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new(places: usize) -> Self {
        let places = places.max(1);
        Self {
            all: Arc::new(Semaphore::new(places)),
            per_tenant: places.div_ceil(2),
            tenants: Mutex::default(),
        }
    }

    /// Waits for a place. None only when the hub ends.
    pub(super) async fn wait(&self, tenant: &TenantId) -> Option<Turn> {
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
        Some(Turn { _own: own, _all: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_tenant_takes_at_most_half() {
        let turns = Turns::new(4);
        let (a, b) = (TenantId::trusted("a"), TenantId::trusted("b"));
        let first = turns.wait(&a).await;
        let _second = turns.wait(&a).await;
        let third = turns.wait(&a);
        tokio::pin!(third);
        let at_once = tokio::time::timeout(std::time::Duration::from_millis(10), third.as_mut());
        assert!(at_once.await.is_err());
        assert!(turns.wait(&b).await.is_some());
        drop(first);
        assert!(third.await.is_some());
    }
}
