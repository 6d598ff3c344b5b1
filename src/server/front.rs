//! The front: HTTP workers, each with its shard of delivery, its sessions and the routes.

use std::{
    net::{SocketAddr, TcpListener},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_web::{App, dev::ServerHandle, web};

use super::Error;
use crate::{
    config::Config,
    delivery::Shards,
    http,
    session::{
        self, Engine, Listening, Service,
        router::{Doors, Router, TenantRates},
    },
};

/// Longest time between two requests of a connection.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// What answers.
pub(super) struct Front {
    /// Sessions at `/socket.io/`.
    pub engine: Engine,
    /// The routes.
    pub hub: Arc<http::Hub>,
    /// The listeners and their workers.
    pub http: ServerHandle,
    /// Where it listens.
    pub addresses: Vec<SocketAddr>,
}

/// Builds the front and answers from now on.
pub(super) fn open(
    config: &Config,
    workers: usize,
    shards: Shards,
    (parts, doors): (http::Parts, Doors),
    listeners: Vec<(TcpListener, SocketAddr)>,
) -> Result<Front, Error> {
    let failed = |source| Error::System { what: "HTTP", source };
    let engine = engine(config, shards, &parts, doors);
    let hub = Arc::new(http::Hub::new(parts));
    let routes = web::Data::from(Arc::clone(&hub));
    let mounted = engine.clone();
    let app = move || {
        let (engine, routes) = (mounted.clone(), routes.clone());
        App::new().configure(move |service| {
            engine.configure(service);
            http::configure(service, routes);
        })
    };
    let listening = Listening {
        workers,
        head_timeout: *config.server.head_timeout,
        keep_alive: KEEP_ALIVE,
        send_buffer: *config.session.send_buffer,
        stall_timeout: *config.session.stall_timeout,
    };
    let (listeners, addresses): (Vec<_>, Vec<_>) = listeners.into_iter().unzip();
    let server = session::serve(listeners, &listening, std::slice::from_ref(&engine), app).map_err(failed)?;
    let http = server.handle();
    actix_rt::spawn(server);
    Ok(Front { engine, hub, http, addresses })
}

fn engine(config: &Config, shards: Shards, parts: &http::Parts, doors: Doors) -> Engine {
    let clock = parts.clock.clone();
    let rates = Arc::new(TenantRates::new(config.limits.client_events_per_tenant, clock.clone()));
    let (auth, limits, at) = (parts.auth.clone(), config.limits.clone(), clock.clone());
    Engine::new(session::Settings::new(config), shards, clock, move |_| {
        let router = Router::new(auth.clone(), doors.clone(), Arc::clone(&rates), at.clone(), &limits);
        Rc::new(router) as Rc<dyn Service>
    })
}
