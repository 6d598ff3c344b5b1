//! A model for tests that are not about models: an endpoint that answers every call with what it was told last,
//! or as a clerk of the shop. It takes the place of a real model where the assistant itself is not the question.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

/// An OpenAI-compatible endpoint, one thread a connection.
pub struct Model {
    url: String,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The piece of the next answers, and why they end; none: as a clerk would.
    next: Mutex<Option<Piece>>,
    asked: Mutex<Vec<Value>>,
}

type Piece = (Value, &'static str);

fn words(words: &str) -> Piece {
    (json!({ "content": words }), "stop")
}

fn call(tool: &str, arguments: &Value) -> Piece {
    let function = json!({ "name": tool, "arguments": arguments.to_string() });
    let call = json!([{ "index": 0, "id": "c1", "type": "function", "function": function }]);
    (json!({ "tool_calls": call }), "tool_calls")
}

/// `Refund order 7`, `Show …` and `Run …`: a call of what the catalogue found first. `Where is the run …?`: a look
/// at it. Anything else is a text.
fn clerk(asked: &Value) -> Piece {
    let last = asked["messages"].as_array().and_then(|all| all.last()).cloned().unwrap_or_default();
    let text = last["content"].as_str().unwrap_or_default();
    let first = |tool: &str, id: &str| {
        let tools = asked["tools"].as_array().cloned().unwrap_or_default();
        let found = tools.iter().find(|one| one["function"]["name"] == tool).cloned().unwrap_or_default();
        found["function"]["parameters"]["properties"][id]["enum"][0].clone()
    };
    let order = text.strip_prefix("Refund order ").and_then(|order| order.parse::<i64>().ok());
    if let Some(order) = order {
        let id = first("run_query", "dataQueryID");
        return call("run_query", &json!({ "dataQueryID": id, "inputValues": { "order": order } }));
    }
    if text.starts_with("Show ") && last["role"] == "user" {
        let id = first("run_query", "dataQueryID");
        let inputs = if text.contains("sales") {
            json!({ "from": "2020-01-01", "to": "2100-01-01" })
        } else {
            json!({})
        };
        return call("run_query", &json!({ "dataQueryID": id, "inputValues": inputs }));
    }
    if let Some(run) = text.strip_prefix("Where is the run ").and_then(|rest| rest.strip_suffix('?')) {
        return call("read_run", &json!({ "instanceID": run }));
    }
    if text.starts_with("Run ") && last["role"] == "user" {
        return call("start_workflow", &json!({ "workflowID": first("start_workflow", "workflowID") }));
    }
    words("What would you like to do?")
}

impl Model {
    pub fn start() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let shared = Arc::<Shared>::default();
        let serving = Arc::clone(&shared);
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let shared = Arc::clone(&serving);
                std::thread::spawn(move || serve(socket, &shared));
            }
        });
        Self { url, shared }
    }

    /// For the hub.
    pub fn settings(&self) -> [(&str, &str); 4] {
        [("ai.assistant", "llm"), ("ai.base_url", &self.url), ("ai.model", "m"), ("ai.key", "k")]
    }

    /// From now on it says this.
    pub fn says(&self, text: &str) {
        *self.shared.next.lock().unwrap() = Some(words(text));
    }

    /// From now on it calls this tool.
    pub fn calls(&self, tool: &str, arguments: Value) {
        *self.shared.next.lock().unwrap() = Some(call(tool, &arguments));
    }

    /// What it was asked, in order.
    pub fn asked(&self) -> Vec<Value> {
        self.shared.asked.lock().unwrap().clone()
    }
}

/// The body of a call.
pub fn read_call(socket: &TcpStream) -> Option<Value> {
    let mut reader = BufReader::new(socket);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    serde_json::from_slice(&body).ok()
}

/// One call; then the connection ends.
fn serve(socket: TcpStream, shared: &Shared) -> Option<()> {
    let asked = read_call(&socket)?;
    let next = shared.next.lock().unwrap().clone();
    let (delta, finish) = next.unwrap_or_else(|| clerk(&asked));
    shared.asked.lock().unwrap().push(asked);
    let piece = |delta: Value, finish: Value| {
        let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
        format!("data: {}\n\n", json!({ "id": "x", "object": "chat.completion.chunk", "choices": choices }))
    };
    let text = piece(delta, Value::Null) + &piece(json!({}), json!(finish)) + "data: [DONE]\n\n";
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
    let mut socket = socket;
    socket.write_all(head.as_bytes()).and_then(|()| socket.write_all(text.as_bytes())).ok()
}
