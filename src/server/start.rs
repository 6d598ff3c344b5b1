//! How the hub is put together, floor by floor.

use std::{
    io::Write,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use actix_web::dev::ServerHandle;

use super::{
    Error,
    arbiters::{self, Domain},
    attempts::Attempts,
    chats,
    control::Control,
    drain::drain,
    front::{self, Front},
    keys,
    listen::Bound,
    os::{Signals, systemd},
};
use crate::{
    auth::{Auth, directory::StoreDirectory},
    chat::Rooms,
    clock::Clock,
    config::Config,
    datasource::{self, DataSources},
    delivery::Shards,
    http,
    ids::{ChatRoomId, HubId, RunId},
    listener::Listeners,
    metrics::metrics,
    outbound::Outbound,
    script::ScriptPool,
    session::{
        Engine,
        router::{Doors, OfRuns},
    },
    store::Store,
    widget::{self, RegistrationId, Widgets},
    workflow::{self, Catalogue, Nodes, Runs},
};

/// A hub that runs.
pub struct Running {
    /// Where it listens; the first is the one that is told.
    pub addresses: Vec<SocketAddr>,
    /// Accounts.
    pub auth: Auth,
    /// Runs.
    pub runs: Runs,
    pub(super) chats: Rooms,
    pub(super) store: Store,
    pub(super) domain: Domain,
    pub(super) attempts: Attempts,
    pub(super) sources: DataSources,
    pub(super) control: Control,
    pub(super) engine: Engine,
    pub(super) hub: Arc<http::Hub>,
    pub(super) http: ServerHandle,
    pub(super) draining: Arc<AtomicBool>,
    pub(super) deadline: Duration,
    pub(super) clock: Clock,
}

impl Running {
    /// Stops it without losing anything.
    pub async fn stop(self) {
        drain(self).await;
    }

    /// `http://ADDRESS`.
    pub fn url(&self) -> String {
        self.addresses.first().map(|address| format!("http://{address}")).unwrap_or_default()
    }
}

/// Starts a hub on the actix system of this thread. Blocks it while the database is migrated.
pub async fn start(config: Config) -> Result<Running, Error> {
    let config = Arc::new(config);
    let clock = Clock::real();
    // What this process makes is for its own user: state directory, database, sockets.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    let bound = Bound::new(&config.server.listen)?;
    let outbound = Outbound::new(&config.outbound)?;
    let fetcher = keys::fetcher(outbound.clone(), &config.auth);
    Auth::check(&config.auth, &fetcher, &clock)?;

    let state_dir = &config.server.state_dir;
    let hub_id = HubId::generate();
    let store = Store::open(&config.database, &config.journal, state_dir, hub_id.clone(), clock.clone())?;
    warn_of_others(state_dir);
    metrics().journal.broken_promises.set(i64::try_from(store.broken_promises().len()).unwrap_or(i64::MAX));
    let directory = Arc::new(StoreDirectory::new(store.clone()));
    let auth = Auth::new(&config.auth, directory, fetcher, clock.clone())?;
    actix_rt::spawn({
        let auth = auth.clone();
        async move { auth.warm().await }
    });

    let workers = arbiters::workers(config.server.workers);
    let shards = Shards::new(u16::try_from(workers).unwrap_or(u16::MAX));
    let domain = Domain::start();
    let sources = DataSources::new(datasource::Parts {
        settings: config.datasource.clone(),
        own: config.database.clone(),
        state_dir: state_dir.clone(),
        store: store.clone(),
        outbound: outbound.clone(),
        clock: clock.clone(),
    })?;
    let nodes = Nodes::new(ScriptPool::start(&config.script), &config.script, sources.clone());
    let attempts = Attempts::new(Arc::new(nodes));
    let parts = workflow::Parts {
        store: store.clone(),
        shards: shards.clone(),
        executor: Arc::new(attempts.clone()),
        clock: clock.clone(),
        workflow: config.workflow.clone(),
        node: config.node.clone(),
        script: config.script.clone(),
        limits: config.limits.clone(),
        supervise: config.supervise.clone(),
    };
    let runs = Runs::launch(parts, domain.home.clone(), domain.children.clone());
    let parts = widget::Parts {
        store: store.clone(),
        shards: shards.clone(),
        host: Arc::new(OfRuns(runs.clone())),
        clock: clock.clone(),
        supervise: config.supervise.clone(),
        hub: hub_id,
    };
    let widgets = Widgets::launch(parts, domain.home.clone(), domain.children.clone()).await?;
    let woken = runs.recover().await.map_err(Error::Recovery)?;

    let below = chats::Below {
        config: &config,
        store: &store,
        shards: &shards,
        auth: &auth,
        runs: &runs,
        sources: &sources,
        outbound: &outbound,
        clock: &clock,
    };
    let chats = chats::launch(&below, &domain)?;
    let rooms = chats.recover().await.map_err(Error::Rooms)?;
    log::info!(runs = woken, rooms; "recovered");
    let listeners = Listeners::new(store.clone(), shards.clone(), clock.clone());
    let doors = Doors { runs: runs.clone(), widgets: widgets.clone(), listeners, chats };

    let draining = Arc::new(AtomicBool::new(false));
    let parts = http::Parts {
        config: Arc::clone(&config),
        auth: auth.clone(),
        store: store.clone(),
        runs: runs.clone(),
        catalogue: Catalogue::new(runs.clone()).beside_query_service(config.datasource.service_url.is_some()),
        sources: sources.clone(),
        listeners: doors.listeners.clone(),
        chats: doors.chats.clone(),
        clock: clock.clone(),
        actors: vec![
            Arc::new(http::Registered { handle: runs.registry().clone(), parse: |id| RunId::parse(id).ok() }),
            Arc::new(http::Registered { handle: widgets.registry().clone(), parse: RegistrationId::parse }),
            Arc::new(http::Registered {
                handle: doors.chats.registry().clone(),
                parse: |id| ChatRoomId::parse(id).ok(),
            }),
        ],
        ready: vec![("runs", ready_runs(&runs))],
        draining: Arc::clone(&draining),
    };
    let control = Control::start(state_dir, auth.clone(), clock.clone())?;
    let listeners =
        bound.listen().map_err(|source| Error::Listen { listen: config.server.listen.clone(), source })?;
    outbound.own_ports(listeners.iter().map(|(_, address)| address.port()).collect());
    let chats = doors.chats.clone();
    let Front { engine, hub, http, addresses } =
        front::open(&config, workers, shards, (parts, doors), listeners)?;
    log::info!(
        database = store.target().name(), state_dir:% = state_dir.display(), version = env!("CARGO_PKG_VERSION");
        "listening on http://{}", addresses.first().map(SocketAddr::to_string).unwrap_or_default()
    );
    Ok(Running {
        addresses,
        auth,
        runs,
        chats,
        store,
        domain,
        attempts,
        sources,
        control,
        engine,
        hub,
        http,
        draining,
        deadline: *config.drain.deadline,
        clock,
    })
}

/// Runs are always ready; what they have to do is shown.
fn ready_runs(runs: &Runs) -> http::Ready {
    let registry = runs.registry().clone();
    Arc::new(move || (true, serde_json::json!({ "openCommands": registry.open() })))
}

/// A directory that was there before keeps its mode; whoever may look into it is told of.
fn warn_of_others(state_dir: &Path) {
    let mode = std::fs::metadata(state_dir).map_or(0, |found| found.permissions().mode()) & 0o777;
    if mode & 0o077 != 0 {
        log::warn!("{} can be read by others: mode {mode:o}, expected 700", state_dir.display());
    }
}

/// Runs a hub until it is told to stop: `jethub serve`. Prints one line, where it listens, when it
/// does. A second signal ends the process as a crash would; the next start goes on from the journal.
pub fn serve(config: Config) -> Result<(), Error> {
    actix::System::new().block_on(async move {
        let mut signals = Signals::new().map_err(|source| Error::System { what: "signals", source })?;
        let running = tokio::select! {
            running = start(config) => running?,
            _ = signals.stop() => return Ok(()),
        };
        announce(&running.url());
        systemd::ready();
        systemd::watchdog();
        let signal = signals.stop().await;
        log::info!(signal; "asked to stop");
        tokio::select! {
            () = running.stop() => {}
            signal = signals.stop() => {
                log::warn!(signal; "asked again: stopping at once");
                std::process::exit(1);
            }
        }
        Ok(())
    })
}

/// The one line on standard output, so that whoever started the hub with port 0 finds it.
fn announce(url: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "listening on {url}").and_then(|()| out.flush());
}
