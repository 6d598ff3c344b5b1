//! Run with: cargo run --example mount -- 127.0.0.1:3001
//!
//! Sessions of the hub's library in somebody else's actix-web application: its routes, its middleware,
//! its server. The websocket is an actor of actix-web-actors there, since the sockets are the
//! application's. Open the address in a browser: every page sees what any page says.

use std::{cell::RefCell, rc::Rc};

use actix_web::{App, HttpResponse, HttpServer, Responder, middleware::DefaultHeaders, web};
use futures_util::future::{LocalBoxFuture, ready};
use jethub::{
    clock::Clock,
    config::Config,
    delivery::{Member, Shards},
    protocol::{
        frame::Frame,
        socketio::{Event, event_raw},
    },
    session::{
        Accepted, Connect, ConnectRefused, Engine, Left, Outcome, Service, Settings, Socket, keep_descriptor,
    },
};
use parking_lot::Mutex;

const WORKERS: usize = 2;

/// Everybody who has joined, on any worker.
static EVERYBODY: Mutex<Vec<Member>> = Mutex::new(Vec::new());

/// What one says, all hear.
struct Hall {
    shards: Shards,
    /// How many have joined by this worker: a service needs no locks for what is its own.
    joined: RefCell<u64>,
}

impl Hall {
    fn tell(&self, frame: &Frame) {
        // one frame, encoded once, for all
        EVERYBODY.lock().iter().for_each(|member| self.shards.direct(member, frame.clone()));
    }
}

impl Service for Hall {
    fn connect(&self, connect: Connect) -> LocalBoxFuture<'static, Result<Accepted, ConnectRefused>> {
        let name = connect.auth.get("name").and_then(|name| name.as_str()).unwrap_or("somebody").to_owned();
        let known = connect.namespace == "/";
        let answer = if known { Ok(Accepted::with(name)) } else { Err(ConnectRefused::invalid_namespace()) };
        Box::pin(ready(answer))
    }

    fn connected(&self, socket: &Socket) {
        *self.joined.borrow_mut() += 1;
        EVERYBODY.lock().push(socket.member().clone());
    }

    fn event(&self, socket: &Socket, event: Event) -> Outcome {
        if event.name == "say" {
            let name = socket.data::<String>().map_or("somebody", String::as_str);
            let said = format!("{},{}", serde_json::json!(name), event.first());
            self.tell(&event_raw("/", "said", &said, &[]));
        }
        if let Some(id) = event.ack {
            let answer = socket.ack(id, &serde_json::json!({ "ok": true, "joined": *self.joined.borrow() }));
            if let Err(error) = answer {
                log::warn!("no ack: {error}");
            }
        }
        Outcome::Done
    }

    fn disconnected(&self, socket: &Socket, reason: Left) {
        log::info!("{} has left: {}", socket.id(), reason.reason());
        EVERYBODY.lock().retain(|member| member.socket() != socket.id());
    }
}

async fn page() -> impl Responder {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(
        r#"<!doctype html><title>hall</title><input id=text autofocus><ol id=list></ol>
<script src="https://cdn.socket.io/4.8.1/socket.io.min.js"></script><script>
const socket = io({ auth: { name: 'page ' + Math.floor(Math.random() * 1000) } });
const add = (line) => list.append(Object.assign(document.createElement('li'), { textContent: line }));
socket.on('said', (name, text) => add(name + ': ' + text));
text.onchange = () => { socket.emit('say', text.value); text.value = ''; };
</script>"#,
    )
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    env_logger::init();
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:3001".to_owned());
    let mut config = Config::default();
    config.server.allowed_origins = vec![format!("http://{address}")];
    let shards = Shards::new(u16::try_from(WORKERS).unwrap_or(1));
    let engine = Engine::new(Settings::new(&config), shards.clone(), Clock::real(), move |_| {
        Rc::new(Hall { shards: shards.clone(), joined: RefCell::new(0) })
    });
    let server = HttpServer::new(move || {
        App::new()
            .wrap(DefaultHeaders::new().add(("x-application", "somebody else's")))
            .route("/", web::get().to(page))
            .configure(|routes| engine.configure_mounted(routes))
    })
    .workers(WORKERS)
    // an aborted poll is noticed at once
    .h1_allow_half_closed(false)
    // a peer that reads nothing can be cut
    .on_connect(keep_descriptor)
    .bind(&address)?;
    let bound: Vec<String> = server.addrs().iter().map(ToString::to_string).collect();
    println!("ready {}", bound.join(" "));
    server.run().await
}
