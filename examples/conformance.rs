//! Run with: cargo run --example conformance -- localhost:3000 [--mounted]
//!
//! The server that the conformance tests of Engine.IO and Socket.IO want (`tests/it/engineio`,
//! `tests/it/socketio`, and the official suites): `/engine.io/` echoes, `/socket.io/` has the
//! namespaces `/` and `/custom`. `--mounted`: websockets by actix-web-actors, as in somebody else's
//! application. It prints `ready ADDRESS` when it listens.

use std::{
    net::{SocketAddr, TcpListener, ToSocketAddrs},
    rc::Rc,
    time::Duration,
};

use actix_web::{App, HttpServer};
use futures_util::future::{LocalBoxFuture, ready};
use jethub::{
    clock::Clock,
    config::{Config, DurationSetting, Rate, Size},
    delivery::Shards,
    protocol::{
        frame::{Frame, Message},
        socketio::{Event, ack_raw, event_raw},
    },
    session::{
        Accepted, Connect, ConnectRefused, Engine, Listening, Outcome, RawService, Service, Settings, Socket,
        keep_descriptor, serve,
    },
};
use serde_json::{Map, Value};

const WORKERS: usize = 2;

/// Plain Engine.IO: what comes goes back.
struct Echo;

impl RawService for Echo {
    fn message(&self, message: Message, answer: &mut dyn FnMut(Frame)) {
        match message {
            Message::Text(text) => answer(Frame::engine(&format!("4{}", String::from_utf8_lossy(&text)))),
            Message::Binary(bytes) => answer(Frame::binary(&bytes)),
        }
    }
}

/// The handlers of the Socket.IO suite.
struct Handlers;

impl Service for Handlers {
    fn connect(&self, connect: Connect) -> LocalBoxFuture<'static, Result<Accepted, ConnectRefused>> {
        let known = connect.namespace == "/" || connect.namespace == "/custom";
        let answer =
            if known { Ok(Accepted::with(connect.auth)) } else { Err(ConnectRefused::invalid_namespace()) };
        Box::pin(ready(answer))
    }

    fn connected(&self, socket: &Socket) {
        if let Some(auth) = socket.data::<Map<String, Value>>() {
            let auth = Value::Object(auth.clone()).to_string();
            socket.emit(event_raw(socket.namespace(), "auth", &auth, &[]));
        }
    }

    fn event(&self, socket: &Socket, event: Event) -> Outcome {
        let namespace = socket.namespace();
        match (namespace, event.name.as_str(), event.ack) {
            ("/", "message", _) => {
                socket.emit(event_raw(namespace, "message-back", event.arguments(), &event.attachments));
            }
            ("/", "message-with-ack", Some(id)) => {
                socket.emit(ack_raw(namespace, id, event.arguments(), &event.attachments));
            }
            _ => {}
        }
        Outcome::Done
    }
}

fn settings(path: &str) -> Settings {
    let mut config = Config::default();
    config.server.allowed_origins = vec!["*".to_owned()];
    config.session.ping_interval = DurationSetting::from_millis(300);
    config.session.ping_timeout = DurationSetting::from_millis(200);
    config.session.connect_timeout = DurationSetting::from_millis(1000);
    config.session.max_payload = Size::bytes(1_000_000);
    // the suites send as fast as they can
    config.limits.events = Rate::per_second(1_000_000, 1_000_000);
    config.limits.event_bytes = Rate::bytes_per_second(1_000_000_000, 1_000_000_000);
    Settings { path: path.to_owned(), ..Settings::new(&config) }
}

/// `localhost` is both address families; port 0 is one free port for all of them.
fn listen(address: &str) -> std::io::Result<Vec<TcpListener>> {
    let mut listeners: Vec<TcpListener> = Vec::new();
    let mut port = 0;
    for mut at in address.to_socket_addrs()?.collect::<std::collections::BTreeSet<SocketAddr>>() {
        if at.port() == 0 {
            at.set_port(port);
        }
        let listener = TcpListener::bind(at)?;
        port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(listeners)
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    env_logger::init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mounted = arguments.iter().any(|argument| argument == "--mounted");
    let address = arguments.iter().find(|argument| !argument.starts_with("--"));
    let listeners = listen(address.map_or("localhost:3000", String::as_str))?;
    let addresses: Vec<String> = listeners
        .iter()
        .map(|listener| listener.local_addr().map(|at| at.to_string()))
        .collect::<Result<_, _>>()?;

    let threads = WORKERS * listeners.len();
    let shards = Shards::new(u16::try_from(threads).unwrap_or(u16::MAX));
    let clock = Clock::real();
    let echo = Engine::raw(settings("/engine.io/"), shards.clone(), clock.clone(), |_| Rc::new(Echo));
    let sockets = Engine::new(settings("/socket.io/"), shards, clock, |_| Rc::new(Handlers));
    let engines = [echo, sockets];

    println!("ready {}", addresses.join(" "));
    if mounted {
        let mut server = HttpServer::new(move || {
            engines
                .iter()
                .fold(App::new(), |app, engine| app.configure(|config| engine.configure_mounted(config)))
        })
        .workers(WORKERS)
        .h1_allow_half_closed(false)
        .on_connect(keep_descriptor);
        for listener in listeners {
            server = server.listen(listener)?;
        }
        return server.run().await;
    }
    let listening = Listening {
        workers: WORKERS,
        head_timeout: Duration::from_secs(5),
        keep_alive: Duration::from_secs(15),
        send_buffer: 64 * 1024,
        stall_timeout: Duration::from_secs(30),
    };
    let mounts = engines.clone();
    serve(listeners, &listening, &engines, move || {
        mounts.iter().fold(App::new(), |app, engine| app.configure(|config| engine.configure(config)))
    })?
    .await
}
