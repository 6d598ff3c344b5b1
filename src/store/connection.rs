//! One connection type over both databases, and what a database URL may look like.

use std::{
    fs,
    io::ErrorKind,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use diesel::{Connection as _, PgConnection, SqliteConnection};

use super::{Error, dialect};
use crate::config::sections::{Database, Journal, Synchronous};

/// The default SQLite file in the state directory.
const DEFAULT_FILE: &str = "jethub.db";

#[expect(missing_docs, reason = "written by Diesel's derive")]
mod multi {
    use diesel::{PgConnection, SqliteConnection};

    // Not `Connection`: the derive's own code means Diesel's trait by that name.
    /// A connection to the store's database.
    #[derive(diesel::MultiConnection)]
    pub enum StoreConnection {
        Sqlite(SqliteConnection),
        Postgresql(PgConnection),
    }
}
pub(crate) use multi::MultiBackend;
pub use multi::StoreConnection as Connection;

/// Where the store is, from `database.url` or the state directory.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A file.
    Sqlite(PathBuf),
    /// A server, by libpq's URL. It may hold a password, so it never prints.
    Postgresql(Arc<str>),
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgresql(_) => f.write_str("postgresql://****"),
        }
    }
}

impl Target {
    /// Reads a URL: `sqlite:FILE` (also `sqlite://FILE`; a relative file is in the state directory)
    /// or `postgresql://…` (also `postgres://…`). Anything else is an error: a misspelled server
    /// must never become a file.
    pub fn parse(url: Option<&str>, state_dir: &Path) -> Result<Self, Error> {
        let Some(url) = url else { return Ok(Self::Sqlite(state_dir.join(DEFAULT_FILE))) };
        if url.starts_with("postgresql://") || url.starts_with("postgres://") {
            return Ok(Self::Postgresql(Arc::from(url)));
        }
        let Some(file) = url.strip_prefix("sqlite:") else {
            let scheme = url.split_once(':').map_or("none", |(scheme, _)| scheme);
            let words = format!("scheme {scheme} is not known, use sqlite:FILE or postgresql://…");
            return Err(Error::Url(Arc::from(words.as_str())));
        };
        let file = file.strip_prefix("//").unwrap_or(file);
        if file.is_empty() || file.starts_with(':') || file.contains('?') {
            return Err(Error::Url(Arc::from("sqlite: needs the path of a file, without parameters")));
        }
        Ok(Self::Sqlite(state_dir.join(file)))
    }

    /// `sqlite` or `postgresql`, for logs and `/readyz`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgresql(_) => "postgresql",
        }
    }
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The journal thread, migrations, and on PostgreSQL other writes.
    Write,
    /// The read pool: SQLite refuses writes on it.
    Read,
}

/// Opens connections to one target.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    pub(crate) target: Target,
    busy_timeout: Duration,
    synchronous: Synchronous,
}

impl Connector {
    pub(crate) fn new(target: Target, database: &Database, journal: &Journal) -> Self {
        Self { target, busy_timeout: *database.busy_timeout, synchronous: journal.synchronous }
    }

    /// Blocking. The settings of the connection are made here, so that no caller can forget one.
    pub(crate) fn connect(&self, role: Role) -> Result<Connection, Error> {
        match &self.target {
            Target::Sqlite(path) => {
                if role == Role::Write {
                    prepare_file(path)?;
                }
                let url = path.to_str().ok_or(Error::Invalid("the path of the database is not UTF-8"))?;
                let connection = SqliteConnection::establish(url).map_err(Error::unavailable)?;
                let mut connection = Connection::Sqlite(connection);
                dialect::pragmas(&mut connection, role, self.busy_timeout, self.synchronous)?;
                Ok(connection)
            }
            Target::Postgresql(url) => {
                let url = with_patience(url);
                let connection = PgConnection::establish(&url).map_err(Error::unavailable)?;
                let mut connection = Connection::Postgresql(connection);
                dialect::session(&mut connection)?;
                Ok(connection)
            }
        }
    }
}

/// A server that is gone without a word is noticed within some 15 seconds, also in the middle of a
/// statement. What the URL itself sets wins: libpq takes the last of two.
fn with_patience(url: &str) -> String {
    const PATIENCE: &str =
        "connect_timeout=5&keepalives_idle=5&keepalives_interval=3&keepalives_count=3&tcp_user_timeout=15000";
    match url.split_once('?') {
        Some((place, "")) => format!("{place}?{PATIENCE}"),
        Some((place, query)) => format!("{place}?{PATIENCE}&{query}"),
        None => format!("{url}?{PATIENCE}"),
    }
}

/// Makes the state directory, for this user only. Blocking.
pub(crate) fn prepare_dir(dir: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|error| Error::unavailable(format_args!("{}: {error}", dir.display())))
}

/// The file is made before SQLite does, so that it (and `-wal`, `-shm`, which copy its mode) is for
/// this user only from its first byte.
fn prepare_file(path: &Path) -> Result<(), Error> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        prepare_dir(dir)?;
    }
    let words = |error: std::io::Error| Error::unavailable(format_args!("{}: {error}", path.display()));
    match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let mode = fs::metadata(path).map_err(words)?.permissions().mode();
            if mode & 0o077 != 0 {
                log::warn!("{} can be read by others: mode {:o}, expected 600", path.display(), mode & 0o777);
            }
            Ok(())
        }
        Err(error) => Err(words(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_keeps_its_own_parameters() {
        assert!(with_patience("postgresql://h/d").starts_with("postgresql://h/d?connect_timeout=5&"));
        assert!(with_patience("postgresql:///d?host=/run").ends_with("=15000&host=/run"));
    }

    #[test]
    fn only_known_schemes_are_taken() {
        let dir = Path::new("/state");
        let file = |text: &str| Target::Sqlite(PathBuf::from(text));
        assert_eq!(Target::parse(None, dir).unwrap(), file("/state/jethub.db"));
        assert_eq!(Target::parse(Some("sqlite:a.db"), dir).unwrap(), file("/state/a.db"));
        assert_eq!(Target::parse(Some("sqlite:///x/a.db"), dir).unwrap(), file("/x/a.db"));
        for bad in
            ["a.db", "postgresq://host/x", "mysql://h/x", "sqlite::memory:", "sqlite:", "sqlite:a?mode=ro"]
        {
            assert!(matches!(Target::parse(Some(bad), dir), Err(Error::Url(_))), "{bad}");
        }
        let server = Target::parse(Some("postgresql://u:secret@h/x"), dir).unwrap();
        assert!(!format!("{server:?}").contains("secret"));
    }
}
