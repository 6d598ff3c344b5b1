//! Step 6 of a frame's way: many events, one transaction; after the commit every waiter gets its
//! seq. Next: `src/delivery/`.
//!
//! The journal thread. It owns the one connection that appends. While storage fails it keeps what the
//! hub wants written, refuses what clients want, and tries again with backoff on a new connection.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{
    Origin, Settings,
    batch::{self, Failure},
    handle::Shared,
    queue::{AppendJob, Job, Work},
};
use crate::{
    ids::HubId,
    metrics::{Reason, metrics},
    store::{
        Connection, Error, Target,
        connection::{Connector, Role},
        dialect,
        lock::HubLock,
    },
};

const FIRST_BACKOFF: Duration = Duration::from_millis(10);
const LONGEST_BACKOFF: Duration = Duration::from_secs(2);
/// How often the disk is looked at while there is work, and the storage while it fails.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A client hears within this time that it is not known whether its commit happened.
const PATIENCE: Duration = Duration::from_secs(8);
/// After the end was asked for, storage has so long to come back.
const LAST_TRIES: Duration = Duration::from_secs(3);
/// So many panics within [`PANIC_WINDOW`] end the process: systemd starts a whole one.
const PANICS: usize = 3;
const PANIC_WINDOW: Duration = Duration::from_secs(60);

/// What the thread needs to be started again after a panic.
pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) connector: Connector,
    pub(super) settings: Settings,
    pub(super) hub: HubId,
    pub(super) lock: Option<HubLock>,
}

impl Writer {
    /// Starts the thread. It ends when the queue is closed and empty, and the lock with it.
    pub(super) fn spawn(self, connection: Connection) -> std::io::Result<thread::JoinHandle<()>> {
        thread::Builder::new().name("journal".to_owned()).spawn(move || self.supervise(connection))
    }

    /// Runs the loop again after a panic, with nothing of the old one but the queue.
    fn supervise(self, connection: Connection) {
        let mut connection = Some(connection);
        let mut panics: Vec<Instant> = Vec::new();
        loop {
            let turn = Turn { writer: &self, connection: connection.take(), looked: None };
            if catch_unwind(AssertUnwindSafe(|| turn.run())).is_ok() {
                break;
            }
            let now = self.settings.clock.monotonic();
            panics.retain(|at| now.saturating_duration_since(*at) < PANIC_WINDOW);
            panics.push(now);
            log::error!("the journal thread panicked ({} in the last minute), it starts again", panics.len());
            if panics.len() >= PANICS {
                log::error!("the journal thread panicked {PANICS} times in a minute: the process aborts");
                std::process::abort();
            }
        }
        drop(self.lock);
    }
}

/// One life of the loop.
struct Turn<'a> {
    writer: &'a Writer,
    connection: Option<Connection>,
    looked: Option<Instant>,
}

impl Turn<'_> {
    fn run(mut self) {
        let settings = &self.writer.settings;
        let (rows, bytes) = (settings.batch_rows.max(1), settings.batch_bytes);
        loop {
            let uneasy = self.writer.shared.trouble().is_some() || self.writer.shared.is_disk_low();
            match self.writer.shared.queue.take(rows, bytes, uneasy.then_some(LOOK_EVERY)) {
                Work::Batch(jobs) => self.batch(jobs),
                Work::Write(write) => match self.connect() {
                    Ok(connection) => {
                        let result = write.run(connection);
                        self.heard(result);
                    }
                    Err(error) => {
                        write.refuse(error.clone());
                        self.heard(Err(error));
                    }
                },
                Work::Idle => self.probe(),
                Work::Closed => return,
            }
            self.look_at_disk();
        }
    }

    fn connect(&mut self) -> Result<&mut Connection, Error> {
        match &mut self.connection {
            Some(connection) => Ok(connection),
            empty => {
                let connection = self.writer.connector.connect(Role::Write)?;
                Ok(empty.insert(connection))
            }
        }
    }

    /// Writes a batch, and again what the hub wants until it is written.
    fn batch(&mut self, mut jobs: Vec<AppendJob>) {
        let mut backoff = Duration::ZERO;
        let (mut failing_since, mut give_up_at): (Option<Instant>, Option<Instant>) = (None, None);
        loop {
            let clock = &self.writer.settings.clock;
            let (began, epoch) = (clock.monotonic(), clock.now().as_microsecond());
            let hub = self.writer.hub.clone();
            let result = match self.connect() {
                Ok(connection) => batch::write(connection, &jobs, hub.as_str(), epoch),
                Err(error) => Err(Failure::Before(error)),
            };
            let (error, uncertain) = match result {
                Ok(answers) => {
                    let took = self.writer.settings.clock.monotonic().saturating_duration_since(began);
                    self.heard(Ok(()));
                    return answer(jobs, answers, took);
                }
                Err(Failure::Before(error)) => (error, false),
                Err(Failure::AtCommit(error)) => (error, true),
            };
            self.heard(Err(error.clone()));
            jobs.iter_mut().for_each(|job| job.uncertain |= uncertain);
            let now = self.writer.settings.clock.monotonic();
            let patient = now.saturating_duration_since(*failing_since.get_or_insert(now)) < PATIENCE;
            self.settle(&mut jobs);
            jobs = keep(jobs, &error, patient);
            refuse(self.writer.shared.queue.take_clients(), &error);
            if jobs.is_empty() {
                return;
            }
            if self.writer.shared.queue.is_closed() {
                let now = self.writer.settings.clock.monotonic();
                if now >= *give_up_at.get_or_insert(now + LAST_TRIES) {
                    log::error!("storage did not come back before the end: {} appends are lost", jobs.len());
                    jobs.into_iter().for_each(|job| job.abandon(&error));
                    refuse(self.writer.shared.queue.take_all(), &error);
                    return;
                }
            }
            thread::sleep(backoff);
            backoff = (backoff * 2).clamp(FIRST_BACKOFF, LONGEST_BACKOFF);
        }
    }

    /// Looks what became of appends whose commit was not heard of, where a look can tell.
    fn settle(&mut self, jobs: &mut [AppendJob]) {
        if !jobs.iter().any(|job| job.uncertain) {
            return;
        }
        let hub = self.writer.hub.clone();
        let settled = self.connect().and_then(|connection| batch::settle(connection, jobs, hub.as_str()));
        if let Err(error) = settled {
            log::debug!("an unheard commit cannot be looked up yet: {error}");
            self.connection = None;
        }
    }

    /// Remembers trouble with the storage, and tells of its begin and its end; any trouble costs the
    /// connection, whose state is unclear.
    fn heard(&mut self, result: Result<(), Error>) {
        let before = self.writer.shared.trouble();
        match result {
            Ok(()) => {
                if before.is_some() {
                    log::info!("the store can be written again");
                }
                self.writer.shared.set_trouble(None);
            }
            Err(error) => {
                if before.is_none() {
                    log::warn!("the store cannot be written: {error}");
                }
                self.writer.shared.set_trouble(Some(error));
                self.connection = None;
            }
        }
    }

    /// Nothing came while storage was failing: is it back?
    fn probe(&mut self) {
        let result = self.connect().and_then(|connection| {
            dialect::begin_write(connection)?;
            Ok(dialect::rollback(connection)?)
        });
        self.heard(result);
    }

    /// Little space left turns clients away before the disk is full. A look costs microseconds.
    fn look_at_disk(&mut self) {
        let Target::Sqlite(file) = &self.writer.connector.target else { return };
        let now = self.writer.settings.clock.monotonic();
        if self.looked.is_some_and(|at| now.saturating_duration_since(at) < LOOK_EVERY) {
            return;
        }
        self.looked = Some(now);
        let settings = &self.writer.settings;
        let dir =
            file.parent().filter(|dir| !dir.as_os_str().is_empty()).map_or(PathBuf::from("."), PathBuf::from);
        if let Ok(disk) = rustix::fs::statvfs(&dir) {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let low = free < settings.min_free_disk;
            if self.writer.shared.set_disk_low(low) != low && low {
                log::warn!(free_bytes = free; "little space is left in {}: clients get BUSY", dir.display());
            }
        }
        let mut wal = file.clone().into_os_string();
        wal.push("-wal");
        let length = std::fs::metadata(PathBuf::from(wal)).map_or(0, |wal| wal.len());
        if length > settings.wal_alarm {
            log::warn!(wal_bytes = length; "the write-ahead file is large: a long read holds it");
        }
    }
}

/// Those that are tried again: what the hub wants, and for a while whatever may be committed already.
fn keep(jobs: Vec<AppendJob>, error: &Error, patient: bool) -> Vec<AppendJob> {
    let (kept, refused): (Vec<_>, Vec<_>) =
        jobs.into_iter().partition(|job| job.append.origin == Origin::Hub || (job.uncertain && patient));
    for job in refused {
        self::refused("storage");
        job.abandon(error);
    }
    kept
}

fn answer(jobs: Vec<AppendJob>, answers: batch::Answers, took: Duration) {
    let journal = &metrics().journal;
    journal.commits.inc();
    journal.commit_seconds.observe(took.as_secs_f64());
    let mut rows = 0;
    for (job, result) in jobs.into_iter().zip(answers) {
        match &result {
            Ok(_) => rows += job.append.rows.len() as u64,
            Err(Error::Fenced) => refused("fenced"),
            Err(Error::Duplicate(_)) => refused("duplicate"),
            Err(_) => refused("other"),
        }
        job.answer(result);
    }
    journal.rows.inc_by(rows);
    journal.batch_rows.observe(rows as f64);
}

fn refuse(jobs: Vec<Job>, error: &Error) {
    for job in jobs {
        refused("storage");
        match job {
            Job::Append(job) => job.answer(Err(error.clone())),
            Job::Write(write) => write.refuse(error.clone()),
        }
    }
}

fn refused(reason: &'static str) {
    metrics().journal.refused.get_or_create(&Reason { reason }).inc();
}
