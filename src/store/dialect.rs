//! What truly differs between the two databases, one function each; nothing else in the store asks
//! which one it talks to.

use std::{sync::Arc, time::Duration};

use diesel::{
    PgConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    dsl::sql,
    prelude::*,
    r2d2::R2D2Connection,
    sql_types::{BigInt, Text},
};

use super::{
    Error,
    connection::{Connection, Role},
};
use crate::config::sections::Synchronous;

/// Older ones can lose committed rows with a writer and readers on one file (the WAL-reset race).
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// A setting of the database that breaks a promise of the hub; shown by `/readyz`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokenPromise {
    /// The promise, in one clause.
    pub promise: &'static str,
    /// The setting and its value.
    pub setting: String,
}

/// Settings of an SQLite connection.
pub(super) fn pragmas(
    connection: &mut Connection,
    role: Role,
    busy_timeout: Duration,
    synchronous: Synchronous,
) -> Result<(), Error> {
    let busy = busy_timeout.as_millis();
    let level = match synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    let text = match role {
        // A checkpoint costs two syncs: every 16 MiB is enough.
        Role::Write => format!(
            "PRAGMA busy_timeout={busy}; PRAGMA journal_mode=WAL; PRAGMA synchronous={level}; \
             PRAGMA foreign_keys=ON; PRAGMA wal_autocheckpoint=4096; PRAGMA trusted_schema=OFF;"
        ),
        Role::Read => format!(
            "PRAGMA busy_timeout={busy}; PRAGMA foreign_keys=ON; PRAGMA query_only=ON; PRAGMA trusted_schema=OFF;"
        ),
    };
    Ok(connection.batch_execute(&text)?)
}

/// Settings of a PostgreSQL session. A hub that died while it held a row must not hold it for ever.
pub(super) fn session(connection: &mut Connection) -> Result<(), Error> {
    Ok(connection.batch_execute(
        "SET application_name = 'jethub'; SET client_min_messages = warning; SET lock_timeout = '30s'; \
         SET idle_in_transaction_session_timeout = '60s'; SET tcp_user_timeout = '15s';",
    )?)
}

/// Begins a transaction that will write. SQLite takes its write lock now, not in the middle.
pub(super) fn begin_write(connection: &mut Connection) -> QueryResult<()> {
    match connection {
        Connection::Sqlite(sqlite) => {
            AnsiTransactionManager::begin_transaction_sql(sqlite, "BEGIN IMMEDIATE")
        }
        Connection::Postgresql(postgresql) => AnsiTransactionManager::begin_transaction(postgresql),
    }
}

/// Commits what [`begin_write`] began.
pub(super) fn commit(connection: &mut Connection) -> QueryResult<()> {
    <Connection as TransactionManager<Connection>>::commit_transaction(connection)
}

/// Gives up what [`begin_write`] began; an error means that the connection is of no more use.
pub(super) fn rollback(connection: &mut Connection) -> QueryResult<()> {
    <Connection as TransactionManager<Connection>>::rollback_transaction(connection)
}

/// The connection, if its database takes columns as arrays.
pub(super) fn with_arrays(connection: &mut Connection) -> Option<&mut PgConnection> {
    match connection {
        Connection::Sqlite(_) => None,
        Connection::Postgresql(postgresql) => Some(postgresql),
    }
}

/// The server answers.
pub(super) fn is_there(connection: &mut Connection) -> bool {
    connection.batch_execute("SELECT 1").is_ok()
}

/// A connection opened after another one was lost sees all that the lost one committed. A server may
/// still be committing for a client that is gone; a file has no such servant.
pub(super) fn sees_every_commit(connection: &Connection) -> bool {
    matches!(connection, Connection::Sqlite(_))
}

/// The connection is gone, or its transaction state cannot be trusted.
pub(super) fn is_broken(connection: &mut Connection) -> bool {
    connection.is_broken()
}

/// Refuses an SQLite that is older than [`OLDEST_SQLITE`]; without the bundled one the system's
/// would be linked.
pub(super) fn check_version(connection: &mut Connection) -> Result<(), Error> {
    if let Connection::Postgresql(_) = connection {
        return Ok(());
    }
    let version: String = diesel::select(sql::<Text>("sqlite_version()")).get_result(connection)?;
    if is_too_old(&version) { Err(Error::OldSqlite(Arc::from(version.as_str()))) } else { Ok(()) }
}

fn is_too_old(version: &str) -> bool {
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let mut next = || parts.next().unwrap_or(0);
    (next(), next(), next()) < OLDEST_SQLITE
}

/// Reads the settings that promises stand on.
pub(super) fn broken_promises(connection: &mut Connection) -> Result<Vec<BrokenPromise>, Error> {
    const SYNCED: &str = "P1: nothing is told before its row is on the disk";
    let mut broken = Vec::new();
    match connection {
        Connection::Sqlite(_) => {
            let level: i64 = diesel::select(sql::<BigInt>("(SELECT synchronous FROM pragma_synchronous)"))
                .get_result(connection)?;
            if level < 2 {
                broken.push(BrokenPromise { promise: SYNCED, setting: format!("synchronous = {level}") });
            }
            let mode: String = diesel::select(sql::<Text>("(SELECT journal_mode FROM pragma_journal_mode)"))
                .get_result(connection)?;
            if mode != "wal" {
                let promise = "P9: reads do not wait for writes";
                broken.push(BrokenPromise { promise, setting: format!("journal_mode = {mode}") });
            }
        }
        Connection::Postgresql(_) => {
            for setting in ["synchronous_commit", "fsync", "full_page_writes"] {
                let query = format!("current_setting('{setting}')");
                let value: String = diesel::select(sql::<Text>(&query)).get_result(connection)?;
                if value == "off" || (setting == "synchronous_commit" && value == "local") {
                    broken.push(BrokenPromise { promise: SYNCED, setting: format!("{setting} = {value}") });
                }
            }
        }
    }
    Ok(broken)
}

/// Waits until this connection alone may migrate. SQLite's lock is the file lock of `lock.rs`.
pub(super) fn lock_migrations(connection: &mut Connection) -> Result<(), Error> {
    match connection {
        Connection::Sqlite(_) => Ok(()),
        // Without the limit of the session: another hub may need long for a large table.
        Connection::Postgresql(_) => Ok(connection.batch_execute(
            "SET lock_timeout = 0; SELECT pg_advisory_lock(7165168429112345); SET lock_timeout = '30s'",
        )?),
    }
}

/// The end of [`lock_migrations`]; the end of the connection is one as well.
pub(super) fn unlock_migrations(connection: &mut Connection) -> Result<(), Error> {
    match connection {
        Connection::Sqlite(_) => Ok(()),
        Connection::Postgresql(_) => {
            Ok(connection.batch_execute("SELECT pg_advisory_unlock(7165168429112345)")?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlite_before_the_wal_reset_fix_is_refused() {
        assert!(is_too_old("3.51.2") && is_too_old("3.46.1") && is_too_old("?"));
        assert!(!is_too_old("3.51.3") && !is_too_old("3.53.2") && !is_too_old("4.0.0"));
    }
}
