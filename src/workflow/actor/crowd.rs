//! How many actors one tenant keeps alive (`limits.actors_per_tenant`). Runs at work are bounded by
//! their admission; beyond that it is watchers of waiting runs that bring actors to life.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use crate::ids::TenantId;

/// Living actors by tenant.
pub(in crate::workflow) struct Crowd {
    most: usize,
    alive: Mutex<HashMap<TenantId, usize>>,
}

/// One of them; its drop takes it out.
pub(in crate::workflow) struct Guest {
    crowd: Arc<Crowd>,
    tenant: TenantId,
}

impl Crowd {
    pub(in crate::workflow) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, alive: Mutex::default() })
    }

    pub(in crate::workflow) fn enter(self: &Arc<Self>, tenant: &TenantId) -> Guest {
        *self.alive.lock().entry(tenant.clone()).or_default() += 1;
        Guest { crowd: Arc::clone(self), tenant: tenant.clone() }
    }
}

impl Guest {
    /// The tenant has more than it may.
    pub(in crate::workflow) fn is_too_many(&self) -> bool {
        let alive = self.crowd.alive.lock();
        alive.get(&self.tenant).is_some_and(|alive| *alive > self.crowd.most)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut alive = self.crowd.alive.lock();
        if let Some(count) = alive.get_mut(&self.tenant) {
            *count -= 1;
            if *count == 0 {
                alive.remove(&self.tenant);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_leaves_is_not_counted() {
        let crowd = Crowd::new(1);
        let tenant = TenantId::trusted("t");
        let first = crowd.enter(&tenant);
        assert!(!first.is_too_many());
        let second = crowd.enter(&tenant);
        assert!(second.is_too_many());
        drop(first);
        assert!(!second.is_too_many());
        drop(second);
        assert!(crowd.alive.lock().is_empty());
    }
}
