//! Joining namespaces. Cases 1-7 of the second list of protocol.md 2.7, and protocol.md 2.2, 2.3.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Target, Ws, cases};

cases!(
    "/socket.io/",
    the_main_namespace,
    the_main_namespace_with_a_payload,
    a_custom_namespace,
    a_custom_namespace_with_a_payload,
    an_unknown_namespace,
    an_invalid_handshake,
    no_handshake_at_all,
    the_comma_may_be_missing,
    by_polling,
    a_refusal_leaves_the_session_open,
    each_namespace_has_its_own_id,
    joining_twice_closes,
    an_event_before_joining_closes,
    the_public_id_is_not_the_secret_one,
    the_timeout_is_not_armed_again,
    connect_and_event_in_one_body,
    joins_in_one_body_are_all_answered,
);

/// Reads the answer to CONNECT: the object, exactly one key.
#[track_caller]
fn sid(answer: &str, prefix: &str) -> String {
    let json = answer.strip_prefix(prefix).unwrap_or_else(|| panic!("{prefix}… expected: {answer}"));
    let value: Value = serde_json::from_str(json).expect("JSON");
    let object = value.as_object().expect("an object");
    assert_eq!(object.keys().collect::<Vec<_>>(), ["sid"]);
    object["sid"].as_str().expect("a text").to_owned()
}

fn open(t: &Target) -> Ws {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    ws
}

pub fn the_main_namespace(t: &Target) {
    let mut ws = open(t);
    ws.send("40");
    sid(&ws.text(), "40");
    assert_eq!(ws.text(), r#"42["auth",{}]"#);
}

pub fn the_main_namespace_with_a_payload(t: &Target) {
    let mut ws = open(t);
    ws.send(r#"40{"token":"123"}"#);
    sid(&ws.text(), "40");
    assert_eq!(ws.text(), r#"42["auth",{"token":"123"}]"#);
}

pub fn a_custom_namespace(t: &Target) {
    let mut ws = open(t);
    ws.send("40/custom,");
    sid(&ws.text(), "40/custom,");
    assert_eq!(ws.text(), r#"42/custom,["auth",{}]"#);
}

pub fn a_custom_namespace_with_a_payload(t: &Target) {
    let mut ws = open(t);
    ws.send(r#"40/custom,{"token":"abc"}"#);
    sid(&ws.text(), "40/custom,");
    assert_eq!(ws.text(), r#"42/custom,["auth",{"token":"abc"}]"#);
}

pub fn an_unknown_namespace(t: &Target) {
    let mut ws = open(t);
    ws.send("40/random");
    assert_eq!(ws.text(), r#"44/random,{"message":"Invalid namespace"}"#);
}

pub fn an_invalid_handshake(t: &Target) {
    let mut ws = open(t);
    ws.send("4abc");
    ws.closed();
}

pub fn no_handshake_at_all(t: &Target) {
    let mut ws = open(t);
    let begin = Instant::now();
    ws.closed();
    let took = begin.elapsed();
    assert!(took > Duration::from_millis(900) && took < Duration::from_millis(2500), "{took:?}");
}

fn the_comma_may_be_missing(t: &Target) {
    let mut ws = open(t);
    ws.send("40/custom");
    sid(&ws.text(), "40/custom,");
    assert_eq!(ws.text(), r#"42/custom,["auth",{}]"#);
    ws.send("41/custom");
    ws.send("40/custom");
    sid(&ws.text(), "40/custom,");
}

fn by_polling(t: &Target) {
    let mut p = t.polling();
    p.post_ok(r#"40{"token":"123"}"#);
    sid(&p.next(), "40");
    assert_eq!(p.next(), r#"42["auth",{"token":"123"}]"#);
}

fn a_refusal_leaves_the_session_open(t: &Target) {
    let mut ws = open(t);
    ws.send("40/random,");
    assert!(ws.text().starts_with("44/random,"));
    ws.send("40");
    sid(&ws.text(), "40");
}

fn each_namespace_has_its_own_id(t: &Target) {
    let mut ws = open(t);
    ws.send("40");
    let main = sid(&ws.text(), "40");
    ws.text();
    ws.send("40/custom,");
    assert_ne!(sid(&ws.text(), "40/custom,"), main);
}

fn joining_twice_closes(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("40");
    ws.closed();
}

fn an_event_before_joining_closes(t: &Target) {
    let mut ws = open(t);
    ws.send(r#"42["message",1]"#);
    ws.closed();
}

fn the_public_id_is_not_the_secret_one(t: &Target) {
    let (mut ws, opened) = t.websocket_and_open();
    ws.heartbeat = true;
    ws.send("40");
    let public = sid(&ws.text(), "40");
    assert_ne!(opened["sid"], public.as_str());
    t.get(&format!("EIO=4&transport=polling&sid={public}")).assert_code(400, 1);
}

fn the_timeout_is_not_armed_again(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("41");
    assert_eq!(ws.poll(Duration::from_millis(1300)), None, "it stays open without a namespace");
    ws.send("40");
    sid(&ws.text(), "40");
}

fn connect_and_event_in_one_body(t: &Target) {
    // Node may close here, since its middleware is asynchronous; ours carries them out in order
    let mut p = t.polling();
    p.post_ok("40");
    sid(&p.next(), "40");
    assert_eq!(p.next(), r#"42["auth",{}]"#);
    p.post_ok("42[\"message\",1]\x1e42[\"message\",2]\x1e41\x1e40");
    assert_eq!(p.next(), r#"42["message-back",1]"#);
    assert_eq!(p.next(), r#"42["message-back",2]"#);
    sid(&p.next(), "40");
}

fn joins_in_one_body_are_all_answered(t: &Target) {
    let mut p = t.polling();
    p.post_ok("40\x1e40/custom,\x1e40/random,");
    let answers: Vec<_> = (0..5).map(|_| p.next()).collect();
    // which namespace answers first is free: the check of a namespace takes its time
    let main = answers.iter().position(|a| a.starts_with("40{")).expect("joined /");
    let auth = answers.iter().position(|a| a == r#"42["auth",{}]"#).expect("its event");
    assert!(main < auth, "{answers:?}");
    let custom = answers.iter().position(|a| a.starts_with("40/custom,{")).expect("joined /custom");
    let auth = answers.iter().position(|a| a.starts_with("42/custom,[\"auth\"")).expect("its event");
    assert!(custom < auth, "the answer goes before what the handler emits: {answers:?}");
    assert!(answers.iter().any(|a| a == r#"44/random,{"message":"Invalid namespace"}"#));
}
