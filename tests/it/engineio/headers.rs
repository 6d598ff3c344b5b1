//! Headers of polling answers (protocol.md 1.5), compression of large polls, CORS (protocol.md 1.10).

use crate::harness::{Reply, Target, cases};

cases!(
    "/engine.io/",
    headers_of_a_poll,
    headers_of_a_post,
    no_cookie_unless_asked,
    a_large_poll_is_compressed,
    a_small_poll_is_not,
    an_unwilling_client_gets_it_plain,
    cross_origin_requests,
    preflight,
    one_connection_serves_many_sessions,
    pipelined_requests_are_answered_in_order,
);

fn assert_not_stored(reply: &Reply) {
    assert_eq!(reply.header("cache-control"), Some("no-store"));
}

fn headers_of_a_poll(t: &Target) {
    let reply = t.get("EIO=4&transport=polling");
    let kind = reply.header("content-type").unwrap_or("").to_ascii_lowercase().replace(' ', "");
    assert_eq!(kind, "text/plain;charset=utf-8");
    assert_not_stored(&reply);
}

fn headers_of_a_post(t: &Target) {
    let mut p = t.polling();
    let reply = p.post("4x");
    assert_eq!((reply.status, reply.text().as_str()), (200, "ok"));
    assert!(reply.header("content-type").unwrap_or("").starts_with("text/html"));
    assert_eq!(reply.header("content-length"), Some("2"));
    assert_not_stored(&reply);
}

fn no_cookie_unless_asked(t: &Target) {
    assert_eq!(t.get("EIO=4&transport=polling").header("set-cookie"), None);
}

fn a_large_poll_is_compressed(t: &Target) {
    let mut p = t.polling();
    p.post_ok(format!("4{}", "z".repeat(20_000)));
    let reply = p.connection().request("GET", p.url(), &[("accept-encoding", "gzip, deflate")], b"");
    assert_eq!(reply.status, 200);
    let encoding = reply.header("content-encoding");
    assert!(matches!(encoding, Some("gzip" | "deflate")), "{encoding:?}");
    assert!(reply.body.len() < 2000, "{} bytes", reply.body.len());
    if encoding == Some("gzip") {
        assert_eq!(reply.body[..2], [0x1f, 0x8b]);
    }
    assert_not_stored(&reply);
}

fn a_small_poll_is_not(t: &Target) {
    let mut p = t.polling();
    p.post_ok("4small");
    let reply = p.connection().request("GET", p.url(), &[("accept-encoding", "gzip")], b"");
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(reply.text(), "4small");
}

fn an_unwilling_client_gets_it_plain(t: &Target) {
    let mut p = t.polling();
    let text = format!("4{}", "z".repeat(20_000));
    p.post_ok(&text);
    assert_eq!(p.get().text(), text);
    p.post_ok(&text);
    let reply = p.connection().request("GET", p.url(), &[("accept-encoding", "gzip;q=0, identity")], b"");
    assert_eq!(reply.text(), text);
}

fn cross_origin_requests(t: &Target) {
    let origin = "http://page.example";
    for query in ["EIO=4&transport=polling", "EIO=4&transport=polling&sid=nobody"] {
        let reply = t.http().request("GET", &t.url(query), &[("origin", origin)], b"");
        let allowed = reply.header("access-control-allow-origin");
        assert!(matches!(allowed, Some("*")) || allowed == Some(origin), "{query}: {allowed:?}");
        if allowed == Some("*") {
            assert_eq!(reply.header("access-control-allow-credentials"), None);
        }
    }
}

fn preflight(t: &Target) {
    let headers = [
        ("origin", "http://page.example"),
        ("access-control-request-method", "POST"),
        ("access-control-request-headers", "x-api-key,authorization"),
    ];
    let reply = t.http().request("OPTIONS", &t.url("EIO=4&transport=polling"), &headers, b"");
    assert_eq!(reply.status, 204, "{}", reply.text());
    assert!(reply.header("access-control-allow-origin").is_some());
    assert!(reply.header("access-control-allow-methods").unwrap_or("").contains("POST"));
    let allowed = reply.header("access-control-allow-headers").unwrap_or("").to_ascii_lowercase();
    assert!(allowed.contains("x-api-key") || allowed == "*", "{allowed}");
}

fn one_connection_serves_many_sessions(t: &Target) {
    let mut http = t.http();
    for _ in 0..5 {
        let open = http.get(&t.url("EIO=4&transport=polling")).text();
        let open: serde_json::Value = serde_json::from_str(&open[1..]).unwrap();
        let url = t.url(&format!("EIO=4&transport=polling&sid={}", open["sid"].as_str().unwrap()));
        assert_eq!(http.request("POST", &url, &[], b"4x").text(), "ok");
        assert_eq!(http.get(&url).text(), "4x");
    }
}

fn pipelined_requests_are_answered_in_order(t: &Target) {
    let p = t.polling();
    let mut http = p.connection();
    http.send("POST", p.url(), &[], b"4one").unwrap();
    http.send("GET", p.url(), &[], b"").unwrap();
    assert_eq!(http.read().unwrap().unwrap().text(), "ok");
    assert_eq!(http.read().unwrap().unwrap().text(), "4one");
}
