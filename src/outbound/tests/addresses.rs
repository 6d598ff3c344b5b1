//! A48, A49, A52: what may be called, and what a request may hold.

use std::{net::TcpListener, sync::atomic::Ordering, time::Duration};

use super::rig::{Names, Server, guarded, ok, open};
use crate::{
    error::{Code, Coded},
    outbound::{Error, Request, Trust},
};

/// A48: hosts that all lead inside, in sixty spellings.
const INSIDE: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.0.0.1.",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "0177.1",
    "0177.0.0.01",
    "017700000001",
    "127.0x0.0.1",
    "%31%32%37.0.0.1",
    "１２７.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "0",
    "0.0.0.0",
    "0x0",
    "00.0.0.0",
    "0.0.0.1",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2001::1]",
    "[fd00:ec2::254]",
    "[fc00::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "169.254.169.254",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "[::ffff:169.254.169.254]",
    "10.0.0.1",
    "10.255.255.255",
    "167772161",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.1.254",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "a.localhost.test",
    "127.0.0.1.wildcard.test",
    "v6.test",
    "metadata.test",
    "mixed.test",
];

fn inside_names() -> std::sync::Arc<Names> {
    Names::of(&[
        ("localhost", &[&["127.0.0.1", "::1"]]),
        ("localhost.", &[&["127.0.0.1"]]),
        ("a.localhost.test", &[&["127.0.0.1"]]),
        ("127.0.0.1.wildcard.test", &[&["127.0.0.1"]]),
        ("v6.test", &[&["::1"]]),
        ("metadata.test", &[&["169.254.169.254"]]),
        ("mixed.test", &[&["::ffff:127.0.0.1", "10.1.2.3", "::1"]]),
    ])
}

#[tokio::test]
async fn sixty_ways_inside_reach_no_listener() {
    let server = Server::answering(|_| ok("inside")).await;
    // The same port on the other family, if this machine has one.
    let six = TcpListener::bind(("::1", server.port())).ok();
    let client = guarded(&[80, 443, server.port()], inside_names());
    for host in INSIDE {
        for url in [format!("http://{host}:{}/", server.port()), format!("https://{host}/")] {
            let error = client.send(Request::get(&url)).await.unwrap_err();
            assert_eq!(error.reason(), "blocked_address", "{url}: {error}");
            assert_eq!(error.code(), Code::NodeFailed);
            assert!(error.to_string().contains("outbound.allow_private"), "{error}");
        }
    }
    assert!(INSIDE.len() >= 60);
    assert_eq!(server.connections(), 0);
    if let Some(six) = six {
        six.set_nonblocking(true).unwrap();
        assert!(six.accept().is_err(), "somebody came to ::1");
    }
}

#[tokio::test]
async fn only_the_listed_ports_and_only_http() {
    let server = Server::answering(|_| ok("x")).await;
    let client = guarded(&[80, 443], Names::of(&[("outside.test", &[&["8.8.8.8"]])]));
    for port in [22, 25, 3306, 5432, 6379, 8080, server.port()] {
        let error = client.send(Request::get(format!("http://outside.test:{port}/"))).await.unwrap_err();
        assert_eq!(error, Error::BlockedPort { port });
        assert!(error.to_string().contains("outbound.ports"));
    }
    for url in [
        "ftp://outside.test/",
        "file:///etc/passwd",
        "gopher://outside.test/",
        "data:text/plain,x",
        "javascript:1",
        "outside.test/",
        "//outside.test/",
        "",
        "http://",
        "http:///",
        "http://user@outside.test/",
        "http://user:word@outside.test/",
        "http://[fe80::1%25eth0]/",
        "http://999.1.1.1/",
        "http://a b/",
        "unix:/run/docker.sock",
    ] {
        let error = client.send(Request::get(url)).await.unwrap_err();
        assert_eq!(error.reason(), "invalid_url", "{url}: {error}");
    }
    assert_eq!(server.connections(), 0);
}

/// A49: the name means something else each time it is asked for.
#[tokio::test]
async fn a_name_that_changes_its_meaning_gets_nowhere() {
    let server = Server::answering(|_| ok("inside")).await;
    let names = Names::of(&[(
        "rebind.test",
        &[&["127.0.0.1"], &[], &["::ffff:127.0.0.1", "127.0.0.1"], &["10.0.0.1"], &["0.0.0.0"]],
    )]);
    let client = guarded(&[server.port()], names.clone());
    let url = format!("http://rebind.test:{}/", server.port());
    for _ in 0..1_000 {
        assert!(client.send(Request::get(&url)).await.is_err());
    }
    assert_eq!(server.connections(), 0);
    // One lookup a call: nothing is looked up again between the check and the connection.
    assert_eq!(names.lookups.load(Ordering::SeqCst), 1_000);
}

#[tokio::test]
async fn of_several_addresses_only_the_public_ones_are_handed_on() {
    use reqwest::dns::Resolve;
    let names =
        Names::of(&[("mixed.test", &[&["127.0.0.1", "8.8.8.8", "::1", "2606:4700::1111", "10.0.0.1"]])]);
    let resolver = crate::outbound::resolver::Resolver { lookup: names, guarded: true, away: false };
    let found = resolver.resolve("mixed.test".parse().unwrap()).await.unwrap();
    let found: Vec<String> = found.map(|address| address.ip().to_string()).collect();
    assert_eq!(found, ["8.8.8.8", "2606:4700::1111"]);
}

#[tokio::test]
async fn the_operators_own_addresses_are_exempt() {
    let server = Server::answering(|_| ok("keys")).await;
    let client = guarded(&[443], Names::of(&[("keys.test", &[&["127.0.0.1"]])]));
    for url in [server.url("/"), format!("http://keys.test:{}/", server.port())] {
        let answer = client.send(Request::get(&url).trusted()).await.unwrap();
        assert_eq!((answer.status, &*answer.body), (200, &b"keys"[..]));
        // The connection that it leaves behind is not found by a tenant's call.
        let error = client.send(Request::get(&url)).await.unwrap_err();
        assert!(["blocked_address", "blocked_port"].contains(&error.reason()), "{error}");
    }
    assert_eq!(server.connections(), 2);
}

/// A52.
#[tokio::test]
async fn nothing_smuggles_a_line() {
    let server = Server::answering(|_| ok("x")).await;
    let client = open(&[server.port()]);
    let get = || Request::get(server.url("/"));
    let mut wrong = vec![
        Request { method: "GET / HTTP/1.1\r\nx: y\r\n\r\nGET".to_owned(), ..get() },
        Request { method: String::new(), ..get() },
        Request { method: "G T".to_owned(), ..get() },
        Request { method: "CONNECT".to_owned(), ..get() },
        Request { method: "TRACE".to_owned(), ..get() },
        Request::get(format!("{}\r\nx: y", server.url("/"))),
        Request::get(server.url("/\r\nx:y")),
        Request::get(format!("http://127.0.0.1\t:{}/", server.port())),
        Request::get(server.url("/\0")),
    ];
    for (name, value) in [
        ("x", "a\r\nb: c"),
        ("x", "a\nb"),
        ("x", "a\0"),
        ("x\r\ny", "a"),
        ("x y", "a"),
        ("", "a"),
        ("x:", "a"),
        ("ü", "a"),
        ("cookie", "a\r\nset: b"),
        ("host", "inside"),
        ("Host", "inside"),
        ("content-length", "0"),
        ("transfer-encoding", "chunked"),
        ("connection", "close"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "a"),
        ("te", "trailers"),
        ("expect", "100-continue"),
    ] {
        wrong.push(get().header(name, value));
    }
    for request in wrong {
        let shown = format!("{request:?}");
        let error = client.send(request).await.unwrap_err();
        assert_eq!(error.reason(), "invalid_header", "{shown}: {error}");
    }
    assert_eq!(server.connections(), 0);
    let percent = client.send(Request::get(server.url("/a%0d%0ab"))).await.unwrap();
    assert_eq!(percent.status, 200);
    assert!(server.last_head().starts_with("GET /a%0d%0ab HTTP/1.1\r\n"));
}

/// A52: the proxy of the environment is not asked, by neither client.
#[test]
fn environment_proxies_are_ignored() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let place = format!("http://{}", proxy.local_addr().unwrap());
    let own = std::env::current_exe().unwrap();
    let mut child = std::process::Command::new(own);
    child.args(["--exact", "outbound::tests::addresses::behind_a_proxy", "--ignored"]);
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        child.env(name, &place);
    }
    let outcome = child.output().unwrap();
    let told = String::from_utf8_lossy(&outcome.stdout);
    assert!(outcome.status.success() && told.contains("1 passed"), "{told}");
    assert!(proxy.accept().is_err(), "the proxy was asked");
}

#[tokio::test]
#[ignore = "started by environment_proxies_are_ignored with proxies in its environment"]
async fn behind_a_proxy() {
    let server = Server::answering(|_| ok("direct")).await;
    let client = open(&[server.port()]);
    for trust in [Trust::Guarded, Trust::Operator] {
        let request = Request { trust, ..Request::get(server.url("/")) };
        assert_eq!(&*client.send(request).await.unwrap().body, b"direct");
    }
    let request =
        Request { timeout: Some(Duration::from_secs(2)), ..Request::get("https://127.0.0.1:1/").trusted() };
    assert!(client.send(request).await.is_err());
}

#[tokio::test]
async fn the_hubs_own_port_is_not_called_even_where_the_inside_may_be() {
    let server = Server::answering(|_| ok("inside")).await;
    let other = Server::answering(|_| ok("other")).await;
    let client = open(&[server.port(), other.port()]);
    assert!(client.send(Request::get(server.url("/"))).await.is_ok(), "not said yet");
    client.clone().own_ports(vec![server.port()]);
    let before = server.connections();
    let port = server.port();
    for host in ["127.0.0.1", "127.0.0.2", "2130706433", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]", "one.test"]
    {
        let error = client.send(Request::get(format!("http://{host}:{port}/"))).await.unwrap_err();
        assert_eq!(error.reason(), "blocked_address", "{host}");
    }
    assert_eq!(server.connections(), before);
    assert!(client.send(Request::get(other.url("/"))).await.is_ok());
    assert!(client.send(Request::get(server.url("/")).trusted()).await.is_ok(), "the operator's word counts");
}
