//! An endpoint that does what a test says, and a desk that notes what is asked of it.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{
    ai::{
        Answer, Assistant, Called, Desk, Failure, Output, Person, Table, Tell, ToolCall, ToolError, Turn,
        llm::{Endpoint, LlmAssistant},
    },
    clock::Clock,
    config::{DurationSetting, Secret, sections},
    error::Code,
    ids::{ChatRoomId, MessageId, TenantId, UserId},
    outbound::Outbound,
};

/// What the endpoint does with one call.
#[derive(Debug, Clone)]
pub(super) enum Act {
    /// Writes pieces, with pauses between, and then what the end says.
    Stream(Vec<Piece>, End),
    /// A status with headers.
    Status(u16, &'static str),
    /// Reads the request and says nothing.
    Silence,
}

#[derive(Debug, Clone)]
pub(super) enum Piece {
    Data(Value),
    Raw(Vec<u8>),
    Pause(u64),
    /// The same piece for ever.
    Forever(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `[DONE]` and a proper end.
    Done,
    /// The connection breaks.
    Cut,
    /// Nothing more, and it stays open.
    Stall,
}

pub(super) fn text(words: &str) -> Piece {
    Piece::Data(json!({ "choices": [{ "index": 0, "delta": { "content": words } }] }))
}

pub(super) fn stop(reason: &str) -> Piece {
    Piece::Data(json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": reason }] }))
}

pub(super) fn call(index: usize, id: &str, name: &str, arguments: &str) -> Piece {
    let function = json!({ "name": name, "arguments": arguments });
    let call = json!([{ "index": index, "id": id, "type": "function", "function": function }]);
    Piece::Data(json!({ "choices": [{ "index": 0, "delta": { "tool_calls": call } }] }))
}

pub(super) fn says(words: &str) -> Act {
    let usage =
        Piece::Data(json!({ "choices": [], "usage": { "prompt_tokens": 40, "completion_tokens": 2 } }));
    Act::Stream(vec![text(words), stop("stop"), usage], End::Done)
}

pub(super) fn asks(name: &str, arguments: &str) -> Act {
    Act::Stream(vec![call(0, "c1", name, arguments), stop("tool_calls")], End::Done)
}

/// The endpoint: each call takes the next act; the last one is repeated.
pub(super) struct Server {
    pub address: SocketAddr,
    /// Bodies of the calls, in order.
    pub asked: Arc<Mutex<Vec<Value>>>,
    /// Their heads.
    pub heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub async fn start(acts: Vec<Act>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let acts = Arc::new(Mutex::new(VecDeque::from(acts)));
        let (asked, heads) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::<Mutex<Vec<String>>>::default());
        let (bodies, lines) = (Arc::clone(&asked), Arc::clone(&heads));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (acts, bodies, lines) = (Arc::clone(&acts), Arc::clone(&bodies), Arc::clone(&lines));
                tokio::spawn(async move {
                    let _ = serve(socket, &acts, &bodies, &lines).await;
                });
            }
        });
        Self { address, asked, heads }
    }
}

async fn serve(
    mut socket: TcpStream,
    acts: &Mutex<VecDeque<Act>>,
    bodies: &Mutex<Vec<Value>>,
    heads: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut read = Vec::new();
    let (head, body) = loop {
        if socket.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
        let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        let length: usize = length.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        if read.len() >= end + 4 + length {
            break (head, read[end + 4..end + 4 + length].to_vec());
        }
    };
    heads.lock().push(head);
    bodies.lock().push(serde_json::from_slice(&body).unwrap_or_default());
    let act = {
        let mut acts = acts.lock();
        let act = acts.front().cloned();
        if acts.len() > 1 {
            acts.pop_front();
        }
        act
    };
    match act {
        None | Some(Act::Silence) => {
            let _ = socket.read(&mut [0; 64]).await?;
        }
        Some(Act::Status(status, headers)) => {
            let body =
                r#"{"error":{"message":"canary of the endpoint","type":"x","param":null,"code":null}}"#;
            let answer = format!(
                "HTTP/1.1 {status} X\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            socket.write_all(answer.as_bytes()).await?;
        }
        Some(Act::Stream(pieces, end)) => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n";
            socket.write_all(head.as_bytes()).await?;
            for piece in pieces {
                match piece {
                    Piece::Data(value) => chunk(&mut socket, format!("data: {value}\n\n").as_bytes()).await?,
                    Piece::Raw(bytes) => chunk(&mut socket, &bytes).await?,
                    Piece::Pause(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
                    Piece::Forever(value) => {
                        let line = format!("data: {value}\n\n");
                        while chunk(&mut socket, line.as_bytes()).await.is_ok() {}
                    }
                }
            }
            match end {
                End::Done => {
                    chunk(&mut socket, b"data: [DONE]\n\n").await?;
                    socket.write_all(b"0\r\n\r\n").await?;
                }
                End::Cut => {}
                End::Stall => {
                    let _ = socket.read(&mut [0; 64]).await?;
                }
            }
        }
    }
    Ok(())
}

async fn chunk(socket: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    socket.write_all(format!("{:x}\r\n", bytes.len()).as_bytes()).await?;
    socket.write_all(bytes).await?;
    socket.write_all(b"\r\n").await
}

/// A desk with one query that reads, one that writes, and a workflow; what is called is noted.
#[derive(Default)]
pub(super) struct FakeDesk {
    pub called: Mutex<Vec<ToolCall>>,
    /// What the reading query gives.
    pub rows: Mutex<Vec<Vec<Value>>>,
    /// With what every run that is read fails.
    pub error: Mutex<Option<String>>,
}

pub(super) const READS: &str = "q-reads";
pub(super) const WRITES: &str = "q-writes";
pub(super) const FLOW: &str = "w-report";

impl Desk for FakeDesk {
    fn call(&self, call: ToolCall) -> BoxFuture<'static, Called> {
        self.called.lock().push(call.clone());
        let (rows, error) = (self.rows.lock().clone(), self.error.lock().clone());
        Box::pin(async move {
            match call {
                ToolCall::SearchCatalogue { .. } => Ok(Output {
                    value: json!({ "entries": [
                        { "kind": "query", "id": READS, "title": "Sales by month" },
                        { "kind": "query", "id": WRITES, "title": "Refund an order" },
                        { "kind": "workflow", "id": FLOW, "title": "Report" },
                    ]}),
                    ..Output::default()
                }),
                ToolCall::RunQuery { query, .. } if query.as_str() == READS => Ok(Output {
                    text: "rows".to_owned(),
                    data: Some(Table {
                        columns: vec!["note".to_owned()],
                        rows: rows.clone(),
                        truncated: false,
                    }),
                    run: None,
                    value: json!({ "rows": rows }),
                }),
                ToolCall::RunQuery { query, .. } if query.as_str() == WRITES => Err(ToolError::NeedsConsent),
                ToolCall::RunQuery { .. } => Err(ToolError::NotFound("query")),
                ToolCall::ReadRun { .. } if error.is_some() => {
                    Err(ToolError::Failed { code: Code::QueryFailed, message: error.unwrap_or_default() })
                }
                ToolCall::ReadRun { .. } => Err(ToolError::Denied("tenant:workflow:read")),
                ToolCall::StartWorkflow { .. } | ToolCall::DraftQuery { .. } => Err(ToolError::NeedsConsent),
            }
        })
    }

    fn check(&self, call: ToolCall) -> BoxFuture<'static, Result<String, ToolError>> {
        Box::pin(async move {
            match call {
                ToolCall::StartWorkflow { workflow, .. } if workflow.as_str() != FLOW => {
                    Err(ToolError::NotFound("workflow"))
                }
                call => Ok(format!("I would call {:?}", call.tool())),
            }
        })
    }
}

pub(super) struct Stage {
    pub server: Server,
    pub assistant: LlmAssistant,
    pub desk: Arc<FakeDesk>,
    pub told: Arc<Mutex<String>>,
}

pub(super) fn settings() -> sections::Ai {
    let ms = DurationSetting::from_millis;
    sections::Ai {
        first_chunk: ms(300),
        gap: ms(300),
        turn_timeout: ms(3000),
        retries: 2,
        ..sections::Ai::default()
    }
}

impl Stage {
    pub async fn new(acts: Vec<Act>) -> Self {
        Self::with(acts, settings()).await
    }

    pub async fn with(acts: Vec<Act>, settings: sections::Ai) -> Self {
        let server = Server::start(acts).await;
        let url = format!("http://{}/v1", server.address);
        let assistant = assistant(&url, settings);
        Self { server, assistant, desk: Arc::default(), told: Arc::default() }
    }

    pub async fn answer(&self) -> Result<Answer, Failure> {
        self.answer_to(turn()).await
    }

    pub async fn answer_to(&self, turn: Turn) -> Result<Answer, Failure> {
        let told = Arc::clone(&self.told);
        let tell: Tell = Arc::new(move |piece: &str| told.lock().push_str(piece));
        let desk: Arc<dyn Desk> = self.desk.clone();
        self.assistant.answer(turn, desk, tell).await
    }

    pub fn calls(&self) -> usize {
        self.server.asked.lock().len()
    }

    /// Calls of tools, without the look into the catalogue that begins each turn.
    pub fn tools(&self) -> Vec<ToolCall> {
        let called = self.desk.called.lock();
        called.iter().filter(|call| !matches!(call, ToolCall::SearchCatalogue { .. })).cloned().collect()
    }
}

pub(super) fn assistant(url: &str, settings: sections::Ai) -> LlmAssistant {
    let outbound = Outbound::new(&sections::Outbound::default()).unwrap();
    let key = Secret::new("canary-key".to_owned());
    let endpoint = Endpoint::new(&settings, (url, "model-1", Some(&key)), &outbound, Clock::real()).unwrap();
    LlmAssistant::new(endpoint, settings)
}

pub(super) fn turn() -> Turn {
    Turn {
        tenant: TenantId::trusted("acme"),
        room: ChatRoomId::trusted("r"),
        message: MessageId::trusted("m"),
        person: Person { user: UserId::trusted("u"), subject: "ann".to_owned(), api_key: None },
        text: "Show me sales for last month".to_owned(),
        history: Vec::new(),
        now: "2026-11-25T09:00:00Z".parse().unwrap(),
        timezone: TimeZone::UTC,
        may_query: true,
        may_execute: true,
        auto_run: true,
        tokens: 0,
    }
}
