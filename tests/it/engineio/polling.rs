//! Messages over long polling. Cases 8-13 of protocol.md 1.12, and the rules of protocol.md 1.5:
//! 8 text; 9 several texts; 10 text and binary; 11 bad format; 12 duplicate poll; 13 cancelled poll.

use std::time::{Duration, Instant};

use crate::harness::{Target, cases, expect::SOON};

cases!(
    "/engine.io/",
    one_text_packet,
    several_text_packets,
    text_and_binary,
    a_bad_packet_closes,
    a_duplicate_poll_closes,
    a_cancelled_poll_closes,
    a_poll_is_held_until_something_is_written,
    nothing_after_a_bad_packet_counts,
    the_order_of_many_posts_is_kept,
    utf8_is_kept,
    a_large_packet_within_the_limit,
    two_posts_at_once_close,
    a_lost_post_closes,
);

pub fn one_text_packet(t: &Target) {
    let mut p = t.polling();
    p.post_ok("4hello");
    let reply = p.get();
    assert_eq!((reply.status, reply.text().as_str()), (200, "4hello"));
}

pub fn several_text_packets(t: &Target) {
    let mut p = t.polling();
    p.post_ok("4test1\x1e4test2\x1e4test3");
    assert_eq!(p.get().text(), "4test1\x1e4test2\x1e4test3");
}

pub fn text_and_binary(t: &Target) {
    let mut p = t.polling();
    p.post_ok("4hello\x1ebAQIDBA==");
    assert_eq!(p.get().text(), "4hello\x1ebAQIDBA==");
}

pub fn a_bad_packet_closes(t: &Target) {
    let mut p = t.polling();
    let reply = p.post("abc");
    assert_eq!(reply.status, 400, "{}", reply.text());
    p.assert_gone();
}

pub fn a_duplicate_poll_closes(t: &Target) {
    let mut p = t.polling();
    p.start_get();
    let mut second = p.connection();
    second.send("GET", p.url(), &[], b"").unwrap();
    // whichever of the two arrived first was the pending one
    let mut replies = [p.pending(), second.read().unwrap().expect("an answer")];
    replies.sort_by_key(|r| r.status);
    assert_eq!((replies[0].status, replies[0].text().as_str()), (200, "1"));
    assert_eq!(replies[1].status, 400);
    p.assert_gone();
}

pub fn a_cancelled_poll_closes(t: &Target) {
    let p = t.polling();
    let mut first = p.connection();
    first.send("GET", p.url(), &[], b"").unwrap();
    // it must have arrived before it is aborted: a later request on the same thread would tell, but
    // any other request of this session would be the overlap; so a moment is given
    std::thread::sleep(Duration::from_millis(20));
    first.abort();
    let reply = p.connection().request("GET", p.url(), &[], b"");
    assert_eq!(reply.status, 400, "{}", reply.text());
}

fn a_poll_is_held_until_something_is_written(t: &Target) {
    let mut p = t.polling();
    p.start_get();
    let begin = Instant::now();
    std::thread::sleep(Duration::from_millis(60));
    p.post_ok("4late");
    let reply = p.pending();
    assert_eq!(reply.text(), "4late");
    assert!(begin.elapsed() >= Duration::from_millis(60));
}

fn nothing_after_a_bad_packet_counts(t: &Target) {
    let mut p = t.polling();
    p.start_get();
    std::thread::sleep(Duration::from_millis(20));
    let reply = p.post("4before\x1ezzz\x1e4after");
    assert_eq!(reply.status, 400);
    let seen = p.pending();
    assert!(!seen.text().contains("after"), "{}", seen.text());
    p.assert_gone();
}

fn the_order_of_many_posts_is_kept(t: &Target) {
    let mut p = t.polling();
    let mut expected = Vec::new();
    for i in 0..40 {
        p.post_ok(format!("4a{i}\x1e4b{i}"));
        expected.extend([format!("4a{i}"), format!("4b{i}")]);
    }
    let seen: Vec<_> = (0..expected.len()).map(|_| p.next()).collect();
    assert_eq!(seen, expected);
}

fn utf8_is_kept(t: &Target) {
    let mut p = t.polling();
    let text = "4\u{e9}\u{20ac}\u{1f600}\u{2028}\u{0}\u{7f}\u{fffd}";
    p.post_ok(text);
    assert_eq!(p.next(), text);
}

fn a_large_packet_within_the_limit(t: &Target) {
    let mut p = t.polling();
    let text = format!("4{}", "x".repeat(999_999));
    p.post_ok(&text);
    assert_eq!(p.next().len(), text.len());
}

fn two_posts_at_once_close(t: &Target) {
    let mut p = t.polling();
    // a POST whose body is not complete is in progress
    let mut slow = p.connection();
    let head = format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n4abc", p.url());
    slow.send_raw(head.as_bytes()).unwrap();
    let gone = crate::harness::expect::eventually("the second POST is refused", SOON, || {
        let reply = p.post("4x");
        (reply.status != 200).then_some(reply)
    });
    assert_eq!(gone.status, 400);
    p.assert_gone();
}

fn a_lost_post_closes(t: &Target) {
    let mut p = t.polling();
    let mut slow = p.connection();
    let head = format!("POST {} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n4abc", p.url());
    slow.send_raw(head.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(30));
    slow.abort();
    // the session would live for 500 ms without an answer to its ping: it must be gone well before
    crate::harness::expect::eventually("the session is closed", Duration::from_millis(350), || {
        let mut http = p.connection();
        http.set_timeout(Duration::from_millis(100));
        let _ = http.send("POST", p.url(), &[], b"4x");
        http.read().ok().flatten().filter(|r| r.status == 400)
    });
    p.assert_gone();
}
