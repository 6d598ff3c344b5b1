//! Events both ways. Cases 10 and 14, 15 of protocol.md 2.7's second list, and protocol.md 2.4.

use crate::harness::{Target, cases};

cases!(
    "/socket.io/",
    plain_text,
    unknown_packet_type,
    invalid_payload_format,
    by_polling,
    in_order,
    unknown_names_are_ignored,
    a_name_may_be_a_number,
    text_of_every_kind,
    namespaces_do_not_mix,
    no_argument_and_many,
    a_large_event,
);

pub fn plain_text(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"42["message",1,"2",{"3":[true]}]"#);
    assert_eq!(ws.text(), r#"42["message-back",1,"2",{"3":[true]}]"#);
}

pub fn unknown_packet_type(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("4abc");
    ws.closed();
}

pub fn invalid_payload_format(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("42{}");
    ws.closed();
}

fn by_polling(t: &Target) {
    let mut p = t.joined_polling();
    p.post_ok("42[\"message\",1]\x1e42[\"message\",2]");
    assert_eq!(p.next(), r#"42["message-back",1]"#);
    assert_eq!(p.next(), r#"42["message-back",2]"#);
}

fn in_order(t: &Target) {
    let mut ws = t.joined_websocket();
    for i in 0..500 {
        ws.send(&format!("42[\"message\",{i}]"));
    }
    for i in 0..500 {
        assert_eq!(ws.text(), format!("42[\"message-back\",{i}]"));
    }
}

fn unknown_names_are_ignored(t: &Target) {
    let mut ws = t.joined_websocket();
    for name in ["nobody listens", "__proto__", "constructor", "", "open", "close"] {
        ws.send(&format!("42[\"{name}\",1]"));
    }
    ws.send(r#"42["message","marker"]"#);
    assert_eq!(ws.text(), r#"42["message-back","marker"]"#);
}

fn a_name_may_be_a_number(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("42[17,1]");
    ws.send(r#"42["message","marker"]"#);
    assert_eq!(ws.text(), r#"42["message-back","marker"]"#);
}

fn text_of_every_kind(t: &Target) {
    let mut ws = t.joined_websocket();
    for text in ["\u{e9}\u{20ac}\u{1f600}", "a,b]}", "/x,12[", "\\u0041\\n\\\"", "\u{2028}\u{202e}"] {
        ws.send(&format!("42[\"message\",\"{text}\"]"));
        let back = ws.text();
        let value: serde_json::Value = serde_json::from_str(&back[2..]).expect("JSON");
        let sent: serde_json::Value = serde_json::from_str(&format!("\"{text}\"")).unwrap();
        assert_eq!(value, serde_json::json!(["message-back", sent]));
    }
}

fn namespaces_do_not_mix(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send("40/custom,");
    assert!(ws.text().starts_with("40/custom,"));
    assert_eq!(ws.text(), r#"42/custom,["auth",{}]"#);
    // `/custom` has no `message` handler
    ws.send(r#"42/custom,["message",1]"#);
    ws.send(r#"42["message",2]"#);
    assert_eq!(ws.text(), r#"42["message-back",2]"#);
}

fn no_argument_and_many(t: &Target) {
    let mut ws = t.joined_websocket();
    ws.send(r#"42["message"]"#);
    assert_eq!(ws.text(), r#"42["message-back"]"#);
    let many = vec!["null"; 200].join(",");
    ws.send(&format!("42[\"message\",{many}]"));
    assert_eq!(ws.text(), format!("42[\"message-back\",{many}]"));
}

fn a_large_event(t: &Target) {
    let mut ws = t.joined_websocket();
    let text = "l".repeat(900_000);
    ws.send(&format!("42[\"message\",\"{text}\"]"));
    assert_eq!(ws.text().len(), text.len() + 21);
}
