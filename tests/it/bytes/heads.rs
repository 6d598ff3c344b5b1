//! H7, H8, W9: requests that are odd as HTTP. (H1-H6 and H9 are in `engineio::errors`.)

use std::time::{Duration, Instant};

use crate::harness::{Bystander, Http, Target, cases};

cases!(
    "/socket.io/",
    h3_other_methods,
    h7_parallel_requests,
    h8_many_and_large_headers,
    w9_bad_websocket_requests,
    smuggling,
);

fn h3_other_methods(t: &Target) {
    for method in ["PUT", "DELETE", "PATCH"] {
        t.http().request(method, &t.url("EIO=4&transport=polling"), &[], b"").assert_code(400, 2);
    }
    let reply = t.http().request("TRACE", &t.url("EIO=4&transport=polling"), &[], b"");
    assert!((400..500).contains(&reply.status), "{}", reply.status);
}

fn h7_parallel_requests(t: &Target) {
    let mut p = t.joined_polling();
    p.start_get();
    let mut second = p.connection();
    second.send("GET", p.url(), &[], b"").unwrap();
    let mut statuses = [p.pending().status, second.read().unwrap().unwrap().status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    p.assert_gone();
}

fn h8_many_and_large_headers(t: &Target) {
    let beside = Bystander::start(t);
    let url = t.url("EIO=4&transport=polling");
    let many: String = (0..200).map(|i| format!("x-h{i}: v\r\n")).collect();
    let large = format!("x-large: {}\r\n", "v".repeat(60_000));
    let huge = format!("x-huge: {}\r\n", "v".repeat(1_000_000));
    for headers in [many, large, huge] {
        let mut http = Http::connect(t.addr);
        let begin = Instant::now();
        let _ = http.send_raw(format!("GET {url} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes());
        // or a close without an answer
        if let Ok(Some(reply)) = http.read() {
            assert!([400, 431].contains(&reply.status), "{}", reply.status);
        }
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
    beside.check();
}

fn w9_bad_websocket_requests(t: &Target) {
    let url = t.url("EIO=4&transport=websocket");
    let key = "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let up = "connection: Upgrade\r\nupgrade: websocket\r\n";
    let version = "sec-websocket-version: 13\r\n";
    let rows = [
        ("version 12", format!("{up}{key}sec-websocket-version: 12\r\n"), true),
        ("no version", format!("{up}{key}"), true),
        ("no key", format!("{up}{version}"), false),
        ("short key", format!("{up}{version}sec-websocket-key: abc\r\n"), false),
        ("h2c", format!("connection: Upgrade\r\nupgrade: h2c\r\n{key}{version}"), false),
    ];
    for (name, headers, version_matters) in rows {
        let mut http = t.http();
        http.send_raw(format!("GET {url} HTTP/1.1\r\nhost: x\r\n{headers}\r\n").as_bytes()).unwrap();
        let reply = http.read().ok().flatten().unwrap_or_else(|| panic!("{name}: an answer"));
        assert!(reply.status == 400 || (version_matters && reply.status == 426), "{name}: {}", reply.status);
        if reply.status == 426 {
            assert_eq!(reply.header("sec-websocket-version"), Some("13"), "{name}");
        }
    }
}

fn smuggling(t: &Target) {
    let beside = Bystander::start(t);
    let url = t.url("EIO=4&transport=polling");
    let heads = [
        "content-length: 4\r\ntransfer-encoding: chunked\r\n",
        "content-length: 4\r\ncontent-length: 5\r\n",
        "transfer-encoding: xchunked\r\n",
        "content-length : 4\r\n",
        "content-length: +4\r\n",
        "x-a: b\r\n obs-fold: c\r\n",
    ];
    for head in heads {
        let mut http = t.http();
        let body = "0\r\n\r\nGET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
        let _ = http.send_raw(format!("POST {url} HTTP/1.1\r\nhost: x\r\n{head}\r\n{body}").as_bytes());
        http.set_timeout(Duration::from_secs(2));
        if let Ok(Some(reply)) = http.read() {
            assert!((400..500).contains(&reply.status), "{head}: {}", reply.status);
        }
    }
    beside.check();
}
