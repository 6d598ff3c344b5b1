//! The store as its callers see it.

use std::{path::Path, sync::Arc};

use super::{
    BrokenPromise, Connection, Error, Journal, Migrated, Target,
    connection::{Connector, Role},
    dialect,
    journal::{Origin, Settings},
    lock::HubLock,
    migrate,
    pool::Pool,
};
use crate::{clock::Clock, config, ids::HubId};

struct Inner {
    journal: Journal,
    pool: Pool,
    target: Target,
    promises: Vec<BrokenPromise>,
    migrated: Migrated,
}

/// The store. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

impl Store {
    /// Opens the database: takes the lock of the state directory (and of the SQLite file), migrates,
    /// reads the settings that promises stand on, starts the journal thread. Blocking.
    pub fn open(
        database: &config::sections::Database,
        journal: &config::sections::Journal,
        state_dir: &Path,
        hub: HubId,
        clock: Clock,
    ) -> Result<Self, Error> {
        let target = Target::parse(database.url.as_ref().map(|url| url.expose()), state_dir)?;
        let lock = HubLock::take(&target, state_dir)?;
        let connector = Connector::new(target.clone(), database, journal);
        let mut connection = connector.connect(Role::Write)?;
        dialect::check_version(&mut connection)?;
        let migrated = migrate::run(&mut connection)?;
        let promises = dialect::broken_promises(&mut connection)?;
        for broken in &promises {
            log::warn!("{} — does not hold: the database has {}", broken.promise, broken.setting);
        }
        let pool = Pool::new(connector.clone(), database.read_pool, *database.acquire_timeout)?;
        let settings = Settings::new(journal, clock);
        let journal = Journal::start(settings, connector, connection, lock, hub, pool.clone())?;
        Ok(Self { inner: Arc::new(Inner { journal, pool, target, promises, migrated }) })
    }

    /// Runs a query on a connection of the read pool, on a blocking thread. `Busy` when none is free
    /// within `database.acquire_timeout`. SQLite refuses to write in it.
    pub async fn read<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        self.inner.pool.run(f).await
    }

    /// Runs a short function in a transaction of its own; an `Err` rolls back. `Busy` when the
    /// journal's queue is full (SQLite) or no connection is free (PostgreSQL), `Unknown` when the
    /// answer to the commit was lost.
    pub async fn write<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        self.inner.journal.write_as(Origin::Client, f).await
    }

    /// The journal.
    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// Where the store is; it prints without a password.
    pub fn target(&self) -> &Target {
        &self.inner.target
    }

    /// Settings of the database that break a promise; empty when all is well.
    pub fn broken_promises(&self) -> &[BrokenPromise] {
        &self.inner.promises
    }

    /// What was migrated when the store was opened.
    pub fn migrated(&self) -> &Migrated {
        &self.inner.migrated
    }

    /// For readiness: a read works, and so did the last write.
    pub async fn check(&self) -> Result<(), Error> {
        self.read(dialect::check_version).await?;
        self.inner.journal.trouble().map_or(Ok(()), Err)
    }

    /// Writes what waits, takes nothing more, and gives the lock back.
    pub async fn close(&self) {
        self.inner.journal.close().await;
    }
}
