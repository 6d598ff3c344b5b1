//! Wakes the children of a kind: one task a kind. A wake time is a row of `timers`; the task holds those
//! of the next minute in memory, hears of nearer ones from the actors that set them, and gives a due one
//! to its actor as a command. The row goes with the rows that the actor writes because of it, so a timer
//! that was lost on its way is found again by the next look. Each kind reads the rows of its own streams.
//!
//! What must be tried again later (an actor that could not be woken, because queues were full or it is
//! crash looping) waits here too.

use std::{
    collections::{BTreeSet, HashMap},
    fmt::Debug,
    hash::Hash,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::{
    clock::Clock,
    ids::StreamId,
    store::{
        Store,
        tables::timers::{self, Timer},
    },
};

/// How far ahead timers are held in memory.
const HORIZON: SignedDuration = SignedDuration::from_secs(60);
/// How often the table is read; less than the horizon.
const RELOAD: SignedDuration = SignedDuration::from_secs(45);
/// Timers read at once.
const PAGE: i64 = 500;
/// Longest sleep: the wall clock may jump.
const LONGEST: Duration = Duration::from_secs(1);
/// Actors that may be on their way up because of timers; the next ones wait.
const IN_FLIGHT: usize = 512;

/// What the children of a kind are woken with.
pub trait Wake: Clone + Eq + Ord + Hash + Debug + Unpin + Send + 'static {
    /// What names a child.
    type Id: Clone + Eq + Ord + Hash + Debug + Unpin + Send + 'static;
    /// How the names of their streams begin; the id follows.
    const STREAMS: &'static str;
    /// The id, from the name of a stream.
    fn id(name: &str) -> Self::Id;
    /// A timer of the table is due.
    fn timer(key: &str) -> Self;
    /// It stands in the table: it need not be held here before its time is near.
    fn is_timer(&self) -> bool;
}

/// Something to be done at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Due<W: Wake> {
    at: Timestamp,
    id: W::Id,
    wake: W,
}

/// The actors' end: tells the task of a nearer time. Cheap to clone.
#[derive(Clone)]
pub struct Timers<W: Wake> {
    told: mpsc::UnboundedSender<Due<W>>,
}

/// The task's end, made before the registry that it needs.
pub struct TimerTask<W: Wake> {
    told: mpsc::UnboundedReceiver<Due<W>>,
    store: Store,
    clock: Clock,
    due: BTreeSet<Due<W>>,
    loaded_until: Timestamp,
    reload_at: Timestamp,
    /// Where the table's rows are held under another time than before.
    held: HashMap<(W::Id, W), Timestamp>,
}

impl<W: Wake> Timers<W> {
    /// Both ends.
    pub fn new(store: Store, clock: Clock) -> (Self, TimerTask<W>) {
        let (sender, told) = mpsc::unbounded_channel();
        let task = TimerTask {
            told,
            store,
            clock,
            due: BTreeSet::new(),
            loaded_until: Timestamp::UNIX_EPOCH,
            reload_at: Timestamp::UNIX_EPOCH,
            held: HashMap::new(),
        };
        (Self { told: sender }, task)
    }

    /// A timer's row was committed.
    pub fn set(&self, id: &W::Id, key: &str, at: Timestamp) {
        self.again(id, W::timer(key), at);
    }

    /// Give the actor this again then: it was refused.
    pub fn again(&self, id: &W::Id, wake: W, at: Timestamp) {
        // The task ends with the hub; what it does not hear is in the table.
        let _ = self.told.send(Due { at, id: id.clone(), wake });
    }
}

impl<W: Wake> TimerTask<W> {
    /// Runs until every [`Timers`] is gone. `send` gives an actor its command, or gives it back when
    /// the registry is full; `open` says how much the registry has to do.
    pub async fn run(mut self, send: impl Fn(W::Id, W) -> Result<(), W>, open: impl Fn() -> usize) {
        loop {
            let now = self.clock.now();
            if now >= self.reload_at || now + HORIZON + HORIZON < self.loaded_until {
                self.reload(now).await;
            }
            while let Some(first) = self.due.first()
                && first.at <= self.clock.now()
                && open() < IN_FLIGHT
            {
                let Some(due) = self.due.pop_first() else { break };
                self.held.remove(&(due.id.clone(), due.wake.clone()));
                if send(due.id.clone(), due.wake.clone()).is_err() {
                    self.hold(Due { at: self.clock.now() + SignedDuration::from_millis(100), ..due });
                    break;
                }
            }
            let sleep = self.pause(open() >= IN_FLIGHT);
            tokio::select! {
                told = self.told.recv() => match told {
                    None => return,
                    Some(due) => self.hear(due),
                },
                () = tokio::time::sleep(sleep) => {}
            }
            // Many actors may have spoken.
            while let Ok(due) = self.told.try_recv() {
                self.hear(due);
            }
        }
    }

    fn pause(&self, crowded: bool) -> Duration {
        if crowded {
            return Duration::from_millis(5);
        }
        let next = self.due.first().map_or(self.reload_at, |first| first.at.min(self.reload_at));
        let wait = next.duration_since(self.clock.now());
        Duration::try_from(wait).unwrap_or_default().clamp(Duration::from_millis(1), LONGEST)
    }

    fn hear(&mut self, due: Due<W>) {
        // What is further away comes with the next look at the table; a wake is in no table.
        if due.at <= self.loaded_until || !due.wake.is_timer() {
            self.hold(due);
        }
    }

    fn hold(&mut self, due: Due<W>) {
        let key = (due.id.clone(), due.wake.clone());
        if let Some(before) = self.held.insert(key, due.at) {
            self.due.remove(&Due { at: before, ..due.clone() });
        }
        self.due.insert(due);
    }

    /// Reads the table up to the horizon; a row that is held already is left as it is.
    async fn reload(&mut self, now: Timestamp) {
        let until = now + HORIZON;
        let mut after: Option<Timer> = None;
        loop {
            let from = after.clone();
            let page =
                self.store.read(move |db| timers::due(db, W::STREAMS, until, from.as_ref(), PAGE)).await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    log::warn!(error:% = error; "timers cannot be read, trying again");
                    self.reload_at = self.clock.now() + SignedDuration::from_secs(1);
                    return;
                }
            };
            for timer in &page {
                let Some(id) = id_of::<W>(&timer.stream) else { continue };
                let wake = W::timer(&timer.key);
                if !self.held.contains_key(&(id.clone(), wake.clone())) {
                    self.hold(Due { at: timer.due_at, id, wake });
                }
            }
            if (page.len() as i64) < PAGE {
                break;
            }
            after = page.into_iter().next_back();
            // Missed timers of a long stop are many: what is there is given out meanwhile.
            tokio::task::yield_now().await;
        }
        self.loaded_until = until;
        // From when the look began: the clock may have jumped meanwhile.
        self.reload_at = now + RELOAD;
    }
}

fn id_of<W: Wake>(stream: &StreamId) -> Option<W::Id> {
    stream.as_str().strip_prefix(W::STREAMS).map(W::id)
}
