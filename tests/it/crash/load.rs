//! Base load: runs and the real clients that watch them, by every transport, on a hub that may die at
//! any moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::long;
use crate::harness::{
    driver::{Driver, KINDS, Via},
    expect::say,
    hub::token,
    judge::{History, Log, Verdict, check},
    world::{ACME, Graph, Rest, World},
};

const JOIN: &str = "workflow_run_join";
const STATUS: &str = "workflow_status_update";

/// Many joins at once when a client is back. A client whose server dies in the middle of an upgrade
/// polls no more and notices only when no ping comes.
pub const SETTINGS: &[(&str, &str)] = &[
    ("limits.events", "1000/s burst 5000"),
    ("session.ping_interval", "2s"),
    ("session.ping_timeout", "3s"),
];

/// Every run ends so soon after the last fault.
const END: Duration = Duration::from_secs(60);

/// Clients of two kinds; they stay for many crash points, each with clients of its own.
pub struct Clients {
    node: Driver,
    python: Driver,
}

impl Clients {
    pub fn start() -> Self {
        Self { node: Driver::start(KINDS[0]), python: Driver::start(KINDS[3]) }
    }
}

/// One crash point's clients and runs.
pub struct Load<'a> {
    clients: &'a mut Clients,
    marks: [usize; 2],
    names: [Vec<String>; 2],
    /// Joins a run when it has ended.
    late: String,
    settled: BTreeSet<String>,
    rest: Rest,
    workflow: String,
    runs: Vec<String>,
    label: String,
}

impl<'a> Load<'a> {
    /// Clients connect (and come back by themselves), a workflow is there.
    pub fn begin(world: &World, clients: &'a mut Clients, label: &str) -> Self {
        let mut rest = world.ann();
        rest.patience = Duration::from_secs(30);
        let graph = Graph::new()
            .js("a", "return 1;")
            .js("b", "return ctx.a + 1;")
            .delay("wait", 60)
            .js("c", "return ctx.b + 1;")
            .node("side", "javascript", json!({ "code": "return ctx.a;", "outputVariable": "side" }))
            .edge("a", Some("success"), "side")
            .node(
                "end",
                "end",
                json!({ "outputParameters": [{ "name": "total", "sourceVariable": "{{ctx.c}}" }] }),
            )
            .edge("c", Some("success"), "end")
            .edge("side", Some("success"), "end");
        let workflow = rest.create(&graph.body(label));
        let marks = [clients.node.seen.len(), clients.python.seen.len()];
        let late = format!("{label} late");
        let mut load = Self {
            clients,
            marks,
            names: [Vec::new(), Vec::new()],
            late: late.clone(),
            settled: BTreeSet::new(),
            rest,
            workflow,
            runs: Vec::new(),
            label: label.to_owned(),
        };
        let member = token("bob", &[(ACME, "MEMBER")], false);
        let mut ways = vec![(0, Via::Websocket), (0, Via::Polling), (0, Via::Both)];
        if long() {
            // Not in `make test`: a server that dies leaves python-socketio waiting for ever now and
            // then (its read loop ends, it says nothing), which says nothing about the hub.
            ways.extend([(1, Via::Both), (1, Via::Polling)]);
        }
        for (of, via) in ways {
            let name = format!("{label} {} {via:?}", ["node", "python"][of]);
            load.driver(of).connect(
                &name,
                &world.url(),
                via,
                json!({ "token": member }),
                json!({ "retry": true }),
            );
            load.names[of].push(name);
        }
        load.driver(0).connect(&late, &world.url(), Via::Websocket, json!({ "token": member }), json!({}));
        load
    }

    fn driver(&mut self, of: usize) -> &mut Driver {
        if of == 0 { &mut self.clients.node } else { &mut self.clients.python }
    }

    /// Starts runs, each once however often it must be asked; all clients watch them.
    pub fn run(&mut self, how_many: usize) {
        for _ in 0..how_many {
            let key = format!("{} {}", self.label, self.runs.len());
            let run = self.rest.execute_once(&self.workflow, &key, &json!({ "inputValues": { "x": 1 } }));
            for of in [0, 1] {
                for name in self.names[of].clone() {
                    self.driver(of).resume(&name, JOIN, json!({ "runId": run }));
                }
            }
            self.runs.push(run);
        }
    }

    /// Waits until all runs have ended, and watches them once more from the start.
    pub fn settle(&mut self) {
        let end = Instant::now() + END;
        for run in self.runs.clone() {
            self.rest.until_within(&run, "COMPLETED", end.saturating_duration_since(Instant::now()));
            // once: a join that is not answered yet would be asked for again from the start
            if self.settled.insert(run.clone()) {
                let late = self.late.clone();
                self.driver(0).resume(&late, JOIN, json!({ "runId": run }));
            }
        }
    }

    /// The transports of the clients that upgrade are cut: they come back, and upgrade again.
    pub fn cut(&mut self) {
        for of in [0, 1] {
            for name in self.names[of].clone().iter().filter(|name| name.ends_with("Both")) {
                self.driver(of).cut(name);
            }
        }
    }

    /// How many runs the hub knows: as many as were started.
    fn assert_started_once(&self) {
        let list = self.rest.get(&format!("/instances?workflowID={}&pageSize=1", self.workflow));
        assert_eq!(list["totalCount"], self.runs.len(), "{}: a start with a key happened twice", self.label);
    }

    /// Waits until everybody knows the end of every run, and judges.
    #[track_caller]
    pub fn judge(mut self) -> Verdict {
        let begun = Instant::now();
        self.settle();
        self.assert_started_once();
        self.names[0].push(self.late.clone());
        let logs: Vec<Log> = self.runs.iter().map(|run| self.rest.log(run)).collect();
        for log in &logs {
            assert_attempts(log);
        }
        let mut histories = Vec::new();
        for of in [0, 1] {
            let (mark, names, label) = (self.marks[of], self.names[of].clone(), self.label.clone());
            let mut open: BTreeSet<(String, String)> =
                names.iter().flat_map(|n| self.runs.iter().map(|r| (n.clone(), r.clone()))).collect();
            let driver = self.driver(of);
            let mut end = |line: &Value| {
                if line["event"] == STATUS {
                    let key = |v: &Value| v.as_str().unwrap_or_default().to_owned();
                    open.remove(&(key(&line["id"]), key(&line["args"][0]["instanceID"])));
                }
                open.is_empty()
            };
            let already = names.is_empty() || driver.seen[mark..].iter().any(&mut end);
            if !already {
                driver.each(&format!("{label}: everybody knows every end"), END, end);
            }
            let mut lines: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
            for line in &driver.seen[mark..] {
                lines.entry(line["id"].as_str().unwrap_or_default()).or_default().push(line.clone());
            }
            for name in &names {
                let empty = Vec::new();
                let lines = lines.get(name.as_str()).unwrap_or(&empty);
                histories.push(History::of(lines, name, &[ACME], true));
            }
            for name in &names {
                driver.close(name);
            }
        }
        let verdict = check(&histories, &logs);
        if !verdict.complaints().is_empty() || begun.elapsed() > Duration::from_secs(20) {
            self.keep_lines();
        }
        verdict
    }

    /// What the clients wrote, for a reader of a failed test.
    fn keep_lines(&self) {
        let path = std::env::temp_dir().join(format!("jethub-crash-{}-{}", self.label, std::process::id()));
        let mut text = String::new();
        for (mark, driver) in self.marks.iter().zip([&self.clients.node, &self.clients.python]) {
            driver.seen[*mark..].iter().for_each(|line| text.push_str(&format!("{line}\n")));
        }
        let _ = std::fs::write(&path, text);
        say(&format!("{}: the clients' lines are in {}", self.label, path.display()));
    }
}

impl Drop for Load<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.keep_lines();
        }
    }
}

/// A node that was cut off runs again as the same attempt of the same visit, so with the same
/// idempotency key; it is dispatched by one row, and one result is accepted.
#[track_caller]
fn assert_attempts(log: &Log) {
    for node in ["start", "a", "b", "wait", "c", "side", "end"] {
        let rows: Vec<_> = log.rows.iter().filter(|row| row.node.as_deref() == Some(node)).collect();
        let of = |kind: &str| rows.iter().filter(|row| row.kind == kind).count();
        assert_eq!(
            (of("NODE_DISPATCHED"), of("NODE_COMPLETED"), of("NODE_FAILED")),
            (1, 1, 0),
            "{node} of {}",
            log.run
        );
        assert!(
            rows.iter().all(|row| row.attempt.is_none_or(|attempt| attempt == 1)),
            "{node} of {}",
            log.run
        );
    }
}
