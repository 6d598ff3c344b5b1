//! What the routes stand on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
};

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::gate::Gate;
use crate::{
    auth::Auth,
    chat,
    clock::Clock,
    config::Config,
    datasource::DataSources,
    listener::Listeners,
    store::Store,
    supervise::{Handle, Inspect, Kind, RestartRefused},
    workflow::{Catalogue, Runs},
};

/// Everything below that the routes use; `server` builds it.
#[derive(Clone)]
pub struct Parts {
    /// The settings.
    pub config: Arc<Config>,
    /// Who may.
    pub auth: Auth,
    /// For readiness.
    pub store: Store,
    /// Runs.
    pub runs: Runs,
    /// Definitions.
    pub catalogue: Catalogue,
    /// Queries.
    pub sources: DataSources,
    /// Rooms.
    pub listeners: Listeners,
    /// Chat rooms.
    pub chats: chat::Rooms,
    /// The time.
    pub clock: Clock,
    /// Kinds of actors that ops see.
    pub actors: Vec<Arc<dyn Actors>>,
    /// What must be well for the hub to be ready, beside the store.
    pub ready: Vec<(&'static str, Ready)>,
    /// Set when the hub is being stopped.
    pub draining: Arc<AtomicBool>,
}

/// Says how a part is: what to show, and whether it can serve.
pub type Ready = Arc<dyn Fn() -> (bool, Value) + Send + Sync>;

/// The state of all routes.
pub struct Hub {
    /// What is below.
    pub parts: Parts,
    pub(super) gate: Gate,
    in_flight: AtomicUsize,
}

/// One request that is being answered.
pub(super) struct InFlight<'h>(&'h Hub);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Relaxed);
    }
}

impl Hub {
    /// Once a process: its counters are shared by all workers.
    pub fn new(parts: Parts) -> Self {
        let gate = Gate::new(&parts.config);
        Self { parts, gate, in_flight: AtomicUsize::new(0) }
    }

    /// Requests that are being answered.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    pub(super) fn begin(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(self)
    }

    /// Whether the hub is being stopped: it takes nothing new.
    pub fn is_draining(&self) -> bool {
        self.parts.draining.load(Relaxed)
    }
}

/// A kind of actors, as ops see it.
pub trait Actors: Send + Sync {
    /// `run` and so on.
    fn kind(&self) -> &'static str;
    /// Those that live now, at most so many.
    fn list(&self, limit: usize) -> LocalBoxFuture<'_, Vec<Inspect>>;
    /// Restarts one from the journal; `None` when the text is no id.
    fn restart<'a>(&'a self, id: &'a str) -> LocalBoxFuture<'a, Option<Result<(), RestartRefused>>>;
}

/// The actors of a registry.
pub struct Registered<K: Kind> {
    /// The registry.
    pub handle: Handle<K>,
    /// Reads an id.
    pub parse: fn(&str) -> Option<K::Id>,
}

impl<K: Kind> Actors for Registered<K> {
    fn kind(&self) -> &'static str {
        K::NAME
    }
    fn list(&self, limit: usize) -> LocalBoxFuture<'_, Vec<Inspect>> {
        Box::pin(self.handle.list(limit))
    }
    fn restart<'a>(&'a self, id: &'a str) -> LocalBoxFuture<'a, Option<Result<(), RestartRefused>>> {
        Box::pin(async move {
            match (self.parse)(id) {
                Some(id) => Some(self.handle.restart(id).await),
                None => None,
            }
        })
    }
}
