//! Signs of life. Cases 17-20 of protocol.md 1.12: 17, 18 polling; 19, 20 websocket; and the rules
//! of protocol.md 1.8: only a pong counts, the deadlines run from the handshake.

use std::time::{Duration, Instant};

use crate::harness::{Frame, Target, cases, websocket::frame};

cases!(
    "/engine.io/",
    polling_ping_pong,
    polling_closes_on_timeout,
    websocket_ping_pong,
    websocket_closes_on_timeout,
    traffic_is_no_pong,
    a_ping_comes_at_the_interval,
    ping_frames_are_no_pong,
);

pub fn polling_ping_pong(t: &Target) {
    let mut p = t.polling();
    for _ in 0..3 {
        let reply = p.get();
        assert_eq!((reply.status, reply.text().as_str()), (200, "2"));
        p.post_ok("3");
    }
}

pub fn polling_closes_on_timeout(t: &Target) {
    let mut p = t.polling();
    // 300 + 200 ms from the handshake: what is measured is that this sleep is long enough
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(p.get().status, 400);
}

pub fn websocket_ping_pong(t: &Target) {
    let mut ws = t.websocket();
    for _ in 0..3 {
        assert_eq!(ws.text(), "2");
        ws.send("3");
    }
}

pub fn websocket_closes_on_timeout(t: &Target) {
    let mut ws = t.websocket();
    let begin = Instant::now();
    assert_eq!(ws.text(), "2");
    ws.closed();
    let took = begin.elapsed();
    assert!(took < Duration::from_millis(1500), "closed after {took:?}");
}

fn traffic_is_no_pong(t: &Target) {
    let mut ws = t.websocket();
    let begin = Instant::now();
    loop {
        ws.send("4hi");
        match ws.poll(Duration::from_millis(50)) {
            Some(Frame::Close(_) | Frame::End) => break,
            _ => assert!(begin.elapsed() < Duration::from_secs(3), "messages do not keep a session alive"),
        }
    }
    assert!(begin.elapsed() > Duration::from_millis(400), "not before the timeout");
}

fn ping_frames_are_no_pong(t: &Target) {
    let mut ws = t.websocket();
    let begin = Instant::now();
    loop {
        ws.send_raw(&frame(0x89, b"p"));
        match ws.poll(Duration::from_millis(200)) {
            Some(Frame::Close(_) | Frame::End) => break,
            _ => assert!(begin.elapsed() < Duration::from_secs(3), "ping frames do not keep a session alive"),
        }
        std::thread::sleep(Duration::from_millis(60));
    }
}

fn a_ping_comes_at_the_interval(t: &Target) {
    let mut ws = t.websocket();
    let begin = Instant::now();
    assert_eq!(ws.text(), "2");
    let first = begin.elapsed();
    assert!(first >= Duration::from_millis(280) && first < Duration::from_millis(600), "{first:?}");
    ws.send("3");
    let pong = Instant::now();
    assert_eq!(ws.text(), "2");
    let next = pong.elapsed();
    assert!(next >= Duration::from_millis(200) && next < Duration::from_millis(600), "{next:?}");
}
