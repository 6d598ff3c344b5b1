//! Long polling. A request lands on any worker; its session is reached by message, wherever it lives.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;
use tokio::sync::oneshot;

use super::{
    answers::{self, Answers, cors},
    handshake::{Asked, Query, Refusal, Verdict},
    mounted,
};
use crate::{
    protocol::engineio::decode_payload,
    session::{
        actor::{End, Opening, Poll, PollAnswer, PollLost, Post, PostAnswer, Session},
        close::Close,
        directory::Entry,
        engine::Engine,
    },
};

/// What else is read of a body that is too large, so that its client reads the answer.
const DISCARDED: usize = 8 << 20;

impl Engine {
    /// Mounts the sessions of this engine: polling, and what a browser asks before it. Websockets come
    /// by [`serve`](crate::session::serve), which owns their sockets.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        self.mount(config, false);
    }

    /// The same in somebody else's actix-web application, websockets included.
    pub fn configure_mounted(&self, config: &mut web::ServiceConfig) {
        self.mount(config, true);
    }

    fn mount(&self, config: &mut web::ServiceConfig, mounted: bool) {
        let path = self.path();
        let paths = [path.to_owned(), format!("{path}{{tail:.*}}")];
        // the worker lives as long as the application on its thread
        let worker = match self.worker() {
            Ok(worker) => worker,
            Err(error) => {
                log::error!("no sessions on this worker: {error}");
                return;
            }
        };
        config.service(web::resource(paths).to(move |request: HttpRequest, body: web::Payload| {
            let worker = worker.clone();
            async move { answer(&worker.engine, &request, body, mounted).await }
        }));
    }
}

async fn answer(engine: &Engine, request: &HttpRequest, body: web::Payload, mounted: bool) -> HttpResponse {
    let connection = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let asked = Asked {
        method: request.method(),
        headers: request.headers(),
        query: Query::parse(request.query_string()),
        connection,
    };
    let answers = Answers(cors(engine, &asked));
    let is_preflight = asked.method == Method::OPTIONS
        && asked.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && !answers.0.is_empty();
    if is_preflight {
        return answers.preflight(&asked);
    }
    let refuse = |refusal: Refusal| {
        answers::count(&refusal);
        Answers(cors(engine, &asked)).refuse(&refusal)
    };
    match asked.verify(engine) {
        Err(refusal) => refuse(refusal),
        Ok(verdict) if asked.is_upgrade() => {
            if !mounted {
                return refuse(Refusal::REQUEST);
            }
            match mounted::start(engine, &asked, verdict, request, body) {
                Ok(response) => response,
                Err(refusal) => refuse(refusal),
            }
        }
        Ok(Verdict::Open) => match open(engine, &asked) {
            Ok(packet) => answers.packets(packet.into_bytes(), asked.headers),
            Err(refusal) => refuse(refusal),
        },
        Ok(Verdict::Session(entry)) if asked.method == Method::GET => match poll(&entry).await {
            PollAnswer::Packets(body) => answers.packets(body, asked.headers),
            PollAnswer::Refused => answers.empty(400),
            PollAnswer::Gone => answers.refuse(&Refusal::SID),
            PollAnswer::Upgraded => answers.refuse(&Refusal::REQUEST),
        },
        Ok(Verdict::Session(entry)) if asked.method == Method::POST => {
            match post(engine, &asked, &entry, body).await {
                Ok(PostAnswer::Ok) => answers.ok(),
                Ok(PostAnswer::Bad) => answers.empty(400),
                Ok(PostAnswer::Gone) => answers.refuse(&Refusal::SID),
                Ok(PostAnswer::Upgraded) => answers.refuse(&Refusal::REQUEST),
                Err(status) => answers.empty(status),
            }
        }
        Ok(Verdict::Session(_)) => answers.refuse(&Refusal::METHOD),
    }
}

/// A new session; its open packet.
fn open(engine: &Engine, asked: &Asked<'_>) -> Result<String, Refusal> {
    let now = engine.0.clock.monotonic();
    let (admitted, peer) = asked.admit(engine)?;
    let worker = engine.worker().map_err(|_| Refusal::REQUEST)?;
    Ok(Session::open(&worker, peer, admitted, Opening::Polling, now).open)
}

/// Tells the session that a request was given up, unless it was answered.
struct Guard<F: FnMut()> {
    lost: F,
    armed: bool,
}

impl<F: FnMut()> Guard<F> {
    fn new(lost: F) -> Self {
        Self { lost, armed: true }
    }
}

impl<F: FnMut()> Drop for Guard<F> {
    fn drop(&mut self) {
        if self.armed {
            (self.lost)();
        }
    }
}

async fn poll(entry: &Arc<Entry>) -> PollAnswer {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let (answer, receiver) = oneshot::channel();
    let mut guard = Guard::new(|| entry.addr.do_send(PollLost(number)));
    entry.addr.do_send(Poll { number, answer });
    let answer = receiver.await.unwrap_or(PollAnswer::Gone);
    guard.armed = false;
    answer
}

/// Reads the body of a POST and has the session carry it out. The error is a status without a body.
async fn post(
    engine: &Engine,
    asked: &Asked<'_>,
    entry: &Arc<Entry>,
    body: web::Payload,
) -> Result<PostAnswer, u16> {
    if asked.headers.contains_key(header::CONTENT_ENCODING) {
        return Err(415);
    }
    let ends = |why| {
        engine.0.directory.remove(entry.id);
        entry.addr.do_send(End(why));
    };
    if entry.posting.swap(true, Ordering::AcqRel) {
        ends(Close::Overlap);
        return Ok(PostAnswer::Bad);
    }
    // a body that is cut ends the session
    let mut guard = Guard::new(|| {
        entry.posting.store(false, Ordering::Release);
        ends(Close::TransportError);
    });
    let is_binary = asked
        .headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"application/octet-stream"));
    if is_binary {
        return Ok(PostAnswer::Bad);
    }
    let max = engine.0.settings.session.max_payload.get();
    let Some(place) = Place::take(engine, asked, max) else {
        guard.armed = false;
        entry.posting.store(false, Ordering::Release);
        return Err(503);
    };
    let read = actix_rt::time::timeout(engine.0.settings.body_timeout, whole(body, max)).await;
    drop(place);
    let body = match read {
        Ok(Ok(Some(body))) => body,
        Ok(Ok(None)) => {
            // the session lives: its client decides
            guard.armed = false;
            entry.posting.store(false, Ordering::Release);
            return Err(413);
        }
        Ok(Err(())) => return Ok(PostAnswer::Bad),
        Err(_) => return Err(408),
    };
    let (packets, violation) = decode_payload(body);
    let (answer, receiver) = oneshot::channel();
    entry.addr.do_send(Post { packets, violation, answer });
    let answer = receiver.await.unwrap_or(PostAnswer::Gone);
    guard.armed = false;
    entry.posting.store(false, Ordering::Release);
    Ok(answer)
}

/// The body; `None` when it is larger than `max`. An error when it is cut.
async fn whole(mut body: web::Payload, max: usize) -> Result<Option<Vec<u8>>, ()> {
    let mut whole = Vec::new();
    let mut length = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(drop)?;
        length += chunk.len();
        if length <= max {
            whole.extend_from_slice(&chunk);
        } else {
            whole = Vec::new();
        }
        if length > max + DISCARDED {
            break;
        }
    }
    Ok((length <= max).then_some(whole))
}

/// A share of `server.max_bodies_in_flight`.
struct Place<'a> {
    engine: &'a Engine,
    bytes: usize,
}

impl<'a> Place<'a> {
    fn take(engine: &'a Engine, asked: &Asked<'_>, max: usize) -> Option<Self> {
        let length =
            asked.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let bytes = length.map_or(max, |length: usize| length.min(max));
        let place = Self { engine, bytes };
        let before = engine.0.bodies.fetch_add(bytes, Ordering::AcqRel);
        (before + bytes <= engine.0.settings.max_bodies.max(bytes)).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.engine.0.bodies.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}
