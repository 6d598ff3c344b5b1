//! The thread that owns what is in memory. It ends when nobody can ask any more.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use tokio::sync::{mpsc, oneshot};

use super::shelves::{Bounds, Shelves};
use crate::{ai::Error, store};

/// Most questions that wait; who comes then waits for a place.
const WAITING: usize = 1024;

type Job = Box<dyn FnOnce(&mut Shelves) + Send>;

/// Reaches the thread.
#[derive(Clone)]
pub(super) struct Librarian {
    jobs: mpsc::Sender<Job>,
}

impl Librarian {
    pub fn start(bounds: Bounds) -> Self {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let started =
            thread::Builder::new().name("catalogue".to_owned()).spawn(move || serve(waiting, bounds));
        if let Err(error) = started {
            log::error!("no thread for the catalogue: {error}");
        }
        Self { jobs }
    }

    /// Does something there.
    pub async fn ask<T, F>(&self, what: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Shelves) -> Result<T, store::Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |shelves| {
            // Who asked may be gone.
            if !answer.is_closed() {
                let _ = answer.send(what(shelves));
            }
        });
        self.jobs.send(job).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?.map_err(|error| failed(&error))
    }
}

/// What an error of the database is to the room; its words stay in the log.
pub(super) fn failed(error: &store::Error) -> Error {
    log::warn!("the catalogue cannot be read: {error}");
    Error::Internal("the catalogue cannot be read now".to_owned())
}

fn gone() -> Error {
    Error::Internal("the catalogue is not there".to_owned())
}

fn serve(mut waiting: mpsc::Receiver<Job>, bounds: Bounds) {
    let mut kept: Option<Shelves> = None;
    while let Some(job) = waiting.blocking_recv() {
        let mut shelves = match kept.take().map_or_else(|| Shelves::new(bounds), Ok) {
            Ok(shelves) => shelves,
            Err(error) => {
                log::error!("no memory for the catalogue: {error}");
                continue;
            }
        };
        // A panic costs what is in memory, which is read again.
        let ran = catch_unwind(AssertUnwindSafe(move || {
            job(&mut shelves);
            shelves
        }));
        match ran {
            Ok(shelves) => kept = Some(shelves),
            Err(_) => log::error!("the catalogue's thread panicked; it begins anew"),
        }
    }
}
