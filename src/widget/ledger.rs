//! The rows of registrations. A page connects its widgets all at once, so what comes together is
//! written together: one transaction, not one a widget.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::{Error, RegistrationId};
use crate::{
    clock::Clock,
    ids::HubId,
    store::{
        Store,
        tables::registrations::{self, Registration},
    },
};

/// Changes of one transaction.
const MOST: usize = 256;
/// Pause before what could not be removed is tried again.
const PAUSE: Duration = Duration::from_millis(500);

enum Change {
    Put(Box<Registration>),
    Remove(RegistrationId),
}

struct Entry {
    change: Change,
    done: Option<oneshot::Sender<Result<(), Error>>>,
}

/// Writes them. Each actor has at most one change in flight, which is the queue's bound.
#[derive(Clone)]
pub(super) struct Ledger(mpsc::UnboundedSender<Entry>);

impl Ledger {
    /// With the task that writes.
    pub fn new(store: Store, hub: HubId, clock: Clock) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), write(store, hub, clock, receiver))
    }

    /// Writes a row; it is there when this ends.
    pub async fn put(&self, row: Registration) -> Result<(), Error> {
        let (sender, done) = oneshot::channel();
        let _ = self.0.send(Entry { change: Change::Put(Box::new(row)), done: Some(sender) });
        done.await.unwrap_or(Err(Error::Lost))
    }

    /// Removes a row, sooner or later.
    pub fn remove(&self, id: RegistrationId) {
        let _ = self.0.send(Entry { change: Change::Remove(id), done: None });
    }
}

async fn write(store: Store, hub: HubId, clock: Clock, mut changes: mpsc::UnboundedReceiver<Entry>) {
    while let Some(first) = changes.recv().await {
        let mut batch = vec![first];
        while batch.len() < MOST
            && let Ok(next) = changes.try_recv()
        {
            batch.push(next);
        }
        let (mut rows, mut waiters) = (Vec::new(), Vec::new());
        for Entry { change, done } in batch {
            rows.push(change);
            waiters.extend(done);
        }
        let rows = std::sync::Arc::new(rows);
        let mut written = put(&store, &hub, &clock, &rows).await;
        let puts = rows.iter().any(|change| matches!(change, Change::Put(_)));
        while let Err(error) = &written {
            if puts {
                // Who waits is told; what was to be removed beside it comes again below.
                break;
            }
            if !error.is_transient() {
                log::error!("registrations cannot be removed: {error}");
                break;
            }
            tokio::time::sleep(PAUSE).await;
            written = put(&store, &hub, &clock, &rows).await;
        }
        if written.is_err() && puts {
            let removals: Vec<_> = rows.iter().filter_map(removal).collect();
            let removals = std::sync::Arc::new(removals);
            if !removals.is_empty() && put(&store, &hub, &clock, &removals).await.is_err() {
                log::warn!(rows = removals.len(); "rows of registrations stay until the next start");
            }
        }
        for waiter in waiters {
            let _ = waiter.send(written.clone().map_err(Error::Store));
        }
    }
}

fn removal(change: &Change) -> Option<Change> {
    match change {
        Change::Put(_) => None,
        Change::Remove(id) => Some(Change::Remove(id.clone())),
    }
}

async fn put(
    store: &Store,
    hub: &HubId,
    clock: &Clock,
    rows: &std::sync::Arc<Vec<Change>>,
) -> Result<(), crate::store::Error> {
    let (rows, hub, at) = (std::sync::Arc::clone(rows), hub.clone(), clock.now());
    let write = move |db: &mut crate::store::Connection| {
        for change in rows.iter() {
            match change {
                Change::Put(row) => registrations::put(db, row, &hub, at)?,
                Change::Remove(id) => registrations::remove(db, &id.socket, &id.widget)?,
            }
        }
        Ok(())
    };
    store.write(write).await
}
