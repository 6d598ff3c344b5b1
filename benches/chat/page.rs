//! A page: one Socket.IO socket in one room, the least that a page does.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use futures_util::{SinkExt, StreamExt, stream::SplitSink};
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::oneshot};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite::Message};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Longest wait for anything; who waits longer is counted as lost.
const LONGEST: Duration = Duration::from_secs(60);

/// What a turn was.
pub struct Turned {
    /// From the message to its ack.
    pub accepted: Duration,
    /// From the message to its answer.
    pub answered: Duration,
    pub answer: Value,
}

#[derive(Default)]
struct Waiting {
    ack: Option<oneshot::Sender<(Instant, Value)>>,
    answer: Option<oneshot::Sender<(Instant, Value)>>,
}

pub struct Page {
    write: Rc<tokio::sync::Mutex<SplitSink<Socket, Message>>>,
    waiting: Rc<RefCell<Waiting>>,
    room: RefCell<String>,
    /// One turn at a time, as a person does.
    turn: tokio::sync::Mutex<()>,
}

impl Page {
    /// A websocket in the namespace of the pages; in no room yet.
    pub async fn connect(hub: &str, token: &str) -> Rc<Self> {
        let url = format!("ws://{hub}/socket.io/?EIO=4&transport=websocket");
        let (socket, _) = connect_async(url).await.unwrap();
        let (write, mut read) = socket.split();
        let write = Rc::new(tokio::sync::Mutex::new(write));
        let waiting = Rc::new(RefCell::new(Waiting::default()));
        let (joined, is_joined) = oneshot::channel();
        let (pong, waits) = (write.clone(), waiting.clone());
        tokio::task::spawn_local(async move {
            let mut joined = Some(joined);
            while let Some(Ok(message)) = read.next().await {
                let Message::Text(text) = message else { continue };
                let at = Instant::now();
                let text = text.as_str();
                if text == "2" {
                    let _ = pong.lock().await.send(Message::text("3")).await;
                } else if text.starts_with("40{") {
                    joined.take().map(|joined| joined.send(()));
                } else if let Some(ack) = text.strip_prefix("43") {
                    let body = ack.trim_start_matches(|c: char| c.is_ascii_digit());
                    let body: Vec<Value> = serde_json::from_str(body).unwrap_or_default();
                    let ack = waits.borrow_mut().ack.take();
                    ack.map(|ack| ack.send((at, body.into_iter().next().unwrap_or_default())));
                } else if text.starts_with("42[\"ai_chat_bot_message\"") {
                    let body: Vec<Value> = serde_json::from_str(&text[2..]).unwrap_or_default();
                    let answer = waits.borrow_mut().answer.take();
                    answer.map(|answer| answer.send((at, body.into_iter().nth(1).unwrap_or_default())));
                } else if text.starts_with("44") || text.starts_with("42[\"ai_chat_error\"") {
                    eprintln!("{text}");
                }
            }
        });
        write.lock().await.send(Message::text(format!("40{}", json!({ "token": token })))).await.unwrap();
        tokio::time::timeout(LONGEST, is_joined).await.unwrap().unwrap();
        Rc::new(Self { write, waiting, room: RefCell::default(), turn: tokio::sync::Mutex::default() })
    }

    async fn ask(&self, event: &str, body: &Value) -> (Instant, Value) {
        let (sender, ack) = oneshot::channel();
        self.waiting.borrow_mut().ack = Some(sender);
        let text = format!("420{}", json!([event, body]));
        self.write.lock().await.send(Message::text(text)).await.unwrap();
        let (at, ack) = tokio::time::timeout(LONGEST, ack).await.unwrap().unwrap();
        assert_eq!(ack["ok"], true, "{event}: {ack}");
        (at, ack)
    }

    /// Into a room of its own.
    pub async fn enter(&self) {
        let (_, ack) = self.ask("ai_chat_room_join", &json!({})).await;
        *self.room.borrow_mut() = ack["chatRoomID"].as_str().unwrap().to_owned();
    }

    fn message(&self, text: &str) -> Value {
        json!({ "chatRoomID": *self.room.borrow(), "message": text })
    }

    /// Says something and does not wait for the answer.
    pub async fn say(&self, text: &str) {
        self.ask("ai_chat_user_message", &self.message(text)).await;
    }

    /// Stops the answer that is being made.
    pub async fn cancel(&self) {
        let room = json!({ "chatRoomID": *self.room.borrow() });
        let (_, ack) = self.ask("ai_chat_cancel", &room).await;
        assert_eq!(ack["cancelled"], true, "{ack}");
    }

    /// Says something, waits for the one answer. Times are from `since`, when it should have been said.
    pub async fn turn(&self, text: &str, since: Instant) -> Turned {
        let _turn = self.turn.lock().await;
        let (sender, answer) = oneshot::channel();
        self.waiting.borrow_mut().answer = Some(sender);
        let (accepted, ack) = self.ask("ai_chat_user_message", &self.message(text)).await;
        let (answered, answer) = tokio::time::timeout(LONGEST, answer).await.unwrap().unwrap();
        assert_eq!(answer["inReplyTo"], ack["messageID"], "{answer}");
        Turned { accepted: accepted.duration_since(since), answered: answered.duration_since(since), answer }
    }
}
