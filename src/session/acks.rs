//! Acks that the hub waits for: ids, a bound, deadlines.

use std::{collections::BTreeMap, time::Instant};

use crate::protocol::socketio::AckId;

/// What a session waits for; `T` is told the answer.
#[derive(Debug)]
pub struct Acks<T> {
    next: AckId,
    max: usize,
    /// Ids rise and all have one timeout, so the first is the oldest.
    waiting: BTreeMap<AckId, (Instant, T)>,
}

impl<T> Acks<T> {
    /// At most `max` at once (`session.pending_acks`).
    pub fn new(max: usize) -> Self {
        Self { next: 0, max, waiting: BTreeMap::new() }
    }

    /// Another one, until `deadline`; its id, or `None` (and `who` is dropped) when too many wait.
    pub fn begin(&mut self, deadline: Instant, who: T) -> Option<AckId> {
        if self.waiting.len() >= self.max {
            return None;
        }
        let id = self.next;
        self.next += 1;
        self.waiting.insert(id, (deadline, who));
        Some(id)
    }

    /// The answer came; `None` when nobody waits for it (any more), or `fits` says it is another's.
    pub fn answer(&mut self, id: AckId, fits: impl FnOnce(&T) -> bool) -> Option<T> {
        if !self.waiting.get(&id).is_some_and(|(_, who)| fits(who)) {
            return None;
        }
        self.waiting.remove(&id).map(|(_, who)| who)
    }

    /// Takes out what is over.
    pub fn expired(&mut self, now: Instant) -> Vec<T> {
        let mut over = Vec::new();
        while self.next_deadline().is_some_and(|deadline| deadline <= now) {
            over.extend(self.waiting.pop_first().map(|(_, (_, who))| who));
        }
        over
    }

    /// When the oldest is over.
    pub fn next_deadline(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(_, (deadline, _))| *deadline)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn ids_rise_and_are_answered_once() {
        let now = Clock::real().monotonic();
        let mut acks = Acks::new(2);
        let later = now + Duration::from_secs(1);
        assert_eq!(acks.begin(now, "a"), Some(0));
        assert_eq!(acks.begin(later, "b"), Some(1));
        assert_eq!(acks.begin(later, "c"), None, "the bound");
        assert_eq!(acks.answer(1, |who| *who == "x"), None, "another namespace's");
        assert_eq!(acks.answer(1, |_| true), Some("b"));
        assert_eq!(acks.answer(1, |_| true), None);
        assert_eq!(acks.next_deadline(), Some(now));
        assert_eq!(acks.expired(now), ["a"]);
        assert!(acks.next_deadline().is_none() && acks.expired(later).is_empty());
    }
}
