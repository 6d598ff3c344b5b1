//! A page on a hub that dies: it comes back, enters its room, and sends again what has no ack.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::chat::shop::*;
use crate::harness::driver::{Driver, Via, events_of};

/// So long a message may take, however often the hub dies meanwhile.
const LONG: Duration = Duration::from_secs(90);

/// One person's page.
pub struct Page {
    pub driver: Driver,
    pub name: String,
    pub room: String,
    /// The line of the `connect` in which this page has entered the room.
    entered: usize,
    sent: usize,
    label: String,
}

impl Page {
    /// It is in the room, or in one of its own.
    #[track_caller]
    pub fn open(shop: &Shop, mut driver: Driver, name: &str, via: Via, room: Option<&str>) -> Self {
        shop.page(&mut driver, name, via);
        let body = room.map_or(json!({}), |room| json!({ "chatRoomID": room }));
        let room = enter(&mut driver, name, body);
        let entered = last_turn(&driver.seen, name).map_or(0, |(at, _)| at);
        Self { driver, name: name.to_owned(), room, entered, sent: 0, label: String::new() }
    }

    /// What its messages are called from now on.
    pub fn label(&mut self, label: &str) {
        (self.label, self.sent) = (label.to_owned(), 0);
    }

    /// The hub is gone since the page entered. (A client also tells of the loss of what never connected.)
    fn is_cut(seen: &[Value], name: &str, entered: usize) -> bool {
        last_turn(seen, name).is_some_and(|(at, _)| at > entered)
    }

    /// Waits until it is connected, and enters the room: until both went well in one life of the hub.
    #[track_caller]
    fn enter(&mut self) {
        let end = Instant::now() + LONG;
        loop {
            assert!(Instant::now() < end, "{} did not come back", self.name);
            let name = self.name.clone();
            self.entered = self.driver.wait_for("a connection", LONG, |seen| {
                last_turn(seen, &name).filter(|(_, connected)| *connected).map(|(at, _)| at)
            });
            let mark = self.driver.seen.len();
            self.driver.emit_ack(&self.name, JOIN, json!([{ "chatRoomID": self.room }]));
            if let Some(ack) = self.ack(JOIN, mark)
                && ack["ok"] == true
            {
                return;
            }
        }
    }

    /// The next ack after a mark; none when the hub died first.
    #[track_caller]
    fn ack(&mut self, event: &str, mark: usize) -> Option<Value> {
        let (name, entered) = (self.name.clone(), self.entered);
        self.driver.wait_for(&format!("an ack of {event}"), LONG, |seen| {
            let ack = |line: &&Value| line["id"] == name && line["what"] == "ack" && line["event"] == event;
            match seen[mark..].iter().find(ack) {
                Some(line) => Some(Some(line["args"][0].clone())),
                None => Self::is_cut(seen, &name, entered).then_some(None),
            }
        })
    }

    /// The next message, under the name that it has however often it is sent.
    fn next(&self, message: &Value) -> (String, Value) {
        let client = format!("{} {} {}", self.label, self.name, self.sent + 1);
        let body = json!([{ "chatRoomID": self.room, "message": message, "clientMessageID": client }]);
        (client, body)
    }

    /// Sends a message and waits for nothing: the hub dies of it. [`Self::send`] sends it again.
    pub fn throw(&mut self, message: &Value) {
        let (_, body) = self.next(message);
        self.driver.emit(&self.name, SAY, body);
    }

    /// Waits until the page knows that the hub has died.
    #[track_caller]
    pub fn wait_for_loss(&mut self) {
        let (name, entered) = (self.name.clone(), self.entered);
        self.driver.wait_for("the loss", LONG, |seen| Self::is_cut(seen, &name, entered).then_some(()));
    }

    /// Enters again, if the hub has died meanwhile.
    #[track_caller]
    pub fn come_back(&mut self) {
        if Self::is_cut(&self.driver.seen, &self.name, self.entered) {
            self.enter();
        }
    }

    /// Sends a message until it is acknowledged: its id.
    #[track_caller]
    pub fn send(&mut self, message: &Value) -> Value {
        let (client, body) = self.next(message);
        self.sent += 1;
        let end = Instant::now() + LONG;
        loop {
            self.come_back();
            let mark = self.driver.seen.len();
            self.driver.emit_ack(&self.name, SAY, body.clone());
            match self.ack(SAY, mark) {
                Some(ack) if ack["ok"] == true => return ack["messageID"].clone(),
                // Its room is busy, or the storage was: again.
                Some(ack) => {
                    let code = ack["error"]["code"].as_str().unwrap_or_default();
                    let passing = ["RATE_LIMITED", "STORAGE_UNAVAILABLE", "BUSY", "DRAINING", "RUN_LOST"];
                    assert!(passing.contains(&code), "{client}: {ack}");
                }
                None => {}
            }
            assert!(Instant::now() < end, "{client} was never accepted");
        }
    }

    /// Waits for the answer to a message, as an event or in the history of a room that was entered again.
    #[track_caller]
    pub fn answer(&mut self, message: &Value) -> Value {
        let end = Instant::now() + LONG;
        loop {
            self.come_back();
            let (name, entered) = (self.name.clone(), self.entered);
            let told = self.driver.wait_for(&format!("the answer to {message}"), LONG, |seen| {
                match told(seen, &name).remove(message.as_str().unwrap_or_default()) {
                    Some(told) => Some(Some(told)),
                    None => Self::is_cut(seen, &name, entered).then_some(None),
                }
            });
            if let Some(told) = told {
                return told;
            }
            assert!(Instant::now() < end, "no answer to {message}");
        }
    }

    /// More sockets of this person, which only watch: they enter the room at each `connect`.
    #[track_caller]
    pub fn watched_by(&mut self, shop: &Shop, names: &[String]) {
        for name in names {
            shop.page(&mut self.driver, name, Via::Websocket);
            self.driver.resume(name, JOIN, json!({ "chatRoomID": self.room }));
        }
    }

    /// This socket saw the answers to these messages, by its events and histories together; it saw no answer
    /// twice as an event, and each after the one before.
    #[track_caller]
    pub fn assert_saw(&mut self, name: &str, messages: &BTreeSet<String>) {
        self.driver.wait_for(&format!("all answers at {name}"), LONG, |seen| {
            let told = told(seen, name);
            messages.iter().all(|message| told.contains_key(message)).then_some(())
        });
        let (mut seen, mut last) = (BTreeSet::new(), 0);
        for told in events_of(&self.driver.seen, name, BOT) {
            assert!(seen.insert(told["messageID"].to_string()), "{name} was told twice: {told}");
            let seq = told["seq"].as_i64().unwrap();
            assert!(seq > last, "{name}: {seq} after {last}");
            last = seq;
        }
    }
}

/// Where a client last came or went, and whether it came.
fn last_turn(seen: &[Value], name: &str) -> Option<(usize, bool)> {
    let turn =
        |line: &Value| line["id"] == name && (line["what"] == "connect" || line["what"] == "disconnect");
    let at = seen.iter().rposition(turn)?;
    Some((at, seen[at]["what"] == "connect"))
}

/// Everything that a page was told, by the message that it answers.
fn told(seen: &[Value], name: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let key = |told: &Value| told["inReplyTo"].as_str().unwrap_or_default().to_owned();
    for entered in events_of(seen, name, ROOM) {
        for item in
            entered["history"].as_array().into_iter().flatten().filter(|item| item["role"] == "assistant")
        {
            all.insert(key(item), item.clone());
        }
    }
    // An event says more than a history.
    for told in events_of(seen, name, BOT) {
        all.insert(key(&told), told);
    }
    all
}

/// The journal of a room by REST: what was said, and its answers.
pub struct Journal {
    pub said: Vec<Value>,
    pub told: Vec<Value>,
    pub closed: Vec<Value>,
}

impl Journal {
    #[track_caller]
    pub fn of(shop: &Shop, user: &str, room: &str) -> Self {
        let (status, all) = shop.rest(user, "GET", &format!("/{room}/export"), &Value::Null);
        assert_eq!(status, 200, "{all}");
        let of = |kind: &str| -> Vec<Value> {
            all["messages"].as_array().unwrap().iter().filter(|row| row["kind"] == kind).cloned().collect()
        };
        Self { said: of("USER_MESSAGE"), told: of("BOT_MESSAGE"), closed: of("PROPOSAL_CLOSED") }
    }

    /// Each message has exactly one answer, in the order of the messages; none is there twice under its
    /// client's name. The ids of the messages.
    #[track_caller]
    pub fn assert_clean(&self, what: &str) -> BTreeSet<String> {
        let ids = |rows: &[Value], name: &str| -> Vec<String> {
            rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
        };
        let (said, told) = (ids(&self.said, "messageID"), ids(&self.told, "inReplyTo"));
        assert_eq!(said, told, "{what}: one answer each, in order");
        let names: Vec<String> = ids(&self.said, "clientMessageID");
        let once: BTreeSet<&String> = names.iter().collect();
        assert_eq!(names.len(), once.len(), "{what}: sent again it is one message: {names:?}");
        let all: BTreeSet<String> = said.into_iter().collect();
        assert_eq!(all.len(), self.said.len(), "{what}");
        for told in &self.told {
            assert!(told["text"].as_str().is_some_and(|text| !text.trim().is_empty()), "{what}: {told}");
        }
        all
    }
}
