//! What is in memory: the entries of tenants that were asked for lately, each with its index. Owned by one
//! thread (`thread.rs`).

use std::{collections::HashMap, sync::Arc};

use super::{Entry, Hit, entry::Subject};
use crate::{
    ids::TenantId,
    metrics::metrics,
    store::{Error, WordIndex},
};

/// How much is kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Tenants.
    pub tenants: usize,
    /// About so many bytes of all; one tenant alone may take more.
    pub bytes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { tenants: 512, bytes: 128 << 20 }
    }
}

/// What is asked of a tenant's entries.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    /// Whose.
    pub tenant: TenantId,
    /// Entries with at least one of these, the best first; none: all, by title.
    pub words: Option<Vec<String>>,
    /// Saved queries may be seen.
    pub may_query: bool,
    /// Workflows may be seen.
    pub may_execute: bool,
    /// Most of them.
    pub limit: usize,
}

impl Ask {
    fn may_see(&self, entry: &Entry) -> bool {
        match entry.subject {
            Subject::Query(_) => self.may_query,
            Subject::Workflow(_) => self.may_execute,
        }
    }
}

/// One tenant's.
struct Shelf {
    number: u32,
    revision: i64,
    /// When it was last asked.
    used: u64,
    bytes: usize,
    next: i64,
    entries: HashMap<i64, Arc<Entry>>,
    places: HashMap<Subject, i64>,
    /// By title, then id.
    sorted: Vec<Arc<Entry>>,
}

impl Shelf {
    fn new(number: u32) -> Self {
        Self {
            number,
            revision: i64::MIN,
            used: 0,
            bytes: 0,
            next: 1,
            entries: HashMap::new(),
            places: HashMap::new(),
            sorted: Vec::new(),
        }
    }

    /// Takes in what differs.
    fn fill(&mut self, index: &mut WordIndex, revision: i64, new: Vec<Entry>) -> Result<(), Error> {
        let mut left = std::mem::take(&mut self.places);
        let (mut out, mut put) = (Vec::new(), Vec::new());
        for entry in new {
            if let Some(place) = left.remove(&entry.subject) {
                if self.entries.get(&place).is_some_and(|old| **old == entry) {
                    self.places.insert(entry.subject.clone(), place);
                    continue;
                }
                out.push(place);
            }
            put.push((self.next, entry.words(), Arc::new(entry)));
            self.next += 1;
        }
        out.extend(left.into_values());
        out.sort_unstable();
        index.change(self.number, &out, put.iter().map(|(place, words, _)| (*place, words)))?;
        for place in out {
            self.entries.remove(&place);
        }
        for (place, _, entry) in put {
            self.places.insert(entry.subject.clone(), place);
            self.entries.insert(place, entry);
        }
        self.sorted = self.entries.values().cloned().collect();
        self.sorted.sort_by_cached_key(|entry| (entry.title.to_lowercase(), entry.subject.id().to_owned()));
        self.bytes = self.sorted.iter().map(|entry| entry.bytes()).sum();
        self.revision = revision;
        Ok(())
    }

    fn answer(&self, index: &mut WordIndex, ask: &Ask) -> Result<Vec<Hit>, Error> {
        let Some(words) = &ask.words else {
            let seen = self.sorted.iter().filter(|entry| ask.may_see(entry)).take(ask.limit);
            return Ok(seen.map(|entry| Hit { entry: Arc::clone(entry), score: 0.0 }).collect());
        };
        let found = index.search(self.number, words)?.into_iter();
        let mut found: Vec<(f64, &Arc<Entry>)> = found
            .filter_map(|(place, score)| Some((score, self.entries.get(&place)?)))
            .filter(|(_, entry)| ask.may_see(entry))
            .collect();
        let better = |one: &(f64, &Arc<Entry>), other: &(f64, &Arc<Entry>)| {
            other.0.total_cmp(&one.0).then_with(|| one.1.subject.id().cmp(other.1.subject.id()))
        };
        if found.len() > ask.limit && ask.limit > 0 {
            found.select_nth_unstable_by(ask.limit - 1, better);
        }
        found.truncate(ask.limit);
        found.sort_unstable_by(better);
        Ok(found.into_iter().map(|(score, entry)| Hit { entry: Arc::clone(entry), score }).collect())
    }
}

/// All that is in memory.
pub(super) struct Shelves {
    index: WordIndex,
    shelves: HashMap<TenantId, Shelf>,
    bounds: Bounds,
    next: u32,
    /// Rises with each question: who was asked longest ago.
    tick: u64,
}

impl Shelves {
    pub fn new(bounds: Bounds) -> Result<Self, Error> {
        Ok(Self { index: WordIndex::new()?, shelves: HashMap::new(), bounds, next: 1, tick: 0 })
    }

    /// The answer; none when what is here is older than `revision`, or is not here.
    pub fn answer(&mut self, ask: &Ask, revision: i64) -> Result<Option<Vec<Hit>>, Error> {
        let Some(shelf) = self.shelves.get_mut(&ask.tenant).filter(|shelf| shelf.revision >= revision) else {
            return Ok(None);
        };
        self.tick += 1;
        shelf.used = self.tick;
        shelf.answer(&mut self.index, ask).map(Some)
    }

    /// Takes in all that a tenant has at `revision`.
    pub fn fill(&mut self, tenant: &TenantId, revision: i64, entries: Vec<Entry>) -> Result<(), Error> {
        if self.shelves.get(tenant).is_some_and(|shelf| shelf.revision >= revision) {
            return Ok(());
        }
        // Out of the map while it changes: one that could not be filled is not there.
        let mut shelf = match self.shelves.remove(tenant) {
            Some(shelf) => shelf,
            None => {
                self.next = self.next.wrapping_add(1);
                self.index.remove(self.next)?;
                self.index.make(self.next)?;
                Shelf::new(self.next)
            }
        };
        if let Err(error) = shelf.fill(&mut self.index, revision, entries) {
            self.index.remove(shelf.number)?;
            return Err(error);
        }
        self.tick += 1;
        shelf.used = self.tick;
        self.shelves.insert(tenant.clone(), shelf);
        self.evict(tenant)?;
        self.count();
        Ok(())
    }

    /// Removes who was asked longest ago until the bounds hold; the tenant that is asked for stays.
    fn evict(&mut self, asked: &TenantId) -> Result<(), Error> {
        let mut bytes: usize = self.shelves.values().map(|shelf| shelf.bytes).sum();
        while self.shelves.len() > self.bounds.tenants || bytes > self.bounds.bytes {
            let others = self.shelves.iter().filter(|(tenant, _)| *tenant != asked);
            let Some(oldest) = others.min_by_key(|(_, shelf)| shelf.used).map(|(tenant, _)| tenant.clone())
            else {
                return Ok(());
            };
            if let Some(shelf) = self.shelves.remove(&oldest) {
                bytes -= shelf.bytes;
                self.index.remove(shelf.number)?;
            }
        }
        Ok(())
    }

    fn count(&self) {
        let entries: usize = self.shelves.values().map(|shelf| shelf.sorted.len()).sum();
        let catalogue = &metrics().catalogue;
        catalogue.tenants.set(i64::try_from(self.shelves.len()).unwrap_or(i64::MAX));
        catalogue.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }
}
