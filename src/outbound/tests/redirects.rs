//! A50: redirects.

use super::rig::{Names, Server, guarded, ok, open, redirect};
use crate::outbound::{Error, Redirects, Request};

#[tokio::test]
async fn five_redirects_are_followed_and_no_more() {
    let server = Server::answering(|head| {
        let left: u32 = head.split(['/', ' ']).find_map(|part| part.parse().ok()).unwrap_or(0);
        if left == 0 { ok("there") } else { redirect(302, &format!("/{}", left - 1)) }
    })
    .await;
    let client = open(&[server.port()]);
    let answer = client.send(Request::get(server.url("/5"))).await.unwrap();
    assert_eq!((&*answer.body, answer.url), (&b"there"[..], server.url("/0")));
    assert_eq!(client.send(Request::get(server.url("/6"))).await, Err(Error::Redirect("too often")));
    let circle = Server::answering(|_| redirect(302, "/")).await;
    let client = open(&[circle.port()]);
    assert_eq!(client.send(Request::get(circle.url("/"))).await, Err(Error::Redirect("too often")));
    assert_eq!(circle.connections(), 6);
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_address() {
    let inside = Server::answering(|_| ok("inside")).await;
    let port = inside.port();
    let targets = [
        (format!("http://127.0.0.1:{port}/"), "blocked_address"),
        (format!("http://2130706433:{port}/"), "blocked_address"),
        (format!("//[::1]:{port}/"), "blocked_address"),
        (format!("http://name.test:{port}/"), "blocked_address"),
        ("http://8.8.8.8:22/".to_owned(), "blocked_port"),
        ("http://user@8.8.8.8/".to_owned(), "invalid_url"),
        ("file:///etc/passwd".to_owned(), "redirect"),
        ("ftp://8.8.8.8/".to_owned(), "redirect"),
        ("gopher://8.8.8.8/".to_owned(), "redirect"),
        ("http://[".to_owned(), "redirect"),
    ];
    for (target, reason) in targets {
        let location = target.clone();
        // The first address is the operator's, so that it may be here; where it points to is not.
        let first = Server::answering(move |_| redirect(302, &location)).await;
        let client = guarded(&[80, 443, port], Names::of(&[("name.test", &[&["127.0.0.1"]])]));
        let error = client.send(Request::get(first.url("/")).trusted()).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{target}: {error}");
    }
    assert_eq!(inside.connections(), 0);
}

#[tokio::test]
async fn credentials_stay_with_their_origin() {
    let server = Server::answering(|head| {
        let port =
            head.lines().find_map(|line| line.strip_prefix("host: ")).and_then(|host| host.split(':').nth(1));
        let port = port.unwrap_or_default();
        match head.split(' ').nth(1) {
            Some("/same") => redirect(307, "/end"),
            Some("/other") => redirect(307, &format!("http://two.test:{port}/end")),
            _ => ok("end"),
        }
    })
    .await;
    let client = open(&[server.port()]);
    let call = |path: &str| {
        Request::get(format!("http://one.test:{}{path}", server.port()))
            .header("authorization", "Bearer secret")
            .header("cookie", "secret=1")
            .header("x-api-key", "secret")
            .header("accept", "text/plain")
    };
    client.send(call("/same")).await.unwrap();
    assert_eq!(server.last_head().matches("secret").count(), 3);
    client.send(call("/other")).await.unwrap();
    let head = server.last_head();
    assert!(head.contains("host: two.test") && head.contains("accept: text/plain"), "{head}");
    assert!(!head.contains("secret"), "{head}");
}

#[tokio::test]
async fn methods_and_bodies_follow_the_status() {
    for (method, status, expected, with_body) in [
        ("POST", 301, "GET", false),
        ("POST", 302, "GET", false),
        ("POST", 303, "GET", false),
        ("PUT", 303, "GET", false),
        ("HEAD", 303, "HEAD", false),
        ("PUT", 301, "PUT", true),
        ("POST", 307, "POST", true),
        ("POST", 308, "POST", true),
        ("DELETE", 302, "DELETE", true),
    ] {
        let server =
            Server::answering(
                move |head| {
                    if head.contains(" /end ") { ok("") } else { redirect(status, "/end") }
                },
            )
            .await;
        let client = open(&[server.port()]);
        let body = (method != "HEAD").then(|| "body".into());
        let request = Request { method: method.to_owned(), body, ..Request::get(server.url("/")) };
        client.send(request.header("content-type", "text/plain")).await.unwrap();
        let head = server.last_head();
        assert!(head.starts_with(&format!("{expected} /end ")), "{method} {status}: {head}");
        assert_eq!(head.contains("content-length: 4"), with_body, "{method} {status}: {head}");
    }
}

#[tokio::test]
async fn a_call_may_stay_at_its_origin_or_follow_nothing() {
    let server = Server::answering(|head| match head.split(' ').nth(1) {
        Some("/away") => redirect(302, "http://two.test/"),
        Some("/here") => redirect(302, "/end"),
        _ => ok("end"),
    })
    .await;
    let client = open(&[80, server.port()]);
    let call = |path: &str, redirects| Request { redirects, ..Request::get(server.url(path)) };
    let away = client.send(call("/away", Redirects::SameOrigin)).await;
    assert_eq!(away, Err(Error::Redirect("to another host")));
    assert_eq!(&*client.send(call("/here", Redirects::SameOrigin)).await.unwrap().body, b"end");
    let answer = client.send(call("/away", Redirects::None)).await.unwrap();
    assert_eq!((answer.status, answer.header("location")), (302, Some("http://two.test/")));
    // 304 and 300 are answers.
    let odd = Server::answering(|_| redirect(304, "/x")).await;
    assert_eq!(open(&[odd.port()]).send(Request::get(odd.url("/"))).await.unwrap().status, 304);
}
