//! A server of the library in a thread, with a service that does what its events say.

use std::{net::SocketAddr, rc::Rc, sync::mpsc::channel, time::Duration};

use actix_web::{App, HttpServer};
use futures_util::future::LocalBoxFuture;
use jethub::{
    clock::Clock,
    config::Config,
    delivery::Shards,
    protocol::socketio::{Event, ack_raw, event_raw},
    session::{
        Accepted, Connect, ConnectRefused, Engine, Left, Listening, Outcome, Service, Settings, Socket,
        keep_descriptor, serve,
    },
};

use crate::harness::Target;

/// Each event's name is what is done.
struct Obedient;

impl Service for Obedient {
    fn connect(&self, connect: Connect) -> LocalBoxFuture<'static, Result<Accepted, ConnectRefused>> {
        Box::pin(async move {
            let wait = connect.auth.get("wait_ms").and_then(serde_json::Value::as_u64).unwrap_or(0);
            actix_rt::time::sleep(Duration::from_millis(wait)).await;
            if connect.auth.contains_key("refuse") {
                let code = jethub::error::Code::TokenExpired;
                return Err(ConnectRefused::coded(code, "User auth token expired"));
            }
            Ok(Accepted::with(()))
        })
    }

    fn event(&self, socket: &Socket, event: Event) -> Outcome {
        let socket = socket.clone();
        match event.name.as_str() {
            "panic" => panic!("as asked"),
            "leave" => socket.disconnect(),
            "close" => socket.close_session(),
            "slow" => {
                return Outcome::Later(Box::pin(async move {
                    actix_rt::time::sleep(Duration::from_millis(50)).await;
                    socket.emit(event_raw(socket.namespace(), "done", event.arguments(), &[]));
                }));
            }
            "ask" => {
                let answer = socket.ask("question", &event.first());
                actix_rt::spawn(async move {
                    let said = match answer.await {
                        Ok(ack) => format!("\"answered\",{}", ack.arguments()),
                        Err(error) => serde_json::json!(error.to_string()).to_string(),
                    };
                    socket.emit(event_raw(socket.namespace(), "told", &said, &[]));
                });
            }
            "fill" => {
                let text = serde_json::json!("x".repeat(100_000)).to_string();
                for _ in 0..200 {
                    socket.emit(event_raw(socket.namespace(), "filled", &text, &[]));
                }
            }
            _ => {
                if let Some(id) = event.ack {
                    socket.emit(ack_raw(socket.namespace(), id, event.arguments(), &[]));
                } else {
                    socket.emit(event_raw(socket.namespace(), "done", event.arguments(), &[]));
                }
            }
        }
        Outcome::Done
    }

    fn disconnected(&self, socket: &Socket, reason: Left) {
        log::debug!("{} left: {}", socket.id(), reason.reason());
    }
}

/// A server of a test; it ends with the process.
pub struct Server {
    pub target: Target,
    pub engine: Engine,
}

impl Server {
    pub fn start(change: impl FnOnce(&mut Config)) -> Self {
        Self::run(change, false)
    }

    /// The same in an application of actix-web's own server.
    pub fn mounted() -> Self {
        Self::run(|_| {}, true)
    }

    fn run(change: impl FnOnce(&mut Config), mounted: bool) -> Self {
        let mut config = Config::default();
        change(&mut config);
        let (send, receive) = channel();
        std::thread::spawn(move || {
            actix_rt::System::new().block_on(async move {
                let shards = Shards::new(2);
                let engine =
                    Engine::new(Settings::new(&config), shards, Clock::real(), |_| Rc::new(Obedient));
                let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
                let addr: SocketAddr = listener.local_addr().unwrap();
                if mounted {
                    send.send((addr, engine.clone())).unwrap();
                    let app = move || App::new().configure(|routes| engine.configure_mounted(routes));
                    let server = HttpServer::new(app).workers(2).on_connect(keep_descriptor);
                    return server.listen(listener).unwrap().run().await.unwrap();
                }
                let listening = Listening {
                    workers: 2,
                    head_timeout: Duration::from_secs(5),
                    keep_alive: Duration::from_secs(15),
                    send_buffer: config.session.send_buffer.get(),
                    stall_timeout: config.session.stall_timeout.get(),
                };
                let mount = engine.clone();
                let app = move || App::new().configure(|routes| mount.configure(routes));
                let server = serve(vec![listener], &listening, std::slice::from_ref(&engine), app).unwrap();
                send.send((addr, engine)).unwrap();
                server.await.unwrap();
            });
        });
        let (addr, engine) = receive.recv().expect("the server starts");
        Self { target: Target { addr, path: "/socket.io/", mounted }, engine }
    }

    /// A websocket that has joined `/`.
    #[track_caller]
    pub fn joined(&self) -> crate::harness::Ws {
        let mut ws = self.target.websocket();
        ws.heartbeat = true;
        ws.send("40");
        let answer = ws.text();
        assert!(answer.starts_with("40{\"sid\":"), "{answer}");
        ws
    }
}
