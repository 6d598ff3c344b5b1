//! What a watcher does and sees, in few words.

use serde_json::{Value, json};

use crate::harness::driver::Driver;

pub const JOIN: &str = "workflow_run_join";
pub const LEAVE: &str = "workflow_run_leave";
pub const NODE: &str = "workflow_node_update";
pub const STATUS: &str = "workflow_status_update";
pub const ERROR: &str = "workflow_run_error";

/// An event of a run as a client got it.
#[derive(Debug, Clone, PartialEq)]
pub struct Got {
    pub event: String,
    pub seq: u64,
    pub replayed: bool,
    pub body: Value,
}

/// Events of that run and client so far, in order.
pub fn got(seen: &[Value], name: &str, run: &str) -> Vec<Got> {
    let of = |e: &&Value| e["id"] == name && e["what"] == "event" && e["args"][0]["instanceID"] == run;
    let event = |e: &Value| Got {
        event: e["event"].as_str().unwrap_or_default().to_owned(),
        seq: e["args"][0]["seq"].as_u64().unwrap_or_default(),
        replayed: e["args"][0]["replayed"] == true,
        body: e["args"][0].clone(),
    };
    seen.iter().filter(of).map(event).collect()
}

/// Places of the events so far.
pub fn seqs(driver: &Driver, name: &str, run: &str) -> Vec<u64> {
    got(&driver.seen, name, run).iter().map(|got| got.seq).collect()
}

/// Joins; the ack.
#[track_caller]
pub fn join(driver: &mut Driver, name: &str, payload: Value) -> Value {
    let ack = driver.ask(name, JOIN, json!([payload]));
    assert_eq!(ack.as_array().map(Vec::len), Some(1), "one argument: {ack}");
    ack[0].clone()
}

/// Waits until the client got the event at that place.
#[track_caller]
pub fn until_seq(driver: &mut Driver, name: &str, run: &str, seq: u64) -> Got {
    driver.wait(&format!("seq {seq} of {run} at {name}"), |all| {
        got(all, name, run).into_iter().find(|got| got.seq == seq)
    })
}

/// Waits until the client got the final status.
#[track_caller]
pub fn until_end(driver: &mut Driver, name: &str, run: &str) -> Got {
    driver.wait(&format!("the end of {run} at {name}"), |all| {
        got(all, name, run).into_iter().find(|got| got.event == STATUS)
    })
}

/// All that was on its way to that client has arrived: it asks something that is refused.
#[track_caller]
pub fn fence(driver: &mut Driver, name: &str) {
    let refused = join(driver, name, json!({ "runId": "no-such-run" }));
    assert_eq!((&refused["ok"], &refused["error"]["code"]), (&json!(false), &json!("RUN_NOT_FOUND")));
}

/// The ack of a join came before the first event of its run.
#[track_caller]
pub fn assert_ack_first(driver: &Driver, name: &str, run: &str) {
    let at = |found: &dyn Fn(&Value) -> bool| driver.seen.iter().position(|e| e["id"] == name && found(e));
    let ack = at(&|e| e["what"] == "ack" && e["args"][0]["instanceID"] == run).expect("an ack");
    let event = at(&|e| e["what"] == "event" && e["args"][0]["instanceID"] == run).expect("an event");
    assert!(ack < event, "{name}: the snapshot came before its ack");
}
