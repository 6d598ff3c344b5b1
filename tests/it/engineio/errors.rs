//! Refused requests: the order of the checks, codes, statuses and bodies of protocol.md 1.2; the
//! query rows H1-H6 of faults.md 3.2; bodies over the limit and of a wrong kind.

use crate::harness::{Target, Ws, cases};

cases!(
    "/engine.io/",
    transport_is_checked_first,
    the_sid_is_checked_before_the_method,
    the_method_is_checked_before_the_revision,
    unknown_sids,
    two_revisions_are_none,
    a_websocket_by_plain_get,
    polling_with_the_sid_of_a_websocket,
    refusals_of_an_upgrade,
    other_methods_with_a_sid_do_not_end_it,
    a_body_over_the_limit,
    a_chunked_body_over_the_limit,
    a_binary_body,
    a_compressed_body,
    an_origin_with_bad_bytes,
    the_public_answers_name_no_software,
);

fn transport_is_checked_first(t: &Target) {
    t.get("transport=abc&sid=nobody").assert_code(400, 0);
    t.get("transport=webtransport&EIO=4").assert_code(400, 0);
    t.get("EIO=3").assert_code(400, 0);
}

fn the_sid_is_checked_before_the_method(t: &Target) {
    let reply = t.http().request("PUT", &t.url("EIO=3&transport=polling&sid=nobody"), &[], b"");
    reply.assert_code(400, 1);
}

fn the_method_is_checked_before_the_revision(t: &Target) {
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let reply = t.http().request(method, &t.url("EIO=3&transport=polling"), &[], b"");
        reply.assert_code(400, 2);
    }
}

fn unknown_sids(t: &Target) {
    let long = "x".repeat(10_000);
    let sids = ["", "nobody", "%00", "'%20OR%201=1", "__proto__", "constructor", "a&sid=b", long.as_str()];
    for sid in &sids[1..] {
        t.get(&format!("EIO=4&transport=polling&sid={sid}")).assert_code(400, 1);
        let reply =
            t.http().request("POST", &t.url(&format!("EIO=4&transport=polling&sid={sid}")), &[], b"4x");
        reply.assert_code(400, 1);
    }
}

fn two_revisions_are_none(t: &Target) {
    for query in ["EIO=99", "EIO=4&EIO=3", "EIO=", "EIO=04", "EIO=4.0"] {
        t.get(&format!("transport=polling&{query}")).assert_code(400, 5);
    }
}

fn a_websocket_by_plain_get(t: &Target) {
    t.get("EIO=4&transport=websocket").assert_code(400, 3);
}

fn polling_with_the_sid_of_a_websocket(t: &Target) {
    let (mut ws, open) = t.websocket_and_open();
    ws.heartbeat = true;
    let sid = open["sid"].as_str().unwrap();
    t.get(&format!("EIO=4&transport=polling&sid={sid}")).assert_code(400, 3);
    ws.send("4fine");
    assert_eq!(ws.text(), "4fine");
}

fn refusals_of_an_upgrade(t: &Target) {
    for (query, text) in [
        ("EIO=4&transport=abc", "Transport unknown"),
        ("EIO=4&transport=websocket&sid=nobody", "Session ID unknown"),
    ] {
        match Ws::try_open(t.addr, &t.url(query), &[]) {
            Ok(_) => panic!("{query}: refused before 101"),
            Err(reply) => {
                assert_eq!(reply.status, 400, "{query}");
                assert!(reply.text().contains(text), "{query}: {}", reply.text());
            }
        }
    }
}

fn other_methods_with_a_sid_do_not_end_it(t: &Target) {
    let mut p = t.polling();
    for method in ["PUT", "DELETE", "PATCH"] {
        let reply = p.connection().request(method, p.url(), &[], b"");
        assert!((400..=500).contains(&reply.status), "{method}: {}", reply.status);
    }
    p.post_ok("4alive");
    assert_eq!(p.next(), "4alive");
}

fn a_body_over_the_limit(t: &Target) {
    let mut p = t.polling();
    let mut http = p.connection();
    let body = vec![b'4'; 1_000_001];
    let reply = http.request("POST", p.url(), &[], &body);
    assert_eq!((reply.status, reply.body.len()), (413, 0));
    p.post_ok("4alive");
    assert_eq!(p.next(), "4alive");
}

fn a_chunked_body_over_the_limit(t: &Target) {
    let mut p = t.polling();
    let mut http = p.connection();
    let head = format!("POST {} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n", p.url());
    http.send_raw(head.as_bytes()).unwrap();
    let chunk = [b"10000\r\n".as_slice(), &[b'4'; 0x10000], b"\r\n"].concat();
    for _ in 0..17 {
        // it may be refused and closed before all is sent
        if http.send_raw(&chunk).is_err() {
            break;
        }
    }
    let _ = http.send_raw(b"0\r\n\r\n");
    if let Ok(Some(reply)) = http.read() {
        assert_eq!((reply.status, reply.body.len()), (413, 0));
    }
    p.post_ok("4alive");
    assert_eq!(p.next(), "4alive");
}

fn a_binary_body(t: &Target) {
    let mut p = t.polling();
    let headers = [("content-type", "application/octet-stream")];
    let reply = p.connection().request("POST", p.url(), &headers, &[1, 2]);
    assert_eq!(reply.status, 400);
    p.assert_gone();
    let _ = &mut p;
}

fn a_compressed_body(t: &Target) {
    let mut p = t.polling();
    for encoding in ["gzip", "br", "zstd", "deflate"] {
        let reply = p.connection().request("POST", p.url(), &[("content-encoding", encoding)], b"4x");
        assert_eq!(reply.status, 415, "{encoding}");
    }
    p.post_ok("4alive");
    assert_eq!(p.next(), "4alive");
}

fn an_origin_with_bad_bytes(t: &Target) {
    let url = t.url("EIO=4&transport=polling");
    let mut http = t.http();
    http.send_raw(format!("GET {url} HTTP/1.1\r\nhost: x\r\norigin: http://a").as_bytes()).unwrap();
    http.send_raw(b"\xe9\xff\r\n\r\n").unwrap();
    let reply = http.read().unwrap().expect("an answer");
    reply.assert_code(400, 3);
}

fn the_public_answers_name_no_software(t: &Target) {
    let reply = t.get("EIO=4&transport=polling");
    assert_eq!(reply.header("server"), None);
    assert_eq!(reply.header("x-powered-by"), None);
}
