//! Order, acks both ways, ends.

use std::time::Duration;

use jethub::config::DurationSetting;

use super::server::Server;
use crate::harness::{
    Frame,
    expect::{SOON, eventually},
};

fn plain() -> Server {
    Server::start(|_| {})
}

#[test]
fn commands_are_carried_out_in_order_also_when_one_takes_its_time() {
    let server = plain();
    let mut ws = server.target.websocket();
    // the join takes its time, the events behind it wait
    ws.send(r#"40{"wait_ms":50}"#);
    ws.send(r#"42["slow",1]"#);
    ws.send(r#"42["now",2]"#);
    ws.send(r#"42["slow",3]"#);
    ws.send("41");
    ws.send(r#"40/other,{"wait_ms":10}"#);
    ws.send(r#"42/other,["now",4]"#);
    assert!(ws.text().starts_with("40{"));
    for expected in [r#"42["done",1]"#, r#"42["done",2]"#, r#"42["done",3]"#] {
        assert_eq!(ws.text(), expected);
    }
    assert!(ws.text().starts_with("40/other,{"));
    assert_eq!(ws.text(), r#"42/other,["done",4]"#);
}

#[test]
fn the_same_by_polling() {
    let server = plain();
    let mut p = server.target.polling();
    p.post_ok("40{\"wait_ms\":50}\x1e42[\"slow\",1]\x1e42[\"now\",2]");
    p.post_ok(r#"42["now",3]"#);
    assert!(p.next().starts_with("40{"));
    for expected in [r#"42["done",1]"#, r#"42["done",2]"#, r#"42["done",3]"#] {
        assert_eq!(p.next(), expected);
    }
}

#[test]
fn the_hub_asks_and_is_answered() {
    let server = Server::start(|config| config.session.ack_timeout = DurationSetting::from_millis(200));
    let mut ws = server.joined();
    ws.send(r#"42["ask",{"a":1}]"#);
    assert_eq!(ws.text(), r#"420["question",{"a":1}]"#);
    ws.send(r#"430["yes",2]"#);
    assert_eq!(ws.text(), r#"42["told","answered","yes",2]"#);
    // an answer twice, or of another namespace, is nobody's
    ws.send(r#"430["again"]"#);
    ws.send(r#"42["ask",1]"#);
    assert_eq!(ws.text(), r#"421["question",1]"#);
    ws.send("40/other,");
    assert!(ws.text().starts_with("40/other,"));
    ws.send(r#"43/other,1["not mine"]"#);
    assert_eq!(ws.text(), r#"42["told","operation has timed out"]"#);
}

#[test]
fn a_refusal_has_message_and_code() {
    let server = plain();
    let mut ws = server.target.websocket();
    ws.send(r#"40{"refuse":true}"#);
    let expected = r#"44{"message":"User auth token expired","data":{"code":"USER_AUTH_TOKEN_EXPIRED"}}"#;
    assert_eq!(ws.text(), expected);
    ws.send("40");
    assert!(ws.text().starts_with("40{"));
}

#[test]
fn the_hub_ends_a_socket_and_events_on_their_way_are_no_crime() {
    let server = plain();
    let mut ws = server.joined();
    ws.send("40/other,");
    assert!(ws.text().starts_with("40/other,"));
    ws.send(r#"42["leave"]"#);
    assert_eq!(ws.text(), "41");
    ws.send(r#"42["crossed",1]"#);
    ws.send(r#"42/other,["now",2]"#);
    assert_eq!(ws.text(), r#"42/other,["done",2]"#);
    ws.send("40");
    assert!(ws.text().starts_with("40{"));
}

#[test]
fn the_hub_ends_a_session() {
    let server = plain();
    let mut ws = server.joined();
    ws.send(r#"42["close"]"#);
    assert_eq!(ws.closed(), Some(1000));
    let mut p = server.target.polling();
    p.post_ok("40\x1e42[\"close\"]");
    assert!(p.until_closed().iter().any(|packet| packet.starts_with("40{")));
    p.assert_gone();
}

#[test]
fn a_panic_ends_one_session() {
    let server = plain();
    let mut beside = server.joined();
    let mut ws = server.joined();
    ws.send(r#"42["panic"]"#);
    ws.closed();
    let mut p = server.target.polling();
    p.post_ok("40");
    assert!(p.next().starts_with("40{"));
    assert_eq!(p.post(r#"42["panic"]"#).status, 400);
    p.assert_gone();
    for i in 0..20 {
        beside.send(&format!("42[\"now\",{i}]"));
        assert_eq!(beside.text(), format!("42[\"done\",{i}]"));
    }
    eventually("their places are free", SOON, || (server.engine.sessions() == 1).then_some(()));
}

#[test]
fn a_client_that_does_not_read_is_cut_and_the_others_are_not() {
    let server = plain();
    let mut beside = server.joined();
    let mut ws = server.joined();
    ws.send(r#"42["fill"]"#);
    ws.send(r#"42["fill"]"#);
    eventually("it is cut", SOON, || (server.engine.sessions() == 1).then_some(()));
    beside.send(r#"42["now",1]"#);
    assert_eq!(beside.text(), r#"42["done",1]"#);
    // by polling its queue is bounded as well
    let mut p = server.target.polling();
    p.post_ok("40\x1e42[\"fill\"]\x1e42[\"fill\"]");
    p.assert_gone();
}

#[test]
fn a_mounted_client_that_does_not_read_is_cut_although_its_transport_is_frozen() {
    let server = Server::mounted();
    let mut beside = server.joined();
    let mut ws = server.joined();
    // more than the kernel takes for it, so that its writer stands still
    for _ in 0..4 {
        ws.send(r#"42["fill"]"#);
    }
    eventually("it is cut", SOON, || (server.engine.sessions() == 1).then_some(()));
    beside.send(r#"42["now",1]"#);
    assert_eq!(beside.text(), r#"42["done",1]"#);
    // reading would thaw it: it is cut while it is frozen, three seconds after its session
    std::thread::sleep(Duration::from_secs(4));
    // what the kernel had comes, then the end: nobody writes the rest
    let mut seen = 0;
    while let Some(Frame::Text(_)) = ws.poll(SOON) {
        seen += 1;
    }
    assert!(seen < 800, "{seen} frames");
}

#[test]
fn all_are_told_when_the_hub_stops() {
    let server = plain();
    let mut ws = server.joined();
    let mut held = server.target.polling();
    held.start_get();
    let mut away = server.target.polling();
    away.post_ok("40");
    let engine = server.engine.clone();
    actix_rt::System::new().block_on(engine.close_all(2, Duration::from_millis(1)));
    assert_eq!(ws.closed(), Some(1001));
    assert_eq!(held.pending().text(), "1");
    held.assert_gone();
    away.until_closed();
    let reply = server.target.get("EIO=4&transport=polling");
    assert_eq!(reply.status, 503);
    assert!(reply.header("retry-after").is_some());
    eventually("all are gone", SOON, || (server.engine.sessions() == 0).then_some(()));
}

#[test]
fn a_poll_that_is_being_held_survives_other_traffic() {
    let server = plain();
    let mut p = server.target.polling();
    p.post_ok("40");
    assert!(p.next().starts_with("40{"));
    p.start_get();
    let mut ws = server.joined();
    for i in 0..50 {
        ws.send(&format!("42[\"now\",{i}]"));
        assert_eq!(ws.recv(), Frame::Text(format!("42[\"done\",{i}]")));
    }
    p.post_ok(r#"42["now",1]"#);
    assert_eq!(p.pending().text(), r#"42["done",1]"#);
}
