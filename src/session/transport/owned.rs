//! Websockets whose sockets are ours: they leave the HTTP server with their first request
//! (`hotpath.md` 2). The server hands over every request that wants an upgrade, so path, method,
//! origin and bounds are checked here, and a refusal is written by hand.

use std::net::{IpAddr, Ipv4Addr};

use actix_http::{HttpMessage as _, Request, header::HeaderValue, ws::hash_key};
use bytes::Bytes;
use tokio::net::TcpStream;

use super::{
    Pump, Wire,
    answers::{self, cors, refusal_body},
    handshake::{Asked, Query, Refusal, Verdict},
};
use crate::{
    protocol::frame::Frame,
    session::{
        actor::{Opening, Probe, Session},
        engine::Engine,
    },
};

/// Takes a socket that asks for an upgrade, with what came behind its request.
pub(in crate::session) async fn upgrade(
    engines: &[Engine],
    request: &Request,
    socket: TcpStream,
    rest: Bytes,
) {
    let path = request.uri().path();
    let engine = engines.iter().find(|engine| path.starts_with(engine.path()));
    let Some(engine) = engine else {
        return write(&socket, b"HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            .await;
    };
    let connection = socket.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let asked = Asked {
        method: request.method(),
        headers: request.headers(),
        query: Query::parse(request.uri().query().unwrap_or("")),
        connection,
    };
    let now = engine.0.clock.monotonic();
    let checked = asked.verify(engine).and_then(|verdict| Ok((verdict, asked.websocket_key()?)));
    let (verdict, key) = match checked {
        Ok(checked) => checked,
        Err(refusal) => return refuse(engine, &asked, &socket, &refusal).await,
    };
    let head = switching(key);
    match verdict {
        Verdict::Open => {
            let (admitted, peer) = match asked.admit(engine) {
                Ok(admitted) => admitted,
                Err(refusal) => return refuse(engine, &asked, &socket, &refusal).await,
            };
            let Ok(worker) = engine.worker() else {
                return refuse(engine, &asked, &socket, &Refusal::REQUEST).await;
            };
            let wire = Wire::new(socket);
            let opened = Session::open(&worker, peer, admitted, Opening::Owned(wire.clone()), now);
            worker.board.push(opened.slot, Frame::raw(head));
            worker.board.push(opened.slot, Frame::engine(&opened.open));
            worker.board.attach(opened.slot, wire.clone());
            Pump::start(wire, worker, &opened, rest);
        }
        Verdict::Session(entry) => {
            if !entry.claim_upgrade() {
                return refuse(engine, &asked, &socket, &Refusal::REQUEST).await;
            }
            // to the thread that its session lives on
            match socket.into_std() {
                Ok(socket) => entry.addr.do_send(Probe::Owned { socket, head, rest }),
                Err(error) => {
                    log::debug!("a probe was lost: {error}");
                    entry.upgrading.store(false, std::sync::atomic::Ordering::Release);
                }
            }
        }
    }
}

/// The answer to the request.
fn switching(key: &HeaderValue) -> Vec<u8> {
    let mut head = Vec::with_capacity(160);
    head.extend_from_slice(
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ",
    );
    head.extend_from_slice(&hash_key(key.as_bytes()));
    head.extend_from_slice(b"\r\n\r\n");
    head
}

async fn refuse(engine: &Engine, asked: &Asked<'_>, socket: &TcpStream, refusal: &Refusal) {
    answers::count(refusal);
    // the reference never says 403 to an upgrade
    let status = if refusal.status == 403 { 400 } else { refusal.status };
    let reason = match status {
        426 => "Upgrade Required",
        431 => "Request Header Fields Too Large",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Bad Request",
    };
    let mut answer =
        format!("HTTP/1.1 {status} {reason}\r\nconnection: close\r\ncontent-type: application/json\r\n")
            .into_bytes();
    if status == 426 {
        answer.extend_from_slice(b"sec-websocket-version: 13\r\n");
    }
    if let Some(wait) = refusal.retry_after {
        answer.extend_from_slice(format!("retry-after: {}\r\n", wait.as_secs().max(1)).as_bytes());
    }
    for (name, value) in cors(engine, asked) {
        answer.extend_from_slice(name.as_str().as_bytes());
        answer.extend_from_slice(b": ");
        answer.extend_from_slice(value.as_bytes());
        answer.extend_from_slice(b"\r\n");
    }
    let body = refusal_body(refusal);
    answer.extend_from_slice(format!("content-length: {}\r\n\r\n{body}", body.len()).as_bytes());
    write(socket, &answer).await;
}

/// A few bytes into an empty socket; whoever does not take them is not waited for.
async fn write(socket: &TcpStream, bytes: &[u8]) {
    if socket.writable().await.is_ok() {
        let _ = socket.try_write(bytes);
    }
}
