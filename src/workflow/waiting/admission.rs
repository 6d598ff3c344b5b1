//! Who may run now: a tenant's active runs are bounded, the next ones wait in their order, and
//! those behind the queue's bound are refused. One tenant's queue never holds up another's.
//!
//! Runs that are executed elsewhere take no place of those that are executed here: a reporter that
//! died must not stop the tenant's own runs. They have as many places of their own, and as they
//! begin with their first event, none of them can wait: one too many is refused.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::{
    ids::{RunId, TenantId},
    store::{
        Connection, Store,
        tables::runs::{Executor, running},
    },
    workflow::Error,
};

/// Where a new run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::workflow) enum Place {
    /// It runs at once.
    Active,
    /// It waits as `PENDING`.
    Waiting,
}

/// The places of all tenants.
pub(in crate::workflow) struct Admission {
    max_active: usize,
    max_waiting: usize,
    tenants: Mutex<HashMap<TenantId, Tenant>>,
}

#[derive(Default)]
struct Tenant {
    counted: Arc<OnceCell<()>>,
    active: usize,
    /// Active runs that are executed elsewhere.
    external: usize,
    waiting: VecDeque<RunId>,
    /// Those in `waiting`, and those that were told to begin and have not said that they did.
    known: HashSet<RunId>,
}

impl Admission {
    pub(in crate::workflow) fn new(max_active: usize, max_waiting: usize) -> Self {
        Self { max_active, max_waiting, tenants: Mutex::default() }
    }

    /// Counts the tenant's running runs, once.
    pub(in crate::workflow) async fn count(&self, store: &Store, tenant: &TenantId) -> Result<(), Error> {
        let cell = Arc::clone(&self.tenants.lock().entry(tenant.clone()).or_default().counted);
        cell.get_or_try_init(|| async {
            let of = tenant.clone();
            let counts = move |db: &mut Connection| {
                Ok((running(db, &of, Executor::Internal)?, running(db, &of, Executor::External)?))
            };
            let (active, external) = store.read(counts).await?;
            let mut tenants = self.tenants.lock();
            let row = tenants.entry(tenant.clone()).or_default();
            row.active = usize::try_from(active).unwrap_or_default();
            row.external = usize::try_from(external).unwrap_or_default();
            Ok(())
        })
        .await
        .map(|_| ())
    }

    /// A place for a new run, to be given back by [`Admission::leave`] if nothing comes of it.
    pub(in crate::workflow) fn enter(&self, tenant: &TenantId, run: &RunId) -> Result<Place, Error> {
        let mut tenants = self.tenants.lock();
        let row = tenants.entry(tenant.clone()).or_default();
        if row.active < self.max_active && row.waiting.is_empty() {
            row.active += 1;
            return Ok(Place::Active);
        }
        if row.waiting.len() >= self.max_waiting {
            let limit = "workflow.max_queued_per_tenant";
            return Err(Error::RateLimited { limit });
        }
        row.known.insert(run.clone());
        row.waiting.push_back(run.clone());
        Ok(Place::Waiting)
    }

    /// A place for a new run that is executed elsewhere: it never waits.
    pub(in crate::workflow) fn enter_external(&self, tenant: &TenantId) -> Result<Place, Error> {
        let mut tenants = self.tenants.lock();
        let row = tenants.entry(tenant.clone()).or_default();
        if row.external >= self.max_active {
            let limit = "workflow.max_active_per_tenant";
            return Err(Error::RateLimited { limit });
        }
        row.external += 1;
        Ok(Place::Active)
    }

    /// A run that was accepted before this process and waits still.
    pub(in crate::workflow) fn wait_again(&self, tenant: &TenantId, run: &RunId) {
        let mut tenants = self.tenants.lock();
        let row = tenants.entry(tenant.clone()).or_default();
        if row.known.insert(run.clone()) {
            row.waiting.push_back(run.clone());
        }
    }

    /// The next of the tenant's waiting runs, if there is a place: it has the place now.
    pub(in crate::workflow) fn next(&self, tenant: &TenantId) -> Option<RunId> {
        let mut tenants = self.tenants.lock();
        let row = tenants.get_mut(tenant)?;
        if row.active >= self.max_active {
            return None;
        }
        let run = row.waiting.pop_front()?;
        row.active += 1;
        Some(run)
    }

    /// A waiting run was told to begin and has begun, or will not.
    pub(in crate::workflow) fn begun(&self, tenant: &TenantId, run: &RunId) {
        if let Some(row) = self.tenants.lock().get_mut(tenant) {
            row.known.remove(run);
        }
    }

    /// A waiting run ended before it had a place.
    pub(in crate::workflow) fn withdraw(&self, tenant: &TenantId, run: &RunId) {
        let mut tenants = self.tenants.lock();
        let Some(row) = tenants.get_mut(tenant) else { return };
        row.known.remove(run);
        row.waiting.retain(|waiting| waiting != run);
    }

    /// A place is free again.
    pub(in crate::workflow) fn leave(&self, tenant: &TenantId, external: bool) {
        if let Some(row) = self.tenants.lock().get_mut(tenant)
            && row.counted.initialized()
        {
            let places = if external { &mut row.external } else { &mut row.active };
            *places = places.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_waits_for_its_own_places_only() {
        let admission = Admission::new(1, 2);
        let (a, b) = (TenantId::trusted("a"), TenantId::trusted("b"));
        for tenant in [&a, &b] {
            let cell = Arc::clone(&admission.tenants.lock().entry(tenant.clone()).or_default().counted);
            assert!(cell.set(()).is_ok());
        }
        let run = |n: u32| RunId::trusted(&n.to_string());
        assert_eq!(admission.enter(&a, &run(1)).unwrap(), Place::Active);
        assert_eq!(admission.enter(&a, &run(2)).unwrap(), Place::Waiting);
        assert_eq!(admission.enter(&a, &run(3)).unwrap(), Place::Waiting);
        assert!(matches!(admission.enter(&a, &run(4)), Err(Error::RateLimited { .. })));
        assert_eq!(admission.enter(&b, &run(5)).unwrap(), Place::Active);
        assert_eq!(admission.next(&a), None);
        admission.withdraw(&a, &run(2));
        admission.leave(&a, false);
        assert_eq!(admission.next(&a), Some(run(3)));
        assert_eq!(admission.next(&a), None);
        admission.wait_again(&a, &run(3));
        assert_eq!(admission.tenants.lock()[&a].waiting.len(), 0, "told already");
        admission.begun(&a, &run(3));
        admission.leave(&a, false);
        assert_eq!(admission.enter(&a, &run(6)).unwrap(), Place::Active);
        // Runs that are executed elsewhere have places of their own.
        assert_eq!(admission.enter_external(&a).unwrap(), Place::Active);
        assert!(matches!(admission.enter_external(&a), Err(Error::RateLimited { .. })));
        admission.leave(&a, true);
        assert_eq!(admission.enter_external(&a).unwrap(), Place::Active);
        assert_eq!(admission.tenants.lock()[&a].active, 1);
    }
}
