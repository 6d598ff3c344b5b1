//! How often a child may be started again, pure: an intensity, then a doubling backoff.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

/// So many crashes in such a window are started again at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Policy {
    pub(crate) intensity: usize,
    pub(crate) window: Duration,
    pub(crate) backoff_max: Duration,
}

/// First wait above the intensity; doubles with each further crash.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);

/// The recent crashes of one child.
#[derive(Debug, Default)]
pub(super) struct Crashes {
    recent: VecDeque<Instant>,
    backoff: Option<Duration>,
}

/// What a crash leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Start again at once.
    Now,
    /// Held back until then.
    At(Instant),
}

impl Crashes {
    /// Counts a crash.
    pub(super) fn crash(&mut self, policy: &Policy, now: Instant) -> Verdict {
        while self.recent.front().is_some_and(|at| now.saturating_duration_since(*at) > policy.window) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        if self.recent.len() > policy.intensity.saturating_add(1) {
            self.recent.pop_front();
        }
        if let Some(last) = self.backoff {
            let next = (last * 2).min(policy.backoff_max);
            self.backoff = Some(next);
            return Verdict::At(now + next);
        }
        if self.recent.len() <= policy.intensity {
            return Verdict::Now;
        }
        let first = FIRST_BACKOFF.min(policy.backoff_max);
        self.backoff = Some(first);
        Verdict::At(now + first)
    }

    /// The child has been alive for a while: a window without a crash ends the backoff.
    pub(super) fn steady(&mut self, policy: &Policy, now: Instant) {
        let quiet = self.recent.back().is_none_or(|at| now.saturating_duration_since(*at) > policy.window);
        if quiet {
            self.recent.clear();
            self.backoff = None;
        }
    }

    /// Ops want a start now: the count begins anew.
    pub(super) fn forgive(&mut self) {
        self.recent.clear();
        self.backoff = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const POLICY: Policy =
        Policy { intensity: 5, window: Duration::from_secs(10), backoff_max: Duration::from_secs(30) };

    #[test]
    fn five_in_ten_seconds_then_a_doubling_backoff_up_to_its_bound() {
        let now = Clock::real().monotonic();
        let mut crashes = Crashes::default();
        for _ in 0..5 {
            assert_eq!(crashes.crash(&POLICY, now), Verdict::Now);
        }
        for seconds in [1, 2, 4, 8, 16, 30, 30] {
            assert_eq!(crashes.crash(&POLICY, now), Verdict::At(now + Duration::from_secs(seconds)));
        }
    }

    #[test]
    fn a_quiet_window_ends_the_backoff_and_slow_crashes_never_begin_it() {
        let mut now = Clock::real().monotonic();
        let mut crashes = Crashes::default();
        for _ in 0..50 {
            assert_eq!(crashes.crash(&POLICY, now), Verdict::Now);
            now += Duration::from_secs(3);
        }
        for _ in 0..6 {
            crashes.crash(&POLICY, now);
        }
        crashes.steady(&POLICY, now + Duration::from_secs(9));
        assert!(matches!(crashes.crash(&POLICY, now), Verdict::At(_)));
        now += Duration::from_secs(11);
        crashes.steady(&POLICY, now);
        assert_eq!(crashes.crash(&POLICY, now), Verdict::Now);
    }
}
