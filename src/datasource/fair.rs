//! Whose turn it is: so many queries at once, and one tenant has at most half of the places. Who
//! waits is served in order; how many of a tenant may wait is bounded.
//!
//! A query is admitted first, then waits for a place at its source (`pool`), and only then for its
//! turn here: who has a turn works, so that a slow source of one tenant holds up nobody else.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Error;
use crate::ids::TenantId;

/// Tenants that are remembered before those without queries are forgotten.
const REMEMBERED: usize = 1024;

/// The places.
pub(super) struct Turns {
    all: Arc<Semaphore>,
    per_tenant: usize,
    queue: usize,
    tenants: Mutex<HashMap<TenantId, Arc<Tenant>>>,
}

struct Tenant {
    places: Arc<Semaphore>,
    admitted: Arc<AtomicUsize>,
}

/// A place, given back on drop.
pub(super) struct Turn {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
}

/// One that waits or works.
pub(super) struct Admitted(Arc<AtomicUsize>);

impl Drop for Admitted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Turns {
    pub fn new(places: usize, queue: usize) -> Self {
        let places = places.max(1);
        Self {
            all: Arc::new(Semaphore::new(places)),
            per_tenant: places.div_ceil(2),
            queue,
            tenants: Mutex::default(),
        }
    }

    fn of(&self, tenant: &TenantId) -> Arc<Tenant> {
        let mut tenants = self.tenants.lock();
        if tenants.len() >= REMEMBERED {
            tenants.retain(|_, tenant| Arc::strong_count(tenant) > 1 || tenant.admitted.load(SeqCst) > 0);
        }
        let new = || {
            Arc::new(Tenant { places: Arc::new(Semaphore::new(self.per_tenant)), admitted: Arc::default() })
        };
        Arc::clone(tenants.entry(tenant.clone()).or_insert_with(new))
    }

    /// Takes one more query of the tenant, if not too many wait.
    pub fn admit(&self, tenant: &TenantId) -> Result<Admitted, Error> {
        let admitted = Admitted(Arc::clone(&self.of(tenant).admitted));
        let before = admitted.0.fetch_add(1, SeqCst);
        if before < self.queue + self.per_tenant { Ok(admitted) } else { Err(Error::Waiting) }
    }

    /// Waits for a place.
    pub async fn wait(&self, tenant: &TenantId) -> Result<Turn, Error> {
        let ended = |_| Error::Draining;
        let own = Arc::clone(&self.of(tenant).places).acquire_owned().await.map_err(ended)?;
        let all = Arc::clone(&self.all).acquire_owned().await.map_err(ended)?;
        Ok(Turn { _own: own, _all: all })
    }

    /// Whoever waits is sent away, and nobody comes in.
    pub fn close(&self) {
        self.all.close();
        self.tenants.lock().values().for_each(|tenant| tenant.places.close());
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn one_tenant_takes_at_most_half() {
        let turns = Turns::new(4, 1);
        let (a, b) = (TenantId::trusted("a"), TenantId::trusted("b"));
        let first = turns.wait(&a).await.unwrap();
        let _second = turns.wait(&a).await.unwrap();
        let third = turns.wait(&a);
        tokio::pin!(third);
        assert!(tokio::time::timeout(Duration::from_millis(10), third.as_mut()).await.is_err());
        assert!(turns.wait(&b).await.is_ok());
        drop(first);
        assert!(third.await.is_ok());
        turns.close();
        assert!(matches!(turns.wait(&b).await, Err(Error::Draining)));
    }

    #[test]
    fn the_queue_is_bounded() {
        let turns = Turns::new(4, 1);
        let a = TenantId::trusted("a");
        let mut held: Vec<_> = (0..3).map(|_| turns.admit(&a).unwrap()).collect();
        assert!(matches!(turns.admit(&a), Err(Error::Waiting)));
        assert!(turns.admit(&TenantId::trusted("b")).is_ok());
        held.pop();
        assert!(turns.admit(&a).is_ok());
    }
}
