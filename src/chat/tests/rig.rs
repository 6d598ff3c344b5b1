//! A hub of rooms in a folder, which can be stopped hard and started again.

use std::{cell::RefCell, path::Path, rc::Rc, sync::Arc, time::Duration};

use actix_rt::Arbiter;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

use crate::{
    ai::{
        Answer, Assistant, Called, Desk, Draft, Error as AiError, Failure, Output, Person, Tell, ToolCall,
        ToolError, Turn,
    },
    chat::{
        AckFrame, Action, Answered, Asker, Assistants, Consent, Hands, Join, Joined, Parts, Proposal, Rights,
        Rooms, Say,
    },
    clock::Clock,
    config::sections,
    delivery::{CloseReason, Deadline, Member, Outlet, Settings, Shards, Slot, Switchboard},
    ids::{ChatRoomId, DataQueryId, HubId, MessageId, SocketId, TenantId, UserId, WorkflowId},
    protocol::socketio::ack_frame,
    store::Store,
};

/// Does what is said to it: `say <words>`, `wait <words>` (until released), `propose <month>`, `change` (proposes a query
/// that writes), `fail`; and notes what was asked of it and of its hands.
#[derive(Clone)]
pub(super) struct Fake {
    pub turns: Arc<Mutex<Vec<String>>>,
    pub effects: Arc<Mutex<Vec<String>>>,
    gate: Arc<Semaphore>,
    /// Effects wait, too.
    pub slow_hands: Arc<Mutex<bool>>,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            turns: Arc::default(),
            effects: Arc::default(),
            gate: Arc::new(Semaphore::new(0)),
            slow_hands: Arc::default(),
        }
    }
}

impl Fake {
    fn parts(&self, store: &Store, shards: &Shards, clock: Clock) -> Parts {
        Parts {
            store: store.clone(),
            shards: shards.clone(),
            clock,
            assistants: Arc::new(self.clone()),
            hands: Arc::new(self.clone()),
            ai: sections::Ai::default(),
            chat: sections::Chat::default(),
            retention: sections::Retention::default(),
            max_text: 1024,
            supervise: sections::Supervise::default(),
        }
    }
    pub fn release(&self, count: usize) {
        self.gate.add_permits(count);
    }
    pub async fn until_turns(&self, count: usize) {
        until("turns", || async { (self.turns.lock().len() >= count).then_some(()) }).await;
    }
    pub async fn until_effects(&self, count: usize) {
        until("effects", || async { (self.effects.lock().len() >= count).then_some(()) }).await;
    }
}

impl Assistant for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }
    fn answer(
        &self,
        turn: Turn,
        _: Arc<dyn Desk>,
        tell: Tell,
    ) -> BoxFuture<'static, Result<Answer, Failure>> {
        self.turns.lock().push(turn.text.clone());
        let gate = Arc::clone(&self.gate);
        Box::pin(async move {
            let (word, rest) = turn.text.split_once(' ').unwrap_or((&turn.text, "nothing"));
            let says = |text: &str| Answer { text: text.to_owned(), ..Answer::default() };
            match word {
                "wait" => {
                    tell("so ");
                    tell("far");
                    gate.acquire().await.unwrap().forget();
                    Ok(says(rest))
                }
                "propose" => {
                    let inputs = Map::from_iter([("month".to_owned(), json!(rest))]);
                    let call = ToolCall::StartWorkflow { workflow: WorkflowId::trusted("report"), inputs };
                    let draft = Draft { call, summary: format!("start the report of {rest}"), seal: None };
                    Ok(Answer { proposal: Some(draft), ..says("Shall I?") })
                }
                "change" => {
                    let call =
                        ToolCall::RunQuery { query: DataQueryId::trusted("refund"), inputs: Map::new() };
                    let draft = Draft { call, summary: "refund it".to_owned(), seal: None };
                    Ok(Answer { proposal: Some(draft), ..says("Shall I?") })
                }
                "fail" => Err(AiError::Endpoint("failed (500)".to_owned()).into()),
                _ => Ok(says(rest)),
            }
        })
    }
}

impl Assistants for Fake {
    fn of(&self, _: &TenantId) -> Arc<dyn Assistant> {
        Arc::new(self.clone())
    }
    fn auto_run(&self, _: &TenantId) -> bool {
        true
    }
    fn take(&self, _: &TenantId, _: &UserId) -> Result<(), AiError> {
        Ok(())
    }
}

struct NoDesk;

impl Desk for NoDesk {
    fn call(&self, _: ToolCall) -> BoxFuture<'static, Called> {
        Box::pin(async { Err(ToolError::NeedsConsent) })
    }
    fn check(&self, _: ToolCall) -> BoxFuture<'static, Result<String, ToolError>> {
        Box::pin(async { Ok("it".to_owned()) })
    }
}

impl Hands for Fake {
    fn rights(&self, _: Person, _: TenantId) -> BoxFuture<'static, Rights> {
        Box::pin(async { Rights { query: true, execute: true } })
    }
    fn desk(&self, _: Person, _: TenantId, _: ChatRoomId) -> Arc<dyn Desk> {
        Arc::new(NoDesk)
    }
    fn carry_out(
        &self,
        proposal: Arc<Proposal>,
        person: Person,
        _: TenantId,
    ) -> BoxFuture<'static, Answered> {
        self.effects.lock().push(format!("{} {}", proposal.call.tool_name(), person.user));
        let (gate, slow) = (Arc::clone(&self.gate), *self.slow_hands.lock());
        Box::pin(async move {
            if slow {
                gate.acquire().await.unwrap().forget();
            }
            Answered::Done(Box::new(Output { text: "It happened.".to_owned(), ..Output::default() }))
        })
    }
    fn preview(&self, _: Arc<Proposal>, _: Person, _: TenantId) -> BoxFuture<'static, Called> {
        Box::pin(async { Ok(Output { text: "It would happen.".to_owned(), ..Output::default() }) })
    }
    fn seal(&self, _: ToolCall, _: TenantId) -> BoxFuture<'static, Option<String>> {
        Box::pin(async { None })
    }
    fn has_effect(&self, call: ToolCall, _: TenantId) -> BoxFuture<'static, bool> {
        Box::pin(async move { !matches!(call, ToolCall::ReadRun { .. }) })
    }
}

impl ToolCall {
    fn tool_name(&self) -> String {
        serde_json::to_value(self.tool()).unwrap().as_str().unwrap().to_owned()
    }
}

/// Rooms for a test of somebody else, on the thread that asks.
pub(crate) fn rooms(store: &Store, shards: &Shards) -> Rooms {
    let arbiter = Arbiter::current();
    let parts = Fake::default().parts(store, shards, Clock::real());
    Rooms::launch(parts, arbiter.clone(), vec![arbiter])
}

pub(super) struct Rig {
    pub rooms: Rooms,
    pub fake: Fake,
    pub store: Store,
    pub shards: Shards,
    pub tenant: TenantId,
    arbiters: Vec<Arbiter>,
}

impl Rig {
    pub fn start(dir: &Path) -> Self {
        Self::with(dir, Fake::default(), Clock::real(), |_| {})
    }

    pub fn with(dir: &Path, fake: Fake, clock: Clock, change: impl FnOnce(&mut Parts)) -> Self {
        let (database, journal) = (sections::Database::default(), sections::Journal::default());
        let store = Store::open(&database, &journal, dir, HubId::generate(), clock.clone()).unwrap();
        let shards = Shards::new(1);
        let mut parts = fake.parts(&store, &shards, clock);
        change(&mut parts);
        let arbiters: Vec<Arbiter> = (0..3).map(|_| Arbiter::new()).collect();
        let children = arbiters.iter().skip(1).map(Arbiter::handle).collect();
        let rooms = Rooms::launch(parts, arbiters[0].handle(), children);
        Self { rooms, fake, store, shards, tenant: TenantId::trusted("t1"), arbiters }
    }

    /// Ends as by `kill -9`: no actor is asked.
    pub async fn kill(mut self) -> Fake {
        for arbiter in self.arbiters.drain(..) {
            arbiter.stop();
            let _ = arbiter.join();
        }
        self.store.close().await;
        self.fake.clone()
    }

    /// The tenant's row, which a room refers to.
    pub async fn tenant_row(&self) {
        use crate::store::tables::tenants;
        let tenant = tenants::NewTenant {
            tenant_id: self.tenant.clone(),
            title: "T".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
            creator_id: None,
            at: jiff::Timestamp::UNIX_EPOCH,
        };
        let _ = self.store.write(move |db| tenants::insert(db, &tenant)).await;
    }

    pub fn board(&self) -> Rc<Switchboard> {
        let settings = Settings::new(&sections::Delivery::default(), &sections::Session::default());
        Switchboard::start(&self.shards, settings, Clock::real()).unwrap()
    }

    pub async fn join(&self, page: &Page, who: &str, room: Option<&ChatRoomId>, stream: bool) -> Joined {
        self.try_join(page, who, room, stream).await.unwrap()
    }

    pub async fn try_join(
        &self,
        page: &Page,
        who: &str,
        room: Option<&ChatRoomId>,
        stream: bool,
    ) -> Result<Joined, crate::chat::Error> {
        let ack: AckFrame =
            Arc::new(|joined: &Joined| ack_frame("/", 1, &json!({ "room": joined.room })).ok());
        let join = Join {
            tenant: self.tenant.clone(),
            asker: by(who),
            room: room.cloned(),
            current: None,
            member: page.member.clone(),
            stream,
            ack: Some(ack),
        };
        self.rooms.join(join).await
    }

    pub fn says(&self, joined: &Joined, who: &str, text: &str, action: Option<Action>) -> Say {
        Say {
            room: joined.room.clone(),
            tenant: None,
            asker: by(who),
            text: text.to_owned(),
            consent: action.map(|action| Consent { action, proposal: None }),
            client_id: None,
            from: None,
            seen_from: Some(joined.seen_from),
        }
    }

    pub async fn say(&self, joined: &Joined, who: &str, text: &str) -> MessageId {
        self.rooms.say(self.says(joined, who, text, None)).await.unwrap().message
    }

    pub async fn consent(&self, joined: &Joined, who: &str, action: Action) -> MessageId {
        self.rooms.say(self.says(joined, who, "", Some(action))).await.unwrap().message
    }

    /// Kinds of the rows of a room.
    pub async fn kinds(&self, room: &ChatRoomId) -> Vec<String> {
        let page = self.rooms.rows(room, crate::ids::Seq::ZERO, 1000).await.unwrap();
        page.rows.into_iter().map(|row| row.kind).collect()
    }
}

pub(super) fn by(user: &str) -> Asker {
    let person = Person { user: UserId::trusted(user), subject: format!("fb-{user}"), api_key: None };
    Asker { person, address: None, request: None }
}

struct Ear;
impl Outlet for Ear {
    fn closed(&self, _: CloseReason) {}
    fn deadline(&self, _: Deadline) {}
}

/// A socket that reads all it gets.
pub(super) struct Page {
    board: Rc<Switchboard>,
    slot: Slot,
    pub member: Member,
    seen: RefCell<Vec<Value>>,
}

impl Page {
    pub fn open(board: &Rc<Switchboard>) -> Self {
        let slot = board.open(Rc::new(Ear));
        let member = board.member(slot, SocketId::generate());
        Self { board: Rc::clone(board), slot, member, seen: RefCell::default() }
    }

    /// What came so far: `[name, body]`, acks as `["ack", body]`.
    pub fn seen(&self) -> Vec<Value> {
        let mut seen = self.seen.borrow_mut();
        for frame in self.board.take(self.slot, usize::MAX) {
            for packet in frame.polling() {
                let text = String::from_utf8(packet.into_owned()).unwrap();
                let body: Value = serde_json::from_str(&text[text.find('[').unwrap()..]).unwrap();
                seen.push(if text.starts_with("43") { json!(["ack", body[0]]) } else { body });
            }
        }
        seen.clone()
    }

    /// Bodies of events of that name.
    pub fn events(&self, name: &str) -> Vec<Value> {
        self.seen().into_iter().filter(|event| event[0] == name).map(|event| event[1].clone()).collect()
    }

    pub fn texts(&self) -> Vec<String> {
        let told = self.events("ai_chat_bot_message");
        told.iter().map(|told| told["text"].as_str().unwrap().to_owned()).collect()
    }

    /// The answer to a message, once it is there.
    pub async fn told(&self, message: &MessageId) -> Value {
        until("an answer", || async {
            let told = self.events("ai_chat_bot_message");
            let mut told = told.into_iter().filter(|told| told["inReplyTo"] == message.as_str());
            let first = told.next();
            assert!(told.next().is_none(), "answered twice");
            first
        })
        .await
    }
}

/// Waits for a condition; a test that waits longer than anything may take has failed.
pub(super) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    for _ in 0..5000 {
        if let Some(found) = look().await {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("never: {what}")
}
