//! The journal's queue: bounded in rows and bytes, of what waits and what is being written.

use std::{
    collections::{HashSet, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::Notify;

use super::{Origin, write::WriteJob};
use crate::{
    ids::StreamId,
    metrics::metrics,
    store::{Appended, Error},
};

/// Clients are refused from here on, in percent of a bound.
const CLIENTS_PERCENT: usize = 80;

/// How much waits. Each job holds a [`Reservation`] until it is answered.
#[derive(Debug)]
pub(super) struct Budget {
    rows: AtomicUsize,
    bytes: AtomicUsize,
    max_rows: usize,
    max_bytes: usize,
    /// Told whenever a reservation ends.
    pub(super) space: Notify,
}

impl Budget {
    pub(super) fn new(max_rows: usize, max_bytes: usize) -> Arc<Self> {
        let space = Notify::new();
        Arc::new(Self { rows: AtomicUsize::new(0), bytes: AtomicUsize::new(0), max_rows, max_bytes, space })
    }

    /// The bound is checked against what already waits, so that a large append fits an empty queue.
    pub(super) fn reserve(
        self: &Arc<Self>,
        rows: usize,
        bytes: usize,
        origin: Origin,
    ) -> Option<Reservation> {
        let percent = match origin {
            Origin::Client => CLIENTS_PERCENT,
            Origin::Hub => 100,
        };
        let (waiting, bytes_waiting) = (self.rows.load(Relaxed), self.bytes.load(Relaxed));
        let full =
            waiting >= self.max_rows * percent / 100 || bytes_waiting >= self.max_bytes / 100 * percent;
        // Two threads may pass at once: the bound is then exceeded by one append a thread.
        if full && waiting > 0 {
            return None;
        }
        self.rows.fetch_add(rows, Relaxed);
        self.bytes.fetch_add(bytes, Relaxed);
        metrics().journal.queue_rows.inc_by(rows as i64);
        Some(Reservation { budget: Arc::clone(self), rows, bytes })
    }

    /// Rows that wait or are being written.
    pub(super) fn rows(&self) -> usize {
        self.rows.load(Relaxed)
    }
}

/// A place in the queue; given back when dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    budget: Arc<Budget>,
    rows: usize,
    pub(super) bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.budget.rows.fetch_sub(self.rows, Relaxed);
        self.budget.bytes.fetch_sub(self.bytes, Relaxed);
        metrics().journal.queue_rows.dec_by(self.rows as i64);
        self.budget.space.notify_waiters();
    }
}

/// An append that waits for its commit.
pub(super) struct AppendJob {
    pub(super) append: super::Append,
    pub(super) reply: tokio::sync::oneshot::Sender<Result<Appended, Error>>,
    pub(super) reservation: Reservation,
    /// A commit with it may have happened: look before writing again.
    pub(super) uncertain: bool,
}

impl AppendJob {
    /// Tells the waiter, and gives the place back.
    pub(super) fn answer(self, result: Result<Appended, Error>) {
        let Self { reply, reservation, .. } = self;
        drop(reservation);
        // Nobody may wait any more: the rows are there all the same.
        let _ = reply.send(result);
    }

    /// Tells the waiter that nobody tries any more.
    pub(super) fn abandon(self, error: &Error) {
        let error = if self.uncertain { Error::Unknown } else { error.clone() };
        self.answer(Err(error));
    }
}

/// Work for the journal thread.
pub(super) enum Job {
    Append(Box<AppendJob>),
    Write(Box<dyn WriteJob>),
}

/// What the thread does next.
pub(super) enum Work {
    /// Appends of different streams, for one transaction.
    Batch(Vec<AppendJob>),
    /// A function with a transaction of its own.
    Write(Box<dyn WriteJob>),
    /// Nothing came in time.
    Idle,
    /// The queue is closed and empty.
    Closed,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// Jobs in the order of their arrival. Its length is bounded by the [`Budget`]: each job has a
/// reservation of at least one row.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
}

impl Queue {
    pub(super) fn push(&self, job: Job) -> Result<(), Error> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(Error::Closed);
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Nothing is taken any more; what waits is still done.
    pub(super) fn close(&self) {
        self.state.lock().closed = true;
        self.arrived.notify_all();
    }

    /// Closed: whoever waits for the storage to come back must not wait for ever.
    pub(super) fn is_closed(&self) -> bool {
        self.state.lock().closed
    }

    /// Waits for work, at most `patience`. A batch ends before its bound in rows or bytes would be
    /// passed, before a stream comes twice, and before a write; it has at least one append.
    pub(super) fn take(&self, max_rows: usize, max_bytes: usize, patience: Option<Duration>) -> Work {
        let mut state = self.state.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return Work::Closed;
            }
            match patience {
                None => self.arrived.wait(&mut state),
                Some(patience) => {
                    if self.arrived.wait_for(&mut state, patience).timed_out() && state.jobs.is_empty() {
                        return if state.closed { Work::Closed } else { Work::Idle };
                    }
                }
            }
        }
        match state.jobs.pop_front() {
            Some(Job::Write(write)) => return Work::Write(write),
            Some(append) => state.jobs.push_front(append),
            None => {}
        }
        Work::Batch(batch(&mut state.jobs, max_rows, max_bytes))
    }

    /// Takes out everything.
    pub(super) fn take_all(&self) -> Vec<Job> {
        Vec::from(std::mem::take(&mut self.state.lock().jobs))
    }

    /// Takes out everything that clients wait for: while storage fails they are answered at once.
    pub(super) fn take_clients(&self) -> Vec<Job> {
        let mut state = self.state.lock();
        let jobs = std::mem::take(&mut state.jobs);
        let (hub, clients) = jobs
            .into_iter()
            .partition(|job| matches!(job, Job::Append(job) if job.append.origin == Origin::Hub));
        state.jobs = hub;
        Vec::from(clients)
    }
}

fn batch(jobs: &mut VecDeque<Job>, max_rows: usize, max_bytes: usize) -> Vec<AppendJob> {
    let mut taken: Vec<AppendJob> = Vec::new();
    let mut streams: HashSet<StreamId> = HashSet::new();
    let (mut rows, mut bytes) = (0, 0);
    while let Some(Job::Append(job)) = jobs.front() {
        rows += job.append.rows.len();
        bytes += job.reservation.bytes;
        if !taken.is_empty() {
            if rows > max_rows || bytes > max_bytes || !streams.insert(job.append.stream.clone()) {
                break;
            }
        } else if jobs.len() > 1 {
            streams.insert(job.append.stream.clone());
        }
        if let Some(Job::Append(job)) = jobs.pop_front() {
            taken.push(*job);
        }
    }
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_refused_before_the_hub_is() {
        let budget = Budget::new(100, 1000);
        let _eighty = budget.reserve(80, 10, Origin::Client).unwrap();
        assert!(budget.reserve(1, 1, Origin::Client).is_none());
        let _twenty = budget.reserve(20, 10, Origin::Hub).unwrap();
        assert!(budget.reserve(1, 1, Origin::Hub).is_none());
    }

    #[test]
    fn a_large_append_fits_an_empty_queue_and_gives_its_place_back() {
        let budget = Budget::new(10, 1000);
        let large = budget.reserve(50, 100_000, Origin::Client).unwrap();
        assert!(budget.reserve(1, 1, Origin::Hub).is_none());
        drop(large);
        assert_eq!(budget.rows(), 0);
        assert!(budget.reserve(1, 1, Origin::Client).is_some());
    }
}
