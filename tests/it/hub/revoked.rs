//! What is taken from somebody is taken from sockets that are connected, within a second in the hub
//! that made the change (`faults.md` A9, P11): a user or key is cut off, a member loses the tenant's
//! runs and its session stays.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::{
    Frame, Hub, Polling, Target, Ws,
    hub::token,
    world::{Graph, Rest},
};

const SOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
/// The promise, and what a busy machine may take for the answers.
const AT_ONCE: Duration = Duration::from_secs(1);
const BUSY: Duration = Duration::from_secs(2);

/// One tenant with a run that reports are made of.
struct Stage {
    hub: Hub,
    ann: Rest,
    root: String,
    run: String,
    reports: u32,
}

impl Stage {
    fn new() -> Self {
        // One worker: what one socket was shown has passed all others.
        let hub = Hub::with(&[("server.workers", "1")]);
        let ann = token("ann", &[("acme", "ADMIN")], false);
        let (addr, tenant) = (hub.address, "acme".to_owned());
        let ann = Rest { addr, token: ann, tenant, patience: Duration::ZERO };
        let run = ann.external(&ann.create(&Graph::line().body("Sales")));
        Self { hub, ann, root: token("root", &[], true), run, reports: 0 }
    }

    fn watcher(&self, auth: &Value) -> Ws {
        let mut ws = Ws::open(self.hub.address, SOCKET);
        ws.heartbeat = true;
        ws.text();
        ws.send(&format!("40{auth}"));
        assert!(ws.text().starts_with("40{\"sid\""));
        self.join(&mut ws)["ok"].as_bool().filter(|ok| *ok).expect("joined");
        ws
    }

    fn member(&self, user: &str, role: &str) -> Ws {
        self.watcher(&json!({ "token": token(user, &[("acme", role)], false) }))
    }

    fn join(&self, ws: &mut Ws) -> Value {
        ws.send(&format!("427{}", json!(["workflow_run_join", { "runId": self.run }])));
        let (_, answer) = until(ws, "437");
        serde_json::from_str::<Value>(&answer[3..]).unwrap()[0].clone()
    }

    /// Whether a committed row reaches the socket, which answers.
    fn is_shown(&mut self, ws: &mut Ws, witness: &mut Ws) -> bool {
        self.reports += 1;
        let key = format!("k{}", self.reports);
        self.ann.report(&self.run, &key, "start");
        until(witness, "42[\"workflow_node_update\"");
        ws.send(&format!("428{}", json!(["workflow_run_leave", { "runId": "another" }])));
        until(ws, "438").0 > 0
    }

    fn user_id(&self, name: &str) -> String {
        let members = self.hub.get("/api/v1/tenants/acme/members", &self.ann.token);
        let mut members = members["members"].as_array().unwrap().iter();
        members.find(|m| m["firebaseID"] == name).unwrap()["userID"].as_str().unwrap().to_owned()
    }

    /// The runs of the tenant end for the socket; the session stays.
    fn assert_loses_runs(&mut self, ws: &mut Ws, mut witness: Ws, taken: Instant) {
        while self.is_shown(ws, &mut witness) {
            assert!(taken.elapsed() < AT_ONCE, "it still sees the run");
        }
        assert!(!self.is_shown(ws, &mut witness) && !self.is_shown(ws, &mut witness));
        assert_eq!(self.join(ws)["ok"], false);
    }
}

/// Reads until a packet begins so: how many node updates came before it, and the packet.
#[track_caller]
fn until(ws: &mut Ws, begins: &str) -> (usize, String) {
    let mut updates = 0;
    loop {
        let text = ws.text();
        if text.starts_with(begins) {
            return (updates, text);
        }
        updates += usize::from(text.starts_with("42[\"workflow_node_update\""));
    }
}

/// It hears that the hub ended it.
#[track_caller]
fn assert_cut_off(ws: &mut Ws, taken: Instant) {
    loop {
        match ws.poll(BUSY) {
            Some(Frame::Text(text)) if text == "41" => break,
            Some(Frame::Text(_)) => {}
            other => panic!("41 expected, got {other:?}"),
        }
    }
    assert!(taken.elapsed() < BUSY, "{:?}", taken.elapsed());
}

#[test]
fn a_disabled_user_is_cut_off() {
    let stage = Stage::new();
    let (mut mem, mut ann) =
        (stage.member("mem", "MEMBER"), stage.watcher(&json!({ "token": stage.ann.token })));
    let target = Target { addr: stage.hub.address, path: "/socket.io/", mounted: false };
    let mut poll = Polling::open(&target);
    poll.post_ok(format!("40{{\"token\":\"{}\"}}", token("mem", &[], false)));
    assert!(poll.next().starts_with("40{"));
    poll.start_get();
    let taken = Instant::now();
    assert_eq!(stage.hub.jethub(&["user", "disable", "mem"]).status.code(), Some(0));
    assert_cut_off(&mut mem, taken);
    let last = poll.pending().text();
    assert!(last.split('\u{1e}').any(|packet| packet == "41"), "{last}");
    assert_eq!(stage.join(&mut ann)["ok"], true, "nobody else");
}

#[test]
fn a_revoked_or_disabled_key_and_the_keys_of_a_disabled_user_are_cut_off() {
    let stage = Stage::new();
    let keys = "/api/v1/tenants/acme/apikeys";
    let ada = token("ada", &[("acme", "ADMIN")], false);
    let key = |owner: &str| {
        let made = stage.hub.post(keys, owner, &json!({ "apiKeyTitle": "ci" }));
        let id = made["apiKey"]["apiKeyID"].as_str().unwrap().to_owned();
        (stage.watcher(&json!({ "apiKey": made["key"] })), format!("{keys}/{id}"))
    };
    let (mut revoked, path) = key(&stage.ann.token);
    let taken = Instant::now();
    assert_eq!(stage.hub.request("DELETE", &path, Some(&stage.ann.token), None).status, 200);
    assert_cut_off(&mut revoked, taken);
    let (mut disabled, path) = key(&stage.ann.token);
    let (mut of_user, _) = key(&ada);
    let taken = Instant::now();
    let off = json!({ "isDisabled": true });
    assert_eq!(stage.hub.request("PATCH", &path, Some(&stage.ann.token), Some(&off)).status, 200);
    assert_cut_off(&mut disabled, taken);
    assert_eq!(stage.join(&mut of_user)["ok"], true);
    let path = format!("/admin/v1/users/{}", stage.user_id("ada"));
    let taken = Instant::now();
    assert_eq!(stage.hub.request("PATCH", &path, Some(&stage.root), Some(&off)).status, 200);
    assert_cut_off(&mut of_user, taken);
}

#[test]
fn a_removed_member_loses_the_runs_and_stays() {
    let mut stage = Stage::new();
    let mut mem = stage.member("mem", "MEMBER");
    let mut witness = stage.watcher(&json!({ "token": stage.ann.token }));
    assert!(stage.is_shown(&mut mem, &mut witness));
    let path = format!("/api/v1/tenants/acme/members/{}", stage.user_id("mem"));
    let taken = Instant::now();
    assert_eq!(stage.hub.request("DELETE", &path, Some(&stage.ann.token), None).status, 200);
    stage.assert_loses_runs(&mut mem, witness, taken);
}

#[test]
fn a_member_whose_role_may_not_read_loses_the_runs() {
    let mut stage = Stage::new();
    let mut mem = stage.member("mem", "MEMBER");
    let mut witness = stage.watcher(&json!({ "token": stage.ann.token }));
    let role = "/api/v1/tenants/acme/roles/clerk";
    let set = |stage: &Stage, path: &str, body: &Value| {
        assert_eq!(stage.hub.request("PUT", path, Some(&stage.ann.token), Some(body)).status, 200);
    };
    set(&stage, role, &json!({ "permissions": ["tenant:workflow:read"] }));
    let path = format!("/api/v1/tenants/acme/members/{}", stage.user_id("mem"));
    set(&stage, &path, &json!({ "role": "clerk" }));
    assert!(stage.is_shown(&mut mem, &mut witness), "it may still read");
    let taken = Instant::now();
    set(&stage, role, &json!({ "permissions": ["tenant:member:list"] }));
    stage.assert_loses_runs(&mut mem, witness, taken);
}

/// Nobody is left who could report or see, so the end is that of the memberships alone.
#[test]
fn a_disabled_tenant_ends_for_everybody() {
    let mut stage = Stage::new();
    let mut mem = stage.member("mem", "MEMBER");
    let mut witness = stage.watcher(&json!({ "token": stage.ann.token }));
    assert!(stage.is_shown(&mut mem, &mut witness));
    let tenant = |stage: &Stage, how: &str| {
        assert_eq!(stage.hub.jethub(&["tenant", how, "acme"]).status.code(), Some(0));
    };
    tenant(&stage, "disable");
    assert_eq!(stage.join(&mut mem)["ok"], false);
    assert_eq!(stage.join(&mut witness)["ok"], false);
    // Who comes back joins again; who does not sees nothing.
    tenant(&stage, "enable");
    assert_eq!(stage.join(&mut witness)["ok"], true);
    assert!(!stage.is_shown(&mut mem, &mut witness));
}
