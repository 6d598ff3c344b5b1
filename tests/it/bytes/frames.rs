//! W1 to W8: raw websocket frames. Codes are asked of the owned-socket transport; the mounted one
//! has the framework's codec, where the session must end and the process must live.

use std::time::{Duration, Instant};

use crate::harness::{
    Bystander, Frame, Target, cases,
    websocket::{frame, header},
};

cases!(
    "/socket.io/",
    w1_unmasked,
    w2_reserved_bits_and_opcodes,
    w3_length_with_the_top_bit,
    w4_a_huge_announced_length,
    w5_bad_control_frames,
    w6_fragments_out_of_order,
    w7_too_many_fragments,
    w7_fragments_over_the_limit,
    w8_floods_of_control_frames,
    pongs_never_asked_for,
    lengths_not_in_the_shortest_form,
);

/// Sends raw bytes on a joined session and wants it closed with `code`, at once.
#[track_caller]
fn refused(t: &Target, name: &str, code: u16, bytes: &[u8]) {
    let mut ws = t.joined_websocket();
    let begin = Instant::now();
    ws.send_raw(bytes);
    let got = ws.closed();
    assert!(begin.elapsed() < Duration::from_millis(450), "{name}: at once, not by the heartbeat");
    if !t.mounted {
        assert_eq!(got, Some(code), "{name}");
    }
}

fn w1_unmasked(t: &Target) {
    let beside = Bystander::start(t);
    refused(t, "unmasked", 1002, &[0x81, 0x02, 0x34, 0x32]);
    beside.check();
}

fn w2_reserved_bits_and_opcodes(t: &Target) {
    let beside = Bystander::start(t);
    for first in [0xc1, 0xa1, 0x91, 0xf1, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8b, 0x8c, 0x8d, 0x8e, 0x8f] {
        refused(t, &format!("{first:#x}"), 1002, &frame(first, b""));
    }
    beside.check();
}

fn w3_length_with_the_top_bit(t: &Target) {
    let beside = Bystander::start(t);
    for first in [0x0a, 0x81, 0x82] {
        let mut bytes = vec![first, 0xff];
        bytes.extend([0xff; 12]);
        let mut ws = t.joined_websocket();
        ws.send_raw(&bytes);
        let code = ws.closed();
        assert!(t.mounted || matches!(code, Some(1002 | 1009)), "{first:#x}: {code:?}");
    }
    beside.check();
}

fn w4_a_huge_announced_length(t: &Target) {
    let beside = Bystander::start(t);
    for first in [0x81, 0x82] {
        let mut ws = t.joined_websocket();
        let begin = Instant::now();
        ws.send_raw(&header(first, 1 << 40, true));
        // it must end by the header alone; the drip goes on for a client that does not notice
        let mut sent = 0;
        let code = loop {
            match ws.poll(Duration::from_millis(20)) {
                Some(Frame::Close(code)) => break Some(code),
                Some(Frame::End) => break None,
                _ => {}
            }
            sent += 1024;
            assert!(sent < 64 * 1024, "before 64 KiB are buffered");
            ws.send_raw(&[b'4'; 1024]);
        };
        assert!(begin.elapsed() < Duration::from_secs(2));
        assert!(t.mounted || code == Some(1009), "{code:?}");
    }
    beside.check();
}

fn w5_bad_control_frames(t: &Target) {
    let beside = Bystander::start(t);
    refused(t, "ping of 126 bytes", 1002, &frame(0x89, &[b'p'; 126]));
    refused(t, "fragmented ping", 1002, &frame(0x09, b"p"));
    refused(t, "close with 1 byte", 1002, &frame(0x88, &[3]));
    refused(t, "close with 1005", 1002, &frame(0x88, &1005u16.to_be_bytes()));
    refused(t, "close with 999", 1002, &frame(0x88, &999u16.to_be_bytes()));
    refused(t, "close with a bad reason", 1007, &frame(0x88, &[0x03, 0xe8, 0xff, 0xfe]));
    beside.check();
}

fn w6_fragments_out_of_order(t: &Target) {
    let beside = Bystander::start(t);
    refused(t, "continuation first", 1002, &frame(0x80, b"4x"));
    refused(t, "continuation first, not final", 1002, &frame(0x00, b"4x"));
    let twice = [frame(0x01, b"4a"), frame(0x81, b"4b")].concat();
    refused(t, "text inside a text", 1002, &twice);
    let mixed = [frame(0x01, b"4a"), frame(0x82, b"b")].concat();
    refused(t, "binary inside a text", 1002, &mixed);
    beside.check();
}

fn w7_too_many_fragments(t: &Target) {
    let beside = Bystander::start(t);
    for payload in [b"".as_slice(), b"x"] {
        let mut ws = t.joined_websocket();
        let mut bytes = frame(0x01, b"4");
        for _ in 0..1000 {
            bytes.extend(frame(0x00, payload));
        }
        // 1001 fragments: one more than allowed
        ws.send_raw(&bytes);
        if !t.mounted {
            ws.closed();
        }
    }
    let mut ws = t.joined_websocket();
    let mut bytes = frame(0x01, b"42[\"message\",\"");
    for _ in 0..998 {
        bytes.extend(frame(0x00, b"x"));
    }
    bytes.extend(frame(0x80, b"\"]"));
    ws.send_raw(&bytes);
    assert_eq!(ws.text().len(), 998 + 21, "1000 fragments are one message");
    beside.check();
}

fn w7_fragments_over_the_limit(t: &Target) {
    let beside = Bystander::start(t);
    let mut ws = t.joined_websocket();
    ws.send_raw(&frame(0x01, b"4"));
    let piece = frame(0x00, &[b'x'; 60_000]);
    for _ in 0..17 {
        ws.send_raw(&piece);
    }
    let code = ws.closed();
    assert!(t.mounted || code == Some(1009), "{code:?}");
    beside.check();
}

fn w8_floods_of_control_frames(t: &Target) {
    let beside = Bystander::start(t);
    let mut ws = t.joined_websocket();
    let flood: Vec<u8> = (0..10_000).flat_map(|_| frame(0x89, b"p")).collect();
    ws.send_raw(&flood);
    let code = ws.closed();
    assert!(t.mounted || code == Some(1008) || code.is_none(), "{code:?}");
    beside.check();
}

fn pongs_never_asked_for(t: &Target) {
    let mut ws = t.joined_websocket();
    for _ in 0..10 {
        ws.send_raw(&frame(0x8a, b"unasked"));
    }
    ws.send(r#"42["message",1]"#);
    assert_eq!(ws.text(), r#"42["message-back",1]"#);
}

fn lengths_not_in_the_shortest_form(t: &Target) {
    // RFC 6455 5.2 wants the shortest form; either a refusal or the message, never a hang
    let mut ws = t.joined_websocket();
    let text = br#"42["message",1]"#;
    let mut bytes = vec![0x81, 0x80 | 126];
    bytes.extend((text.len() as u16).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(text);
    ws.send_raw(&bytes);
    match ws.recv() {
        Frame::Text(text) => assert_eq!(text, r#"42["message-back",1]"#),
        Frame::Close(code) => assert_eq!(code, 1002),
        other => panic!("{other:?}"),
    }
}
