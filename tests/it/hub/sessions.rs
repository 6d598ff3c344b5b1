//! Sessions behind the real hub: a page sees its run, and every client is told when the hub stops
//! (`faults.md` F8).

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{Frame, Hub, Polling, Target, Ws, expect::SOON, hub::token};

const SOCKET: &str = "/socket.io/?EIO=4&transport=websocket";

/// A websocket that has joined `/` with a token.
fn joined(hub: &Hub, token: &str) -> Ws {
    let mut ws = Ws::open(hub.address, SOCKET);
    assert!(ws.text().starts_with("0{"));
    ws.send(&format!("40{{\"token\":\"{token}\"}}"));
    let answer = ws.text();
    assert!(answer.starts_with("40{\"sid\""), "{answer}");
    ws
}

#[test]
fn a_page_sees_its_run_to_the_end() {
    let hub = Hub::start();
    let ann = token("ann", &[("acme", "ADMIN")], false);
    let graph = json!({
        "title": "Sales",
        "nodes": [
            { "id": "s", "type": "start", "data": {} },
            { "id": "js", "type": "javascript", "data": { "code": "return ctx.input.n * 2" } },
            { "id": "e", "type": "end", "data": { "outputParameters": [
                { "name": "total", "sourceVariable": "{{ctx.jsResult}}" }
            ] } },
        ],
        "edges": [{ "source": "s", "target": "js" }, { "source": "js", "target": "e", "sourceHandle": "success" }],
    });
    let saved = hub.post("/api/v1/tenants/acme/workflows", &ann, &graph);
    let wf = saved["workflow"]["workflowID"].as_str().unwrap().to_owned();
    let mut ws = joined(&hub, &ann);
    let execute = format!("/api/v1/tenants/acme/workflows/{wf}/execute");
    let run = hub.post(&execute, &ann, &json!({ "inputValues": { "n": 21 } }));
    ws.send(&format!("42{}", json!(["workflow_run_join", { "runId": run["instanceID"] }])));
    let mut nodes = Vec::new();
    let end = loop {
        let text = ws.text();
        let event: Value = serde_json::from_str(text.strip_prefix("42").expect("an event")).unwrap();
        match event[0].as_str() {
            Some("workflow_node_update") => nodes.push(event[1]["nodeID"].as_str().unwrap().to_owned()),
            Some("workflow_status_update") => break event[1].clone(),
            _ => panic!("{text}"),
        }
    };
    assert_eq!(nodes, ["s", "js", "e"]);
    assert_eq!((&end["status"], &end["output"]), (&json!("COMPLETED"), &json!({ "total": 42 })));
}

#[test]
fn every_client_is_told_when_the_hub_stops() {
    let mut hub = Hub::start();
    let ann = token("ann", &[("acme", "ADMIN")], false);
    let mut sockets: Vec<Ws> = (0..20).map(|_| joined(&hub, &ann)).collect();
    let target = Target { addr: hub.address, path: "/socket.io/", mounted: false };
    let mut polls: Vec<Polling> = (0..20)
        .map(|_| {
            let mut poll = Polling::open(&target);
            poll.post_ok(format!("40{{\"token\":\"{ann}\"}}"));
            assert!(poll.next().starts_with("40{"));
            poll.start_get();
            poll
        })
        .collect();
    let begun = Instant::now();
    hub.signal("TERM");
    for ws in &mut sockets {
        let mut told = false;
        loop {
            match ws.poll(SOON).expect("an end") {
                Frame::Text(text) => told |= text == "1" || text == "41",
                Frame::Close(_) => told = true,
                Frame::End => break,
                _ => {}
            }
        }
        assert!(told, "the socket was cut without a word");
    }
    for poll in &mut polls {
        let last = poll.pending();
        assert_eq!(last.status, 200);
        assert!(last.text().split('\u{1e}').any(|packet| packet == "1" || packet == "41"), "{}", last.text());
    }
    assert_eq!(hub.ended(Duration::from_secs(25)).code(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

/// No session is begun for somebody without a credential, and the refusal says which code.
#[test]
fn a_refused_handshake_has_its_code() {
    let hub = Hub::start();
    for (auth, code) in [
        ("", "USER_AUTH_TOKEN_NOT_FOUND"),
        ("{\"token\":\"a.b.c\"}", "USER_AUTH_TOKEN_EXPIRED"),
        ("{\"apiKey\":\"0123456789abcdef\"}", "INVALID_API_KEY"),
        ("{\"firebase_id\":\"ann\"}", "USER_AUTH_TOKEN_NOT_FOUND"),
    ] {
        let mut ws = Ws::open(hub.address, SOCKET);
        ws.text();
        ws.send(&format!("40{auth}"));
        let answer = ws.text();
        let refusal: Value = serde_json::from_str(answer.strip_prefix("44").expect("connect_error")).unwrap();
        assert_eq!(refusal["data"]["code"], code, "{auth}: {answer}");
    }
    let ann = token("ann", &[("acme", "MEMBER")], false);
    let mut ws = Ws::open(hub.address, SOCKET);
    ws.text();
    ws.send(&format!("40/monitor,{{\"token\":\"{ann}\"}}"));
    assert!(ws.text().contains("PERMISSION_DENIED"));
}

/// An operator, an admin and an admin's key look at `/monitor`; a key of less does not.
#[test]
fn admins_and_their_keys_open_the_monitor() {
    let hub = Hub::start();
    let ann = token("ann", &[("acme", "ADMIN")], false);
    let key = |role: Option<&str>| {
        let body = json!({ "apiKeyTitle": "ops", "role": role });
        json!({ "apiKey": hub.post("/api/v1/tenants/acme/apikeys", &ann, &body)["key"] })
    };
    let cases = [
        (json!({ "token": token("root", &[], true) }), "40/monitor,"),
        (json!({ "token": ann }), "40/monitor,"),
        (key(None), "40/monitor,"),
        (key(Some("ADMIN")), "40/monitor,"),
        (key(Some("MEMBER")), "44/monitor,"),
    ];
    for (auth, expected) in cases {
        let mut ws = Ws::open(hub.address, SOCKET);
        ws.text();
        ws.send(&format!("40/monitor,{auth}"));
        let answer = ws.text();
        assert!(answer.starts_with(expected), "{answer}");
    }
}
