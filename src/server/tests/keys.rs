//! A10: a key set that really comes over the network, or does not.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use parking_lot::Mutex;

use super::super::keys::fetcher;
use crate::{
    auth::FetchJwks,
    config::{DurationSetting, sections},
    outbound::Outbound,
};

const SET: &str = r#"{"keys":[]}"#;

type Script = Arc<Mutex<Arc<dyn Fn(&mut TcpStream) + Send + Sync>>>;

/// A server whose answer a test may change.
fn endpoint() -> (SocketAddr, Script) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let script: Script = Arc::new(Mutex::new(Arc::new(|_| ())));
    let serving = script.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|read| read == 1) {
                head.push(byte[0]);
            }
            let answer = serving.lock().clone();
            answer(&mut stream);
        }
    });
    (address, script)
}

fn says(script: &Script, status: &str, headers: &str, body: &str) {
    let length = body.len();
    let answer =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    *script.lock() = Arc::new(move |stream| {
        // The client may have seen enough.
        let _ = stream.write_all(answer.as_bytes());
    });
}

#[tokio::test]
async fn a_set_is_fetched_within_its_limits() {
    let settings =
        sections::Auth { jwks_timeout: DurationSetting::from_millis(400), ..sections::Auth::default() };
    let keys: Arc<dyn FetchJwks> = fetcher(Outbound::new(&sections::Outbound::default()).unwrap(), &settings);
    let (address, script) = endpoint();
    let (inside, other) = endpoint();
    says(&other, "200 OK", "", "inside");
    // Loopback and an odd port: the address is the operator's own.
    let url = format!("http://{address}/keys");

    says(&script, "200 OK", "content-type: application/json\r\n", SET);
    assert_eq!(keys.fetch(&url).await.unwrap(), SET);

    for status in ["404 Not Found", "500 Oops", "204 No Content", "304 Not Modified"] {
        says(&script, status, "", "");
        assert!(keys.fetch(&url).await.unwrap_err().contains("answered"), "{status}");
    }
    says(&script, "200 OK", "", &"x".repeat(10_000_000));
    assert_eq!(keys.fetch(&url).await.unwrap_err(), "the answer is larger than 262144 bytes");

    // To the inside, to another port of the same host, to another scheme: no keys of ours are there.
    for target in
        [format!("http://{inside}/"), "http://169.254.169.254/".to_owned(), "file:///etc/passwd".to_owned()]
    {
        says(&script, "302 Found", &format!("location: {target}\r\n"), "");
        assert!(keys.fetch(&url).await.unwrap_err().contains("redirects"), "{target}");
    }
    // HTML is a body like another: whether it is a set is the verifier's question.
    says(&script, "200 OK", "content-type: text/html\r\n", "<html>");
    assert_eq!(keys.fetch(&url).await.unwrap(), "<html>");

    *script.lock() = Arc::new(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{");
        std::thread::sleep(Duration::from_millis(1_500));
    });
    let begun = tokio::time::Instant::now();
    assert!(keys.fetch(&url).await.is_err());
    assert!(begun.elapsed() < Duration::from_millis(1_200), "{:?}", begun.elapsed());

    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert!(keys.fetch(&format!("http://{nobody}/keys")).await.is_err());
}
