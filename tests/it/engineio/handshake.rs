//! Opening a session. Cases 1-7 of protocol.md 1.12, for both paths:
//! 1 polling opens; 2 wrong EIO; 3 wrong transport; 4 wrong method; 5 websocket opens; 6, 7 the same
//! refusals for a websocket.

use serde_json::Value;

use crate::harness::{Target, cases};

cases!(
    "/engine.io/",
    polling_opens_a_session,
    polling_refuses_other_revisions,
    polling_refuses_unknown_transports,
    polling_refuses_other_methods,
    websocket_opens_a_session,
    websocket_refuses_other_revisions,
    websocket_refuses_unknown_transports,
    a_sub_path_is_no_session,
    sids_are_secrets,
    any_cache_buster_is_ignored,
);

#[track_caller]
fn assert_open(open: &Value, upgrades: &[&str]) {
    let mut keys: Vec<_> = open.as_object().expect("an object").keys().cloned().collect();
    keys.sort();
    assert_eq!(keys, ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"]);
    assert!(open["sid"].as_str().is_some_and(|s| !s.is_empty()));
    assert_eq!(open["upgrades"], serde_json::json!(upgrades));
    assert_eq!(open["pingInterval"], 300);
    assert_eq!(open["pingTimeout"], 200);
    assert_eq!(open["maxPayload"], 1_000_000);
}

pub fn polling_opens_a_session(t: &Target) {
    assert_open(&t.polling().open, &["websocket"]);
}

pub fn polling_refuses_other_revisions(t: &Target) {
    for query in ["transport=polling", "transport=polling&EIO=abc", "transport=polling&EIO=3"] {
        t.get(query).assert_code(400, 5);
    }
}

pub fn polling_refuses_unknown_transports(t: &Target) {
    for query in ["EIO=4", "EIO=4&transport=abc"] {
        t.get(query).assert_code(400, 0);
    }
}

pub fn polling_refuses_other_methods(t: &Target) {
    for method in ["POST", "PUT"] {
        let reply = t.http().request(method, &t.url("EIO=4&transport=polling"), &[], b"");
        reply.assert_code(400, 2);
    }
}

pub fn websocket_opens_a_session(t: &Target) {
    let (_ws, open) = t.websocket_and_open();
    assert_open(&open, &[]);
}

pub fn websocket_refuses_other_revisions(t: &Target) {
    for query in ["transport=websocket", "transport=websocket&EIO=abc", "transport=websocket&EIO=3"] {
        t.refuses_websocket(query);
    }
}

pub fn websocket_refuses_unknown_transports(t: &Target) {
    for query in ["EIO=4", "EIO=4&transport=abc"] {
        t.refuses_websocket(query);
    }
}

fn a_sub_path_is_no_session(t: &Target) {
    let reply = t.http().get("/engine.iox/?EIO=4&transport=polling");
    assert_eq!(reply.status, 404, "{}", reply.text());
}

fn sids_are_secrets(t: &Target) {
    let sids: Vec<_> = (0..8).map(|_| t.polling().sid).collect();
    for (i, sid) in sids.iter().enumerate() {
        assert!(sid.len() >= 16 && sid.bytes().all(|b| b.is_ascii_graphic()), "96 bits at least: {sid}");
        assert!(!sids[..i].contains(sid), "ids do not repeat");
    }
}

fn any_cache_buster_is_ignored(t: &Target) {
    let reply = t.get("EIO=4&transport=polling&t=Oabc123&foo=bar&b64=1");
    assert_eq!(reply.status, 200);
    assert!(reply.text().starts_with('0'));
}
