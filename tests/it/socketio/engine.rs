//! The engine part of the official Socket.IO suite: handshake (7), heartbeat (4), close (2) and
//! upgrade (3) once more, on `/socket.io/`.

use crate::harness::{Target, cases};

pub use crate::engineio::{
    close::{polling_close, websocket_close},
    handshake::{
        polling_opens_a_session, polling_refuses_other_methods, polling_refuses_other_revisions,
        polling_refuses_unknown_transports, websocket_opens_a_session, websocket_refuses_other_revisions,
        websocket_refuses_unknown_transports,
    },
    heartbeat::{
        polling_closes_on_timeout, polling_ping_pong, websocket_closes_on_timeout, websocket_ping_pong,
    },
};

cases!(
    "/socket.io/",
    polling_opens_a_session,
    polling_refuses_other_revisions,
    polling_refuses_unknown_transports,
    polling_refuses_other_methods,
    websocket_opens_a_session,
    websocket_refuses_other_revisions,
    websocket_refuses_unknown_transports,
    polling_ping_pong,
    polling_closes_on_timeout,
    websocket_ping_pong,
    websocket_closes_on_timeout,
    polling_close,
    websocket_close,
    the_dance,
    polling_after_the_upgrade_is_refused,
    a_second_websocket_after_the_upgrade_is_closed,
);

fn upgraded(t: &Target) -> (crate::harness::Polling, crate::harness::Ws) {
    let p = t.polling();
    let mut ws =
        crate::harness::Ws::open(t.addr, &t.url(&format!("EIO=4&transport=websocket&sid={}", p.sid)));
    ws.send("2probe");
    assert_eq!(ws.text(), "3probe");
    ws.send("5");
    ws.heartbeat = true;
    (p, ws)
}

/// Joins `/` on it: it works.
#[track_caller]
fn assert_works(ws: &mut crate::harness::Ws) {
    ws.send("40");
    assert!(ws.text().starts_with("40{\"sid\":"));
    assert_eq!(ws.text(), r#"42["auth",{}]"#);
}

pub fn the_dance(t: &Target) {
    assert_works(&mut upgraded(t).1);
}

pub fn polling_after_the_upgrade_is_refused(t: &Target) {
    let (mut p, mut ws) = upgraded(t);
    assert_eq!(p.get().status, 400);
    assert_works(&mut ws);
}

pub fn a_second_websocket_after_the_upgrade_is_closed(t: &Target) {
    let (p, mut ws) = upgraded(t);
    t.refuses_websocket(&format!("EIO=4&transport=websocket&sid={}", p.sid));
    assert_works(&mut ws);
}
