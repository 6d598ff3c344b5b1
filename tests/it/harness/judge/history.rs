//! What clients did and saw, and what a hub says happened, in a form that only tests know.

use std::collections::BTreeSet;

use serde_json::Value;

/// One thing in the life of a client, in the order in which it happened to it.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// It is connected, for the first time or again.
    Connected,
    /// It asked to watch a run.
    Joined { run: String, since: Option<u64> },
    /// The join was answered: the last row of the snapshot.
    Acked { run: String, seq: u64 },
    /// It asked to watch the run no more.
    Left { run: String },
    /// It was told something.
    Saw(Seen),
}

/// An event as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub run: String,
    pub seq: u64,
    /// `workflow_node_update` or `workflow_status_update`.
    pub event: String,
    /// Without `replayed`: by this the observers are compared.
    pub body: Value,
    pub replayed: bool,
}

/// A client's life.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub client: String,
    /// Where it may read.
    pub tenants: BTreeSet<String>,
    pub entries: Vec<Entry>,
    /// It watched every run that it joined to the end.
    pub stayed: bool,
}

/// What the journal holds of a run.
#[derive(Debug, Clone, Default)]
pub struct Log {
    pub run: String,
    pub tenant: String,
    /// As REST has it at last.
    pub status: String,
    pub rows: Vec<LogRow>,
}

/// One row; its place is its `seq`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LogRow {
    pub kind: String,
    pub node: Option<String>,
    pub attempt: Option<u64>,
    /// A failed attempt that is tried again: nobody is told.
    pub quiet: bool,
}

const EVENTS: [&str; 2] = ["workflow_node_update", "workflow_status_update"];

impl History {
    /// Reads the lines of a driver about one client.
    pub fn of(seen: &[Value], client: &str, tenants: &[&str], stayed: bool) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let spelled = ["runId", "runID", "instanceID", "instanceId"];
        let run = |v: &Value| {
            spelled.iter().map(|name| text(&v[*name])).find(|id| !id.is_empty()).unwrap_or_default()
        };
        let mut entries = Vec::new();
        for line in seen.iter().filter(|line| line["id"] == client) {
            let (what, event) = (line["what"].as_str().unwrap_or_default(), &line["event"]);
            let first = &line["args"][0];
            match what {
                "connect" => entries.push(Entry::Connected),
                "emit" if event == "workflow_run_join" => {
                    entries.push(Entry::Joined { run: run(first), since: first["since"].as_u64() });
                }
                "emit" if event == "workflow_run_leave" => entries.push(Entry::Left { run: run(first) }),
                "ack" if event == "workflow_run_join" && first["ok"] == true => {
                    entries.push(Entry::Acked { run: run(first), seq: first["seq"].as_u64().unwrap_or(0) });
                }
                "event" if EVENTS.iter().any(|name| event == name) => {
                    let mut body = first.clone();
                    let replayed = body.as_object_mut().and_then(|b| b.remove("replayed"));
                    entries.push(Entry::Saw(Seen {
                        run: run(&body),
                        seq: body["seq"].as_u64().unwrap_or(0),
                        event: text(event),
                        body,
                        replayed: replayed == Some(Value::Bool(true)),
                    }));
                }
                _ => {}
            }
        }
        let tenants = tenants.iter().map(|t| (*t).to_owned()).collect();
        Self { client: client.to_owned(), tenants, entries, stayed }
    }

    /// The events in it.
    pub fn events(&self) -> impl Iterator<Item = &Seen> {
        self.entries.iter().filter_map(|e| if let Entry::Saw(seen) = e { Some(seen) } else { None })
    }
}

impl Log {
    /// Reads the answer of `GET …/workflows/instances/{id}`.
    pub fn of(tenant: &str, view: &Value) -> Self {
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let logs = view["logs"].as_array().cloned().unwrap_or_default();
        let again = |at: usize| {
            logs[at + 1..].iter().any(|later| {
                later["eventType"] == "NODE_DISPATCHED"
                    && later["nodeID"] == logs[at]["nodeID"]
                    && later["nodeAttempt"].as_u64() > logs[at]["nodeAttempt"].as_u64()
            })
        };
        let row = |at: usize| LogRow {
            kind: text(&logs[at]["eventType"]),
            node: logs[at]["nodeID"].as_str().map(str::to_owned),
            attempt: logs[at]["nodeAttempt"].as_u64(),
            quiet: logs[at]["eventType"] == "NODE_FAILED" && again(at),
        };
        Self {
            run: text(&view["instanceID"]),
            tenant: tenant.to_owned(),
            status: text(&view["status"]),
            rows: (0..logs.len()).map(row).collect(),
        }
    }

    pub fn ended(&self) -> bool {
        matches!(self.status.as_str(), "COMPLETED" | "FAILED" | "CANCELLED")
    }

    /// What a watcher must be told of the row at that place: event, node and status word.
    pub fn told(&self, seq: u64) -> Option<(&'static str, Option<&str>, &str)> {
        let row = self.rows.get(usize::try_from(seq).ok()?.checked_sub(1)?)?;
        if seq == self.rows.len() as u64 && self.ended() {
            return Some((EVENTS[1], None, self.status.as_str()));
        }
        let node = Some(row.node.as_deref()?);
        match row.kind.as_str() {
            "NODE_COMPLETED" => Some((EVENTS[0], node, "success")),
            "NODE_FAILED" if !row.quiet => Some((EVENTS[0], node, "failed")),
            _ => None,
        }
    }

    /// Places of all rows that watchers are told of.
    pub fn places(&self) -> Vec<u64> {
        (1..=self.rows.len() as u64).filter(|seq| self.told(*seq).is_some()).collect()
    }
}
