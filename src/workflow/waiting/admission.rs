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
use serde::Serialize;
use tokio::sync::OnceCell;

use crate::{
    ids::{RunId, TenantId},
    metrics::metrics,
    store::{
        Connection, Store,
        tables::runs::{Executor, pending, running},
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
    /// Its runs are being counted: what ends meanwhile is remembered in `gone`.
    counting: bool,
    gone: HashSet<RunId>,
    /// By name, so that a place that is given back twice is given back once.
    active: HashSet<RunId>,
    /// Active runs that are executed elsewhere.
    external: HashSet<RunId>,
    waiting: VecDeque<RunId>,
    /// Those in `waiting`, and those that were told to begin and have not said that they did.
    known: HashSet<RunId>,
}

impl Tenant {
    fn wait_again(&mut self, run: &RunId) {
        if self.known.insert(run.clone()) {
            self.waiting.push_back(run.clone());
            metrics().runs.queued.inc();
        }
    }
}

/// A tenant's places and its queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Queue {
    /// Runs that have a place.
    pub active: usize,
    /// Runs that are executed elsewhere, which have places of their own.
    pub external: usize,
    /// Places (`workflow.max_active_per_tenant`).
    pub limit: usize,
    /// Runs that wait.
    pub queued: usize,
    /// Most that may wait (`workflow.max_queued_per_tenant`).
    #[serde(rename = "queueLimit")]
    pub queue_limit: usize,
}

impl Admission {
    pub(in crate::workflow) fn new(max_active: usize, max_waiting: usize) -> Self {
        Self { max_active, max_waiting, tenants: Mutex::default() }
    }

    /// Counts the tenant's running runs, and lines up those that wait since before this process, once:
    /// a new one comes behind them.
    pub(in crate::workflow) async fn count(&self, store: &Store, tenant: &TenantId) -> Result<(), Error> {
        let cell = Arc::clone(&self.tenants.lock().entry(tenant.clone()).or_default().counted);
        cell.get_or_try_init(|| async {
            let of = tenant.clone();
            let counts = move |db: &mut Connection| {
                let running = |db: &mut Connection, by| running(db, &of, by);
                Ok((running(db, Executor::Internal)?, running(db, Executor::External)?, pending(db, &of)?))
            };
            self.tenants.lock().entry(tenant.clone()).or_default().counting = true;
            let read = store.read(counts).await;
            let mut tenants = self.tenants.lock();
            let row = tenants.entry(tenant.clone()).or_default();
            row.counting = false;
            let gone = std::mem::take(&mut row.gone);
            let (active, external, waiting) = read?;
            for run in waiting.iter().filter(|run| !gone.contains(run)) {
                row.wait_again(run);
            }
            row.active = active.into_iter().filter(|run| !gone.contains(run)).collect();
            row.external = external.into_iter().filter(|run| !gone.contains(run)).collect();
            let counted = row.active.len().saturating_add(row.external.len());
            metrics().runs.active.inc_by(i64::try_from(counted).unwrap_or(i64::MAX));
            Ok(())
        })
        .await
        .map(|_| ())
    }

    /// A place for a new run, to be given back by [`Admission::leave`] if nothing comes of it.
    pub(in crate::workflow) fn enter(&self, tenant: &TenantId, run: &RunId) -> Result<Place, Error> {
        let mut tenants = self.tenants.lock();
        let row = tenants.entry(tenant.clone()).or_default();
        if row.active.len() < self.max_active && row.waiting.is_empty() {
            row.active.insert(run.clone());
            metrics().runs.active.inc();
            return Ok(Place::Active);
        }
        if row.waiting.len() >= self.max_waiting {
            let limit = "workflow.max_queued_per_tenant";
            return Err(Error::RateLimited { limit });
        }
        row.wait_again(run);
        Ok(Place::Waiting)
    }

    /// A place for a child. Its parent has one and waits for it, so it never waits itself, or a tenant
    /// at its limit would wait for ever; its places come on top of the limit, as many as may wait.
    pub(in crate::workflow) fn enter_child(&self, tenant: &TenantId, run: &RunId) -> Result<Place, Error> {
        let mut tenants = self.tenants.lock();
        let row = tenants.entry(tenant.clone()).or_default();
        if row.active.len() >= self.max_active.saturating_add(self.max_waiting) {
            let limit = "workflow.max_queued_per_tenant";
            return Err(Error::RateLimited { limit });
        }
        row.active.insert(run.clone());
        metrics().runs.active.inc();
        Ok(Place::Active)
    }

    /// A place for a new run that is executed elsewhere: it never waits.
    pub(in crate::workflow) fn enter_external(&self, tenant: &TenantId, run: &RunId) -> Result<Place, Error> {
        let mut tenants = self.tenants.lock();
        let row = tenants.entry(tenant.clone()).or_default();
        if row.external.len() >= self.max_active {
            let limit = "workflow.max_active_per_tenant";
            return Err(Error::RateLimited { limit });
        }
        row.external.insert(run.clone());
        metrics().runs.active.inc();
        Ok(Place::Active)
    }

    /// A run that was accepted before this process and waits still.
    pub(in crate::workflow) fn wait_again(&self, tenant: &TenantId, run: &RunId) {
        let mut tenants = self.tenants.lock();
        tenants.entry(tenant.clone()).or_default().wait_again(run);
    }

    /// The next of the tenant's waiting runs, if there is a place: it has the place now.
    pub(in crate::workflow) fn next(&self, tenant: &TenantId) -> Option<RunId> {
        let mut tenants = self.tenants.lock();
        // Before its runs are counted nobody knows whether there is a place.
        let row = tenants.get_mut(tenant).filter(|row| row.counted.initialized())?;
        if row.active.len() >= self.max_active {
            return None;
        }
        let run = row.waiting.pop_front()?;
        row.active.insert(run.clone());
        metrics().runs.queued.dec();
        metrics().runs.active.inc();
        Some(run)
    }

    /// How full the tenant is.
    pub(in crate::workflow) fn queue(&self, tenant: &TenantId) -> Queue {
        let tenants = self.tenants.lock();
        let row = tenants.get(tenant);
        let of = |count: fn(&Tenant) -> usize| row.map_or(0, count);
        Queue {
            active: of(|row| row.active.len()),
            external: of(|row| row.external.len()),
            limit: self.max_active,
            queued: of(|row| row.waiting.len()),
            queue_limit: self.max_waiting,
        }
    }

    /// The places in the queue of those of these runs that wait, from 1.
    pub(in crate::workflow) fn positions<'r>(
        &self,
        tenant: &TenantId,
        runs: &HashSet<&'r RunId>,
    ) -> HashMap<&'r RunId, usize> {
        let tenants = self.tenants.lock();
        let waiting = tenants.get(tenant).into_iter().flat_map(|row| &row.waiting);
        let found = waiting.enumerate().filter_map(|(at, run)| Some((*runs.get(run)?, at + 1)));
        found.take(runs.len()).collect()
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
        let before = row.waiting.len();
        row.waiting.retain(|waiting| waiting != run);
        metrics().runs.queued.dec_by(i64::from(row.waiting.len() < before));
    }

    /// A run's place is free again. Harmless for a run that has none.
    pub(in crate::workflow) fn leave(&self, tenant: &TenantId, run: &RunId) {
        let mut tenants = self.tenants.lock();
        let Some(row) = tenants.get_mut(tenant) else { return };
        if row.counting {
            row.gone.insert(run.clone());
        }
        if row.active.remove(run) || row.external.remove(run) {
            metrics().runs.active.dec();
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
        admission.leave(&a, &run(1));
        admission.leave(&a, &run(1));
        assert_eq!(admission.next(&a), Some(run(3)));
        assert_eq!(admission.next(&a), None);
        admission.wait_again(&a, &run(3));
        assert_eq!(admission.tenants.lock()[&a].waiting.len(), 0, "told already");
        admission.begun(&a, &run(3));
        admission.leave(&a, &run(3));
        assert_eq!(admission.enter(&a, &run(6)).unwrap(), Place::Active);
        // Runs that are executed elsewhere have places of their own.
        assert_eq!(admission.enter_external(&a, &run(7)).unwrap(), Place::Active);
        assert!(matches!(admission.enter_external(&a, &run(8)), Err(Error::RateLimited { .. })));
        admission.leave(&a, &run(7));
        assert_eq!(admission.enter_external(&a, &run(7)).unwrap(), Place::Active);
        assert_eq!(admission.tenants.lock()[&a].active.len(), 1);
    }
}
