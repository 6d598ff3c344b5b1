//! Limits of one session, and who may open one.

use jethub::config::Rate;

use super::server::Server;
use crate::harness::Ws;

const OPEN: &str = "EIO=4&transport=polling";

#[test]
fn a_flood_is_answered_and_then_closed() {
    let server = Server::start(|config| config.limits.events = Rate::per_second(1, 3));
    let mut ws = server.joined();
    for id in 0..3 {
        ws.send(&format!("42{id}[\"now\",{id}]"));
        assert_eq!(ws.text(), format!("43{id}[{id}]"));
    }
    for id in 3..6 {
        ws.send(&format!("42{id}[\"now\"]"));
        let refused = ws.text();
        assert!(refused.starts_with(&format!("43{id}[{{\"ok\":false")), "{refused}");
        assert!(refused.contains("RATE_LIMITED"), "{refused}");
    }
    assert_eq!(ws.closed(), Some(1008));
}

#[test]
fn bytes_have_a_rate_too() {
    let server = Server::start(|config| config.limits.event_bytes = Rate::bytes_per_second(1000, 2000));
    let mut ws = server.joined();
    let text = "x".repeat(1500);
    ws.send(&format!("420[\"now\",\"{text}\"]"));
    assert!(ws.text().starts_with("430[\"xxx"));
    ws.send(&format!("421[\"now\",\"{text}\"]"));
    assert!(ws.text().contains("RATE_LIMITED"));
}

#[test]
fn a_session_joins_so_many_namespaces() {
    let server = Server::start(|config| config.limits.namespaces = 2);
    let mut ws = server.joined();
    ws.send("40/a,");
    assert!(ws.text().starts_with("40/a,"));
    ws.send("40/b,");
    let refused = ws.text();
    assert!(refused.starts_with("44/b,{") && refused.contains("RATE_LIMITED"), "{refused}");
    ws.send("41/a,");
    ws.send("40/b,");
    assert!(ws.text().starts_with("40/b,{\"sid\""));
}

#[test]
fn pages_of_other_origins_are_refused_before_there_is_a_session() {
    let server = Server::start(|config| {
        config.server.allowed_origins = vec!["https://good.example".to_owned()];
    });
    let t = &server.target;
    let bad = ["null", "https://good.example.evil.com", "https://good.example:8443", "http://good.example"];
    for origin in bad {
        let reply = t.http().request("GET", &t.url(OPEN), &[("origin", origin)], b"");
        reply.assert_code(403, 4);
        assert_eq!(reply.header("access-control-allow-origin"), None, "{origin}");
        let url = t.url("EIO=4&transport=websocket");
        let refused = Ws::try_open(t.addr, &url, &[("origin", origin)]).err().expect("refused before 101");
        assert_eq!(refused.status, 400, "{origin}");
    }
    assert_eq!(server.engine.sessions(), 0);
    let good = [("origin", "https://good.example")];
    let reply = t.http().request("GET", &t.url(OPEN), &good, b"");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("https://good.example"));
    assert_eq!(reply.header("vary"), Some("Origin"));
    assert_eq!(reply.header("access-control-allow-credentials"), None);
    assert_eq!(t.get(OPEN).status, 200, "no browser, no origin");
    let two = [("origin", "https://good.example"), ("origin", "https://evil.example")];
    let reply = t.http().request("GET", &t.url(OPEN), &two, b"");
    assert_eq!(reply.status, 400);
}

#[test]
fn an_address_opens_so_many_sessions() {
    let server = Server::start(|config| {
        config.limits.connections_per_ip = 2;
        config.limits.unknown_sids_per_ip = Rate::each(3, std::time::Duration::from_secs(60));
    });
    let t = &server.target;
    // loopback is a trusted proxy: its clients have addresses of their own
    let open = |ip: &str| t.http().request("GET", &t.url(OPEN), &[("x-forwarded-for", ip)], b"").status;
    assert_eq!([open("203.0.113.7"), open("203.0.113.7"), open("203.0.113.7")], [200, 200, 429]);
    assert_eq!(open("203.0.113.8"), 200);
    let mut http = t.http();
    let url = t.url("EIO=4&transport=websocket");
    let refused = Ws::try_open(t.addr, &url, &[("x-forwarded-for", "203.0.113.7")]).err().expect("refused");
    assert_eq!(refused.status, 429);
    let guess = t.url("EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA");
    let from = [("x-forwarded-for", "203.0.113.9")];
    for _ in 0..3 {
        http.request("GET", &guess, &from, b"").assert_code(400, 1);
    }
    assert_eq!(http.request("GET", &guess, &from, b"").status, 429);
    // without a proxy in between nothing is counted for loopback
    assert!((0..5).all(|_| t.get(OPEN).status == 200));
}
