//! Reads off the actors' threads: a bounded pool of connections, used from blocking threads.

use std::{sync::Arc, time::Duration};

use diesel::r2d2::R2D2Connection;
use tokio::sync::Semaphore;

use super::{
    Error, Target,
    connection::{Connection, Connector, Role},
    dialect,
};

/// Makes connections for r2d2.
#[derive(Debug)]
struct Manager {
    connector: Connector,
    role: Role,
}

impl r2d2::ManageConnection for Manager {
    type Connection = Connection;
    type Error = Error;

    fn connect(&self) -> Result<Connection, Error> {
        self.connector.connect(self.role)
    }
    fn is_valid(&self, connection: &mut Connection) -> Result<(), Error> {
        Ok(connection.ping()?)
    }
    fn has_broken(&self, connection: &mut Connection) -> bool {
        std::thread::panicking() || dialect::is_broken(connection)
    }
}

/// The pool. Cheap to clone.
#[derive(Clone)]
pub(super) struct Pool {
    connections: r2d2::Pool<Manager>,
    permits: Arc<Semaphore>,
    acquire_timeout: Duration,
}

impl Pool {
    /// A pool of at most `size` connections, opened as they are needed. A caller waits at most
    /// `acquire_timeout` for one.
    pub(super) fn new(connector: Connector, size: usize, acquire_timeout: Duration) -> Result<Self, Error> {
        // A server may have closed an idle connection; a file does not.
        let test = matches!(connector.target, Target::Postgresql(_));
        let role = if test { Role::Write } else { Role::Read };
        let connections = r2d2::Pool::builder()
            .max_size(u32::try_from(size.max(1)).unwrap_or(u32::MAX))
            .min_idle(Some(0))
            .test_on_check_out(test)
            .connection_timeout(acquire_timeout)
            .error_handler(Box::new(Quiet))
            .build(Manager { connector, role })
            .map_err(Error::unavailable)?;
        Ok(Self { connections, permits: Arc::new(Semaphore::new(size.max(1))), acquire_timeout })
    }

    /// Runs `f` on a connection, on a blocking thread. The permit is taken first, so that no more
    /// threads than connections ever wait.
    pub(super) async fn run<T, F>(&self, f: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    {
        let permits = Arc::clone(&self.permits);
        let permit = tokio::time::timeout(self.acquire_timeout, permits.acquire_owned())
            .await
            .map_err(|_| Error::Busy)?
            .map_err(|_| Error::Closed)?;
        let connections = self.connections.clone();
        let ran = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = connections.get().map_err(Error::unavailable)?;
            f(&mut connection)
        });
        match ran.await {
            Ok(result) => result,
            Err(error) if error.is_panic() => Err(Error::Panicked),
            Err(_) => Err(Error::Closed),
        }
    }
}

/// r2d2 tells of each failed try; the caller's error is told once, where it is handled.
#[derive(Debug)]
struct Quiet;

impl r2d2::HandleError<Error> for Quiet {
    fn handle_error(&self, error: Error) {
        log::debug!("a connection of the read pool failed: {error}");
    }
}
