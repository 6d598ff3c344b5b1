//! Connect with auth, events, acks and bytes both ways, a custom namespace, a refused one, leaving
//! and coming back: socket.io-client 4.8, 4.0, 3.1 and python-socketio, by websocket only, by polling
//! only, and upgrading.

use serde_json::json;

use crate::harness::{
    Target,
    driver::{Driver, KINDS, Kind, Via, WAYS, events_of},
};

fn conversation(kind: Kind) {
    let Some(target) = Target::owned("/socket.io/") else { return };
    let url = format!("http://{}", target.addr);
    let mut driver = Driver::start(kind);
    for via in WAYS {
        let name = format!("{via:?}");
        driver.connect(&name, &url, via, json!({ "token": "t1" }), json!({}));
        driver.happens(&name, "connect");
        driver.wait("the auth event", |all| {
            all.iter()
                .any(|e| {
                    e["id"] == name.as_str()
                        && e["event"] == "auth"
                        && e["args"] == json!([{ "token": "t1" }])
                })
                .then_some(())
        });
        driver.emit(&name, "message", json!([1, "2", { "3": [true, null] }, { "$bin": "AQID" }]));
        driver.wait("the message back", |all| {
            let back = all.iter().find(|e| e["id"] == name.as_str() && e["event"] == "message-back")?;
            assert_eq!(back["args"], json!([1, "2", { "3": [true, null] }, { "$bin": "AQID" }]));
            Some(())
        });
        for i in 0..20 {
            assert_eq!(
                driver.ask(&name, "message-with-ack", json!([i, { "a": "b" }])),
                json!([i, { "a": "b" }])
            );
        }
        if via == Via::Both && kind != Kind::Python {
            driver.happens(&name, "upgrade");
        }
        let last = driver.ask(&name, "message-with-ack", json!([{ "$bin": "AQIDBA==" }]));
        assert_eq!(last, json!([{ "$bin": "AQIDBA==" }]));
        let trouble = driver
            .seen
            .iter()
            .find(|e| e["id"] == name.as_str() && (e["what"] == "disconnect" || e["what"] == "error"));
        assert_eq!(trouble, None);
        driver.close(&name);
        driver.happens(&name, "disconnect");
    }
}

fn namespaces(kind: Kind) {
    let Some(target) = Target::owned("/socket.io/") else { return };
    let url = format!("http://{}", target.addr);
    let mut driver = Driver::start(kind);
    driver.connect("custom", &url, Via::Both, json!({ "a": 1 }), json!({ "nsp": "/custom" }));
    driver.happens("custom", "connect");
    driver.wait("its auth", |all| (events_of(all, "custom", "auth") == [json!({ "a": 1 })]).then_some(()));
    driver.connect(
        "nowhere",
        &url,
        Via::Websocket,
        json!({}),
        json!({ "nsp": "/random", "reconnection": false }),
    );
    let refusal = driver.happens("nowhere", "connect_error");
    assert_eq!(refusal["message"], "Invalid namespace");
}

fn comes_back(kind: Kind) {
    let Some(target) = Target::owned("/socket.io/") else { return };
    let url = format!("http://{}", target.addr);
    let mut driver = Driver::start(kind);
    driver.connect("a", &url, Via::Both, json!({}), json!({}));
    driver.happens("a", "connect");
    assert_eq!(driver.ask("a", "message-with-ack", json!([1])), json!([1]));
    driver.cut("a");
    driver.wait("a second connect", |all| {
        (all.iter().filter(|e| e["what"] == "connect").count() == 2).then_some(())
    });
    assert_eq!(driver.ask("a", "message-with-ack", json!([2])), json!([2]));
}

#[test]
fn socket_io_client_4_8() {
    conversation(KINDS[0]);
    namespaces(KINDS[0]);
    comes_back(KINDS[0]);
}

#[test]
fn socket_io_client_4_0() {
    conversation(KINDS[1]);
    namespaces(KINDS[1]);
    comes_back(KINDS[1]);
}

#[test]
fn socket_io_client_3_1() {
    conversation(KINDS[2]);
    namespaces(KINDS[2]);
    comes_back(KINDS[2]);
}

#[test]
fn python_socketio() {
    conversation(KINDS[3]);
    namespaces(KINDS[3]);
}
