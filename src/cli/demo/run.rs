//! A hub in a temporary directory, seeded, with a run every few seconds.

use std::{
    fs,
    io::IsTerminal as _,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{civil::Date, tz::TimeZone};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};

use super::{
    carrier,
    seed::{Seeded, TENANT, seed},
    shop,
    show::{Watched, show},
    words::words,
};
use crate::{
    cli::{
        logging,
        output::{Failure, print, say},
    },
    clock::Clock,
    config::{Config, Secret},
    ids::TenantId,
    server,
    store::tables::runs::Executor,
    workflow::{Runs, StartRun, Starter},
};

/// Between two runs.
const PAUSE: Duration = Duration::from_secs(4);
/// File of the demo's database.
const SHOP: &str = "shop.db";

/// Gone when dropped.
struct Place(PathBuf);

impl Drop for Place {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            say(&format!("{} is left over: {error}", self.0.display()));
        }
    }
}

/// `jethub demo`: until it is told to stop.
pub(in crate::cli) fn run(listen: &str) -> Result<(), Failure> {
    let place = Place(std::env::temp_dir().join(format!("jethub-demo-{}", uuid::Uuid::now_v7())));
    let secret = Secret::new(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()));
    let mut config = settings(listen, &place.0, &secret);
    let failed = |what: &str, error: &dyn std::fmt::Display| Failure::Failed(format!("{what}: {error}"));
    let sources = place.0.join("sources");
    fs::create_dir_all(&sources).map_err(|error| failed("the demo's directory", &error))?;
    let clock = Clock::real();
    let today = today(&clock);
    shop::make(&sources.join(SHOP), today).map_err(|error| failed("the demo's shop", &error))?;
    config.datasource.sqlite_dir = Some(sources);
    logging::init(&config.log, config.limits.log_line.get());
    logging::log_panics();
    let result = actix::System::new().block_on(async {
        let mut stop = signals().map_err(|error| Failure::Failed(format!("signals: {error}")))?;
        let carrier = carrier::start().await.map_err(|error| failed("the parcel service", &error))?;
        // The parcel service is on this machine, which no tenant may call elsewhere.
        config.outbound.allow_private = true;
        config.outbound.ports.push(carrier.port());
        let running = server::start(config).await.map_err(|error| match error.is_settings() {
            true => Failure::Settings(error.to_string()),
            false => Failure::Failed(error.to_string()),
        })?;
        let seeded = seed(&running, &secret, &clock, (SHOP, carrier)).await?;
        print(&words(&running.url(), &seeded, today))?;
        let watched = std::io::stdout().is_terminal().then(|| watch(&running, &seeded, &clock));
        let runs = actix_rt::spawn(go_on(running.runs.clone(), seeded, clock, watched));
        let _ = stop.recv().await;
        runs.abort();
        running.stop().await;
        Ok(())
    });
    drop(place);
    result
}

fn settings(listen: &str, state: &Path, secret: &Secret) -> Config {
    let mut config = Config::default();
    config.server.listen = listen.to_owned();
    config.server.state_dir = state.join("state");
    config.auth.hs256_secret = Some(secret.clone());
    config.log.level = "warn".to_owned();
    config
}

/// The day, as the shop counts it.
fn today(clock: &Clock) -> Date {
    clock.now().to_zoned(TimeZone::UTC).date()
}

/// SIGTERM and ctrl-c, as one.
fn signals() -> std::io::Result<mpsc::Receiver<()>> {
    let (told, stop) = mpsc::channel(1);
    for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
        let (mut signal, told) = (signal(kind)?, told.clone());
        actix_rt::spawn(async move {
            signal.recv().await;
            let _ = told.send(()).await;
        });
    }
    Ok(stop)
}

/// Shows what a client receives; runs to be watched go into the sender.
fn watch(running: &server::Running, seeded: &Seeded, clock: &Clock) -> mpsc::Sender<Watched> {
    let (runs, watched) = mpsc::channel(16);
    if let Some(address) = running.addresses.first().copied() {
        let (token, clock) = (seeded.bob.clone(), clock.clone());
        let _ = print("# what bob's Socket.IO client on this port receives (ctrl-c ends the demo):\n");
        actix_rt::spawn(async move {
            if let Err(error) = show(address, token, clock, watched).await {
                say(&format!("the watching client ended: {error}"));
            }
        });
    }
    runs
}

/// Starts one workflow after the other.
async fn go_on(runs: Runs, seeded: Seeded, clock: Clock, watched: Option<mpsc::Sender<Watched>>) {
    for n in 0.. {
        let Some((workflow, sample)) = seeded.workflows.get(n as usize % seeded.workflows.len().max(1))
        else {
            return;
        };
        let start = StartRun {
            tenant: TenantId::trusted(TENANT),
            workflow: workflow.clone(),
            inputs: Some((sample.inputs)(n, today(&clock))),
            executor: Executor::Internal,
            starter: Starter::default(),
            idempotency_key: None,
        };
        match (runs.start(start).await, &watched) {
            (Ok(started), Some(watched)) => {
                // The client may have ended; the runs go on.
                let _ = watched.try_send((started.instance_id.to_string(), sample.title));
            }
            (Ok(_), None) => {}
            (Err(error), _) => log::warn!("{}: {error}", sample.title),
        }
        tokio::time::sleep(PAUSE).await;
    }
}
