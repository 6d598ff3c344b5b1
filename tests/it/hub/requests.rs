//! Hostile heads and bodies on REST (`faults.md` A12, A21, A24, A27, A28, A31, A32, A57).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Http, Hub, Reply, hub::token};

const KEYS: &str = "/api/v1/tenants/acme/apikeys";

struct Ann {
    hub: Hub,
    authorization: String,
}

impl Ann {
    fn with(settings: &[(&str, &str)]) -> Self {
        let authorization = format!("Bearer {}", token("ann", &[("acme", "ADMIN")], false));
        Self { hub: Hub::with(settings), authorization }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut all = vec![("authorization", self.authorization.as_str())];
        all.extend_from_slice(headers);
        self.hub.http().request(method, path, &all, body)
    }

    /// Only a head; what it announces never comes.
    fn head(&self, lines: &str) -> Reply {
        let mut http = self.hub.http();
        let head = format!(
            "POST {KEYS} HTTP/1.1\r\nhost: h\r\nauthorization: {}\r\n{lines}\r\n\r\n",
            self.authorization
        );
        http.send_raw(head.as_bytes()).unwrap();
        http.read().unwrap().expect("an answer")
    }
}

fn code(reply: &Reply) -> Value {
    reply.json()["error"]["code"].clone()
}

#[test]
fn methods_and_types_that_are_not_taken() {
    let ann = Ann::with(&[]);
    for method in ["HEAD", "TRACE", "DELETE", "PATCH", "PROPFIND"] {
        let reply = ann.send(method, KEYS, &[], b"");
        assert_eq!(reply.status, 405, "{method}");
        assert_eq!(reply.header("allow"), Some("GET, POST"), "{method}");
    }
    assert_eq!(ann.send("TRACE", "/nowhere", &[], b"").status, 405);
    let mut http = ann.hub.http();
    http.send_raw(b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com:443\r\n\r\n").unwrap();
    let connect = http.read().unwrap().expect("an answer");
    // It leaves the application, as every upgrade does, and no session is there for it.
    assert!(matches!(connect.status, 400 | 404 | 405), "{}", connect.status);
    let overridden = ann.send("GET", KEYS, &[("x-http-method-override", "POST")], b"");
    assert_eq!(overridden.status, 200, "an override is ignored");

    let json = ("content-type", "application/json");
    for (headers, body, status, expected) in [
        (&[json][..], &b"{\"apiKeyTitle\":\"a\",\"unknown\":[1,{\"x\":null}]}"[..], 201, ""),
        (&[("content-type", "application/json; charset=utf-8")], b"{\"apiKeyTitle\":\"b\"}", 201, ""),
        (&[("content-type", "text/plain")], b"{\"apiKeyTitle\":\"c\"}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            &[("content-type", "application/x-www-form-urlencoded")],
            b"apiKeyTitle=d",
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        ),
        (&[("content-type", "application/json; charset=utf-16")], b"{}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[], b"{\"apiKeyTitle\":\"e\"}", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (&[json], b"", 400, "INVALID_REQUEST"),
        (&[json], b"null", 400, "INVALID_REQUEST"),
        (&[json], b"[]", 400, "INVALID_REQUEST"),
        (&[json], b"\"text\"", 400, "INVALID_REQUEST"),
        (&[json], b"{\"apiKeyTitle\":\"f\"", 400, "INVALID_REQUEST"),
        (&[json], b"{\"apiKeyTitle\":\"g\"} {}", 400, "INVALID_REQUEST"),
        (&[json], b"\xef\xbb\xbf{\"apiKeyTitle\":\"h\"}", 400, "INVALID_REQUEST"),
        (&[json], b"{\"apiKeyTitle\":\"i\",\"apiKeyTitle\":\"j\"}", 400, "INVALID_REQUEST"),
        (&[json], b"{\"apiKeyTitle\":\"\xff\"}", 400, "INVALID_REQUEST"),
        (&[json], b"{\"apiKeyTitle\":7}", 400, "VALIDATION_ERROR"),
        (&[json], b"{\"apiKeyTitle\":\"\"}", 400, "INVALID_REQUEST"),
    ] {
        let reply = ann.send("POST", KEYS, headers, body);
        let text = String::from_utf8_lossy(body);
        assert_eq!(reply.status, status, "{headers:?} {text}: {}", reply.text());
        if !expected.is_empty() {
            assert_eq!(code(&reply), expected, "{text}: {}", reply.text());
        }
    }
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let reply = ann.send("POST", KEYS, &[json], format!("{{\"apiKeyTitle\":{deep}}}").as_bytes());
    assert_eq!((reply.status, code(&reply)), (400, json!("INVALID_REQUEST")));
}

#[test]
fn bodies_are_bounded_and_never_expanded() {
    let ann = Ann::with(&[("server.max_body", "64KiB"), ("server.body_timeout", "1s")]);
    for encoding in ["gzip", "br", "zstd", "deflate", "identity", "gzip, br", "x"] {
        let reply = ann.head(&format!(
            "content-type: application/json\r\ncontent-encoding: {encoding}\r\ncontent-length: 1000000000"
        ));
        assert_eq!(
            (reply.status, code(&reply)),
            (415, json!("UNSUPPORTED_MEDIA_TYPE")),
            "{encoding}: unread"
        );
    }
    let begun = Instant::now();
    let reply = ann.head("content-type: application/json\r\ncontent-length: 65537");
    assert_eq!((reply.status, code(&reply)), (413, json!("PAYLOAD_TOO_LARGE")));
    assert!(begun.elapsed() < Duration::from_millis(900), "refused by its length alone");

    let mut http = ann.hub.http();
    let head = format!(
        "POST {KEYS} HTTP/1.1\r\nhost: h\r\nauthorization: {}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n",
        ann.authorization
    );
    http.send_raw(head.as_bytes()).unwrap();
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    for _ in 0..32 {
        if http.send_raw(chunk.as_bytes()).is_err() {
            break;
        }
    }
    assert_eq!(http.read().ok().flatten().map(|reply| reply.status), Some(413));

    let begun = Instant::now();
    let slow = ann.head("content-type: application/json\r\ncontent-length: 100");
    assert_eq!(slow.status, 408);
    assert!((900..5000).contains(&begun.elapsed().as_millis()), "{:?}", begun.elapsed());
    // Nothing of all that is kept.
    let good = ann.send("POST", KEYS, &[("content-type", "application/json")], b"{\"apiKeyTitle\":\"x\"}");
    assert_eq!(good.status, 201);
}

/// A body is not read for somebody who may not send it.
#[test]
fn a_stranger_is_refused_before_the_body() {
    let hub = Hub::start();
    let mut http = hub.http();
    let head = format!(
        "POST {KEYS} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"
    );
    http.send_raw(head.as_bytes()).unwrap();
    assert_eq!(http.read().unwrap().expect("an answer").status, 401);
}

#[test]
fn a_head_that_never_ends_is_not_waited_for() {
    let hub = Hub::with(&[("server.head_timeout", "500ms")]);
    let mut http = hub.http();
    http.send_raw(b"GET /health HTTP/1.1\r\nhost: h\r\nx-slow: ").unwrap();
    let begun = Instant::now();
    let reply = http.read();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(matches!(&reply, Ok(Some(reply)) if reply.status == 408) || matches!(reply, Ok(None) | Err(_)));
}

#[test]
fn only_listed_pages_may_ask() {
    let ann = Ann::with(&[]);
    let good = ("origin", "http://localhost:5173");
    let reply = ann.send("GET", KEYS, &[good], b"");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some(good.1));
    assert_eq!(reply.header("vary"), Some("Origin"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);

    let mut http = ann.hub.http();
    let asks = ("access-control-request-method", "POST");
    let preflight = http.request("OPTIONS", KEYS, &[good, asks], b"");
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), Some(good.1));
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("authorization"));

    for bad in
        ["null", "http://localhost:5174", "https://localhost:5173", "http://localhost:5173.evil.example"]
    {
        let headers = [("origin", bad), ("cookie", "token=x")];
        for (method, headers) in [("GET", &headers[..]), ("OPTIONS", &[headers[0], asks]), ("POST", &headers)]
        {
            let reply = ann.send(method, KEYS, headers, b"");
            assert_eq!(reply.status, 403, "{method} {bad}");
            assert_eq!(code(&reply), "NOT_ALLOWED_BY_CORS");
            assert_eq!(reply.header("access-control-allow-origin"), None);
        }
    }
    let unknown = ann.send("GET", "/api/v1/nowhere", &[("origin", "https://evil.example")], b"");
    assert_eq!(unknown.status, 403);
}

/// The contract's form for unknown addresses, and problem JSON outside of it.
#[test]
fn unknown_addresses_are_told_in_the_form_of_their_place() {
    let hub = Hub::start();
    let api = hub.http().get("/api/v1/nothing/here");
    assert_eq!((api.status, code(&api)), (404, json!("INVALID_REQUEST")));
    assert_eq!(api.json()["success"], false);
    let other = hub.http().get("/nothing");
    assert_eq!((other.status, other.json()["code"].clone()), (404, json!("INVALID_REQUEST")));
    assert_eq!(other.header("content-type"), Some("application/problem+json"));
    assert_eq!(other.json()["requestID"].as_str(), other.header("x-request-id"));
}

/// Two readers of one connection must never see two different requests.
#[test]
fn ambiguous_framing_ends_the_connection() {
    let hub = Hub::start();
    let second = "GET /admin/v1/users HTTP/1.1\r\nhost: h\r\n\r\n";
    for head in [
        "content-length: 4\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 4",
        "content-length: 4\r\ncontent-length: 5",
        "content-length: 4, 4",
        "content-length: +4",
        "content-length: -1",
        "content-length: 0x4",
        "content-length: 4 4",
        "transfer-encoding: xchunked",
        "transfer-encoding: chunked, identity",
        "transfer-encoding: identity, chunked, chunked",
        "transfer-encoding : chunked",
        "content-length : 4",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity",
        "x: a\r\n content-length: 4",
        "x\x00y: 1",
        "x y: 1",
        ": empty",
    ] {
        let mut http = hub.http();
        let request = format!("POST /health HTTP/1.1\r\nhost: h\r\n{head}\r\n\r\n0\r\n\r\n{second}");
        let _ = http.send_raw(request.as_bytes());
        let first = http.read().ok().flatten();
        // A refusal of the method is as good as one of the head, if nothing follows it.
        let status = first.map(|reply| reply.status);
        assert!(matches!(status, None | Some(400 | 405 | 501)), "{head:?}: {status:?}");
        assert!(ended(&mut http), "{head:?}: a second answer came");
    }
}

fn ended(http: &mut Http) -> bool {
    http.set_timeout(Duration::from_millis(1500));
    matches!(http.read(), Ok(None) | Err(_))
}

#[test]
fn guessing_at_the_admin_door_is_slowed_by_address() {
    let hub = Hub::start();
    let root = format!("Bearer {}", token("root", &[], true));
    let from = |ip: &str, authorization: &str| {
        let headers = [("x-forwarded-for", ip), ("authorization", authorization)];
        hub.http().request("GET", "/admin/v1/tenants", &headers, b"")
    };
    let statuses: Vec<u16> = (0..20).map(|_| from("192.0.2.1", "Bearer a.b.c").status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 5, "{statuses:?}");
    assert!(statuses[5..].iter().all(|status| *status == 429));
    let right = from("192.0.2.1", &root);
    assert_eq!((right.status, right.json()["code"].clone()), (429, json!("RATE_LIMITED")));
    assert_eq!(right.header("retry-after"), Some("60"));
    assert_eq!(from("192.0.2.2", &root).status, 200, "nobody else waits");
}

#[test]
fn forwarded_addresses_are_believed_from_proxies_only() {
    for (proxies, status) in [("127.0.0.0/8", 401), ("10.0.0.0/8", 200)] {
        let hub = Hub::with(&[("server.trusted_proxies", &format!("[\"{proxies}\"]"))]);
        let forged = [("x-forwarded-for", "192.0.2.1"), ("forwarded", "for=192.0.2.1")];
        assert_eq!(hub.http().request("GET", "/metrics", &forged, b"").status, status, "{proxies}");
    }
}

/// What any error says is for strangers: no database, no path, no other tenant (`faults.md` A21).
#[test]
fn errors_tell_nothing_of_the_inside() {
    let ann = Ann::with(&[]);
    let json = ("content-type", "application/json");
    let mut texts = Vec::new();
    for (method, path, body) in [
        ("GET", "/api/v1/tenants/%00/members", ""),
        ("GET", "/api/v1/tenants/%ff/members", ""),
        ("GET", "/api/v1/tenants/acme/members?cursor=%27%20OR%201=1", ""),
        ("GET", "/api/v1/tenants/acme/members?page=-1", ""),
        ("GET", "/api/v1/tenants/acme/members?page=99999999999999999999", ""),
        ("PUT", "/api/v1/tenants/acme/roles/%22%3b--", "{\"permissions\":[\"' OR 1=1 --\"]}"),
        ("PUT", "/api/v1/tenants/acme/members/x", "{\"role\":\"ADMIN\"}"),
        ("POST", "/api/v1/tenants/acme/members", "{\"firebaseID\":\"\\u0000\"}"),
        ("DELETE", "/api/v1/tenants/acme/apikeys/x", ""),
        ("POST", KEYS, "{\"apiKeyTitle\":\"\\u0000\"}"),
        ("POST", KEYS, "{\"apiKeyTitle\":\"x\",\"role\":\"\\u0000\"}"),
        ("GET", "/api/v1/tenants/acme/workflows?search=%00", ""),
        ("GET", "/api/v1/tenants/acme/workflows?folderID=%00", ""),
        ("GET", "/api/v1/tenants/acme/workflows/instances?workflowID=%00", ""),
        ("POST", "/api/v1/tenants/acme/workflows", "{\"title\":\"\\u0000\"}"),
        ("POST", "/api/v1/tenants/acme/workflows", "{\"title\":\"x\",\"folderID\":\"\\u0000\"}"),
        ("POST", "/api/v1/tenants/acme/workflows", "{\"title\":\"x\",\"workflowDescription\":\"\\u0000\"}"),
        ("DELETE", "/api/v1/tenants/acme/roles/a%00b", ""),
        ("GET", "/api/v1/tenants/acme/workflows/..%2f..%2fetc", ""),
        ("GET", "/api/v1/tenants/acme/workflows/schemas?nodeType=nothing", ""),
    ] {
        let reply = ann.send(method, path, &[json], body.as_bytes());
        assert!((400..500).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text());
        texts.push(reply.text().to_lowercase());
    }
    for text in texts {
        for word in ["sql", "select", "diesel", ".rs", "panicked", "/tmp", "constraint", "0.1.0", "stack"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
    }
}
