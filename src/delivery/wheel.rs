//! Deadlines of all sessions of a worker, with one sleep for all of them.
//!
//! Times are rounded up to ticks, a fraction of the smallest configured interval: a deadline is never
//! early and at most one tick late, and sessions that are due together cost one wake-up. The ticks are
//! kept in order instead of in spokes, so that an idle worker does not turn an empty wheel, and what is
//! moved or cleared is gone at once.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::types::Deadline;

/// A tick from the start; 0 = not set.
type Tick = u64;

/// The deadlines of one session: kept in its place, so that they can be found in the wheel.
#[derive(Default)]
pub(super) struct Armed([Tick; Deadline::KINDS]);

impl Armed {
    fn tick(&mut self, what: Deadline) -> &mut Tick {
        let Self([ping, pong, connect, upgrade, attachment, ack, stall]) = self;
        match what {
            Deadline::PingDue => ping,
            Deadline::PongMissing => pong,
            Deadline::ConnectTimeout => connect,
            Deadline::UpgradeTimeout => upgrade,
            Deadline::AttachmentTimeout => attachment,
            Deadline::AckTimeout => ack,
            Deadline::Stall => stall,
        }
    }
}

pub(super) struct Wheel {
    origin: Instant,
    tick: Duration,
    due: BTreeSet<(Tick, u32, Deadline)>,
}

impl Wheel {
    pub fn new(origin: Instant, tick: Duration) -> Self {
        Self { origin, tick: tick.max(Duration::from_millis(1)), due: BTreeSet::new() }
    }

    /// Sets or moves a deadline of the session at `index`.
    pub fn set(&mut self, armed: &mut Armed, index: u32, what: Deadline, at: Instant) {
        self.clear(armed, index, what);
        let nanos = at.saturating_duration_since(self.origin).as_nanos();
        let tick = Tick::try_from(nanos.div_ceil(self.tick.as_nanos())).unwrap_or(Tick::MAX - 1) + 1;
        *armed.tick(what) = tick;
        self.due.insert((tick, index, what));
    }

    pub fn clear(&mut self, armed: &mut Armed, index: u32, what: Deadline) {
        let tick = std::mem::take(armed.tick(what));
        if tick != 0 {
            self.due.remove(&(tick, index, what));
        }
    }

    pub fn clear_all(&mut self, armed: &mut Armed, index: u32) {
        for (what, tick) in ALL.into_iter().zip(std::mem::take(&mut armed.0)) {
            if tick != 0 {
                self.due.remove(&(tick, index, what));
            }
        }
    }

    pub fn is_set(armed: &mut Armed, what: Deadline) -> bool {
        *armed.tick(what) != 0
    }

    /// When the next deadline is due.
    pub fn next(&self) -> Option<Instant> {
        let (tick, ..) = self.due.first()?;
        let ticks = u32::try_from(tick - 1).unwrap_or(u32::MAX);
        self.origin.checked_add(self.tick.checked_mul(ticks)?)
    }

    /// A deadline that has passed; it is out of the wheel, and the caller clears it at its session
    /// ([`Wheel::fired`]).
    pub fn pop(&mut self, now: Instant) -> Option<(u32, Deadline)> {
        let nanos = now.saturating_duration_since(self.origin).as_nanos();
        let passed = Tick::try_from(nanos / self.tick.as_nanos()).unwrap_or(Tick::MAX - 1) + 1;
        if self.due.first().is_none_or(|(tick, ..)| *tick > passed) {
            return None;
        }
        self.due.pop_first().map(|(_, index, what)| (index, what))
    }

    /// The session's side of [`Wheel::pop`].
    pub fn fired(armed: &mut Armed, what: Deadline) {
        *armed.tick(what) = 0;
    }
}

const ALL: [Deadline; Deadline::KINDS] = [
    Deadline::PingDue,
    Deadline::PongMissing,
    Deadline::ConnectTimeout,
    Deadline::UpgradeTimeout,
    Deadline::AttachmentTimeout,
    Deadline::AckTimeout,
    Deadline::Stall,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::Clock;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn never_early_and_at_most_a_tick_late() {
        let start = Clock::real().monotonic();
        let mut wheel = Wheel::new(start, ms(4));
        let mut armed = Armed::default();
        wheel.set(&mut armed, 7, Deadline::PingDue, start + ms(301));
        assert_eq!(wheel.next(), Some(start + ms(304)));
        assert_eq!(wheel.pop(start + ms(303)), None);
        assert_eq!(wheel.pop(start + ms(304)), Some((7, Deadline::PingDue)));
        assert_eq!((wheel.next(), wheel.pop(start + ms(9999))), (None, None));
    }

    #[test]
    fn moved_and_cleared_deadlines_leave_nothing_behind() {
        let start = Clock::real().monotonic();
        let mut wheel = Wheel::new(start, ms(1));
        let mut armed = Armed::default();
        for n in 0..1000 {
            wheel.set(&mut armed, 1, Deadline::AckTimeout, start + ms(n * 7 % 100));
        }
        wheel.set(&mut armed, 1, Deadline::PongMissing, start);
        assert_eq!(wheel.due.len(), 2);
        assert!(Wheel::is_set(&mut armed, Deadline::AckTimeout));
        wheel.clear_all(&mut armed, 1);
        assert!(wheel.due.is_empty() && !Wheel::is_set(&mut armed, Deadline::AckTimeout));
    }

    proptest! {
        /// Against a plain list: everything fires once, in order of its tick, and nothing else.
        #[test]
        fn it_fires_what_a_list_would(tick in 1u64..50, steps in prop::collection::vec((0u32..4, 0usize..7, 0u64..500, any::<bool>()), 1..80)) {
            let start = Clock::real().monotonic();
            let mut wheel = Wheel::new(start, ms(tick));
            let mut armed: [Armed; 4] = Default::default();
            let mut list = std::collections::BTreeMap::new();
            let mut now = 0;
            for (session, kind, at, clear) in steps {
                let (slot, what) = (&mut armed[session as usize], ALL[kind]);
                if clear {
                    wheel.clear(slot, session, what);
                    list.remove(&(session, what));
                } else {
                    wheel.set(slot, session, what, start + ms(now + at));
                    list.insert((session, what), now + at);
                }
                now += 20;
                while let Some((session, what)) = wheel.pop(start + ms(now)) {
                    Wheel::fired(&mut armed[session as usize], what);
                    let due = list.remove(&(session, what));
                    prop_assert!(due.is_some_and(|due| due <= now));
                }
                prop_assert!(list.values().all(|due| due + tick > now), "late");
            }
            prop_assert_eq!(wheel.due.len(), list.len());
        }
    }
}
