//! Who gets the next worker. First come, first served, except that a tenant that holds half of the
//! workers lets others pass (`faults.md` 6).
//!
//! A tenant alone may hold all of them. If another arrives then, nothing of the first is killed:
//! one script more than there are workers may run, for a tenant that holds none.

use std::collections::{HashMap, VecDeque};

use crate::ids::TenantId;

/// The waiting scripts and who holds how many workers. `J` is what waits.
#[derive(Debug)]
pub(super) struct Fair<J> {
    workers: usize,
    queue: usize,
    waiting: VecDeque<Waiting<J>>,
    busy: HashMap<TenantId, usize>,
}

#[derive(Debug)]
struct Waiting<J> {
    id: u64,
    tenant: TenantId,
    job: J,
}

impl<J> Fair<J> {
    /// So many workers, so many that may wait for them.
    pub fn new(workers: usize, queue: usize) -> Self {
        Self { workers, queue, waiting: VecDeque::new(), busy: HashMap::new() }
    }

    /// Lets a script wait; given back when too many wait.
    pub fn offer(&mut self, id: u64, tenant: TenantId, job: J) -> Result<(), J> {
        if self.waiting.len() >= self.queue {
            return Err(job);
        }
        self.waiting.push_back(Waiting { id, tenant, job });
        Ok(())
    }

    /// Takes back a script that still waits.
    pub fn withdraw(&mut self, id: u64) -> Option<J> {
        let at = self.waiting.iter().position(|waiting| waiting.id == id)?;
        self.waiting.remove(at).map(|waiting| waiting.job)
    }

    /// The script that may start now, counted as running from here.
    pub fn start_next(&mut self) -> Option<(u64, TenantId, J)> {
        let half = (self.workers / 2).max(1);
        let running: usize = self.busy.values().sum();
        let below_half = |waiting: &Waiting<J>| self.held(&waiting.tenant) < half;
        let at = if running < self.workers {
            // Below their half first; if all who wait hold theirs, the workers are free for anybody.
            self.waiting.iter().position(below_half).or(if self.waiting.is_empty() { None } else { Some(0) })
        } else if running == self.workers && self.busy.values().any(|held| *held > half) {
            self.waiting.iter().position(|waiting| self.held(&waiting.tenant) == 0)
        } else {
            None
        }?;
        let Waiting { id, tenant, job } = self.waiting.remove(at)?;
        *self.busy.entry(tenant.clone()).or_default() += 1;
        Some((id, tenant, job))
    }

    /// Further waiting scripts of a tenant that has just been given a worker, for the same worker: at
    /// most `most`, and no more than its share when the free workers take some as well.
    pub fn more(&mut self, tenant: &TenantId, most: usize) -> Vec<J> {
        let running: usize = self.busy.values().sum();
        let free = self.workers.saturating_sub(running);
        let own = self.waiting.iter().filter(|waiting| waiting.tenant == *tenant).count();
        let count = (own / (free + 1)).min(most);
        let mut taken = Vec::with_capacity(count);
        let mut at = 0;
        while taken.len() < count && at < self.waiting.len() {
            if self.waiting.get(at).is_some_and(|waiting| waiting.tenant == *tenant) {
                taken.extend(self.waiting.remove(at).map(|waiting| waiting.job));
            } else {
                at += 1;
            }
        }
        taken
    }

    /// One that was taken and has not begun waits again, before all others.
    pub fn back(&mut self, id: u64, tenant: TenantId, job: J) {
        self.waiting.push_front(Waiting { id, tenant, job });
    }

    /// A script of the tenant has ended.
    pub fn finished(&mut self, tenant: &TenantId) {
        if let Some(held) = self.busy.get_mut(tenant) {
            *held -= 1;
            if *held == 0 {
                self.busy.remove(tenant);
            }
        }
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    fn held(&self, tenant: &TenantId) -> usize {
        self.busy.get(tenant).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::trusted(name)
    }

    /// Starts whatever may start; names of the tenants in order.
    fn started(fair: &mut Fair<()>) -> String {
        std::iter::from_fn(|| fair.start_next()).map(|(_, tenant, ())| tenant.to_string()).collect()
    }

    fn offer(fair: &mut Fair<()>, names: &str) {
        for (id, name) in names.chars().enumerate() {
            fair.offer(id as u64, tenant(&name.to_string()), ()).unwrap();
        }
    }

    #[test]
    fn a_tenant_alone_may_hold_all() {
        let mut fair = Fair::new(4, 10);
        offer(&mut fair, "aaaaaa");
        assert_eq!(started(&mut fair), "aaaa");
        assert_eq!(fair.waiting(), 2);
    }

    #[test]
    fn half_at_most_while_another_waits() {
        let mut fair = Fair::new(4, 10);
        offer(&mut fair, "aaaabb");
        assert_eq!(started(&mut fair), "aabb");
        fair.finished(&tenant("b"));
        // b has nothing waiting any more: the worker is free for a.
        assert_eq!(started(&mut fair), "a");
    }

    #[test]
    fn one_who_comes_late_need_not_wait_for_a_hog() {
        let mut fair = Fair::new(2, 10);
        offer(&mut fair, "aaa");
        assert_eq!(started(&mut fair), "aa");
        offer(&mut fair, "bbc");
        assert_eq!(started(&mut fair), "b");
        fair.finished(&tenant("a"));
        // Two run again, one each: no hog, and no worker above the number.
        assert_eq!(started(&mut fair), "");
        fair.finished(&tenant("b"));
        assert_eq!(started(&mut fair), "b");
    }

    #[test]
    fn a_worker_takes_more_of_its_tenant_and_leaves_the_free_ones_their_share() {
        let mut fair = Fair::new(2, 20);
        for (id, name) in "aababaa".chars().enumerate() {
            fair.offer(id as u64, tenant(&name.to_string()), id).unwrap();
        }
        let (_, first, job) = fair.start_next().unwrap();
        assert_eq!((first.to_string(), job), ("a".to_owned(), 0));
        assert_eq!(fair.more(&first, 8), [1, 3]);
        fair.back(1, first.clone(), 1);
        assert_eq!(fair.more(&first, 1), [1]);
        assert_eq!(fair.waiting(), 4);
    }

    #[test]
    fn those_who_wait_are_bounded_and_may_leave() {
        let mut fair = Fair::new(1, 2);
        offer(&mut fair, "a");
        started(&mut fair);
        assert_eq!(fair.offer(7, tenant("a"), ()), Ok(()));
        assert_eq!(fair.offer(8, tenant("a"), ()), Ok(()));
        assert_eq!(fair.offer(9, tenant("a"), ()), Err(()));
        assert_eq!(fair.withdraw(7), Some(()));
        assert_eq!(fair.withdraw(7), None);
        assert_eq!(fair.waiting(), 1);
    }

    proptest! {
        #[test]
        fn nobody_starves_and_the_number_holds(workers in 1_usize..6, steps in prop::collection::vec((0_u8..2, 0_usize..4), 1..200)) {
            let mut fair = Fair::new(workers, 50);
            let names = ["a", "b", "c", "d"];
            let mut running: Vec<TenantId> = Vec::new();
            for (id, (what, who)) in steps.into_iter().enumerate() {
                if what == 0 {
                    let _ = fair.offer(id as u64, tenant(names[who]), ());
                } else if !running.is_empty() {
                    let ended = running.remove(who % running.len());
                    fair.finished(&ended);
                }
                while let Some((_, tenant, ())) = fair.start_next() {
                    running.push(tenant);
                }
                prop_assert!(running.len() <= workers + 1);
                prop_assert!(fair.waiting() == 0 || running.len() >= workers, "a worker idles while somebody waits");
            }
        }
    }
}
