//! How a row is carried out: a fresh session, the bytes, the verdict, and a bystander that must
//! notice nothing.

use std::time::Duration;

use base64::Engine as _;

use crate::harness::{Bystander, Frame, Polling, Target, Ws, websocket::frame};

/// One Engine.IO packet of a row.
#[derive(Debug, Clone)]
pub enum Part {
    /// As it is: a piece of a polling body, or a websocket text frame.
    Text(Vec<u8>),
    /// A binary packet: `b` + base64, or a binary frame.
    Binary(Vec<u8>),
}

/// What must happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The POST is answered `ok` and an echo works afterwards.
    Live,
    /// Polling: 400 and gone. Websocket: closed.
    EngineClose,
    /// Polling: `ok`, then the close packet, then gone. Websocket: closed.
    SioClose,
    /// Either of the two.
    AnyClose,
    /// A CONNECT_ERROR for the namespace, and the session lives.
    InvalidNamespace,
}

/// One row: name, whether `/` is joined before, packets, verdicts.
pub struct Row {
    pub name: String,
    pub joined: bool,
    pub parts: Vec<Part>,
    /// By polling; `None`: no column.
    pub polling: Option<Want>,
    /// By websocket.
    pub websocket: Option<Want>,
}

/// Text packets, the same verdict by both transports.
pub fn row(name: &str, want: Want, packets: &[&str]) -> Row {
    let parts = packets.iter().map(|p| Part::Text(p.as_bytes().to_vec())).collect();
    Row { name: name.to_owned(), joined: true, parts, polling: Some(want), websocket: Some(want) }
}

impl Row {
    pub fn polling(mut self, want: Option<Want>) -> Self {
        self.polling = want;
        self
    }

    pub fn websocket(mut self, want: Option<Want>) -> Self {
        self.websocket = want;
        self
    }

    pub fn not_joined(mut self) -> Self {
        self.joined = false;
        self
    }

    pub fn binary(mut self, data: &[u8]) -> Self {
        self.parts.push(Part::Binary(data.to_vec()));
        self
    }

    fn body(&self) -> Vec<u8> {
        let pieces: Vec<Vec<u8>> = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Binary(data) => {
                    format!("b{}", base64::engine::general_purpose::STANDARD.encode(data)).into_bytes()
                }
            })
            .collect();
        pieces.join(&0x1e)
    }
}

/// All rows over polling and websocket; fails with every row that does not hold.
pub fn carry_out(target: Option<Target>, rows: Vec<Row>) {
    let Some(target) = &target else { return };
    let bystander = Bystander::start(target);
    let count = rows.len();
    let failed: Vec<String> = std::thread::scope(|scope| {
        let hands: Vec<_> = split(&rows, 8)
            .into_iter()
            .map(|part| {
                scope.spawn(move || part.iter().flat_map(|row| both(target, row)).collect::<Vec<_>>())
            })
            .collect();
        hands.into_iter().flat_map(|h| h.join().expect("a table thread")).collect()
    });
    bystander.check();
    assert!(failed.is_empty(), "of {count} rows:\n{}", failed.join("\n"));
    assert!(count > 0);
}

fn split(rows: &[Row], into: usize) -> Vec<Vec<&Row>> {
    let mut parts: Vec<Vec<&Row>> = (0..into).map(|_| Vec::new()).collect();
    for (i, row) in rows.iter().enumerate() {
        parts[i % into].push(row);
    }
    parts
}

fn both(target: &Target, row: &Row) -> Vec<String> {
    let mut failed = Vec::new();
    if let Some(want) = row.polling {
        // the websocket transport does not matter for polling: once is enough
        if !target.mounted {
            note(&mut failed, row, "polling", || by_polling(target, row, want));
        }
    }
    if let Some(want) = row.websocket {
        note(&mut failed, row, "websocket", || by_websocket(target, row, want));
    }
    failed
}

fn note(failed: &mut Vec<String>, row: &Row, transport: &str, check: impl FnOnce()) {
    if let Err(reason) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(check)) {
        let text = reason
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| reason.downcast_ref::<&str>().map(|s| (*s).to_owned()))
            .unwrap_or_default();
        failed.push(format!("{} by {transport}: {text}", row.name));
    }
}

fn by_polling(target: &Target, row: &Row, want: Want) {
    let mut p = if row.joined { target.joined_polling() } else { target.polling() };
    let reply = p.post(row.body());
    match want {
        Want::Live => {
            assert_eq!((reply.status, reply.text().as_str()), (200, "ok"));
            polling_echo(&mut p);
        }
        Want::EngineClose => {
            assert_eq!(reply.status, 400, "answer of the POST: {}", reply.text());
            p.assert_gone();
        }
        Want::SioClose => {
            assert_eq!((reply.status, reply.text().as_str()), (200, "ok"), "answer of the POST");
            let seen = p.until_closed();
            let echoes = seen.iter().filter(|s| s.starts_with("42[\"message-back\"")).count();
            assert_eq!(echoes, 0, "{seen:?}");
            p.assert_gone();
        }
        Want::AnyClose => {
            if reply.status == 200 {
                p.until_closed();
            }
            p.assert_gone();
        }
        Want::InvalidNamespace => {
            assert_eq!(reply.status, 200);
            let answer = p.next();
            assert!(
                answer.starts_with("44/") && answer.ends_with(r#"{"message":"Invalid namespace"}"#),
                "{answer}"
            );
            polling_echo(&mut p);
        }
    }
}

fn polling_echo(p: &mut Polling) {
    p.post_ok(r#"42["message","probe"]"#);
    let end = std::time::Instant::now() + crate::harness::expect::SOON;
    while p.next() != r#"42["message-back","probe"]"# {
        assert!(std::time::Instant::now() < end, "the echo afterwards");
    }
}

fn by_websocket(target: &Target, row: &Row, want: Want) {
    let mut ws = if row.joined { target.joined_websocket() } else { target.websocket() };
    ws.heartbeat = true;
    for part in &row.parts {
        match part {
            Part::Text(text) => ws.send_raw(&frame(0x81, text)),
            Part::Binary(data) => ws.send_raw(&frame(0x82, data)),
        };
    }
    match want {
        Want::Live => websocket_echo(&mut ws),
        Want::InvalidNamespace => {
            let answer = ws.text();
            assert!(
                answer.starts_with("44/") && answer.ends_with(r#"{"message":"Invalid namespace"}"#),
                "{answer}"
            );
            websocket_echo(&mut ws);
        }
        Want::EngineClose | Want::SioClose | Want::AnyClose => {
            let begin = std::time::Instant::now();
            let mut echoes = 0;
            let code = loop {
                match ws.recv() {
                    Frame::Close(code) => break Some(code),
                    Frame::End => break None,
                    Frame::Text(t) if t.starts_with("42[\"message-back\"") => echoes += 1,
                    _ => {}
                }
            };
            assert_eq!(echoes, 0, "answered events");
            assert!(begin.elapsed() < Duration::from_millis(450), "at once, not by the heartbeat");
            if !target.mounted {
                assert!(code.is_some(), "a close frame, not just an end");
            }
        }
    }
}

fn websocket_echo(ws: &mut Ws) {
    ws.send(r#"42["message","probe"]"#);
    while ws.text() != r#"42["message-back","probe"]"# {}
}
