//! A51: answers that are too large, never end, never begin, or are no HTTP.

use std::time::Duration;

use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep},
};

use super::rig::{Server, ok, open, open_with};
use crate::{
    config::{DurationSetting, Size, sections},
    outbound::{Error, Outbound, Phase, Request},
};

/// 64 KiB at most, short times.
fn strict(port: u16) -> Outbound {
    open_with(sections::Outbound {
        ports: vec![port],
        max_body: Size::kib(64),
        connect_timeout: DurationSetting::from_millis(500),
        idle_timeout: DurationSetting::from_millis(300),
        total_timeout: DurationSetting::from_millis(1500),
        ..sections::Outbound::default()
    })
}

const TOO_LARGE: Error = Error::TooLarge { limit: 64 * 1024 };

/// A gzip member that unpacks to so many zeros: a stored header, then repeats of one fixed block.
fn gzip_of_zeros(length: usize) -> Vec<u8> {
    use std::io::Write;
    let mut packed = std::process::Command::new("gzip")
        .arg("-9c")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = packed.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(&vec![0; length]).unwrap());
    let output = packed.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    output
}

#[tokio::test]
async fn an_answer_has_status_headers_and_body_up_to_the_limit() {
    let body = "x".repeat(64 * 1024);
    let server = Server::answering(move |_| {
        let mut answer = format!(
            "HTTP/1.1 404 No\r\nX-Name: Value\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        )
        .into_bytes();
        answer.extend_from_slice(body.as_bytes());
        answer
    })
    .await;
    let answer = strict(server.port()).send(Request::get(server.url("/p?q=1"))).await.unwrap();
    assert_eq!((answer.status, answer.header("x-name"), answer.body.len()), (404, Some("Value"), 64 * 1024));
    let head = server.last_head();
    assert!(head.starts_with("GET /p?q=1 HTTP/1.1\r\n") && head.contains("user-agent: jethub/"), "{head}");
    let small = Request { max_body: Some(10), ..Request::get(server.url("/")) };
    assert_eq!(open(&[server.port()]).send(small).await, Err(Error::TooLarge { limit: 10 }));
}

#[tokio::test]
async fn what_announces_too_much_is_not_read() {
    let server =
        Server::answering(|_| b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\nx".to_vec()).await;
    assert_eq!(strict(server.port()).send(Request::get(server.url("/"))).await, Err(TOO_LARGE));
}

#[tokio::test]
async fn what_never_ends_is_cut() {
    for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"] {
        let server = Server::with(move |mut stream, _| async move {
            let chunked = head.contains("chunked");
            let _ = stream.write_all(head.as_bytes()).await;
            let piece = if chunked { format!("400\r\n{}\r\n", "x".repeat(1024)) } else { "x".repeat(1024) };
            while stream.write_all(piece.as_bytes()).await.is_ok() {}
        })
        .await;
        assert_eq!(strict(server.port()).send(Request::get(server.url("/"))).await, Err(TOO_LARGE), "{head}");
    }
}

#[tokio::test]
async fn the_limit_holds_for_what_is_unpacked() {
    let packed = |length| {
        let body = gzip_of_zeros(length);
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n", body.len());
        [head.into_bytes(), body].concat()
    };
    let (bomb, fitting) = (packed(50_000_000), packed(60_000));
    assert!(bomb.len() < 64 * 1024);
    let server =
        Server::answering(move |head| if head.contains("/bomb") { bomb.clone() } else { fitting.clone() })
            .await;
    let client = strict(server.port());
    assert_eq!(client.send(Request::get(server.url("/bomb"))).await, Err(TOO_LARGE));
    assert_eq!(client.send(Request::get(server.url("/fits"))).await.unwrap().body.len(), 60_000);
}

#[tokio::test]
async fn silence_and_drops_end_in_time() {
    // Nothing at all; a head and then nothing; a byte now and then.
    let silent = Server::with(|stream, _| async move {
        sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    let stuck = Server::with(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx").await;
        sleep(Duration::from_secs(60)).await;
    })
    .await;
    let drip = Server::with(|mut stream, _| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    for (server, phase, most) in
        [(&silent, Phase::Idle, 1400), (&stuck, Phase::Idle, 1400), (&drip, Phase::Total, 3000)]
    {
        let begun = Instant::now();
        let error = strict(server.port()).send(Request::get(server.url("/"))).await.unwrap_err();
        assert_eq!(error, Error::Timeout(phase));
        assert!(begun.elapsed() < Duration::from_millis(most), "{phase:?} {:?}", begun.elapsed());
    }
    let own = Request { timeout: Some(Duration::from_millis(100)), ..Request::get(drip.url("/")) };
    assert_eq!(strict(drip.port()).send(own).await, Err(Error::Timeout(Phase::Total)));
}

#[tokio::test]
async fn what_is_no_answer_is_an_error_without_details() {
    for garbage in [
        "",
        "SSH-2.0-OpenSSH\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "\0\0\0\0",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nshort",
    ] {
        let server = Server::answering(move |_| garbage.as_bytes().to_vec()).await;
        let error = strict(server.port()).send(Request::get(server.url("/?token=secret"))).await.unwrap_err();
        assert_eq!(error.reason(), "unreachable", "{garbage:?}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
    let closed = {
        let server = Server::answering(|_| ok("")).await;
        server.address
    };
    let client = strict(closed.port());
    let error = client.send(Request::get(format!("http://{closed}/"))).await.unwrap_err();
    assert_eq!(error, Error::Unreachable("it takes no connection".to_owned()));
    let unknown =
        client.send(Request::get(format!("http://nobody.test:{}/", closed.port()))).await.unwrap_err();
    assert_eq!(unknown.reason(), "unreachable");
    // A large head is no answer either.
    let heads = Server::answering(|_| {
        format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "y".repeat(2_000_000)).into_bytes()
    })
    .await;
    assert_eq!(
        strict(heads.port()).send(Request::get(heads.url("/"))).await.unwrap_err().reason(),
        "unreachable"
    );
}
