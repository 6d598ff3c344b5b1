//! Pages of rows that many joiners read at one time: one reads, the others share what it read.
//!
//! Only a run's actor adds rows to it, and says so: a page that was read before is given to nobody who
//! comes after. Another process would fence that actor first; then the joiner hears from the new one that
//! rows are missing, and only a page that was read after that counts.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::sync::OnceCell;

use crate::{
    ids::{Seq, StreamId},
    store::Page,
    workflow::{Error, hub::Hub},
};

/// So old a page may be at first.
pub(super) const FRESH: Duration = Duration::from_secs(10);
/// Most pages that are kept; one has at most some 256 KiB.
const MOST: usize = 16;

/// Which rows: behind this one, at most so many.
type Key = (StreamId, Seq, usize);

/// Pages by what was asked.
#[derive(Default)]
pub(in crate::workflow) struct Pages {
    known: Mutex<HashMap<Key, Flight>>,
    /// How many, so that an actor looks without a lock.
    len: AtomicUsize,
}

#[derive(Clone)]
struct Flight {
    begun: Instant,
    page: Arc<OnceCell<Arc<Page>>>,
}

impl Pages {
    /// The rows, read at `not_before` or later.
    pub(in crate::workflow) async fn read(
        &self,
        hub: &Hub,
        (stream, after, rows): Key,
        bytes: usize,
        not_before: Instant,
    ) -> Result<Arc<Page>, Error> {
        let key = (stream.clone(), after, rows);
        let flight = self.flight(key, hub.clock.monotonic(), not_before);
        let read = async || {
            let page = hub.store.journal().read(&stream, after, rows, bytes).await?;
            Ok::<_, Error>(Arc::new(page))
        };
        flight.page.get_or_try_init(read).await.cloned()
    }

    fn flight(&self, key: Key, now: Instant, not_before: Instant) -> Flight {
        let mut pages = self.known.lock();
        if let Some(known) = pages.get(&key).filter(|known| known.begun >= not_before) {
            return known.clone();
        }
        if pages.len() >= MOST {
            pages.retain(|_, known| now.saturating_duration_since(known.begun) < FRESH);
        }
        if pages.len() >= MOST {
            pages.clear();
        }
        let flight = Flight { begun: now, page: Arc::default() };
        pages.insert(key, flight.clone());
        self.len.store(pages.len(), Ordering::Release);
        flight
    }

    /// The stream has new rows.
    pub(in crate::workflow) fn forget(&self, stream: &StreamId) {
        if self.len.load(Ordering::Acquire) > 0 {
            let mut pages = self.known.lock();
            pages.retain(|(known, ..), _| known != stream);
            self.len.store(pages.len(), Ordering::Release);
        }
    }
}
