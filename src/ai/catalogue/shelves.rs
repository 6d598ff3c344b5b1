//! What is in memory: the entries of tenants that were asked for lately, each with its index. Owned by one
//! thread (`thread.rs`).

use std::{collections::HashMap, sync::Arc};

use super::{Entry, Hit, entry::Subject, lately::Lately};
use crate::{
    ids::TenantId,
    metrics::metrics,
    store::{Error, WordIndex, Words},
};

/// Most entries that are taken in at once: who asks meanwhile waits no longer than for these.
const PIECE: usize = 256;

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
    /// By title, then id; made when it is asked for.
    sorted: Option<Vec<Arc<Entry>>>,
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
            sorted: None,
        }
    }

    /// What differs: places of entries that are gone, and entries that are new.
    fn compare(&mut self, all: Vec<Entry>) -> (Vec<i64>, Vec<Entry>) {
        let mut left = std::mem::take(&mut self.places);
        let (mut out, mut put) = (Vec::new(), Vec::new());
        for entry in all {
            // With its key: a tenant has many, and nearly all stay.
            if let Some((subject, place)) = left.remove_entry(&entry.subject) {
                if self.entries.get(&place).is_some_and(|old| **old == entry) {
                    self.places.insert(subject, place);
                    continue;
                }
                out.push(place);
            }
            put.push(entry);
        }
        out.extend(left.into_values());
        out.sort_unstable();
        (out, put)
    }

    /// Takes some out and puts some in.
    fn change(&mut self, index: &mut WordIndex, out: &[i64], put: Vec<Entry>) -> Result<(), Error> {
        let put: Vec<(i64, Words, Arc<Entry>)> =
            (self.next..).zip(put).map(|(place, entry)| (place, entry.words(), Arc::new(entry))).collect();
        self.next += i64::try_from(put.len()).unwrap_or(i64::MAX);
        index.change(self.number, out, put.iter().map(|(place, words, _)| (*place, words)))?;
        for place in out {
            self.bytes -= self.entries.remove(place).map_or(0, |entry| entry.bytes());
        }
        for (place, _, entry) in put {
            self.bytes += entry.bytes();
            self.places.insert(entry.subject.clone(), place);
            self.entries.insert(place, entry);
        }
        self.sorted = None;
        Ok(())
    }

    fn sorted(&mut self) -> &[Arc<Entry>] {
        self.sorted.get_or_insert_with(|| {
            let mut all: Vec<Arc<Entry>> = self.entries.values().cloned().collect();
            all.sort_by_cached_key(|entry| (entry.title.to_lowercase(), entry.subject.id().to_owned()));
            all
        })
    }

    fn answer(&mut self, index: &mut WordIndex, ask: &Ask) -> Result<Vec<Hit>, Error> {
        let Some(words) = &ask.words else {
            let seen = self.sorted().iter().filter(|entry| ask.may_see(entry)).take(ask.limit);
            return Ok(seen.map(|entry| Hit { entry: Arc::clone(entry), score: 0.0 }).collect());
        };
        let mut found = index.search(self.number, words)?;
        if ask.may_query && ask.may_execute && found.len() > ask.limit && ask.limit > 0 {
            // Nobody is left out but by score: those that are worth less need not be looked up.
            let (_, (_, least), _) =
                found.select_nth_unstable_by(ask.limit - 1, |one, other| other.1.total_cmp(&one.1));
            let least = *least;
            found.retain(|(_, score)| *score >= least);
        }
        let found = found.into_iter().filter_map(|(place, score)| Some((score, self.entries.get(&place)?)));
        let mut found: Vec<(f64, &Arc<Entry>)> = found.filter(|(_, entry)| ask.may_see(entry)).collect();
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

/// A tenant whose entries are being taken in. It is not among the shelves meanwhile: one that could not be filled is
/// not there.
pub(super) struct Filling {
    /// Of these shelves, no others.
    of: Arc<()>,
    tenant: TenantId,
    shelf: Shelf,
    revision: i64,
    out: Vec<i64>,
    put: Vec<Entry>,
}

/// All that is in memory.
pub(super) struct Shelves {
    index: WordIndex,
    shelves: HashMap<TenantId, Shelf>,
    lately: Lately,
    bounds: Bounds,
    /// Which shelves these are.
    own: Arc<()>,
    next: u32,
    /// Rises with each question: who was asked longest ago.
    tick: u64,
}

impl Shelves {
    pub fn new(bounds: Bounds, lately: Lately) -> Result<Self, Error> {
        Ok(Self {
            index: WordIndex::new()?,
            shelves: HashMap::new(),
            lately,
            bounds,
            own: Arc::default(),
            next: 1,
            tick: 0,
        })
    }

    /// The answer; none when what is here is older than `revision`, or is not here.
    pub fn answer(&mut self, ask: &Ask, revision: i64) -> Result<Option<Vec<Hit>>, Error> {
        let Some(shelf) = self.shelves.get_mut(&ask.tenant).filter(|shelf| shelf.revision >= revision) else {
            return Ok(None);
        };
        self.tick += 1;
        shelf.used = self.tick;
        if let Some(hits) = self.lately.find(ask, shelf.revision) {
            return Ok(Some(hits));
        }
        let hits = shelf.answer(&mut self.index, ask)?;
        self.lately.keep(ask, shelf.revision, &hits);
        Ok(Some(hits))
    }

    /// Begins to take in all that a tenant has at `revision`; none when that is here.
    pub fn begin(
        &mut self,
        tenant: &TenantId,
        revision: i64,
        entries: Vec<Entry>,
    ) -> Result<Option<Filling>, Error> {
        if self.shelves.get(tenant).is_some_and(|shelf| shelf.revision >= revision) {
            return Ok(None);
        }
        let mut shelf = match self.shelves.remove(tenant) {
            Some(shelf) => {
                self.lately.forget(tenant);
                shelf
            }
            None => {
                self.next = self.next.wrapping_add(1);
                self.index.remove(self.next)?;
                self.index.make(self.next)?;
                Shelf::new(self.next)
            }
        };
        let (out, put) = shelf.compare(entries);
        Ok(Some(Filling { of: Arc::clone(&self.own), tenant: tenant.clone(), shelf, revision, out, put }))
    }

    /// Takes in the next piece; none when that was the last.
    pub fn go_on(&mut self, mut filling: Filling) -> Result<Option<Filling>, Error> {
        if !Arc::ptr_eq(&filling.of, &self.own) {
            return Ok(None);
        }
        let out = filling.out.split_off(filling.out.len().saturating_sub(PIECE));
        let put = filling.put.split_off(filling.put.len().saturating_sub(PIECE));
        if let Err(error) = filling.shelf.change(&mut self.index, &out, put) {
            self.index.remove(filling.shelf.number)?;
            return Err(error);
        }
        if !filling.out.is_empty() || !filling.put.is_empty() {
            return Ok(Some(filling));
        }
        let Filling { tenant, mut shelf, revision, .. } = filling;
        self.tick += 1;
        (shelf.used, shelf.revision) = (self.tick, revision);
        // Who asked for the one before went away, and the next began anew.
        if let Some(other) = self.shelves.remove(&tenant) {
            let old = if other.revision > revision { std::mem::replace(&mut shelf, other) } else { other };
            self.lately.forget(&tenant);
            self.index.remove(old.number)?;
        }
        self.shelves.insert(tenant.clone(), shelf);
        self.evict(&tenant)?;
        self.count();
        Ok(None)
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
                self.lately.forget(&oldest);
                self.index.remove(shelf.number)?;
            }
        }
        Ok(())
    }

    fn count(&self) {
        let entries: usize = self.shelves.values().map(|shelf| shelf.entries.len()).sum();
        let catalogue = &metrics().catalogue;
        catalogue.tenants.set(i64::try_from(self.shelves.len()).unwrap_or(i64::MAX));
        catalogue.entries.set(i64::try_from(entries).unwrap_or(i64::MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ids::DataQueryId, store::tables::catalogue::QueryText};

    fn entries(prefix: &str, count: usize) -> Vec<Entry> {
        let entry = |n| {
            let row = QueryText {
                data_query_id: DataQueryId::trusted(&format!("{prefix}{n:04}")),
                datasource_id: None,
                title: format!("Sales {n}"),
                description: None,
                options: "{}".to_owned(),
            };
            Entry::of_query(row, None)
        };
        (0..count).map(entry).collect()
    }

    fn ask(tenant: &str) -> Ask {
        let words = Some(vec!["sales".to_owned()]);
        Ask { tenant: TenantId::trusted(tenant), words, may_query: true, may_execute: true, limit: 10_000 }
    }

    fn all(shelves: &mut Shelves, mut left: Option<Filling>) -> usize {
        let mut pieces = 0;
        while let Some(filling) = left {
            left = shelves.go_on(filling).unwrap();
            pieces += 1;
        }
        pieces
    }

    #[test]
    fn others_are_answered_while_one_is_taken_in_piece_by_piece() {
        let mut shelves = Shelves::new(Bounds::default(), Lately::default()).unwrap();
        let (many, one) = (TenantId::trusted("many"), TenantId::trusted("one"));
        let filling = shelves.begin(&one, 1, entries("b", 1)).unwrap();
        assert_eq!(all(&mut shelves, filling), 1);
        let found = |shelves: &mut Shelves, tenant: &str, revision| {
            shelves.answer(&ask(tenant), revision).unwrap().map(|hits| hits.len())
        };
        let filling = shelves.begin(&many, 7, entries("a", 3 * PIECE - 1)).unwrap().unwrap();
        let filling = shelves.go_on(filling).unwrap().unwrap();
        assert_eq!((found(&mut shelves, "one", 1), found(&mut shelves, "many", 7)), (Some(1), None));
        // Who waited went away; the next begins anew, and what was begun ends beside it.
        let again = shelves.begin(&many, 8, entries("a", 2 * PIECE)).unwrap();
        assert_eq!(all(&mut shelves, again), 2);
        assert_eq!(found(&mut shelves, "many", 8), Some(2 * PIECE));
        assert_eq!(all(&mut shelves, Some(filling)), 2);
        assert_eq!(found(&mut shelves, "many", 8), Some(2 * PIECE));
        // Nothing new: nothing to do. Less: only what is gone.
        assert!(shelves.begin(&many, 8, Vec::new()).unwrap().is_none());
        let fewer = shelves.begin(&many, 9, entries("a", PIECE + 1)).unwrap();
        assert_eq!(all(&mut shelves, fewer), 1);
        assert_eq!(found(&mut shelves, "many", 9), Some(PIECE + 1));
        let bytes: usize = shelves.shelves[&many].entries.values().map(|entry| entry.bytes()).sum();
        assert_eq!(shelves.shelves[&many].bytes, bytes);
        // What was begun elsewhere does not come in here.
        let mut others = Shelves::new(Bounds::default(), Lately::default()).unwrap();
        let filling = others.begin(&one, 2, entries("c", 5)).unwrap().unwrap();
        assert!(shelves.go_on(filling).unwrap().is_none());
        assert_eq!(found(&mut shelves, "one", 1), Some(1));
    }
}
