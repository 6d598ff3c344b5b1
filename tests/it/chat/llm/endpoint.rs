//! An OpenAI-compatible endpoint that does what a test says, well or badly: one thread a connection.

use std::{
    collections::HashMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    time::Duration,
};

use serde_json::{Value, json};

use crate::chat::model::read_call;

/// Longest wait of a thread for anything: no test waits so long.
const MOST: Duration = Duration::from_secs(120);

/// What the endpoint does with a call.
#[derive(Debug, Clone)]
pub enum Act {
    /// A status with headers, and a body with words of its own.
    Status(u16, &'static str),
    /// Reads the call and says nothing.
    Silence,
    /// Writes pieces, and then what the end says.
    Stream(Vec<Piece>, End),
}

#[derive(Debug, Clone)]
pub enum Piece {
    Data(Value),
    Raw(&'static str),
    Pause(Duration),
    /// Waits until the test opens the gate of what was said.
    Gate,
    /// The same piece for ever, with pauses between.
    Forever(Value, Duration),
}

#[derive(Debug, Clone, Copy)]
pub enum End {
    Done,
    /// The connection breaks.
    Cut,
    /// Nothing more, and it stays open.
    Stall,
}

/// A call, as a script sees it.
pub struct Call {
    /// What a person said last.
    pub text: String,
    /// Results of tools after it.
    pub results: usize,
    /// Calls before this one with the same text and as many results: tries.
    pub before: usize,
    pub body: Value,
}

impl Call {
    /// What stands in the schema of a tool as an id that may be used.
    pub fn known(&self, tool: &str, key: &str) -> Vec<String> {
        let tools = self.body["tools"].as_array().cloned().unwrap_or_default();
        let one = tools.iter().find(|one| one["function"]["name"] == tool).cloned().unwrap_or_default();
        let ids = one["function"]["parameters"]["properties"][key]["enum"].as_array().cloned();
        ids.unwrap_or_default().iter().filter_map(|id| id.as_str().map(str::to_owned)).collect()
    }
}

type Script = Box<dyn Fn(&Call) -> Act + Send + Sync>;

/// The endpoint.
pub struct Endpoint {
    url: String,
    shared: Arc<Shared>,
}

struct Shared {
    script: Script,
    asked: Mutex<Vec<Value>>,
    tries: Mutex<HashMap<(String, usize), usize>>,
    /// Gates that are open, and texts of whose calls the hub dropped the connection.
    known: Mutex<(Vec<String>, Vec<String>)>,
    changed: Condvar,
}

pub fn text(words: &str) -> Piece {
    Piece::Data(json!({ "choices": [{ "index": 0, "delta": { "content": words } }] }))
}

pub fn stop(reason: &str) -> Piece {
    Piece::Data(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }))
}

/// A whole answer, in pieces.
pub fn says(words: &str) -> Act {
    let mut pieces: Vec<Piece> = words.split_inclusive(' ').map(text).collect();
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 40, "completion_tokens": 2 } });
    pieces.extend([stop("stop"), Piece::Data(usage)]);
    Act::Stream(pieces, End::Done)
}

/// A call of a tool; its arguments come in two pieces.
pub fn calls(tool: &str, arguments: &str) -> Act {
    let mut half = arguments.len() / 2;
    while !arguments.is_char_boundary(half) {
        half -= 1;
    }
    let piece =
        |call: Value| Piece::Data(json!({ "choices": [{ "index": 0, "delta": { "tool_calls": [call] } }] }));
    let first = json!({ "index": 0, "id": "c1", "type": "function",
                        "function": { "name": tool, "arguments": &arguments[..half] } });
    let second = json!({ "index": 0, "function": { "arguments": &arguments[half..] } });
    Act::Stream(vec![piece(first), piece(second), stop("tool_calls")], End::Done)
}

impl Endpoint {
    pub fn start(script: impl Fn(&Call) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            script: Box::new(script),
            asked: Mutex::default(),
            tries: Mutex::default(),
            known: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || shared.serve(socket));
            }
        });
        Self { url, shared }
    }

    /// For the hub; the key is a canary.
    pub fn settings(&self) -> [(&str, &str); 4] {
        [("ai.assistant", "llm"), ("ai.base_url", &self.url), ("ai.model", "m"), ("ai.key", "sk-canary")]
    }

    /// The bodies of the calls after a text was said, until something else was; in order.
    pub fn asked_for(&self, said: &str) -> Vec<Value> {
        let asked = self.shared.asked.lock().unwrap();
        asked.iter().filter(|body| last_said(body).0 == said).cloned().collect()
    }

    /// Lets the answer to a text go on.
    pub fn open(&self, said: &str) {
        self.shared.known.lock().unwrap().0.push(said.to_owned());
        self.shared.changed.notify_all();
    }

    /// Waits until the hub has dropped the connection of the answer to a text.
    #[track_caller]
    pub fn until_dropped(&self, said: &str) {
        let known = self.shared.known.lock().unwrap();
        let open = |known: &mut (Vec<String>, Vec<String>)| !known.1.iter().any(|one| one == said);
        let late = self.shared.changed.wait_timeout_while(known, Duration::from_secs(15), open).unwrap().1;
        assert!(!late.timed_out(), "the connection of {said:?} stays open");
    }
}

/// What a person said last, and how many results of tools are behind it.
fn last_said(body: &Value) -> (String, usize) {
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let at = messages.iter().rposition(|one| one["role"] == "user");
    let text = at.map_or("", |at| messages[at]["content"].as_str().unwrap_or_default()).to_owned();
    let behind = messages.iter().skip(at.unwrap_or(0)).filter(|one| one["role"] == "tool").count();
    (text, behind)
}

impl Shared {
    fn serve(&self, mut socket: TcpStream) -> Option<()> {
        socket.set_read_timeout(Some(MOST)).ok()?;
        let body = read_call(&socket)?;
        let (text, results) = last_said(&body);
        let before = {
            let mut tries = self.tries.lock().unwrap();
            let tries = tries.entry((text.clone(), results)).or_default();
            *tries += 1;
            *tries - 1
        };
        self.asked.lock().unwrap().push(body.clone());
        let call = Call { text, results, before, body };
        if self.act(&mut socket, &call).is_none() {
            self.known.lock().unwrap().1.push(call.text);
            self.changed.notify_all();
        }
        Some(())
    }

    /// None when the hub dropped the connection first.
    fn act(&self, socket: &mut TcpStream, call: &Call) -> Option<()> {
        match (self.script)(call) {
            Act::Silence => gone(socket),
            Act::Status(status, headers) => {
                let body =
                    r#"{"error":{"message":"canary of the endpoint sk-canary\nsecond line","type":"x"}}"#;
                let head = format!(
                    "HTTP/1.1 {status} X\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                socket.write_all(head.as_bytes()).ok()
            }
            Act::Stream(pieces, end) => {
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\
                            connection: close\r\n\r\n";
                socket.write_all(head.as_bytes()).ok()?;
                for piece in pieces {
                    match piece {
                        Piece::Data(value) => chunk(socket, &format!("data: {value}\n\n"))?,
                        Piece::Raw(text) => chunk(socket, text)?,
                        Piece::Pause(time) => std::thread::sleep(time),
                        Piece::Gate => {
                            let known = self.known.lock().unwrap();
                            let shut = |known: &mut (Vec<String>, Vec<String>)| !known.0.contains(&call.text);
                            drop(self.changed.wait_timeout_while(known, MOST, shut).unwrap());
                        }
                        Piece::Forever(value, pause) => loop {
                            chunk(socket, &format!("data: {value}\n\n"))?;
                            std::thread::sleep(pause);
                        },
                    }
                }
                match end {
                    End::Done => {
                        chunk(socket, "data: [DONE]\n\n").and_then(|()| socket.write_all(b"0\r\n\r\n").ok())
                    }
                    End::Cut => Some(()),
                    End::Stall => gone(socket),
                }
            }
        }
    }
}

/// Waits until the other side has hung up.
fn gone(socket: &mut TcpStream) -> Option<()> {
    while !matches!(socket.read(&mut [0; 64]), Ok(0) | Err(_)) {}
    None
}

fn chunk(socket: &mut TcpStream, text: &str) -> Option<()> {
    socket.write_all(format!("{:x}\r\n{text}\r\n", text.len()).as_bytes()).ok()
}
