//! Connections of one source that wait for their next query, and its places.
//!
//! A pool belongs to one state of a source: when the source is changed its fingerprint is another,
//! the pool is closed and a new one begun. Places are given in order (a fair semaphore).

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, mysql, postgres};
use crate::ids::{DataSourceId, TenantId};

/// What a state of a source is told by.
pub type Fingerprint = [u8; 32];

/// A connection of any kind.
pub(super) enum Link {
    Postgres(Box<postgres::Link>),
    MySql(Box<mysql::Link>),
}

impl Link {
    fn is_open(&self) -> bool {
        match self {
            Self::Postgres(link) => link.is_open(),
            Self::MySql(link) => link.is_open(),
        }
    }

    async fn close(self) {
        match self {
            // Its task says goodbye when the client is gone.
            Self::Postgres(link) => drop(link),
            Self::MySql(link) => link.close().await,
        }
    }
}

/// The pool of a source.
pub(super) struct Pool {
    fingerprint: Fingerprint,
    places: Arc<Semaphore>,
    size: usize,
    idle: Mutex<Vec<(Link, Instant)>>,
    closed: AtomicBool,
}

impl Pool {
    fn new(fingerprint: Fingerprint, size: usize) -> Self {
        let places = Arc::new(Semaphore::new(size));
        Self { fingerprint, places, size, idle: Mutex::default(), closed: AtomicBool::new(false) }
    }

    /// Waits for a place.
    pub async fn enter(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| Error::Draining)
    }

    /// A connection that waits, the one used last first: the others may end.
    pub fn take(&self) -> Option<Link> {
        let mut idle = self.idle.lock();
        while let Some((link, _)) = idle.pop() {
            if link.is_open() {
                return Some(link);
            }
        }
        None
    }

    /// Gives a connection back.
    pub async fn put(&self, link: Link, now: Instant) {
        if !link.is_open() {
            return;
        }
        let refused = {
            let mut idle = self.idle.lock();
            if !self.closed.load(SeqCst) && idle.len() < self.size {
                idle.push((link, now));
                None
            } else {
                Some(link)
            }
        };
        if let Some(link) = refused {
            link.close().await;
        }
    }

    async fn close(&self) {
        self.closed.store(true, SeqCst);
        let links = std::mem::take(&mut *self.idle.lock());
        for (link, _) in links {
            link.close().await;
        }
    }

    /// Takes out what has waited too long.
    fn stale(&self, now: Instant, longest: Duration) -> Vec<Link> {
        let mut idle = self.idle.lock();
        let all = std::mem::take(&mut *idle);
        let (old, young): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|(link, since)| !link.is_open() || now.saturating_duration_since(*since) >= longest);
        *idle = young;
        old.into_iter().map(|(link, _)| link).collect()
    }

    fn is_unused(&self) -> bool {
        self.idle.lock().is_empty() && self.places.available_permits() == self.size
    }

    /// Connections that wait.
    #[cfg(test)]
    pub fn idle(&self) -> usize {
        self.idle.lock().len()
    }
}

/// The pools of all sources.
pub(super) struct Pools {
    size: usize,
    pools: Mutex<HashMap<(TenantId, DataSourceId), Arc<Pool>>>,
}

impl Pools {
    pub fn new(size: usize) -> Self {
        Self { size, pools: Mutex::default() }
    }

    /// The pool of this state of a source; that of another state is closed.
    pub async fn of(&self, tenant: &TenantId, source: &DataSourceId, fingerprint: Fingerprint) -> Arc<Pool> {
        let (pool, old) = {
            let mut pools = self.pools.lock();
            let key = (tenant.clone(), source.clone());
            match pools.get(&key) {
                Some(pool) if pool.fingerprint == fingerprint => (Arc::clone(pool), None),
                _ => {
                    let pool = Arc::new(Pool::new(fingerprint, self.size));
                    let old = pools.insert(key, Arc::clone(&pool));
                    (pool, old)
                }
            }
        };
        if let Some(old) = old {
            old.close().await;
        }
        pool
    }

    /// Closes the pool of a source that is gone.
    pub async fn forget(&self, tenant: &TenantId, source: &DataSourceId) {
        let old = self.pools.lock().remove(&(tenant.clone(), source.clone()));
        if let Some(old) = old {
            old.close().await;
        }
    }

    /// Closes connections that have waited too long, and forgets pools without any.
    pub async fn sweep(&self, now: Instant, longest: Duration) {
        let pools: Vec<Arc<Pool>> = self.pools.lock().values().cloned().collect();
        for pool in pools {
            for link in pool.stale(now, longest) {
                link.close().await;
            }
        }
        self.pools.lock().retain(|_, pool| Arc::strong_count(pool) > 1 || !pool.is_unused());
    }

    /// Closes all.
    pub async fn close(&self) {
        let pools = std::mem::take(&mut *self.pools.lock());
        for pool in pools.into_values() {
            pool.places.close();
            pool.close().await;
        }
    }

    /// Connections that wait, of all sources.
    #[cfg(test)]
    pub fn idle(&self) -> usize {
        self.pools.lock().values().map(|pool| pool.idle()).sum()
    }
}
