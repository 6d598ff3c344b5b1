//! Acks. Cases 12, 16 of protocol.md 2.7's second list, and protocol.md 2.5.

use crate::harness::{Target, cases};

cases!(
    "/socket.io/",
    plain_text_with_an_ack,
    invalid_ack_id,
    by_polling,
    ids_are_the_clients,
    an_id_may_be_used_again,
    an_answer_nobody_asked_for_is_ignored,
    an_event_without_a_handler_gets_no_answer,
);

pub fn plain_text_with_an_ack(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"42456["message-with-ack",1,"2",{"3":[false]}]"#);
    assert_eq!(ws.text(), r#"43456[1,"2",{"3":[false]}]"#);
}

pub fn invalid_ack_id(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"42abc["message-with-ack",1]"#);
    ws.closed();
}

fn by_polling(t: &Target) {
    let mut p = t.joined_polling();
    p.post_ok(r#"420["message-with-ack"]"#);
    assert_eq!(p.next(), "430[]");
}

fn ids_are_the_clients(t: &Target) {
    let mut ws = t.joined_websocket();
    for id in [0u64, 1, 7, 1 << 31, (1 << 53) - 1] {
        ws.send(&format!("42{id}[\"message-with-ack\",{id}]"));
        assert_eq!(ws.text(), format!("43{id}[{id}]"));
    }
}

fn an_id_may_be_used_again(t: &Target) {
    let mut ws = t.joined_websocket();
    for i in 0..3 {
        ws.send(&format!("425[\"message-with-ack\",{i}]"));
        assert_eq!(ws.text(), format!("435[{i}]"));
    }
}

fn an_answer_nobody_asked_for_is_ignored(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"43999["x"]"#);
    ws.send(r#"42["message","marker"]"#);
    assert_eq!(ws.text(), r#"42["message-back","marker"]"#);
}

fn an_event_without_a_handler_gets_no_answer(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"421["nobody listens"]"#);
    ws.send(r#"422["message-with-ack"]"#);
    assert_eq!(ws.text(), "432[]");
}
