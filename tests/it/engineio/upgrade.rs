//! From polling to websocket. Cases 23-25 of protocol.md 1.12: 23 the dance; 24 polling afterwards is
//! refused; 25 a second websocket is closed; and what protocol.md 1.7 says of probes that fail.

use std::time::Duration;

use crate::harness::{Polling, Target, Ws, cases};

cases!(
    "/engine.io/",
    the_dance,
    polling_after_the_upgrade_is_refused,
    a_second_websocket_after_the_upgrade_is_closed,
    a_second_probe_is_closed_the_first_goes_on,
    a_bad_first_packet_closes_only_the_probe,
    an_upgrade_without_a_probe_closes_only_the_probe,
    polling_works_between_probe_and_upgrade,
    nothing_is_lost_or_swapped_by_the_upgrade,
    a_lost_probe_leaves_polling_alone,
    a_websocket_session_is_not_upgraded,
);

fn probe(t: &Target, sid: &str) -> Ws {
    let mut ws = Ws::open(t.addr, &t.url(&format!("EIO=4&transport=websocket&sid={sid}")));
    ws.send("2probe");
    assert_eq!(ws.text(), "3probe");
    ws
}

fn upgraded(t: &Target) -> (Polling, Ws) {
    let p = t.polling();
    let mut ws = probe(t, &p.sid);
    ws.send("5");
    ws.heartbeat = true;
    (p, ws)
}

pub fn the_dance(t: &Target) {
    let mut p = t.polling();
    let mut ws = probe(t, &p.sid);
    let reply = p.get();
    assert_eq!((reply.status, reply.text().as_str()), (200, "6"));
    ws.send("5");
    ws.send("4hello");
    assert_eq!(ws.text(), "4hello");
}

pub fn polling_after_the_upgrade_is_refused(t: &Target) {
    let (mut p, mut ws) = upgraded(t);
    // races with the `5`: must be 400 in either order
    assert_eq!(p.get().status, 400);
    ws.send("4hello");
    assert_eq!(ws.text(), "4hello");
    // the session is there, by another transport
    p.connection().request("GET", p.url(), &[], b"").assert_code(400, 3);
    ws.send("4hello");
    assert_eq!(ws.text(), "4hello");
}

pub fn a_second_websocket_after_the_upgrade_is_closed(t: &Target) {
    let (p, mut ws) = upgraded(t);
    ws.send("4hello");
    assert_eq!(ws.text(), "4hello");
    t.refuses_websocket(&format!("EIO=4&transport=websocket&sid={}", p.sid));
    ws.send("4again");
    assert_eq!(ws.text(), "4again");
}

fn a_second_probe_is_closed_the_first_goes_on(t: &Target) {
    let p = t.polling();
    let mut ws = probe(t, &p.sid);
    ws.heartbeat = true;
    t.refuses_websocket(&format!("EIO=4&transport=websocket&sid={}", p.sid));
    ws.send("5");
    ws.send("4first");
    assert_eq!(ws.text(), "4first");
}

fn a_bad_first_packet_closes_only_the_probe(t: &Target) {
    for first in ["4x", "abc", "2", "3probe", "2other"] {
        let mut p = t.polling();
        let mut ws = Ws::open(t.addr, &t.url(&format!("EIO=4&transport=websocket&sid={}", p.sid)));
        ws.send(first);
        ws.closed();
        p.post_ok("4alive");
        assert_eq!(p.next(), "4alive", "after {first}");
    }
}

fn an_upgrade_without_a_probe_closes_only_the_probe(t: &Target) {
    let mut p = t.polling();
    let mut ws = Ws::open(t.addr, &t.url(&format!("EIO=4&transport=websocket&sid={}", p.sid)));
    ws.send("5");
    ws.closed();
    p.post_ok("4alive");
    assert_eq!(p.next(), "4alive");
}

fn polling_works_between_probe_and_upgrade(t: &Target) {
    let mut p = t.polling();
    let mut ws = probe(t, &p.sid);
    p.post_ok("4by polling");
    // noops may come first
    let seen = std::iter::repeat_with(|| p.next()).find(|packet| packet != "6");
    assert_eq!(seen.as_deref(), Some("4by polling"));
    ws.send("5");
    ws.send("4by websocket");
    ws.heartbeat = true;
    assert_eq!(ws.text(), "4by websocket");
}

fn nothing_is_lost_or_swapped_by_the_upgrade(t: &Target) {
    for extra in 0..4 {
        let mut p = t.polling();
        let mut seen = Vec::new();
        for i in 0..10 {
            p.post_ok(format!("4{i}"));
        }
        let mut ws = probe(t, &p.sid);
        // a client ends its GET before it sends `5`, and reads what that GET brought
        for _ in 0..extra {
            seen.extend(p.get().text().split('\x1e').map(str::to_owned));
        }
        p.post_ok("410");
        ws.send("5");
        ws.heartbeat = true;
        for i in 11..20 {
            ws.send(&format!("4{i}"));
        }
        while seen.iter().filter(|s| s.starts_with('4')).count() < 20 {
            seen.push(ws.text());
        }
        let messages: Vec<_> = seen.iter().filter(|s| s.starts_with('4')).cloned().collect();
        let expected: Vec<_> = (0..20).map(|i| format!("4{i}")).collect();
        assert_eq!(messages, expected, "with {extra} polls during the upgrade");
    }
}

fn a_lost_probe_leaves_polling_alone(t: &Target) {
    let mut p = t.polling();
    drop(probe(t, &p.sid));
    std::thread::sleep(Duration::from_millis(30));
    p.post_ok("4alive");
    let seen = std::iter::repeat_with(|| p.next()).find(|packet| packet != "6");
    assert_eq!(seen.as_deref(), Some("4alive"));
    // and it may try again
    let mut ws = probe(t, &p.sid);
    ws.send("5");
    ws.send("4upgraded");
    ws.heartbeat = true;
    assert_eq!(ws.text(), "4upgraded");
}

fn a_websocket_session_is_not_upgraded(t: &Target) {
    let (mut ws, open) = t.websocket_and_open();
    ws.heartbeat = true;
    let sid = open["sid"].as_str().unwrap();
    t.refuses_websocket(&format!("EIO=4&transport=websocket&sid={sid}"));
    ws.send("4mine");
    assert_eq!(ws.text(), "4mine");
}
