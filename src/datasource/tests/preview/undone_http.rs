//! Whether a failed request may have happened.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{io::AsyncReadExt, net::TcpListener};

use super::proxy::nobody;
use crate::{
    config::sections,
    datasource::{
        Glance, Undone,
        tests::rig::{Rig, Server, open_settings, outbound_to, respond, tenant},
    },
    ids::DataQueryId,
    outbound::System,
};

async fn carry_out(rig: &Rig, query: &DataQueryId, limit: Duration) -> Result<Glance, Undone> {
    let mut call = Rig::call(query, json!({}));
    (call.run, call.timeout) = (None, limit);
    rig.sources.carry_out(call, 2).await
}

async fn undone(rig: &Rig, query: &DataQueryId) -> (&'static str, bool) {
    match carry_out(rig, query, Duration::from_secs(20)).await {
        Err(Undone { error, sent }) => (error.reason(), sent),
        Ok(seen) => panic!("{seen:?}"),
    }
}

async fn scripted() -> Server {
    Server::answering(|request| match request.split(' ').nth(1).unwrap_or_default() {
        "/list" => respond(200, "", "[1,2,3]"),
        "/words" => respond(200, "", "no JSON"),
        "/large" => respond(200, "", &json!("x".repeat(5 << 20)).to_string()),
        "/bad" => respond(400, "", ""),
        "/late" => respond(408, "", ""),
        "/fault" => respond(500, "", ""),
        "/busy" => respond(503, "retry-after: 1\r\n", ""),
        "/see" => respond(303, "location: /bad\r\n", ""),
        "/inside" => respond(307, "location: http://169.254.1.1:9/\r\n", ""),
        "/cut" => "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{".to_owned(),
        _ => String::new(),
    })
    .await
}

#[tokio::test]
async fn of_a_service() {
    let server = scripted().await;
    let rig = Rig::with(open_settings(), outbound_to(&server), Arc::new(System));
    let source = rig.source("http", json!({ "url": server.url() }), json!({}));
    let post = |path: &str| rig.query(&source, json!({ "path": path, "method": "POST", "body": {} }));
    let seen = carry_out(&rig, &post("/list"), Duration::from_secs(20)).await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (2, true));
    assert!(server.last().to_ascii_lowercase().contains("idempotency-key: r1/n1/1"));
    for (path, expected) in [
        ("/words", ("answer", true)),
        ("/large", ("max_bytes", true)),
        ("/cut", ("unreachable", true)),
        ("/silent", ("unreachable", true)),
        ("/late", ("status", true)),
        ("/fault", ("status", true)),
        ("/busy", ("status", true)),
        ("/see", ("status", true)),
        ("/inside", ("blocked_address", true)),
        ("/bad", ("status", false)),
    ] {
        assert_eq!(undone(&rig, &post(path)).await, expected, "{path}");
    }
    let get = rig.query(&source, json!({ "path": "/fault" }));
    assert_eq!(undone(&rig, &get).await, ("status", false), "it only reads");
    let invalid = json!({ "method": "POST", "path": "/list", "headers": { "A": "a\r\nb" } });
    assert_eq!(undone(&rig, &rig.query(&source, invalid)).await, ("settings", false));
}

#[tokio::test]
async fn where_nobody_listens_and_where_nobody_answers() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let closed = nobody().await;
    let outbound = sections::Outbound {
        allow_private: true,
        ports: vec![port, closed],
        ..sections::Outbound::default()
    };
    let rig = Rig::with(open_settings(), outbound, Arc::new(System));
    let post = |port: u16| {
        let source = rig.source("http", json!({ "url": format!("http://127.0.0.1:{port}") }), json!({}));
        rig.query(&source, json!({ "path": "/x", "method": "POST", "body": {} }))
    };
    assert_eq!(undone(&rig, &post(closed)).await, ("unreachable", false));
    let blocked = post(port.wrapping_add(1).max(2));
    assert_eq!(undone(&rig, &blocked).await, ("blocked_address", false));
    let silent = post(port);
    let (outcome, _) = tokio::join!(carry_out(&rig, &silent, Duration::from_secs(3)), async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut buffer = [0; 1024];
        while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
    });
    let Err(Undone { error, sent }) = outcome else { panic!() };
    assert_eq!((error.reason(), sent), ("timeout", true));
}

#[tokio::test]
async fn of_the_query_service() {
    let server = Server::answering(|request| {
        let body: Value =
            request.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body).unwrap()).unwrap();
        match body["inputValues"]["n"].as_u64() {
            Some(1) => respond(500, "", ""),
            Some(2) => respond(422, "", ""),
            _ => respond(200, "", "{\"rows\":1}"),
        }
    })
    .await;
    let service = |port: u16| sections::DataSource {
        service_url: Some(format!("http://127.0.0.1:{port}")),
        ..open_settings()
    };
    let rig = Rig::with(service(server.port), sections::Outbound::default(), Arc::new(System));
    let of =
        |n: u64| rig.query_of(&tenant(), None, json!({ "inputDefinitions": [{ "key": "n", "default": n }] }));
    let seen = carry_out(&rig, &of(3), Duration::from_secs(20)).await.unwrap();
    assert_eq!(seen.value, Some(json!({ "rows": 1 })));
    assert_eq!(undone(&rig, &of(1)).await, ("status", true));
    assert_eq!(undone(&rig, &of(2)).await, ("status", false));
    let rig = Rig::with(service(nobody().await), sections::Outbound::default(), Arc::new(System));
    let query = rig.query_of(&tenant(), None, json!({}));
    assert_eq!(undone(&rig, &query).await, ("unreachable", false));
}
