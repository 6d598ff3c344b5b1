//! How many attempts of nodes are being carried out: what a drain waits for.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
};

use futures_util::future::{self, BoxFuture};

use crate::{
    engine::Outcome,
    workflow::{Execute, Job},
};

/// Carries attempts out and counts them. Cheap to clone.
#[derive(Clone)]
pub(super) struct Attempts {
    inner: Arc<dyn Execute>,
    open: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

/// One attempt under way.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Attempts {
    /// Of what carries them out.
    pub fn new(inner: Arc<dyn Execute>) -> Self {
        Self { inner, open: Arc::default(), stopped: Arc::default() }
    }

    /// From now on none is begun: it is dispatched again, with the same key, at the next start.
    pub fn stop(&self) {
        self.stopped.store(true, SeqCst);
    }

    /// Those under way.
    pub fn open(&self) -> usize {
        self.open.load(SeqCst)
    }
}

impl Execute for Attempts {
    fn execute(&self, job: Job) -> BoxFuture<'static, Option<Outcome>> {
        // Counted before it is asked whether one may begin, so that a drain misses none.
        self.open.fetch_add(1, SeqCst);
        let open = Open(Arc::clone(&self.open));
        if self.stopped.load(SeqCst) {
            return Box::pin(future::pending());
        }
        let attempt = self.inner.execute(job);
        Box::pin(async move {
            let outcome = attempt.await;
            drop(open);
            outcome
        })
    }
}
