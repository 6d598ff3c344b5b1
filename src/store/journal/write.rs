//! A function on the database with a transaction of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use tokio::sync::oneshot;

use super::queue::Reservation;
use crate::store::{Connection, Error, dialect};

/// A write that waits in the journal's queue, whatever it answers.
pub(super) trait WriteJob: Send {
    /// Runs in a transaction and answers.
    fn run(self: Box<Self>, connection: &mut Connection) -> Result<(), Error>;
    /// Answers without having run.
    fn refuse(self: Box<Self>, error: Error);
}

/// A closure with its waiter.
pub(super) struct Typed<T, F> {
    pub(super) f: F,
    pub(super) reply: oneshot::Sender<Result<T, Error>>,
    pub(super) reservation: Reservation,
}

impl<T, F> WriteJob for Typed<T, F>
where
    T: Send,
    F: FnOnce(&mut Connection) -> Result<T, Error> + Send,
{
    fn run(self: Box<Self>, connection: &mut Connection) -> Result<(), Error> {
        let Self { f, reply, reservation } = *self;
        let result = transaction(connection, f);
        drop(reservation);
        // The journal thread hears of trouble with the storage only; the rest is the caller's.
        let heard = match &result {
            Err(error @ (Error::Unavailable(_) | Error::Unknown)) => Err(error.clone()),
            _ => Ok(()),
        };
        let _ = reply.send(result);
        heard
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.reply.send(Err(error));
    }
}

/// Runs `f` in a transaction. A panic of `f` rolls back and is an error. When the connection breaks
/// at the commit, the outcome is `Unknown`.
pub(in crate::store) fn transaction<T>(
    connection: &mut Connection,
    f: impl FnOnce(&mut Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    dialect::begin_write(connection)?;
    let result = catch_unwind(AssertUnwindSafe(|| f(connection))).unwrap_or(Err(Error::Panicked));
    match result {
        Ok(value) => match dialect::commit(connection) {
            Ok(()) => Ok(value),
            Err(error) if dialect::is_broken(connection) => {
                log::warn!("the answer to a commit was lost: {error}");
                Err(Error::Unknown)
            }
            Err(error) => Err(error.into()),
        },
        Err(error) => {
            if let Err(failed) = dialect::rollback(connection) {
                log::debug!("rollback failed: {failed}");
            }
            Err(error)
        }
    }
}
