//! Rows with a course of their own: B6, B7, B8, B12, B13, B27, B31 and what comes back of B30.

use std::time::{Duration, Instant};

use crate::harness::{Bystander, Frame, Target, cases};

cases!(
    "/socket.io/",
    b6_pongs_do_not_move_the_heartbeat,
    b7_close,
    b8_close_between_events,
    b12_over_the_limit,
    b13_binary_body,
    b27_attachments_that_never_come,
    b30_a_lone_surrogate_becomes_u_fffd,
    b31_numbers_are_kept,
);

fn b6_pongs_do_not_move_the_heartbeat(t: &Target) {
    let mut ws = t.websocket();
    let begin = Instant::now();
    ws.send("40");
    assert!(ws.text().starts_with("40"));
    ws.text();
    for _ in 0..100 {
        ws.send("3");
    }
    assert_eq!(ws.text(), "2");
    let took = begin.elapsed();
    assert!(took > Duration::from_millis(250) && took < Duration::from_millis(600), "{took:?}");
}

fn b7_close(t: &Target) {
    let mut p = t.joined_polling();
    p.start_get();
    std::thread::sleep(Duration::from_millis(20));
    p.post_ok("1");
    let reply = p.pending();
    assert_eq!((reply.status, reply.text().as_str()), (200, "6"));
    p.assert_gone();
    let mut ws = t.joined_websocket();
    ws.heartbeat = false;
    let begin = Instant::now();
    ws.send("1");
    ws.closed();
    assert!(begin.elapsed() < Duration::from_millis(250));
}

fn b8_close_between_events(t: &Target) {
    let mut p = t.joined_polling();
    p.start_get();
    std::thread::sleep(Duration::from_millis(20));
    p.post_ok("42[\"message\",1]\x1e1\x1e42[\"message\",2]");
    let text = p.pending().text();
    // the echo may be in it or may have been too late; the second must not be
    assert!(!text.contains("message-back\",2"), "{text}");
    p.assert_gone();
}

fn b12_over_the_limit(t: &Target) {
    let beside = Bystander::start(t);
    let mut p = t.joined_polling();
    let reply = p.connection().request("POST", p.url(), &[], &vec![b'4'; 1_000_001]);
    assert_eq!((reply.status, reply.body.len()), (413, 0));
    p.post_ok(r#"42["message",1]"#);
    assert_eq!(p.next(), r#"42["message-back",1]"#);
    let mut ws = t.joined_websocket();
    ws.send(&"4".repeat(1_000_001));
    let code = ws.closed();
    assert!(t.mounted || code == Some(1009), "{code:?}");
    beside.check();
}

fn b13_binary_body(t: &Target) {
    let mut p = t.joined_polling();
    let mut http = p.connection();
    let headers = [("content-type", "application/octet-stream")];
    let begin = Instant::now();
    let reply = http.request("POST", p.url(), &headers, &[1, 2]);
    assert_eq!(reply.status, 400);
    assert!(begin.elapsed() < Duration::from_secs(1), "the exchange ends");
    p.assert_gone();
    let _ = &mut p;
}

fn b27_attachments_that_never_come(t: &Target) {
    let mut ws = t.joined_websocket();
    let begin = Instant::now();
    ws.send(r#"451-["x",{"_placeholder":true,"num":0}]"#);
    let end = loop {
        match ws.poll(Duration::from_secs(13)) {
            Some(Frame::Close(_) | Frame::End) => break begin.elapsed(),
            Some(_) => {}
            None => panic!("attachments that never come end the session (10 s)"),
        }
    };
    assert!(end < Duration::from_secs(13), "{end:?}");
}

fn b30_a_lone_surrogate_becomes_u_fffd(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"42["message","\ud800"]"#);
    let back = ws.text();
    let value: serde_json::Value = serde_json::from_str(&back[2..]).expect("valid JSON comes back");
    assert_eq!(value, serde_json::json!(["message-back", "\u{fffd}"]));
}

fn b31_numbers_are_kept(t: &Target) {
    let mut ws = t.joined_websocket();
    for number in ["1234567890123456789012345678901234567890", "-0", "0.1", "1e5", "9007199254740993"] {
        ws.send(&format!("42[\"message\",{number}]"));
        assert_eq!(ws.text(), format!("42[\"message-back\",{number}]"));
    }
}
