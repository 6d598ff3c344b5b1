//! What a caller of the store may learn. The database's own words stay in [`Error::Unavailable`]
//! and [`Error::Database`]: they are for the log, never for a client.

use std::{path::PathBuf, sync::Arc};

use diesel::result::{DatabaseErrorKind as Kind, Error as Diesel};

use crate::{
    error::{Code, Coded},
    ids::{Seq, StreamId},
};

/// Which rule of uniqueness an insert broke: the only thing told of a violation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unique {
    /// A stream with this name exists.
    Stream,
    /// A run with this id exists.
    Run,
    /// The idempotency key was used before in its scope.
    IdempotencyKey,
    /// The ingest key was used before in its run.
    IngestKey,
    /// A user with this subject (or id) exists.
    User,
    /// A tenant with this id exists.
    Tenant,
    /// The user is a member already.
    Member,
    /// The API key exists.
    ApiKey,
    /// The workflow, or this version of it, exists.
    Workflow,
    /// A chat room with this id exists.
    ChatRoom,
    /// Any other row.
    Other,
}

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Another owner, or another head, than the caller thought: it must fold its stream again, or
    /// stop. Nothing was written.
    #[error("the stream has another owner or another head")]
    Fenced,
    /// A queue or the read pool is full. Nothing was written.
    #[error("the store is busy")]
    Busy,
    /// A row with this key exists. Nothing was written.
    #[error("it exists already")]
    Duplicate(Unique),
    /// No such row.
    #[error("not found")]
    NotFound,
    /// A row that this one names does not exist (or still needs this one).
    #[error("a row that it refers to is missing")]
    Reference,
    /// The database cannot be reached or written. Nothing was written.
    #[error("storage unavailable: {0}")]
    Unavailable(Arc<str>),
    /// The answer to a commit was lost, or the thread that waited for it ended: the rows may be
    /// there or not. Fold the stream again to know.
    #[error("the outcome of a write is not known")]
    Unknown,
    /// A stored row that is not what was written.
    #[error("row {seq} of {stream} is corrupted")]
    Corrupted {
        /// The row's stream; its rows before this one are good.
        stream: StreamId,
        /// The row.
        seq: Seq,
    },
    /// A stored value that no release ever wrote.
    #[error("a stored value is not valid: {0}")]
    Value(Arc<str>),
    /// A call against the contract of the store (an append without rows, an empty title).
    #[error("invalid use of the store: {0}")]
    Invalid(&'static str),
    /// A place of a list that this hub never gave out.
    #[error("the cursor is not valid")]
    Cursor,
    /// The database URL cannot be used.
    #[error("database url: {0}")]
    Url(Arc<str>),
    /// Another process holds this database or state directory.
    #[error("{0} is in use by another process")]
    Locked(PathBuf),
    /// The database was migrated by a newer release.
    #[error("the database has migration {database}, this binary knows up to {binary}: use the newer binary")]
    NewerSchema {
        /// The newest migration in the database.
        database: Arc<str>,
        /// The newest migration of this binary.
        binary: Arc<str>,
    },
    /// The SQLite that is linked loses rows in our layout.
    #[error("SQLite {0} is linked, 3.51.3 or newer is needed")]
    OldSqlite(Arc<str>),
    /// A closure given to the store panicked; its transaction was rolled back.
    #[error("a function on the store panicked")]
    Panicked,
    /// The store was shut down.
    #[error("the store is closed")]
    Closed,
    /// Anything else that the database refused: a defect of the hub.
    #[error("database: {0}")]
    Database(Arc<str>),
}

impl Error {
    /// A later try may succeed without anybody changing the call.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Busy | Self::Unavailable(_))
    }

    /// The database will never take this very write, whoever tries again.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Duplicate(_) | Self::Reference | Self::Value(_) | Self::Invalid(_) | Self::Database(_)
        )
    }

    /// Storage failed, with these words for the log.
    pub(crate) fn unavailable(words: impl std::fmt::Display) -> Self {
        Self::Unavailable(Arc::from(words.to_string().as_str()))
    }
}

impl Coded for Error {
    fn code(&self) -> Code {
        match self {
            Self::Fenced | Self::Unknown => Code::RunLost,
            Self::Busy => Code::Busy,
            Self::Duplicate(_) | Self::Reference => Code::Conflict,
            Self::NotFound => Code::NotFound,
            Self::Cursor => Code::InvalidRequest,
            Self::Unavailable(_) | Self::Closed => Code::StorageUnavailable,
            Self::Corrupted { .. }
            | Self::Value(_)
            | Self::Invalid(_)
            | Self::Url(_)
            | Self::Locked(_)
            | Self::NewerSchema { .. }
            | Self::OldSqlite(_)
            | Self::Panicked
            | Self::Database(_) => Code::ServerError,
        }
    }
}

impl From<Diesel> for Error {
    fn from(error: Diesel) -> Self {
        match &error {
            Diesel::NotFound => Self::NotFound,
            Diesel::DatabaseError(Kind::UniqueViolation, info) => {
                Self::Duplicate(unique(info.constraint_name().unwrap_or_default(), info.message()))
            }
            Diesel::DatabaseError(Kind::ForeignKeyViolation, _) => Self::Reference,
            Diesel::DatabaseError(
                Kind::ClosedConnection | Kind::ReadOnlyTransaction | Kind::SerializationFailure,
                _,
            )
            | Diesel::BrokenTransactionManager => Self::unavailable(&error),
            Diesel::RollbackErrorOnCommit { .. } => Self::unavailable(&error),
            Diesel::DatabaseError(_, info) if transient(info.message()) => Self::unavailable(&error),
            Diesel::DeserializationError(_) => Self::Value(Arc::from(error.to_string().as_str())),
            _ => Self::Database(Arc::from(error.to_string().as_str())),
        }
    }
}

/// PostgreSQL names the constraint (`runs_pkey`), SQLite the columns (`runs.instance_id`): both
/// begin with the table.
fn unique(constraint: &str, message: &str) -> Unique {
    let table =
        if constraint.is_empty() { message.rsplit(": ").next().unwrap_or(message) } else { constraint };
    [
        ("streams", Unique::Stream),
        ("runs", Unique::Run),
        ("idempotency_keys", Unique::IdempotencyKey),
        ("ingest_keys", Unique::IngestKey),
        ("users", Unique::User),
        ("tenants", Unique::Tenant),
        ("members", Unique::Member),
        ("api_keys", Unique::ApiKey),
        ("workflow", Unique::Workflow),
        ("chat_rooms", Unique::ChatRoom),
    ]
    .into_iter()
    .find_map(|(name, what)| table.starts_with(name).then_some(what))
    .unwrap_or(Unique::Other)
}

/// Words of SQLite and libpq for trouble that may pass. Neither gives a code through Diesel.
fn transient(message: &str) -> bool {
    const WORDS: &[&str] = &[
        "database is locked",
        "table is locked",
        "database or disk is full",
        "disk I/O error",
        "readonly database",
        "unable to open database",
        "out of memory",
        "connection",
        "terminating",
        "the database system is",
        "deadlock detected",
        "canceling statement",
        "lock timeout",
        "could not extend",
        "could not write",
        "No space left",
        "read-only transaction",
        "too many clients",
        "remaining connection slots",
        "could not serialize",
        "could not receive",
        "could not send",
        "no connection to the server",
        "SSL",
    ];
    WORDS.iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_is_named_on_both_databases() {
        assert_eq!(unique("idempotency_keys_pkey", "duplicate key value"), Unique::IdempotencyKey);
        let sqlite = "UNIQUE constraint failed: ingest_keys.instance_id, ingest_keys.key";
        assert_eq!(unique("", sqlite), Unique::IngestKey);
        assert_eq!(unique("workflow_versions_pkey", ""), Unique::Workflow);
    }

    #[test]
    fn the_words_of_a_database_never_reach_a_client() {
        let error = Error::unavailable("FATAL: password authentication failed for user \"jet\"");
        assert!(!error.public_message().contains("jet"));
        assert!(error.is_transient());
    }
}
