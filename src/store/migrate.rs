//! Both sets of migrations, compiled in and run at start.

use std::{path::Path, sync::Arc};

use diesel::{
    connection::Connection as _,
    migration::{Migration, MigrationSource, MigrationVersion},
};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::{
    Error, Target,
    connection::{Connection, Connector, MultiBackend, Role},
    dialect,
    lock::HubLock,
};
use crate::{
    config::sections::{Database, Journal},
    crash_point,
};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRESQL: EmbeddedMigrations = embed_migrations!("migrations/postgresql");

/// What a migration did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migrated {
    /// Migrations run now.
    pub applied: Vec<String>,
    /// The newest migration of the database.
    pub version: String,
}

/// `jethub migrate`: brings the database to this binary's schema, unless a hub runs on it. Blocking.
pub fn migrate(database: &Database, journal: &Journal, state_dir: &Path) -> Result<Migrated, Error> {
    let target = Target::parse(database.url.as_ref().map(|url| url.expose()), state_dir)?;
    let _lock = HubLock::take(&target, state_dir)?;
    let mut connection = Connector::new(target, database, journal).connect(Role::Write)?;
    dialect::check_version(&mut connection)?;
    run(&mut connection)
}

/// Runs what is pending, each in a transaction of its own. Of several processes that start at
/// once one migrates and the others wait. A database that is newer than this binary is refused and
/// left as it is.
pub(super) fn run(connection: &mut Connection) -> Result<Migrated, Error> {
    dialect::lock_migrations(connection)?;
    let migrated = locked(connection);
    // The lock is the session's: it must not outlive this function on a pooled connection.
    dialect::unlock_migrations(connection)?;
    migrated
}

fn locked(connection: &mut Connection) -> Result<Migrated, Error> {
    let source: &dyn MigrationSource<MultiBackend> = match connection {
        Connection::Sqlite(_) => &SQLITE,
        Connection::Postgresql(_) => &POSTGRESQL,
    };
    let mut known = source.migrations().map_err(failed)?;
    known.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    let binary = known.last().map(|last| last.name().version().as_owned().to_string()).unwrap_or_default();
    let applied: Vec<MigrationVersion<'static>> = connection.applied_migrations().map_err(failed)?;
    if let Some(newer) = applied.iter().filter(|version| **version > newest(&known)).max() {
        let database = Arc::from(newer.to_string().as_str());
        return Err(Error::NewerSchema { database, binary: Arc::from(binary.as_str()) });
    }
    let mut names = Vec::new();
    for migration in &known {
        let name = migration.name().to_string();
        if applied.contains(&migration.name().version().as_owned()) {
            continue;
        }
        one(connection, &**migration)?;
        log::info!(migration = name.as_str(); "migrated the database: {name}");
        names.push(name);
    }
    Ok(Migrated { applied: names, version: binary })
}

fn newest(known: &[Box<dyn Migration<MultiBackend>>]) -> MigrationVersion<'static> {
    known.last().map(|last| last.name().version().as_owned()).unwrap_or_else(|| MigrationVersion::from("0"))
}

fn one(connection: &mut Connection, migration: &dyn Migration<MultiBackend>) -> Result<(), Error> {
    connection.transaction(|connection| {
        connection.run_migration(&migration).map_err(failed)?;
        crash_point!("migration.mid", Error::unavailable("crash point"));
        Ok(())
    })
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    match error.downcast::<diesel::result::Error>() {
        Ok(error) => Error::from(*error),
        Err(error) => Error::Database(Arc::from(error.to_string().as_str())),
    }
}
