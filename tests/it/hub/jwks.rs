//! Key sets behind an address: fetched once, kept while their issuer is away, rotated
//! (`faults.md` A3, A9, A10).

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use serde_json::{Value, json};

use super::tokens::{ISSUER, claims, ec, forged, jwk, rsa};
use crate::harness::{Hub, expect::eventually};
use jsonwebtoken::Algorithm;

/// What the issuer answers.
#[derive(Clone)]
enum Mode {
    Answer(&'static str, String),
    Slow,
}

struct Issuer {
    address: SocketAddr,
    mode: Arc<Mutex<Mode>>,
    asked: Arc<AtomicUsize>,
}

impl Issuer {
    fn start(mode: Mode) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (mode, asked) = (Arc::new(Mutex::new(mode)), Arc::new(AtomicUsize::new(0)));
        let (shared, count) = (Arc::clone(&mode), Arc::clone(&asked));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, SeqCst);
                let mode = shared.lock().unwrap().clone();
                std::thread::spawn(move || answer(stream, &mode));
            }
        });
        Self { address, mode, asked }
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn asked(&self) -> usize {
        self.asked.load(SeqCst)
    }

    fn hub(&self, gap: &str, cache: &str) -> Hub {
        let issuers = format!(
            "[{{ issuer = \"{ISSUER}\", audience = [\"jethub\"], kind = \"jwks_url\", url = \"http://{}/keys\", provision = {{ tenants = \"tenants\" }} }}]",
            self.address
        );
        Hub::with(&[
            ("auth.issuers", &issuers),
            ("auth.jwks_refetch_gap", gap),
            ("auth.jwks_cache", cache),
            ("auth.jwks_timeout", "500ms"),
            ("auth.jwks_max_bytes", "8KiB"),
        ])
    }
}

fn answer(mut stream: TcpStream, mode: &Mode) {
    let mut line = String::new();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    match mode {
        Mode::Answer(status, body) => {
            let (head, body) = match status.strip_prefix("302 ") {
                Some(to) => (format!("302 Found\r\nlocation: {to}"), String::new()),
                None => ((*status).to_owned(), body.clone()),
            };
            let length = body.len();
            let _ = write!(
                stream,
                "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
        Mode::Slow => std::thread::sleep(Duration::from_secs(3)),
    }
}

fn keys(keys: &[Value]) -> Mode {
    Mode::Answer("200 OK", json!({ "keys": keys }).to_string())
}

fn old() -> Value {
    jwk(&rsa(), Algorithm::RS256, "r")
}

fn by_rsa(kid: &str) -> String {
    let header = json!({ "alg": "RS256", "kid": kid }).to_string();
    forged(&header, &claims().to_string(), &rsa(), Algorithm::RS256)
}

fn by_ec() -> String {
    forged("{\"alg\":\"ES256\",\"kid\":\"e\"}", &claims().to_string(), &ec(), Algorithm::ES256)
}

fn status(hub: &Hub, token: &str) -> u16 {
    hub.request("GET", "/api/v1/tenants/acme/members", Some(token), None).status
}

#[test]
fn unknown_names_of_keys_cost_at_most_one_fetch() {
    let issuer = Issuer::start(keys(&[old()]));
    let hub = issuer.hub("1h", "1h");
    eventually("the set is fetched", Duration::from_secs(10), || {
        (status(&hub, &by_rsa("r")) == 200).then_some(())
    });
    for kid in 0..200 {
        assert_eq!(status(&hub, &by_rsa(&kid.to_string())), 401);
    }
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn the_last_good_keys_stay_while_the_issuer_is_away() {
    let issuer = Issuer::start(keys(&[old()]));
    let hub = issuer.hub("100ms", "1s");
    eventually("the set is fetched", Duration::from_secs(10), || {
        (status(&hub, &by_rsa("r")) == 200).then_some(())
    });
    let elsewhere = Issuer::start(keys(&[jwk(&ec(), Algorithm::ES256, "e")]));
    let moved: &'static str = format!("302 http://localhost:{}/keys", elsewhere.address.port()).leak();
    for mode in [
        Mode::Answer("500 Internal Server Error", String::new()),
        Mode::Answer("200 OK", "<html>sign in</html>".to_owned()),
        Mode::Answer("200 OK", "{\"keys\":[]}".to_owned()),
        Mode::Answer(
            "200 OK",
            format!("{{\"keys\":[{}],\"x\":\"{}\"}}", jwk(&ec(), Algorithm::ES256, "e"), "x".repeat(9000)),
        ),
        Mode::Answer(moved, String::new()),
        Mode::Slow,
    ] {
        issuer.set(mode);
        let before = issuer.asked();
        eventually("it is asked again", Duration::from_secs(10), || {
            assert_eq!(status(&hub, &by_ec()), 401, "a key that it never gave");
            assert_eq!(status(&hub, &by_rsa("r")), 200, "the last good keys");
            (issuer.asked() > before + 1).then_some(())
        });
    }
    assert_eq!(elsewhere.asked(), 0, "no redirect to another host is followed");
    // Rotated: the new key is in, the old one is out.
    issuer.set(keys(&[jwk(&ec(), Algorithm::ES256, "e")]));
    eventually("the new key opens", Duration::from_secs(10), || {
        (status(&hub, &by_ec()) == 200).then_some(())
    });
    assert_eq!(status(&hub, &by_rsa("r")), 401);
}

/// Without any key the verifier is what failed: the client may come again.
#[test]
fn without_any_key_the_answer_is_to_try_again() {
    let issuer = Issuer::start(Mode::Answer("503 Service Unavailable", String::new()));
    let hub = issuer.hub("100ms", "1s");
    let reply = hub.request("GET", "/api/v1/tenants/acme/members", Some(&by_rsa("r")), None);
    assert_eq!((reply.status, &reply.json()["error"]["code"]), (503, &json!("SERVER_ERROR")));
    assert!(reply.header("retry-after").is_some());
    issuer.set(keys(&[old()]));
    eventually("the key opens", Duration::from_secs(10), || {
        (status(&hub, &by_rsa("r")) == 200).then_some(())
    });
}
