//! Wakes runs: one task a hub. A wake time is a row of `timers`; the task holds those of the next
//! minute in memory, hears of nearer ones from the actors that set them, and gives a due one to its
//! run as a command. The row goes with the rows that the run writes because of it, so a timer that
//! was lost on its way is found again by the next look.
//!
//! What must be tried again later (a run that could not be woken, because queues were full or it is
//! crash looping) waits here too.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::mpsc;

use crate::{
    clock::Clock,
    ids::{RunId, StreamId},
    store::{
        Store,
        tables::timers::{self, Timer},
    },
    workflow::messages::{Ask, Wake},
};

/// How far ahead timers are held in memory.
const HORIZON: SignedDuration = SignedDuration::from_secs(60);
/// How often the table is read; less than the horizon.
const RELOAD: SignedDuration = SignedDuration::from_secs(45);
/// Timers read at once.
const PAGE: i64 = 500;
/// Longest sleep: the wall clock may jump.
const LONGEST: Duration = Duration::from_secs(1);
/// Runs that may be on their way up because of timers; the next ones wait.
const IN_FLIGHT: usize = 512;

/// Something to be done at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Timestamp,
    run: RunId,
    wake: Wake,
}

/// The actors' end: tells the task of a nearer time. Cheap to clone.
#[derive(Clone)]
pub(in crate::workflow) struct Timers {
    told: mpsc::UnboundedSender<Due>,
}

/// The task's end, made before the registry that it needs.
pub(in crate::workflow) struct TimerTask {
    told: mpsc::UnboundedReceiver<Due>,
    store: Store,
    clock: Clock,
    due: BTreeSet<Due>,
    loaded_until: Timestamp,
    reload_at: Timestamp,
    /// Where the table's rows are held under another time than before.
    held: HashMap<(RunId, Wake), Timestamp>,
}

impl Timers {
    /// Both ends.
    pub(in crate::workflow) fn new(store: Store, clock: Clock) -> (Self, TimerTask) {
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
    pub(in crate::workflow) fn set(&self, run: &RunId, key: &str, at: Timestamp) {
        self.tell(Due { at, run: run.clone(), wake: Wake::Timer(Arc::from(key)) });
    }

    /// Give the run this again then: it was refused.
    pub(in crate::workflow) fn again(&self, run: &RunId, wake: Wake, at: Timestamp) {
        self.tell(Due { at, run: run.clone(), wake });
    }

    fn tell(&self, due: Due) {
        // The task ends with the hub; what it does not hear is in the table.
        let _ = self.told.send(due);
    }
}

impl TimerTask {
    /// Runs until every [`Timers`] is gone. `send` gives a run its command, or gives it back when the
    /// registry is full; `open` says how much the registry has to do.
    pub(in crate::workflow) async fn run(
        mut self,
        send: impl Fn(RunId, Ask) -> Result<(), Ask>,
        open: impl Fn() -> usize,
    ) {
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
                self.held.remove(&(due.run.clone(), due.wake.clone()));
                if send(due.run.clone(), Ask::Wake(due.wake.clone())).is_err() {
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

    fn hear(&mut self, due: Due) {
        // What is further away comes with the next look at the table; a wake is in no table.
        if due.at <= self.loaded_until || !matches!(due.wake, Wake::Timer(_)) {
            self.hold(due);
        }
    }

    fn hold(&mut self, due: Due) {
        let key = (due.run.clone(), due.wake.clone());
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
            let page = self.store.read(move |db| timers::due(db, until, from.as_ref(), PAGE)).await;
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    log::warn!(error:% = error; "timers cannot be read, trying again");
                    self.reload_at = self.clock.now() + SignedDuration::from_secs(1);
                    return;
                }
            };
            for timer in &page {
                let Some(run) = run_of(&timer.stream) else { continue };
                let wake = Wake::Timer(Arc::from(timer.key.as_str()));
                if !self.held.contains_key(&(run.clone(), wake.clone())) {
                    self.hold(Due { at: timer.due_at, run, wake });
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

fn run_of(stream: &StreamId) -> Option<RunId> {
    stream.as_str().strip_prefix("run:").map(RunId::trusted)
}
