//! Events and acks with attachments. Cases 11, 13 of protocol.md 2.7's second list.

use crate::harness::{Target, cases};

cases!(
    "/socket.io/",
    attachments,
    attachments_and_an_ack,
    by_polling,
    over_several_posts,
    a_pong_between_header_and_attachment,
    ten_attachments,
    an_empty_attachment,
    deep_in_the_payload,
    two_events_in_a_row,
);

const HEADER: &str = r#"["message",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
const BACK: &str = r#"["message-back",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;

pub fn attachments(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(&format!("452-{HEADER}"));
    ws.send_binary(&[1, 2, 3]);
    ws.send_binary(&[4, 5, 6]);
    assert_eq!(ws.text(), format!("452-{BACK}"));
    assert_eq!(ws.binary(), [1, 2, 3]);
    assert_eq!(ws.binary(), [4, 5, 6]);
}

pub fn attachments_and_an_ack(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"452-789["message-with-ack",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    ws.send_binary(&[1, 2, 3]);
    ws.send_binary(&[4, 5, 6]);
    assert_eq!(ws.text(), r#"462-789[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#);
    assert_eq!(ws.binary(), [1, 2, 3]);
    assert_eq!(ws.binary(), [4, 5, 6]);
}

fn by_polling(t: &Target) {
    let mut p = t.joined_polling();
    p.post_ok(format!("452-{HEADER}\x1ebAQID\x1ebBAUG"));
    assert_eq!(p.next(), format!("452-{BACK}"));
    assert_eq!(p.next(), "bAQID");
    assert_eq!(p.next(), "bBAUG");
}

fn over_several_posts(t: &Target) {
    let mut p = t.joined_polling();
    p.post_ok(format!("452-{HEADER}"));
    p.post_ok("bAQID");
    p.post_ok("bBAUG");
    assert_eq!(p.next(), format!("452-{BACK}"));
}

fn a_pong_between_header_and_attachment(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(&format!("452-{HEADER}"));
    ws.send("3");
    ws.send_binary(&[1]);
    ws.send("3");
    ws.send_binary(&[2]);
    assert_eq!(ws.text(), format!("452-{BACK}"));
}

fn ten_attachments(t: &Target) {
    let mut ws = t.joined_websocket();
    let places: Vec<_> = (0..10).map(|i| format!(r#"{{"_placeholder":true,"num":{i}}}"#)).collect();
    ws.send(&format!("4510-[\"message\",{}]", places.join(",")));
    for i in 0..10u8 {
        ws.send_binary(&[i; 3]);
    }
    assert_eq!(ws.text(), format!("4510-[\"message-back\",{}]", places.join(",")));
    for i in 0..10u8 {
        assert_eq!(ws.binary(), [i; 3]);
    }
}

fn an_empty_attachment(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"451-["message",{"_placeholder":true,"num":0}]"#);
    ws.send_binary(&[]);
    assert_eq!(ws.text(), r#"451-["message-back",{"_placeholder":true,"num":0}]"#);
    assert_eq!(ws.binary(), Vec::<u8>::new());
}

fn deep_in_the_payload(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"451-["message",{"a":[1,{"b":{"_placeholder":true,"num":0}}]}]"#);
    ws.send_binary(&[9]);
    assert_eq!(ws.text(), r#"451-["message-back",{"a":[1,{"b":{"_placeholder":true,"num":0}}]}]"#);
    assert_eq!(ws.binary(), [9]);
}

fn two_events_in_a_row(t: &Target) {
    let mut ws = t.joined_websocket();
    for i in 0..2u8 {
        ws.send(r#"451-["message",{"_placeholder":true,"num":0}]"#);
        ws.send_binary(&[i]);
        ws.send(&format!("42[\"message\",{i}]"));
    }
    for i in 0..2u8 {
        assert!(ws.text().starts_with("451-"));
        assert_eq!(ws.binary(), [i]);
        assert_eq!(ws.text(), format!("42[\"message-back\",{i}]"));
    }
}
