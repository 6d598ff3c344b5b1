//! The thread that owns what is in memory. Tenants have it by turn, each for one piece of work: a tenant that
//! asks for much, or whose catalogue is read anew, waits for itself. It ends when nobody can ask any more.

use std::{
    collections::{HashMap, VecDeque, hash_map::Entry as Slot},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use parking_lot::{Condvar, Mutex};
use tokio::sync::{Semaphore, oneshot};

use super::{
    Entry, Hit,
    lately::Lately,
    shelves::{Ask, Bounds, Filling, Shelves},
};
use crate::{ai::Error, ids::TenantId, store};

/// Most questions that wait; who comes then waits for a place.
const WAITING: usize = 1024;

/// A piece of work; what is left of it, if anything.
struct Job(Box<Work>);
type Work = dyn FnOnce(&mut Shelves) -> Option<Job> + Send;

/// Work of tenants, by turn.
struct Turns<J> {
    /// Tenants with work, the next first.
    order: VecDeque<TenantId>,
    jobs: HashMap<TenantId, VecDeque<J>>,
    closed: bool,
}

impl<J> Turns<J> {
    fn new() -> Self {
        Self { order: VecDeque::new(), jobs: HashMap::new(), closed: false }
    }

    fn of(&mut self, tenant: TenantId) -> &mut VecDeque<J> {
        match self.jobs.entry(tenant) {
            Slot::Occupied(jobs) => jobs.into_mut(),
            Slot::Vacant(slot) => {
                self.order.push_back(slot.key().clone());
                slot.insert(VecDeque::new())
            }
        }
    }

    /// The oldest of the next tenant, who is behind all others then.
    fn take(&mut self) -> Option<(TenantId, J)> {
        let tenant = self.order.pop_front()?;
        let jobs = self.jobs.get_mut(&tenant)?;
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.jobs.remove(&tenant);
        } else {
            self.order.push_back(tenant.clone());
        }
        Some((tenant, job?))
    }
}

struct Shared {
    turns: Mutex<Turns<Job>>,
    more: Condvar,
}

/// Reaches the thread.
pub(super) struct Librarian {
    shared: Arc<Shared>,
    places: Arc<Semaphore>,
    lately: Lately,
}

impl Drop for Librarian {
    fn drop(&mut self) {
        self.shared.turns.lock().closed = true;
        self.shared.more.notify_one();
    }
}

impl Librarian {
    pub fn start(bounds: Bounds) -> Self {
        let shared = Arc::new(Shared { turns: Mutex::new(Turns::new()), more: Condvar::new() });
        let lately = Lately::default();
        let (served, known) = (Arc::clone(&shared), lately.clone());
        let started =
            thread::Builder::new().name("catalogue".to_owned()).spawn(move || serve(&served, bounds, &known));
        if let Err(error) = started {
            log::error!("no thread for the catalogue: {error}");
            shared.turns.lock().closed = true;
        }
        Self { shared, places: Arc::new(Semaphore::new(WAITING)), lately }
    }

    /// Answers from what is here; none when that is older than `revision`, or not here.
    pub async fn ask(&self, ask: Ask, revision: i64) -> Result<Option<Vec<Hit>>, Error> {
        if let Some(hits) = self.lately.find(&ask, revision) {
            return Ok(Some(hits));
        }
        let (answer, answered) = oneshot::channel();
        let tenant = ask.tenant.clone();
        let job = Job(Box::new(move |shelves| {
            // Who asked may be gone.
            if !answer.is_closed() {
                let _ = answer.send(shelves.answer(&ask, revision));
            }
            None
        }));
        self.put(tenant, job, answered).await
    }

    /// Takes in all that a tenant has at `revision`, then answers.
    pub async fn fill(
        &self,
        ask: Ask,
        revision: i64,
        entries: Vec<Entry>,
    ) -> Result<Option<Vec<Hit>>, Error> {
        let (answer, answered) = oneshot::channel();
        let tenant = ask.tenant.clone();
        let job = Job(Box::new(move |shelves| {
            let begun = shelves.begin(&ask.tenant, revision, entries);
            go_on(begun, shelves, Asked { ask, revision, answer })
        }));
        self.put(tenant, job, answered).await
    }

    async fn put<T>(
        &self,
        tenant: TenantId,
        job: Job,
        answered: oneshot::Receiver<Result<T, store::Error>>,
    ) -> Result<T, Error> {
        let _place = self.places.acquire().await.map_err(|_| gone())?;
        {
            let mut turns = self.shared.turns.lock();
            if turns.closed {
                return Err(gone());
            }
            turns.of(tenant).push_back(job);
        }
        self.shared.more.notify_one();
        answered.await.map_err(|_| gone())?.map_err(|error| failed(&error))
    }
}

struct Asked {
    ask: Ask,
    revision: i64,
    answer: oneshot::Sender<Result<Option<Vec<Hit>>, store::Error>>,
}

/// The rest of a filling; the answer at its end.
fn go_on(filling: Result<Option<Filling>, store::Error>, shelves: &mut Shelves, asked: Asked) -> Option<Job> {
    match filling {
        Ok(Some(filling)) => Some(Job(Box::new(move |shelves| {
            let left = shelves.go_on(filling);
            go_on(left, shelves, asked)
        }))),
        Ok(None) => {
            let _ = asked.answer.send(shelves.answer(&asked.ask, asked.revision));
            None
        }
        Err(error) => {
            let _ = asked.answer.send(Err(error));
            None
        }
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

fn serve(shared: &Shared, bounds: Bounds, lately: &Lately) {
    let mut kept: Option<Shelves> = None;
    loop {
        let (tenant, Job(job)) = {
            let mut turns = shared.turns.lock();
            loop {
                if turns.closed {
                    return;
                }
                match turns.take() {
                    Some(next) => break next,
                    None => shared.more.wait(&mut turns),
                }
            }
        };
        let mut shelves = match kept.take().map_or_else(|| Shelves::new(bounds, lately.clone()), Ok) {
            Ok(shelves) => shelves,
            Err(error) => {
                log::error!("no memory for the catalogue: {error}");
                continue;
            }
        };
        // A panic costs what is in memory, which is read again.
        let ran = catch_unwind(AssertUnwindSafe(move || {
            let left = job(&mut shelves);
            (shelves, left)
        }));
        match ran {
            Ok((shelves, left)) => {
                kept = Some(shelves);
                if let Some(left) = left {
                    shared.turns.lock().of(tenant).push_front(left);
                }
            }
            Err(_) => log::error!("the catalogue's thread panicked; it begins anew"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_take_turns() {
        let mut turns = Turns::new();
        let t = TenantId::trusted;
        for n in 0..3 {
            turns.of(t("many")).push_back(n);
        }
        assert_eq!(turns.take(), Some((t("many"), 0)));
        turns.of(t("one")).push_back(10);
        // The rest of what was begun goes first, but not before another tenant.
        turns.of(t("many")).push_front(9);
        let order: Vec<i32> = std::iter::from_fn(|| turns.take()).map(|(_, job)| job).collect();
        assert_eq!(order, [9, 10, 1, 2]);
        assert!(turns.jobs.is_empty() && turns.order.is_empty());
        turns.of(t("new")).push_back(1);
        assert_eq!(turns.take(), Some((t("new"), 1)));
    }
}
