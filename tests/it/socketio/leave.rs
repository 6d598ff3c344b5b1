//! Leaving namespaces. Cases 8, 9 of protocol.md 2.7's second list, and protocol.md 2.6.

use crate::harness::{Target, cases};

cases!("/socket.io/", the_main_namespace, a_custom_namespace, and_joining_again, not_a_member_closes);

pub fn the_main_namespace(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.heartbeat = false;
    ws.send("41");
    // no answer: the next message is the ping
    assert_eq!(ws.text(), "2");
}

pub fn a_custom_namespace(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("40/custom,");
    assert!(ws.text().starts_with("40/custom,"));
    assert_eq!(ws.text(), r#"42/custom,["auth",{}]"#);
    ws.send("41/custom");
    ws.send(r#"42["message","main namespace"]"#);
    assert_eq!(ws.text(), r#"42["message-back","main namespace"]"#);
}

fn and_joining_again(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("41");
    ws.send("40");
    assert!(ws.text().starts_with("40{\"sid\":"));
    assert_eq!(ws.text(), r#"42["auth",{}]"#);
    ws.send(r#"42["message",1]"#);
    assert_eq!(ws.text(), r#"42["message-back",1]"#);
}

fn not_a_member_closes(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("41/custom,");
    ws.closed();
}
