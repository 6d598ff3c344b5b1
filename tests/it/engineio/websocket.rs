//! Messages over a websocket. Cases 14-16 of protocol.md 1.12: 14 text; 15 binary; 16 bad format.
//! And what a browser or a proxy may do with frames: fragments, pings, a close handshake.

use std::time::Duration;

use crate::harness::{Frame, Target, cases, websocket::frame};

cases!(
    "/engine.io/",
    text,
    binary,
    a_bad_packet_closes,
    fragments_are_one_message,
    a_ping_frame_is_answered_inside_a_fragmented_message,
    a_close_frame_is_answered,
    an_empty_binary_message,
    a_message_at_the_limit,
    a_message_over_the_limit_closes_1009,
    many_messages_keep_their_order,
    a_frame_in_single_bytes,
    masks_are_undone,
);

pub fn text(t: &Target) {
    let mut ws = t.websocket();
    ws.send("4hello");
    assert_eq!(ws.text(), "4hello");
}

pub fn binary(t: &Target) {
    let mut ws = t.websocket();
    ws.send_binary(&[1, 2, 3, 4]);
    assert_eq!(ws.binary(), [1, 2, 3, 4]);
}

pub fn a_bad_packet_closes(t: &Target) {
    let mut ws = t.websocket();
    ws.send("abc");
    ws.closed();
}

fn fragments_are_one_message(t: &Target) {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    ws.send_raw(&frame(0x01, b"4he"));
    ws.send_raw(&frame(0x00, "l\u{20ac}".as_bytes().split_at(2).0));
    ws.send_raw(&frame(0x00, "l\u{20ac}".as_bytes().split_at(2).1));
    ws.send_raw(&frame(0x80, b"o"));
    assert_eq!(ws.text(), "4hel\u{20ac}o");
    ws.send_raw(&frame(0x02, &[1]));
    ws.send_raw(&frame(0x80, &[2]));
    assert_eq!(ws.binary(), [1, 2]);
}

fn a_ping_frame_is_answered_inside_a_fragmented_message(t: &Target) {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    ws.send_raw(&frame(0x01, b"4a"));
    ws.send_raw(&frame(0x89, b"are you there"));
    ws.send_raw(&frame(0x80, b"b"));
    assert_eq!(ws.recv(), Frame::Pong(b"are you there".to_vec()));
    assert_eq!(ws.text(), "4ab");
}

fn a_close_frame_is_answered(t: &Target) {
    let mut ws = t.websocket();
    ws.send_raw(&frame(0x88, &1000u16.to_be_bytes()));
    let code = ws.closed();
    assert!(matches!(code, Some(1000 | 1005)), "the close handshake: {code:?}");
}

fn an_empty_binary_message(t: &Target) {
    let mut ws = t.websocket();
    ws.send_binary(&[]);
    assert_eq!(ws.binary(), Vec::<u8>::new());
}

fn a_message_at_the_limit(t: &Target) {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    let text = format!("4{}", "y".repeat(999_999));
    ws.send(&text);
    assert_eq!(ws.text().len(), text.len());
}

fn a_message_over_the_limit_closes_1009(t: &Target) {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    ws.send(&format!("4{}", "y".repeat(1_000_000)));
    let code = ws.closed();
    if !t.mounted {
        // the mounted transport may lose the frame when unread bytes turn its close into a reset
        assert_eq!(code, Some(1009));
    }
}

fn many_messages_keep_their_order(t: &Target) {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    let all: Vec<u8> = (0..1000).flat_map(|i| frame(0x81, format!("4{i}").as_bytes())).collect();
    ws.send_raw(&all);
    for i in 0..1000 {
        assert_eq!(ws.text(), format!("4{i}"));
    }
}

fn a_frame_in_single_bytes(t: &Target) {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    for byte in frame(0x81, b"4slow") {
        ws.send_raw(&[byte]);
        std::thread::sleep(Duration::from_millis(2));
    }
    assert_eq!(ws.text(), "4slow");
}

fn masks_are_undone(t: &Target) {
    let mut ws = t.websocket();
    ws.heartbeat = true;
    for len in [1usize, 3, 4, 5, 124, 126, 1000, 70_000] {
        let text = format!("4{}", "m".repeat(len - 1));
        let key = [0x12, 0xfe, 0x55, 0xa7];
        let mut bytes = crate::harness::websocket::header(0x81, len as u64, true);
        let at = bytes.len() - 4;
        bytes[at..].copy_from_slice(&key);
        bytes.extend(text.bytes().enumerate().map(|(i, b)| b ^ key[i % 4]));
        ws.send_raw(&bytes);
        assert_eq!(ws.text(), text);
    }
}
