//! Where a child lives, pure: a hash of its id as first guess, another thread when that one is
//! blocked. The table itself is each entry's `home`, so that a child can be moved.

use std::hash::{DefaultHasher, Hash, Hasher};

/// The domain arbiters as the registry sees them.
#[derive(Debug)]
pub(super) struct Placement {
    blocked: Vec<bool>,
}

impl Placement {
    /// For `arbiters` threads, at least one.
    pub(super) fn new(arbiters: usize) -> Self {
        Self { blocked: vec![false; arbiters.max(1)] }
    }
    /// Thread for `id`: its hash's, else the next one that is not blocked, else its hash's.
    pub(super) fn place(&self, id: &impl Hash) -> usize {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let count = self.blocked.len();
        let guess = usize::try_from(hasher.finish() % count as u64).unwrap_or(0);
        (0..count)
            .map(|step| (guess + step) % count)
            .find(|at| !self.blocked.get(*at).copied().unwrap_or(true))
            .unwrap_or(guess)
    }
    /// A thread that answers no more, or answers again.
    pub(super) fn set_blocked(&mut self, at: usize, blocked: bool) {
        if let Some(slot) = self.blocked.get_mut(at) {
            *slot = blocked;
        }
    }
    /// Does this thread answer?
    pub(super) fn is_blocked(&self, at: usize) -> bool {
        self.blocked.get(at).copied().unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_are_spread_and_avoid_a_blocked_thread() {
        let mut placement = Placement::new(4);
        let homes: Vec<usize> = (0..1000).map(|id| placement.place(&id)).collect();
        for at in 0..4 {
            let count = homes.iter().filter(|home| **home == at).count();
            assert!((150..350).contains(&count), "{count} on {at}");
        }
        placement.set_blocked(2, true);
        assert!((0..1000).all(|id| placement.place(&id) != 2));
        assert!((0..1000).all(|id| homes[id] == 2 || placement.place(&(id as i32)) == homes[id]));
        (0..4).for_each(|at| placement.set_blocked(at, true));
        assert!((0..1000).all(|id| placement.place(&id) < 4));
    }
}
