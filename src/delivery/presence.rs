//! Which shards hold members of a subject, so that a publish goes nowhere else.
//!
//! A join counts as pending from the moment it is sent until its shard has carried it out. So a shard
//! that reports its last member gone cannot switch off a join that is still under way.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
};

use parking_lot::Mutex;
use smallvec::SmallVec;

use super::types::Subject;

/// Maps of their own, so that actors of different subjects seldom meet at a lock.
const STRIPES: usize = 32;

#[derive(Clone, Copy, Default)]
struct Count {
    pending: u32,
    members: u32,
}

type Counts = SmallVec<[Count; 2]>;

pub(super) struct Presence {
    shards: usize,
    hasher: RandomState,
    stripes: [Mutex<HashMap<Subject, Counts>>; STRIPES],
}

impl Presence {
    pub fn new(shards: usize) -> Self {
        Self { shards, hasher: RandomState::new(), stripes: std::array::from_fn(|_| Mutex::default()) }
    }

    fn change(&self, subject: &Subject, shard: u16, change: impl FnOnce(&mut Count)) {
        let mut stripe = self.stripe(subject).lock();
        if !stripe.contains_key(subject) {
            stripe.insert(subject.clone(), smallvec::smallvec![Count::default(); self.shards]);
        }
        if let Some(counts) = stripe.get_mut(subject) {
            if let Some(count) = counts.get_mut(usize::from(shard)) {
                change(count);
            }
            if counts.iter().all(|count| count.pending == 0 && count.members == 0) {
                stripe.remove(subject);
            }
        }
    }

    fn stripe(&self, subject: &Subject) -> &Mutex<HashMap<Subject, Counts>> {
        let index = usize::try_from(self.hasher.hash_one(subject)).unwrap_or(0) % STRIPES;
        // The index is below the length of the array; `get` would need an answer that cannot be.
        self.stripes.get(index).unwrap_or(&self.stripes[0])
    }

    /// A join was sent to a shard.
    pub fn announced(&self, subject: &Subject, shard: u16) {
        self.change(subject, shard, |count| count.pending += 1);
    }

    /// A shard carried a join out: `joined` members came (0 when the socket was gone).
    pub fn carried_out(&self, subject: &Subject, shard: u16, joined: u32) {
        self.change(subject, shard, |count| {
            count.pending = count.pending.saturating_sub(1);
            count.members += joined;
        });
    }

    /// A member came without having been announced (answered on its worker).
    pub fn joined(&self, subject: &Subject, shard: u16) {
        self.change(subject, shard, |count| count.members += 1);
    }

    /// Members of a shard left.
    pub fn left(&self, subject: &Subject, shard: u16, members: u32) {
        self.change(subject, shard, |count| count.members = count.members.saturating_sub(members));
    }

    /// Shards with members, or with joins under way.
    pub fn shards(&self, subject: &Subject) -> SmallVec<[u16; 8]> {
        match self.stripe(subject).lock().get(subject) {
            None => SmallVec::new(),
            Some(counts) => (0..)
                .zip(counts)
                .filter(|(_, count)| count.pending > 0 || count.members > 0)
                .map(|(shard, _)| shard)
                .collect(),
        }
    }

    /// Members of a subject, joins under way included.
    pub fn members(&self, subject: &Subject) -> usize {
        let stripe = self.stripe(subject).lock();
        let counts = stripe.get(subject).map(Counts::as_slice).unwrap_or_default();
        counts.iter().map(|count| count.pending as usize + count.members as usize).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_leave_does_not_switch_off_a_join_under_way() {
        let presence = Presence::new(3);
        let run = Subject::trusted("run:1");
        presence.announced(&run, 1);
        presence.carried_out(&run, 1, 1);
        presence.announced(&run, 1);
        presence.left(&run, 1, 1);
        assert_eq!(presence.shards(&run)[..], [1]);
        presence.carried_out(&run, 1, 0);
        assert!(presence.shards(&run).is_empty());
        assert_eq!(presence.members(&run), 0);
        assert!(presence.stripe(&run).lock().is_empty(), "nothing is kept of a subject without members");
    }
}
