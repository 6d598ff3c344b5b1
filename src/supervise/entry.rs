//! What a registry knows of one child, pure: a state, what is held, and the transitions. Each
//! transition returns what the registry must do, in order.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{
    guard::Exit,
    messages::{Control, Refused},
    policy::{Crashes, Policy, Verdict},
};

/// A child's state. An absent child has no entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It loads; messages are held.
    Starting,
    /// It takes messages.
    Alive,
    /// Asked to finish for a wanted restart; messages are held for the next child.
    Restarting,
    /// Asked whether it may stop; messages are held.
    Stopping,
    /// Held back until then; messages are refused.
    CrashLooping { until: Instant },
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            State::Starting => "starting",
            State::Alive => "alive",
            State::Restarting => "restarting",
            State::Stopping => "stopping",
            State::CrashLooping { .. } => "crash_looping",
        }
    }
}

/// What the registry must do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Do<M> {
    /// Start a child (a new generation).
    Start,
    /// Give it to the child.
    Send(M),
    /// Ask the child.
    Ask(Control),
    /// Answer the sender.
    Refuse(M, Refused),
    /// The child is absent now: drop the entry.
    Forget,
    /// Call [`Entry::retry`] then.
    RetryAt(Instant),
}

struct Held<M> {
    message: M,
    since: Instant,
}

/// One child's entry. `M` is a message with its ticket: the bound is the ticket's.
pub(super) struct Entry<M> {
    state: State,
    since: Instant,
    used: Instant,
    held: VecDeque<Held<M>>,
    crashes: Crashes,
    restarts: u32,
    last_exit: Option<Exit>,
}

impl<M> Entry<M> {
    /// An entry whose child is being started (or adopted).
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: State::Starting,
            since: now,
            used: now,
            held: VecDeque::new(),
            crashes: Crashes::default(),
            restarts: 0,
            last_exit: None,
        }
    }
    pub(super) fn state(&self) -> State {
        self.state
    }
    /// When the state began.
    pub(super) fn since(&self) -> Instant {
        self.since
    }
    pub(super) fn restarts(&self) -> u32 {
        self.restarts
    }
    pub(super) fn last_exit(&self) -> Option<&Exit> {
        self.last_exit.as_ref()
    }
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// A message for the child.
    pub(super) fn message(&mut self, message: M, now: Instant) -> Option<Do<M>> {
        self.used = now;
        match self.state {
            State::Alive => Some(Do::Send(message)),
            State::Starting | State::Restarting | State::Stopping => {
                self.held.push_back(Held { message, since: now });
                None
            }
            State::CrashLooping { .. } => Some(Do::Refuse(message, Refused::CrashLooping)),
        }
    }

    /// The child has loaded. What was held follows in order.
    pub(super) fn ready(&mut self, now: Instant) -> Vec<Do<M>> {
        match self.state {
            State::Starting => self.release(now),
            // Repeated with a report: nothing to do.
            _ => Vec::new(),
        }
    }

    /// The child refuses to stop now.
    pub(super) fn busy(&mut self, now: Instant) -> Vec<Do<M>> {
        match self.state {
            State::Stopping => {
                self.used = now;
                self.release(now)
            }
            // A restart was wanted while it was asked whether it may stop.
            State::Restarting => vec![Do::Ask(Control::Finish)],
            _ => Vec::new(),
        }
    }

    /// Time passes: an idle child is asked whether it may stop, what is held too long is refused.
    /// `open` = messages the child has not finished.
    pub(super) fn tick(
        &mut self,
        open: usize,
        passivate_after: Duration,
        deadline: Duration,
        policy: &Policy,
        now: Instant,
    ) -> Vec<Do<M>> {
        let mut todo = Vec::new();
        while self.held.front().is_some_and(|held| now.saturating_duration_since(held.since) >= deadline) {
            if let Some(held) = self.held.pop_front() {
                todo.push(Do::Refuse(held.message, Refused::Late));
            }
        }
        if self.state == State::Alive {
            self.crashes.steady(policy, now);
            if now.saturating_duration_since(self.used) >= passivate_after {
                todo.extend(self.rest(open, now));
            }
        }
        todo
    }

    /// The child has nothing left to do, or was idle long enough.
    pub(super) fn rest(&mut self, open: usize, now: Instant) -> Option<Do<M>> {
        if self.state != State::Alive || open > 0 {
            return None;
        }
        self.enter(State::Stopping, now);
        Some(Do::Ask(Control::MayStop))
    }

    /// Ops want a new child. `Err` when there is nothing to wait for.
    pub(super) fn restart(&mut self, now: Instant) -> Vec<Do<M>> {
        match self.state {
            State::Alive => {
                self.enter(State::Restarting, now);
                vec![Do::Ask(Control::Finish)]
            }
            // Already asked to stop: whichever way it answers, a new child follows.
            State::Stopping => {
                self.enter(State::Restarting, now);
                Vec::new()
            }
            State::CrashLooping { .. } => {
                self.crashes.forgive();
                self.start(now)
            }
            State::Starting | State::Restarting => Vec::new(),
        }
    }

    /// The backoff is over.
    pub(super) fn retry(&mut self, now: Instant) -> Vec<Do<M>> {
        match self.state {
            State::CrashLooping { until } if until <= now => self.start(now),
            _ => Vec::new(),
        }
    }

    /// The child made no progress: another takes its place, what is held stays.
    pub(super) fn replace(&mut self, policy: &Policy, now: Instant) -> Vec<Do<M>> {
        let mut todo = vec![Do::Ask(Control::Abandon)];
        todo.extend(self.ended(Exit::Replaced, policy, now));
        todo
    }

    /// The child ended.
    pub(super) fn ended(&mut self, exit: Exit, policy: &Policy, now: Instant) -> Vec<Do<M>> {
        let planned = exit.is_planned();
        self.last_exit = Some(exit);
        if planned {
            return match self.state {
                State::Restarting => self.start(now),
                _ if self.held.is_empty() => vec![Do::Forget],
                _ => self.start_uncounted(now),
            };
        }
        match self.crashes.crash(policy, now) {
            Verdict::Now => self.start(now),
            Verdict::At(until) => {
                self.enter(State::CrashLooping { until }, now);
                let mut todo: Vec<Do<M>> =
                    self.held.drain(..).map(|held| Do::Refuse(held.message, Refused::CrashLooping)).collect();
                todo.push(Do::RetryAt(until));
                todo
            }
        }
    }

    fn start(&mut self, now: Instant) -> Vec<Do<M>> {
        self.restarts = self.restarts.saturating_add(1);
        self.start_uncounted(now)
    }

    fn start_uncounted(&mut self, now: Instant) -> Vec<Do<M>> {
        self.used = now;
        self.enter(State::Starting, now);
        vec![Do::Start]
    }

    fn release(&mut self, now: Instant) -> Vec<Do<M>> {
        self.enter(State::Alive, now);
        self.held.drain(..).map(|held| Do::Send(held.message)).collect()
    }

    fn enter(&mut self, state: State, now: Instant) {
        self.state = state;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const POLICY: Policy =
        Policy { intensity: 5, window: Duration::from_secs(10), backoff_max: Duration::from_secs(30) };
    const LONG: Duration = Duration::from_secs(300);
    const DEADLINE: Duration = Duration::from_secs(10);

    fn alive() -> (Entry<u32>, Instant) {
        let now = Clock::real().monotonic();
        let mut entry = Entry::new(now);
        assert!(entry.ready(now).is_empty());
        (entry, now)
    }

    #[test]
    fn what_is_held_while_starting_follows_in_order() {
        let now = Clock::real().monotonic();
        let mut entry = Entry::new(now);
        assert!((1..4).all(|n| entry.message(n, now).is_none()));
        assert_eq!(entry.ready(now), vec![Do::Send(1), Do::Send(2), Do::Send(3)]);
        assert_eq!(entry.message(4, now), Some(Do::Send(4)));
    }

    #[test]
    fn a_message_that_races_with_passivation_starts_the_next_child() {
        let (mut entry, now) = alive();
        let idle = now + LONG;
        assert_eq!(entry.tick(0, LONG, DEADLINE, &POLICY, idle), vec![Do::Ask(Control::MayStop)]);
        assert!(entry.message(7, idle).is_none());
        assert_eq!(entry.ended(Exit::Stopped, &POLICY, idle), vec![Do::Start]);
        assert_eq!(entry.ready(idle), vec![Do::Send(7)]);
        assert_eq!(entry.restarts(), 0);
    }

    #[test]
    fn a_child_that_says_no_goes_on_and_one_that_stops_is_forgotten() {
        let (mut entry, now) = alive();
        let idle = now + LONG;
        entry.tick(0, LONG, DEADLINE, &POLICY, idle);
        assert!(entry.message(1, idle).is_none());
        assert_eq!(entry.busy(idle), vec![Do::Send(1)]);
        assert!(entry.tick(0, LONG, DEADLINE, &POLICY, idle + Duration::from_secs(1)).is_empty());
        assert!(entry.tick(1, LONG, DEADLINE, &POLICY, idle + LONG).is_empty());
        entry.tick(0, LONG, DEADLINE, &POLICY, idle + LONG);
        assert_eq!(entry.ended(Exit::Stopped, &POLICY, idle + LONG), vec![Do::Forget]);
    }

    #[test]
    fn a_wanted_restart_asks_once_and_holds() {
        let (mut entry, now) = alive();
        assert_eq!(entry.restart(now), vec![Do::Ask(Control::Finish)]);
        assert!(entry.restart(now).is_empty());
        assert!(entry.message(1, now).is_none());
        assert_eq!(entry.ended(Exit::Stopped, &POLICY, now), vec![Do::Start]);
        assert_eq!(entry.ready(now), vec![Do::Send(1)]);
        assert_eq!(entry.restarts(), 1);
    }

    #[test]
    fn a_restart_wanted_during_passivation_happens_either_way() {
        let (mut entry, now) = alive();
        entry.rest(0, now);
        assert!(entry.restart(now).is_empty());
        assert_eq!(entry.busy(now), vec![Do::Ask(Control::Finish)]);
        assert_eq!(entry.ended(Exit::Stopped, &POLICY, now), vec![Do::Start]);
    }

    #[test]
    fn above_the_intensity_messages_are_refused_until_the_backoff_is_over() {
        let (mut entry, now) = alive();
        for _ in 0..5 {
            assert_eq!(entry.ended(Exit::Panic(None), &POLICY, now), vec![Do::Start]);
        }
        assert!(entry.message(1, now).is_none());
        let until = now + Duration::from_secs(1);
        assert_eq!(
            entry.ended(Exit::Panic(None), &POLICY, now),
            vec![Do::Refuse(1, Refused::CrashLooping), Do::RetryAt(until)]
        );
        assert_eq!(entry.message(2, now), Some(Do::Refuse(2, Refused::CrashLooping)));
        assert!(entry.retry(now).is_empty());
        assert_eq!(entry.retry(until), vec![Do::Start]);
    }

    #[test]
    fn nothing_is_held_longer_than_the_deadline() {
        let now = Clock::real().monotonic();
        let mut entry = Entry::new(now);
        entry.message(1, now);
        entry.message(2, now + Duration::from_secs(1));
        assert_eq!(
            entry.tick(0, LONG, DEADLINE, &POLICY, now + DEADLINE),
            vec![Do::Refuse(1, Refused::Late)]
        );
        assert_eq!(entry.held(), 1);
    }

    #[test]
    fn a_replaced_child_is_told_to_go_and_counts_as_a_crash() {
        let (mut entry, now) = alive();
        assert_eq!(entry.replace(&POLICY, now), vec![Do::Ask(Control::Abandon), Do::Start]);
        assert_eq!(entry.last_exit(), Some(&Exit::Replaced));
    }
}
