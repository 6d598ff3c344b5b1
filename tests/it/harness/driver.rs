//! Real clients: socket.io-client of three ages on Node and python-socketio, each as a process that
//! reads commands and writes what happens, a JSON object a line (`tests/clients/driver.mjs`, `.py`).

use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        OnceLock,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// Which client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// socket.io-client of that version: `4.8`, `4.0` or `3.1`.
    Node(&'static str),
    Python,
}

/// Every client, newest first.
pub const KINDS: [Kind; 4] = [Kind::Node("4.8"), Kind::Node("4.0"), Kind::Node("3.1"), Kind::Python];

/// How bytes move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    Websocket,
    Polling,
    /// Polling first, then the upgrade: what a page does.
    Both,
}

/// Every way.
pub const WAYS: [Via; 3] = [Via::Websocket, Via::Polling, Via::Both];

impl Via {
    fn json(self) -> Value {
        match self {
            Self::Websocket => json!(["websocket"]),
            Self::Polling => json!(["polling"]),
            Self::Both => json!(["polling", "websocket"]),
        }
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

pub(crate) fn install() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        let done = Command::new(folder().join("install.sh")).status();
        assert!(done.is_ok_and(|s| s.success()), "tests/clients/install.sh failed");
    });
}

/// One process of clients; each client in it has a name of the test's choosing.
pub struct Driver {
    kind: Kind,
    child: Child,
    commands: ChildStdin,
    lines: Receiver<Value>,
    /// Everything that happened, in order of arrival.
    pub seen: Vec<Value>,
}

impl Driver {
    #[track_caller]
    pub fn start(kind: Kind) -> Self {
        install();
        let mut command = match kind {
            Kind::Node(_) => Command::new("node"),
            Kind::Python => Command::new(folder().join(".venv/bin/python")),
        };
        command.arg(folder().join(if kind == Kind::Python { "driver.py" } else { "driver.mjs" }));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the client starts");
        let out = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line)
                    .unwrap_or_else(|_| json!({ "id": "", "what": "noise", "line": line }));
                if send.send(value).is_err() {
                    break;
                }
            }
        });
        let commands = child.stdin.take().unwrap();
        let mut driver = Self { kind, child, commands, lines, seen: Vec::new() };
        driver.wait("the client's process", |all| all.iter().any(|e| e["what"] == "ready").then_some(()));
        driver
    }

    fn command(&mut self, command: &Value) {
        writeln!(self.commands, "{command}").and_then(|()| self.commands.flush()).expect("the client reads");
    }

    /// Connects a client; `more` adds or replaces fields of the command (`nsp`, `resume`, …).
    pub fn connect(&mut self, name: &str, url: &str, via: Via, auth: Value, more: Value) {
        let mut command =
            json!({ "op": "connect", "id": name, "url": url, "transports": via.json(), "auth": auth });
        if let Kind::Node(version) = self.kind {
            command["version"] = json!(version);
        }
        if let Some(more) = more.as_object() {
            for (key, value) in more {
                command[key] = value.clone();
            }
        }
        self.command(&command);
    }

    pub fn emit(&mut self, name: &str, event: &str, args: Value) {
        self.command(&json!({ "op": "emit", "id": name, "event": event, "args": args }));
    }

    /// Emits and waits for the ack's arguments.
    #[track_caller]
    pub fn ask(&mut self, name: &str, event: &str, args: Value) -> Value {
        let before = self.seen.len();
        self.command(&json!({ "op": "emit", "id": name, "event": event, "args": args, "ack": true }));
        self.wait(&format!("the ack of {event}"), |all| {
            let ack = |e: &&Value| e["id"] == name && e["what"] == "ack" && e["event"] == event;
            all[before..].iter().find(ack).map(|e| e["args"].clone())
        })
    }

    /// Emits and waits for nothing: the ack is one of what happens.
    pub fn emit_ack(&mut self, name: &str, event: &str, args: Value) {
        self.command(&json!({ "op": "emit", "id": name, "event": event, "args": args, "ack": true }));
    }

    /// Emits now, and again in every later `connect`, with `since` = the last `seq` seen of that run.
    pub fn resume(&mut self, name: &str, event: &str, payload: Value) {
        self.command(&json!({ "op": "resume", "id": name, "event": event, "payload": payload }));
    }

    pub fn close(&mut self, name: &str) {
        self.command(&json!({ "op": "close", "id": name }));
    }

    /// Cuts the transport: the client comes back by itself.
    pub fn cut(&mut self, name: &str) {
        self.command(&json!({ "op": "cut", "id": name }));
    }

    /// Reads on until `found` has an answer about everything seen.
    #[track_caller]
    pub fn wait<T>(&mut self, what: &str, found: impl Fn(&[Value]) -> Option<T>) -> T {
        self.wait_for(what, Duration::from_secs(15), found)
    }

    #[track_caller]
    pub fn wait_for<T>(&mut self, what: &str, within: Duration, found: impl Fn(&[Value]) -> Option<T>) -> T {
        let end = Instant::now() + within;
        loop {
            if let Some(answer) = found(&self.seen) {
                return answer;
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(value) => self.seen.push(value),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("{:?}: not within {within:?}: {what}; {}", self.kind, self.last())
                }
                Err(RecvTimeoutError::Disconnected) => panic!("{:?} ended; {}", self.kind, self.last()),
            }
        }
    }

    /// Shows `each` every line from now on until it says that it has seen enough.
    #[track_caller]
    pub fn each(&mut self, what: &str, within: Duration, mut each: impl FnMut(&Value) -> bool) {
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(value) => {
                    let enough = each(&value);
                    self.seen.push(value);
                    if enough {
                        return;
                    }
                }
                Err(why) => panic!("{:?}: {what}: {why} after {within:?}; {}", self.kind, self.last()),
            }
        }
    }

    fn last(&self) -> String {
        let from = self.seen.len().saturating_sub(20);
        let lines: Vec<_> = self.seen[from..].iter().map(Value::to_string).collect();
        format!("seen {}, at last\n{}", self.seen.len(), lines.join("\n"))
    }

    /// Waits for something that happens to one client.
    #[track_caller]
    pub fn happens(&mut self, name: &str, what: &str) -> Value {
        self.wait(&format!("{what} of {name}"), |all| {
            all.iter().find(|e| e["id"] == name && e["what"] == what).cloned()
        })
    }
}

/// First arguments of the events of that name and client, in order.
pub fn events_of(seen: &[Value], name: &str, event: &str) -> Vec<Value> {
    seen.iter()
        .filter(|e| e["id"] == name && e["what"] == "event" && e["event"] == event)
        .map(|e| e["args"][0].clone())
        .collect()
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
