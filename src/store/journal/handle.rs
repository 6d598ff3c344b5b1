//! The journal as its callers see it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
};

use diesel::prelude::*;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    Append, Appended, Origin, Ownership, Page,
    queue::{AppendJob, Budget, Job, Queue, Reservation},
    reader,
    write::{self, Typed},
    writer::Writer,
};
use crate::{
    clock::Clock,
    config,
    ids::{Epoch, HubId, Seq, StreamId},
    metrics::{Reason, metrics},
    store::{Connection, Error, Target, connection::Connector, lock::HubLock, pool::Pool, schema::streams},
};

/// What the journal is set to.
#[derive(Clone)]
pub(in crate::store) struct Settings {
    pub(super) queue_rows: usize,
    pub(super) queue_bytes: usize,
    pub(super) batch_rows: usize,
    pub(super) batch_bytes: usize,
    pub(super) wal_alarm: u64,
    pub(super) min_free_disk: u64,
    pub(super) clock: Clock,
}

impl Settings {
    pub(in crate::store) fn new(journal: &config::sections::Journal, clock: Clock) -> Self {
        Self {
            queue_rows: journal.queue_rows,
            queue_bytes: *journal.queue_bytes,
            batch_rows: journal.batch_rows,
            batch_bytes: *journal.batch_bytes,
            wal_alarm: *journal.wal_alarm as u64,
            min_free_disk: *journal.min_free_disk as u64,
            clock,
        }
    }
}

/// What callers and the thread share.
pub(super) struct Shared {
    pub(super) queue: Queue,
    pub(super) budget: Arc<Budget>,
    failing: AtomicBool,
    trouble: Mutex<Option<Error>>,
    disk_low: AtomicBool,
}

impl Shared {
    pub(super) fn trouble(&self) -> Option<Error> {
        if self.failing.load(Relaxed) { self.trouble.lock().clone() } else { None }
    }
    pub(super) fn set_trouble(&self, error: Option<Error>) {
        let failing = error.is_some();
        if failing || self.failing.load(Relaxed) {
            *self.trouble.lock() = error;
            self.failing.store(failing, Relaxed);
        }
    }
    pub(super) fn is_disk_low(&self) -> bool {
        self.disk_low.load(Relaxed)
    }
    /// The value before.
    pub(super) fn set_disk_low(&self, low: bool) -> bool {
        self.disk_low.swap(low, Relaxed)
    }
}

/// Closes the queue when the last handle is gone.
struct Handle {
    shared: Arc<Shared>,
    thread: Mutex<Option<thread::JoinHandle<()>>>,
    pool: Pool,
    target: Target,
    hub: HubId,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.queue.close();
    }
}

/// The journal. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Journal {
    handle: Arc<Handle>,
}

impl Journal {
    /// Starts the journal thread on a connection whose schema is the binary's.
    pub(in crate::store) fn start(
        settings: Settings,
        connector: Connector,
        connection: Connection,
        lock: HubLock,
        hub: HubId,
        pool: Pool,
    ) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            queue: Queue::default(),
            budget: Budget::new(settings.queue_rows, settings.queue_bytes),
            failing: AtomicBool::new(false),
            trouble: Mutex::new(None),
            disk_low: AtomicBool::new(false),
        });
        let target = connector.target.clone();
        let writer =
            Writer { shared: Arc::clone(&shared), connector, settings, hub: hub.clone(), lock: Some(lock) };
        let thread = Mutex::new(Some(writer.spawn(connection).map_err(Error::unavailable)?));
        Ok(Self { handle: Arc::new(Handle { shared, thread, pool, target, hub }) })
    }

    /// Writes rows and projections, all or none, and answers when they are on the disk.
    ///
    /// Errors: `Fenced` and `Duplicate` (nothing written), `Busy` and `Unavailable` (nothing written;
    /// for [`Origin::Client`] only, the hub's own rows wait), `Unknown` (the thread that wrote ended
    /// in between: acquire the stream and fold it again). A caller that stops waiting does not stop
    /// the append.
    pub async fn append(&self, append: Append) -> Result<Appended, Error> {
        if append.rows.is_empty() {
            return Err(Error::Invalid("an append without rows"));
        }
        if append.create && append.expected_head != Seq::ZERO {
            return Err(Error::Invalid("a new stream has no head"));
        }
        let bytes = append.rows.iter().map(|row| row.payload.len() + row.kind.len()).sum();
        let reservation = self.admit(append.rows.len(), bytes, append.origin).await?;
        let (reply, answer) = oneshot::channel();
        let job = AppendJob { append, reply, reservation, uncertain: false };
        self.handle.shared.queue.push(Job::Append(Box::new(job)))?;
        answer.await.unwrap_or(Err(Error::Unknown))
    }

    /// A page of a stream behind `after`: at most `max_rows` rows, and none more once `max_bytes` of
    /// payload are there. `NotFound` for an unknown stream; `Corrupted` when the next row is not what
    /// was written (rows before it come as a shorter page first).
    pub async fn read(
        &self,
        stream: &StreamId,
        after: Seq,
        max_rows: usize,
        max_bytes: usize,
    ) -> Result<Page, Error> {
        let stream = stream.clone();
        metrics().journal.reads.inc();
        self.handle
            .pool
            .run(move |connection| reader::page(connection, &stream, after, max_rows, max_bytes))
            .await
    }

    /// Makes the caller the stream's owner: whoever owned it before is fenced from now on, also with
    /// appends that wait in the queue (on SQLite they are written first, on PostgreSQL they may be
    /// fenced). `NotFound` for an unknown stream.
    pub async fn acquire(&self, stream: &StreamId) -> Result<Ownership, Error> {
        let (stream, hub) = (stream.clone(), self.handle.hub.clone());
        self.write_as(Origin::Hub, move |connection| {
            let (owner_version, head, epoch): (i64, i64, i64) =
                diesel::update(streams::table.find(stream.as_str()))
                    .set((
                        streams::owner.eq(hub.as_str()),
                        streams::owner_version.eq(streams::owner_version + 1),
                    ))
                    .returning((streams::owner_version, streams::head, streams::epoch))
                    .get_result(connection)?;
            Ok(Ownership { owner_version, head: Seq(head), epoch: Epoch(epoch) })
        })
        .await
    }

    /// A write in a transaction of its own: on SQLite in the journal thread, between batches; on
    /// PostgreSQL on the pool.
    pub(in crate::store) async fn write_as<T, F>(&self, origin: Origin, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        if let Target::Postgresql(_) = self.handle.target {
            return self.handle.pool.run(move |connection| write::transaction(connection, f)).await;
        }
        let reservation = self.admit(1, 0, origin).await?;
        let (reply, answer) = oneshot::channel();
        self.handle.shared.queue.push(Job::Write(Box::new(Typed { f, reply, reservation })))?;
        answer.await.unwrap_or(Err(Error::Unknown))
    }

    async fn admit(&self, rows: usize, bytes: usize, origin: Origin) -> Result<Reservation, Error> {
        let shared = &self.handle.shared;
        if origin == Origin::Client && shared.is_disk_low() {
            metrics().journal.refused.get_or_create(&Reason { reason: "disk" }).inc();
            return Err(Error::Busy);
        }
        loop {
            let space = shared.budget.space.notified();
            tokio::pin!(space);
            // Registered before the look, so that a place given back in between is heard of.
            space.as_mut().enable();
            if let Some(reservation) = shared.budget.reserve(rows, bytes, origin) {
                return Ok(reservation);
            }
            if origin == Origin::Client {
                metrics().journal.refused.get_or_create(&Reason { reason: "busy" }).inc();
                return Err(Error::Busy);
            }
            space.await;
        }
    }

    /// Why nothing can be written now; none when the last write went well.
    pub fn trouble(&self) -> Option<Error> {
        self.handle.shared.trouble()
    }

    /// Rows that wait or are being written.
    pub fn queued_rows(&self) -> usize {
        self.handle.shared.budget.rows()
    }

    /// Takes nothing more, writes what waits (while storage fails for some seconds only), ends the
    /// thread and gives the lock back.
    pub(in crate::store) async fn close(&self) {
        self.handle.shared.queue.close();
        let thread = self.handle.thread.lock().take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                log::error!("the journal thread did not end well");
            }
        }
    }
}
