//! jethub's delivery as a peer of other Socket.IO servers: the events and the `POST /publish` that
//! `benches/peers` drives, from the library alone and in memory. What a server of this kind costs
//! before there is a journal.
//!
//! Run with `cargo run --release --example peer -- 3104` (a port; `room` behind it: joins are answered
//! by the room's actor on another thread instead of on the worker).

use std::{collections::HashMap, net::TcpListener, rc::Rc, sync::Arc};

use actix::prelude::*;
use actix_web::{App, HttpResponse, web};
use futures_util::future::LocalBoxFuture;
use jethub::{
    clock::Clock,
    config::{Config, Rate},
    delivery::{AddMember, Member, Publish, Shards, Subject, Switchboard},
    ids::{Seq, StreamId},
    protocol::{
        frame::Frame,
        socketio::{AckId, Event, ack_frame},
    },
    session::{self, Accepted, Connect, ConnectRefused, Engine, Listening, Outcome, Service, Socket},
};
use serde::Deserialize;
use serde_json::{Value, json};

const WORKERS: usize = 2;

#[derive(Deserialize)]
struct JoinBody {
    #[serde(rename = "runId")]
    run_id: String,
}

/// Decides for its rooms; knows shards, not sessions.
struct Rooms {
    shards: Shards,
    heads: HashMap<Subject, Seq>,
}

impl Actor for Rooms {
    type Context = actix::Context<Self>;
}

#[derive(Message)]
#[rtype(result = "()")]
struct Join {
    room: Subject,
    member: Member,
    answer: Option<Frame>,
}

impl Handler<Join> for Rooms {
    type Result = ();

    fn handle(&mut self, join: Join, _: &mut Self::Context) {
        self.shards.add_member(AddMember {
            after_seq: self.heads.get(&join.room).copied().unwrap_or_default(),
            subject: join.room,
            member: join.member,
            frames: join.answer.into_iter().collect(),
            progress: false,
            register: None,
        });
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Row {
    room: Subject,
    frame: Frame,
}

impl Handler<Row> for Rooms {
    type Result = ();

    fn handle(&mut self, row: Row, _: &mut Self::Context) {
        let head = self.heads.entry(row.room.clone()).or_default();
        *head = head.next();
        self.shards.publish(Publish::event(row.room, *head, row.frame));
    }
}

/// The actors of all rooms, one a domain thread.
#[derive(Clone)]
struct Hosts(Arc<[Addr<Rooms>]>);

impl Hosts {
    fn start(shards: &Shards) -> Self {
        let host = |_| {
            let shards = shards.clone();
            Rooms::start_in_arbiter(&Arbiter::new().handle(), |_| Rooms { shards, heads: HashMap::new() })
        };
        Self((0..WORKERS).map(host).collect())
    }

    fn of(&self, room: &Subject) -> &Addr<Rooms> {
        let sum = room.as_str().bytes().fold(0usize, |sum, byte| sum.wrapping_mul(31) + usize::from(byte));
        &self.0[sum % self.0.len()]
    }
}

struct Peer {
    board: Rc<Switchboard>,
    hosts: Hosts,
    /// Joins are answered by the room's actor.
    by_room: bool,
}

impl Peer {
    fn join(&self, socket: &Socket, event: &Event) -> Option<()> {
        let body: JoinBody = serde_json::from_str(event.first().get()).ok()?;
        let room = StreamId::trusted(&body.run_id);
        let answer = |ack: AckId| ack_frame(socket.namespace(), ack, &json!({"ok": true})).ok();
        let answer = event.ack.and_then(answer);
        if self.by_room {
            self.hosts.of(&room).do_send(Join { room, member: socket.member().clone(), answer });
            return Some(());
        }
        self.board.join(socket.member().slot(), socket.id(), &room, Seq::ZERO, false);
        socket.emit(answer?);
        Some(())
    }
}

impl Service for Peer {
    fn connect(&self, connect: Connect) -> LocalBoxFuture<'static, Result<Accepted, ConnectRefused>> {
        let known = connect.auth.get("token").and_then(Value::as_str) == Some("bench");
        let refused = || ConnectRefused { message: "unauthorized".to_owned(), data: None };
        Box::pin(std::future::ready(known.then(|| Accepted::with(())).ok_or_else(refused)))
    }

    fn event(&self, socket: &Socket, event: Event) -> Outcome {
        if event.name == "workflow_run_join" {
            let _ = self.join(socket, &event);
        }
        Outcome::Done
    }
}

async fn publish(hosts: web::Data<Hosts>, shards: web::Data<Shards>, body: web::Bytes) -> HttpResponse {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else { return HttpResponse::BadRequest().finish() };
    let room = StreamId::trusted(body.get("instanceID").and_then(Value::as_str).unwrap_or_default());
    let Ok(frame) = Frame::event("/", "workflow_node_update", &body) else {
        return HttpResponse::BadRequest().finish();
    };
    if shards.is_behind() {
        shards.caught_up().await;
    }
    match hosts.of(&room).send(Row { room: room.clone(), frame }).await {
        Ok(()) => HttpResponse::Ok().body("ok"),
        Err(_) => HttpResponse::ServiceUnavailable().finish(),
    }
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let port: u16 = arguments.get(1).and_then(|port| port.parse().ok()).unwrap_or(3104);
    let by_room = arguments.get(2).is_some_and(|how| how == "room");

    let mut config = Config::default();
    // The load client sends as fast as it gets answers.
    let no_limit = Rate::per_second(100_000_000, 1_000_000_000);
    (config.limits.events, config.limits.event_bytes) = (no_limit, no_limit);

    let shards = Shards::new(u16::try_from(WORKERS).unwrap_or(u16::MAX));
    let hosts = Hosts::start(&shards);
    let engine = {
        let hosts = hosts.clone();
        Engine::new(session::Settings::new(&config), shards.clone(), Clock::real(), move |board| {
            Rc::new(Peer { board: board.clone(), hosts: hosts.clone(), by_room })
        })
    };
    let listening = Listening {
        workers: WORKERS,
        head_timeout: config.server.head_timeout.get(),
        keep_alive: std::time::Duration::from_secs(60),
        send_buffer: config.session.send_buffer.get(),
        stall_timeout: config.session.stall_timeout.get(),
    };
    let (mounted, hosts, data) = (engine.clone(), web::Data::new(hosts), web::Data::new(shards));
    let app = move || {
        App::new()
            .app_data(hosts.clone())
            .app_data(data.clone())
            .route("/publish", web::post().to(publish))
            .configure(|config| mounted.configure(config))
    };
    let server = session::serve(vec![TcpListener::bind(("127.0.0.1", port))?], &listening, &[engine], app)?;
    println!("ready {}", std::process::id());
    server.await
}
