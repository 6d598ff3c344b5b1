//! Orderly ends. Cases 21, 22 of protocol.md 1.12: 21 a polling client says `1`; 22 a websocket one.

use std::time::Duration;

use crate::harness::{Target, cases};

cases!(
    "/engine.io/",
    polling_close,
    websocket_close,
    polling_close_without_a_pending_get,
    packets_after_the_close_have_no_effect,
    a_cut_websocket_ends_only_itself,
);

pub fn polling_close(t: &Target) {
    let mut p = t.polling();
    p.start_get();
    // the order of arrival decides: the GET must be there before the POST (protocol.md 1.12)
    std::thread::sleep(Duration::from_millis(20));
    p.post_ok("1");
    let reply = p.pending();
    assert_eq!((reply.status, reply.text().as_str()), (200, "6"));
    p.assert_gone();
}

pub fn websocket_close(t: &Target) {
    let mut ws = t.websocket();
    let begin = std::time::Instant::now();
    ws.send("1");
    ws.closed();
    assert!(begin.elapsed() < Duration::from_millis(280), "at once, not by the heartbeat");
}

fn polling_close_without_a_pending_get(t: &Target) {
    let mut p = t.polling();
    p.post_ok("1");
    p.assert_gone();
}

fn packets_after_the_close_have_no_effect(t: &Target) {
    let mut p = t.polling();
    p.start_get();
    std::thread::sleep(Duration::from_millis(20));
    p.post_ok("1\x1e4after");
    assert_eq!(p.pending().text(), "6");
    p.assert_gone();
}

fn a_cut_websocket_ends_only_itself(t: &Target) {
    let mut other = t.websocket();
    other.heartbeat = true;
    drop(t.websocket());
    other.send("4still here");
    assert_eq!(other.text(), "4still here");
}
