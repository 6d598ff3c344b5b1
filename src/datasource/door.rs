//! The door: a query goes in, its answer comes out.

use std::{
    fmt,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use tokio::{
    runtime::{Builder, Runtime},
    sync::watch,
    task::JoinHandle,
};

use super::{
    Effect, Error, Vault, check,
    drivers::{Answer, Drivers, Job, Manner},
    fair::Turns,
    hosts::Hosts,
    pool::{Fingerprint, Pools},
    saved::{Place, Saved, Shelf, Source},
    service,
    settings::Secrets,
};
use crate::{
    clock::Clock,
    config::sections as config,
    engine::resolve_inputs,
    error::Coded,
    ids::{DataQueryId, DataSourceId, NodeId, RunId, TenantId},
    metrics::{QueryLabel, metrics},
    outbound::{Lookup, Outbound, System},
    store::Store,
};

/// Threads beside those of SQLite's queries: they look names up.
const NAMES: usize = 8;

/// One query to run.
#[derive(Debug, Clone)]
pub struct QueryCall {
    /// Whose; the query must be this tenant's.
    pub tenant: TenantId,
    /// Which.
    pub query: DataQueryId,
    /// Its inputs, not yet checked against its definitions.
    pub inputs: Map<String, Value>,
    /// The run that asks, if one does.
    pub run: Option<RunId>,
    /// Its node.
    pub node: Option<NodeId>,
    /// The same for each repetition of this attempt.
    pub idempotency_key: Option<Arc<str>>,
    /// Longest time; `datasource.timeout` and the query's own may be shorter.
    pub timeout: Duration,
}

/// What is asked of a source, all of it resolved.
pub(super) struct Ordered {
    pub tenant: TenantId,
    pub source: Source,
    pub options: Value,
    pub inputs: Map<String, Value>,
    pub key: Option<Arc<str>>,
    pub begun: Instant,
    pub limit: Duration,
    pub manner: Manner,
}

/// For logs.
pub(super) struct About {
    pub tenant: TenantId,
    pub query: String,
    /// A run asks: it is not told that the hub is being stopped.
    pub of_run: bool,
}

impl About {
    pub fn of(call: &QueryCall) -> Self {
        Self { tenant: call.tenant.clone(), query: call.query.as_str().to_owned(), of_run: false }
    }
}

/// The kind of what is asked, for metrics.
#[derive(Clone, Default)]
pub(super) struct Asked(Arc<OnceLock<&'static str>>);

impl Asked {
    pub fn of(&self, kind: &str) {
        let known = check::KINDS.iter().chain(&["service"]).copied().find(|known| *known == kind);
        let _ = self.0.set(known.unwrap_or("none"));
    }
    fn kind(&self) -> &'static str {
        self.0.get().copied().unwrap_or("none")
    }
}

/// What the door is built on.
#[derive(Clone)]
pub struct Parts {
    /// `[datasource]`.
    pub settings: config::DataSource,
    /// The hub's own database: no source may name it.
    pub own: config::Database,
    /// The state directory: it holds the key, and no source's file.
    pub state_dir: PathBuf,
    /// Rows of sources and queries.
    pub store: Store,
    /// The HTTP client.
    pub outbound: Outbound,
    /// The time.
    pub clock: Clock,
}

/// Runs saved queries. Cheap to clone; the clones share their pools.
#[derive(Clone)]
pub struct DataSources {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: config::DataSource,
    pub(super) vault: Vault,
    pub(super) shelf: Box<dyn Shelf>,
    drivers: Arc<Drivers>,
    turns: Turns,
    pub(super) clock: Clock,
    /// Set when the hub is being stopped.
    closed: watch::Sender<bool>,
    open: Arc<AtomicUsize>,
    /// Threads of its own, begun with the first query: a connection must not depend on the worker
    /// that happened to ask first.
    runtime: OnceLock<Result<Runtime, String>>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(Ok(runtime)) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for DataSources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataSources").finish_non_exhaustive()
    }
}

/// A task that ends when nobody waits for it.
struct Attended<T>(JoinHandle<T>);

impl<T> Drop for Attended<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A query under way.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl DataSources {
    /// Reads the key of the credentials, or makes it; connects to nothing yet.
    pub fn new(parts: Parts) -> Result<Self, super::seal::KeyError> {
        let shelf = Box::new(parts.store.clone());
        Self::with(parts, shelf, Arc::new(System))
    }

    pub(super) fn with(
        parts: Parts,
        shelf: Box<dyn Shelf>,
        lookup: Arc<dyn Lookup>,
    ) -> Result<Self, super::seal::KeyError> {
        let Parts { settings, own, state_dir, store, outbound, clock } = parts;
        let vault = Vault::open(&settings, &state_dir)?;
        let drivers = Drivers {
            hosts: Hosts::new(&settings, &own, lookup),
            own: store.target().clone(),
            outbound,
            pools: Pools::new(settings.pool),
            clock: clock.clone(),
            settings: settings.clone(),
        };
        let turns = Turns::new(settings.concurrent, settings.queue);
        let inner = Inner {
            settings,
            vault,
            shelf,
            drivers: Arc::new(drivers),
            turns,
            clock,
            closed: watch::Sender::new(false),
            open: Arc::default(),
            runtime: OnceLock::new(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What seals credentials before they are stored.
    pub fn vault(&self) -> &Vault {
        &self.inner.vault
    }

    /// Runs a saved query of the tenant. Dropping the future stops it at its server. What a run asks
    /// for is not answered any more after [`Self::close`]: its node has not failed, it begins again at
    /// the next start.
    pub async fn run(&self, call: QueryCall) -> Result<Value, Error> {
        let about = About { of_run: call.run.is_some(), ..About::of(&call) };
        let work = |inner: Arc<Inner>, asked: Asked| async move {
            let saved = inner.load(&call.tenant, &call.query).await?;
            inner.answer(call, saved, Manner::default(), &asked).await
        };
        self.watched(about, work).await.map(Answer::into_value)
    }

    /// Does it on the threads of data sources, counts it, logs its failure.
    pub(super) async fn watched<T, F, W>(&self, about: About, work: W) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
        W: FnOnce(Arc<Inner>, Asked) -> F,
    {
        let begun = self.inner.clock.monotonic();
        let asked = Asked::default();
        let work = work(Arc::clone(&self.inner), asked.clone());
        let outcome = Box::pin(self.on_own_threads(work)).await;
        if about.of_run && matches!(outcome, Err(Error::Draining)) {
            std::future::pending::<()>().await;
        }
        let took = self.inner.clock.monotonic().saturating_duration_since(begun);
        let failed = outcome.as_ref().err();
        count(asked.kind(), failed, took);
        if let Some(error) = failed {
            log::debug!(
                tenant_id = about.tenant.as_str(), data_query_id = about.query.as_str(), error_code = error.code().as_str(),
                error_reason = error.reason(), duration_ms = took.as_millis() as u64; "a query failed"
            );
        }
        outcome
    }

    /// Whether a saved query of the tenant can change anything; asks no database. None: the tenant has
    /// no such query, also when a query service may know it. A removed source has no effect to fear, but
    /// what takes its place might: unknown is [`Effect::MayWrite`].
    pub async fn effect(&self, tenant: &TenantId, query: &DataQueryId) -> Result<Option<Effect>, Error> {
        Ok(self.inner.load(tenant, query).await?.map(|saved| saved.effect()))
    }

    /// Another one after each change of what a saved query of the tenant would run, or of where. None: the
    /// tenant has no such query.
    pub async fn fingerprint(
        &self,
        tenant: &TenantId,
        query: &DataQueryId,
    ) -> Result<Option<Fingerprint>, Error> {
        Ok(self.inner.load(tenant, query).await?.map(|saved| saved.fingerprint()))
    }

    /// The same of a source of the tenant.
    pub async fn fingerprint_of_source(
        &self,
        tenant: &TenantId,
        source: &DataSourceId,
    ) -> Result<Option<Fingerprint>, Error> {
        Ok(self.inner.shelf.source(tenant, source).await?.map(|source| source.fingerprint()))
    }

    /// Connects with settings that are not saved: `{ latencyMs, server, warnings? }`, or why not.
    /// `secrets` are its credentials in the clear.
    pub async fn test(
        &self,
        tenant: &TenantId,
        kind: &str,
        options: &Value,
        secrets: &Value,
    ) -> Result<Value, Error> {
        let (inner, tenant) = (Arc::clone(&self.inner), tenant.clone());
        let (kind, options, secrets) = (kind.to_owned(), options.clone(), Secrets::of(secrets));
        let work = async move { inner.test(&tenant, (&kind, &options, &secrets), None).await };
        Box::pin(self.on_own_threads(work)).await
    }

    /// The same with a saved source, within its places.
    pub async fn test_saved(&self, tenant: &TenantId, source: &DataSourceId) -> Result<Value, Error> {
        let (inner, tenant, source) = (Arc::clone(&self.inner), tenant.clone(), source.clone());
        let work = async move {
            let Some(source) = inner.shelf.source(&tenant, &source).await? else {
                return Err(Error::Unavailable("the data source was removed"));
            };
            let secrets = source.secrets(&inner.vault, &tenant)?;
            inner.test(&tenant, (&source.kind, &source.options, &secrets), Some(&source)).await
        };
        Box::pin(self.on_own_threads(work)).await
    }

    /// A source was changed or removed: its connections are closed now, not at its next query.
    pub async fn forget(&self, tenant: &TenantId, source: &DataSourceId) {
        self.inner.drivers.pools.forget(tenant, source).await;
    }

    /// Queries under way.
    pub fn open(&self) -> usize {
        self.inner.open.load(SeqCst)
    }

    /// Takes no further query, stops those under way and closes what is open.
    pub async fn close(&self) {
        self.inner.closed.send_replace(true);
        self.inner.turns.close();
        self.inner.drivers.pools.close().await;
    }

    /// Connections that wait for a query.
    #[cfg(test)]
    pub(super) fn idle(&self) -> usize {
        self.inner.drivers.pools.idle()
    }

    async fn on_own_threads<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.inner.open.fetch_add(1, SeqCst);
        let _open = Open(Arc::clone(&self.inner.open));
        let mut closed = self.inner.closed.subscribe();
        if *closed.borrow() {
            return Err(Error::Draining);
        }
        let runtime = match self.inner.runtime.get_or_init(|| self.start()) {
            Ok(runtime) => runtime,
            Err(words) => return Err(Error::Internal(words.clone())),
        };
        let mut task = Attended(runtime.spawn(work));
        let ended = tokio::select! {
            ended = &mut task.0 => ended,
            _ = closed.wait_for(|closed| *closed) => return Err(Error::Draining),
        };
        ended.unwrap_or_else(|error| Err(Error::Internal(format!("a query's task ended: {error}"))))
    }

    fn start(&self) -> Result<Runtime, String> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .max_blocking_threads(self.inner.settings.concurrent.saturating_add(NAMES))
            .thread_name("datasource")
            .enable_all()
            .build()
            .map_err(|error| format!("no thread for data sources: {error}"))?;
        // Ends with the last door: it holds none itself.
        let (drivers, clock) = (Arc::downgrade(&self.inner.drivers), self.inner.clock.clone());
        let longest = *self.inner.settings.idle;
        runtime.spawn(async move {
            loop {
                tokio::time::sleep(longest / 4).await;
                let Some(drivers) = drivers.upgrade() else { return };
                drivers.pools.sweep(clock.monotonic(), longest).await;
            }
        });
        Ok(runtime)
    }
}

/// For `/metrics`.
fn count(kind: &'static str, failed: Option<&Error>, took: Duration) {
    let outcome = failed.map_or("ok", |error| error.code().as_str());
    let (label, queries) = (QueryLabel { kind, outcome }, &metrics().queries);
    queries.ended.get_or_create(&label).inc();
    queries.seconds.get_or_create(&label).observe(took.as_secs_f64());
}

impl Inner {
    /// What a call is about; none: the tenant has no such query.
    pub(super) async fn load(&self, tenant: &TenantId, query: &DataQueryId) -> Result<Option<Saved>, Error> {
        let Some(query) = self.shelf.query(tenant, query).await? else { return Ok(None) };
        let place = match &query.source {
            None => Place::Service,
            Some(source) => self.shelf.source(tenant, source).await?.map_or(Place::Gone, Place::At),
        };
        Ok(Some(Saved { query, place }))
    }

    pub(super) async fn answer(
        &self,
        call: QueryCall,
        saved: Option<Saved>,
        manner: Manner,
        asked: &Asked,
    ) -> Result<Answer, Error> {
        let begun = self.clock.monotonic();
        let limit = call.timeout.min(*self.settings.timeout);
        let Some(Saved { query, place }) = saved else {
            if self.settings.service_url.is_none() {
                return Err(Error::Foreign);
            }
            // The service has queries of its own, and its own idea of whose they are.
            asked.of("service");
            return self.service(&call, &call.inputs, limit, &manner).await;
        };
        let own = query.options.get("timeoutSeconds").and_then(check::timeout).map(Duration::from_secs_f64);
        let limit = limit.min(own.unwrap_or(Duration::MAX));
        let given = Value::Object(call.inputs.clone());
        let inputs = resolve_inputs(&query.options, Some(&given)).map_err(Error::Inputs)?;
        match place {
            Place::Service => {
                asked.of("service");
                self.service(&call, &inputs, limit, &manner).await
            }
            Place::Gone => Err(Error::Unavailable("its data source was removed")),
            Place::At(source) => {
                asked.of(&source.kind);
                let key = call.idempotency_key;
                let options = query.options;
                let request =
                    Ordered { tenant: call.tenant, source, options, inputs, key, begun, limit, manner };
                self.order(request).await
            }
        }
    }

    /// Waits for its turn, then asks the source.
    pub(super) async fn order(&self, ordered: Ordered) -> Result<Answer, Error> {
        let Ordered { tenant, source, options, inputs, key, begun, limit, manner } = ordered;
        let work = async {
            let _admitted = self.turns.admit(&tenant)?;
            let pool = self.drivers.pools.of(&tenant, &source.id, source.fingerprint()).await;
            let place = pool.enter().await?;
            let _turn = self.turns.wait(&tenant).await?;
            let job = Job {
                secrets: source.secrets(&self.vault, &tenant)?,
                pool,
                _place: place,
                source,
                options,
                inputs,
                idempotency_key: key,
                manner,
                timeout: limit,
                until: begun + limit,
            };
            self.drivers.run(job).await
        };
        tokio::time::timeout(limit, Box::pin(work)).await.unwrap_or(Err(Error::Timeout(limit)))
    }

    /// A test of a source has its tenant's turn, as a query has.
    async fn test(
        &self,
        tenant: &TenantId,
        (kind, options, secrets): (&str, &Value, &Secrets),
        saved: Option<&Source>,
    ) -> Result<Value, Error> {
        let limit = (*self.settings.connect_timeout).saturating_mul(2);
        let work = async {
            let admitted = self.turns.admit(tenant)?;
            let place = match saved {
                Some(source) => {
                    let pool = self.drivers.pools.of(tenant, &source.id, source.fingerprint()).await;
                    Some(pool.enter().await?)
                }
                None => None,
            };
            let turn = self.turns.wait(tenant).await?;
            let begun = self.clock.monotonic();
            let mut answer = self.drivers.test(kind, options, secrets, (admitted, place, turn)).await?;
            let took = self.clock.monotonic().saturating_duration_since(begun);
            answer["latencyMs"] = Value::from(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            Ok(answer)
        };
        tokio::time::timeout(limit, Box::pin(work)).await.unwrap_or(Err(Error::Timeout(limit)))
    }

    async fn service(
        &self,
        call: &QueryCall,
        inputs: &Map<String, Value>,
        limit: Duration,
        manner: &Manner,
    ) -> Result<Answer, Error> {
        let work = async {
            let _admitted = self.turns.admit(&call.tenant)?;
            let _turn = self.turns.wait(&call.tenant).await?;
            let outbound = &self.drivers.outbound;
            let value = service::ask(outbound, &self.settings, call, inputs, limit, &manner.sent).await?;
            Ok(Answer::Value(value))
        };
        tokio::time::timeout(limit, Box::pin(work)).await.unwrap_or(Err(Error::Timeout(limit)))
    }
}
