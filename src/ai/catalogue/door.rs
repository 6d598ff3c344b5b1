//! The door: what a tenant has, found by words. It is as new as the database at the moment of the question.

use std::{collections::HashMap, fmt, sync::Arc};

use parking_lot::Mutex;

use super::{
    Entry,
    shelves::{Ask, Bounds},
    thread::{Librarian, failed},
    words,
};
use crate::{
    ai::Error,
    clock::Clock,
    ids::TenantId,
    metrics::metrics,
    store::{Store, tables::catalogue},
};

/// Most saved queries of a tenant that can be found, and most workflows: the newest.
const MOST: i64 = 20_000;

/// Something that was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// What.
    pub entry: Arc<Entry>,
    /// More is better; comparable within one answer only.
    pub score: f64,
}

/// Finds what a tenant has. Cheap to clone; the clones share one thread and its memory.
#[derive(Clone)]
pub struct Catalogue {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Clock,
    librarian: Librarian,
    /// One load of a tenant at a time: who comes meanwhile has its answer.
    loading: Mutex<HashMap<TenantId, Arc<tokio::sync::Mutex<()>>>>,
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Catalogue").finish_non_exhaustive()
    }
}

/// Forgets that a tenant is loaded when the last who waits is gone.
struct Place<'a> {
    inner: &'a Inner,
    tenant: &'a TenantId,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut loading = self.inner.loading.lock();
        // This one's, and the map's.
        if Arc::strong_count(&self.turn) <= 2 {
            loading.remove(self.tenant);
        }
    }
}

impl Catalogue {
    /// Starts its thread; reads nothing yet.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self::bounded(store, clock, Bounds::default())
    }

    pub(super) fn bounded(store: Store, clock: Clock, bounds: Bounds) -> Self {
        let librarian = Librarian::start(bounds);
        Self { inner: Arc::new(Inner { store, clock, librarian, loading: Mutex::default() }) }
    }

    /// What has at least one of the text's words, the best first, at most `limit`; ties by id. Nothing for a
    /// text that has no word which tells anything.
    pub async fn search(
        &self,
        tenant: &TenantId,
        text: &str,
        may_query: bool,
        may_execute: bool,
        limit: usize,
    ) -> Result<Vec<Hit>, Error> {
        let words = words::telling(text);
        if words.is_empty() {
            return Ok(Vec::new());
        }
        let ask = Ask { tenant: tenant.clone(), words: Some(words), may_query, may_execute, limit };
        self.ask(ask).await
    }

    /// All that there is, by title, at most `limit`.
    pub async fn entries(
        &self,
        tenant: &TenantId,
        may_query: bool,
        may_execute: bool,
        limit: usize,
    ) -> Result<Vec<Arc<Entry>>, Error> {
        let ask = Ask { tenant: tenant.clone(), words: None, may_query, may_execute, limit };
        Ok(self.ask(ask).await?.into_iter().map(|hit| hit.entry).collect())
    }

    async fn ask(&self, ask: Ask) -> Result<Vec<Hit>, Error> {
        if !ask.may_query && !ask.may_execute {
            return Ok(Vec::new());
        }
        let begun = self.inner.clock.monotonic();
        let revision = self.inner.revision(&ask.tenant).await?;
        let known = self.inner.librarian.ask(ask.clone(), revision).await?;
        let found = match known {
            Some(found) => found,
            None => self.inner.load(ask).await?,
        };
        let took = self.inner.clock.monotonic().saturating_duration_since(begun);
        metrics().catalogue.seconds.observe(took.as_secs_f64());
        Ok(found)
    }
}

impl Inner {
    async fn revision(&self, tenant: &TenantId) -> Result<i64, Error> {
        let tenant = tenant.clone();
        let read = self.store.read(move |connection| catalogue::revision(connection, &tenant)).await;
        read.map_err(|error| failed(&error))
    }

    /// Reads what the tenant has, unless somebody did meanwhile, and answers.
    async fn load(&self, ask: Ask) -> Result<Vec<Hit>, Error> {
        let turn = Arc::clone(self.loading.lock().entry(ask.tenant.clone()).or_default());
        let place = Place { inner: self, tenant: &ask.tenant, turn };
        let _turn = place.turn.lock().await;
        let revision = self.revision(&ask.tenant).await?;
        if let Some(found) = self.librarian.ask(ask.clone(), revision).await? {
            return Ok(found);
        }
        let tenant = ask.tenant.clone();
        let read = self.store.read(move |connection| {
            let texts = catalogue::texts(connection, &tenant, MOST)?;
            let sources = texts.sources;
            let queries = texts.queries.into_iter().map(|row| {
                let source = row.datasource_id.as_ref().and_then(|id| sources.get(id)).map(String::as_str);
                Entry::of_query(row, source)
            });
            let entries: Vec<Entry> =
                queries.chain(texts.workflows.into_iter().map(Entry::of_workflow)).collect();
            Ok((texts.revision, entries))
        });
        let (revision, entries) = read.await.map_err(|error| failed(&error))?;
        metrics().catalogue.loads.inc();
        let found = self.librarian.fill(ask.clone(), revision, entries).await?;
        found.ok_or_else(|| Error::Internal("the catalogue is not there".to_owned()))
    }
}
