//! Who is let in, and what every event of the contract is answered for every kind of subject. A row
//! that is missing here does not compile.

use std::{collections::BTreeMap, net::IpAddr, rc::Rc, sync::Arc, time::Duration};

use serde_json::{Map, Value, json};

use super::{Doors, OfRuns, Router, TenantRates};
use crate::{
    auth::{Auth, FetchJwks, Fetched, NewToken, directory::StoreDirectory, sign},
    chat::tests::rig::rooms,
    clock::Clock,
    config::{Rate, Secret, sections},
    delivery::{CloseReason, Deadline, Outlet, Settings, Slot, Switchboard},
    ids::{HubId, RunId, SocketId},
    listener::Listeners,
    protocol::{events::Client, frame::Frame, socketio::Event},
    session::{
        Accepted, Connect, ConnectRefused, Outcome, Peer, Service, Socket,
        acks::Acks,
        socket::{Owner, Shared},
    },
    widget::{self, Widgets},
    workflow::tests::rig::{Rig, js},
};

struct Ear;
impl Outlet for Ear {
    fn closed(&self, _: CloseReason) {}
    fn deadline(&self, _: Deadline) {}
}
impl Owner for Ear {
    fn leave(&self, _: &SocketId) {}
    fn close(&self) {}
}
struct NoKeys;
impl FetchJwks for NoKeys {
    fn fetch(&self, _: &str) -> Fetched {
        Box::pin(async { Err("no".to_owned()) })
    }
}

struct Hub {
    rig: Rig,
    board: Rc<Switchboard>,
    router: Router,
    secret: Secret,
    /// A run of the tenant `t1` that goes on, and of no other.
    run: RunId,
    _dir: tempfile::TempDir,
}

/// A socket and all that it was sent.
struct Page {
    board: Rc<Switchboard>,
    slot: Slot,
    socket: Socket,
}

async fn hub(limits: sections::Limits) -> Hub {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let settings = Settings::new(&sections::Delivery::default(), &sections::Session::default());
    let board = Switchboard::start(&rig.shards, settings, Clock::real()).unwrap();
    let secret = Secret::new("0123456789abcdef0123456789abcdef".to_owned());
    let section = sections::Auth { hs256_secret: Some(secret.clone()), ..sections::Auth::default() };
    let directory = Arc::new(StoreDirectory::new(rig.store.clone()));
    let auth = Auth::new(&section, directory, Arc::new(NoKeys), Clock::real()).unwrap();
    let rates = Arc::new(TenantRates::new(limits.client_events_per_tenant, Clock::real()));
    let parts = widget::Parts {
        store: rig.store.clone(),
        shards: rig.shards.clone(),
        host: Arc::new(OfRuns(rig.runs.clone())),
        clock: Clock::real(),
        supervise: sections::Supervise::default(),
        hub: HubId::generate(),
    };
    let arbiter = actix_rt::Arbiter::current();
    let widgets = Widgets::launch(parts, arbiter.clone(), vec![arbiter]).await.unwrap();
    let listeners = Listeners::new(rig.store.clone(), rig.shards.clone(), Clock::real());
    let chats = rooms(&rig.store, &rig.shards);
    let doors = Doors { runs: rig.runs.clone(), widgets, listeners, chats };
    let router = Router::new(auth, doors, rates, Clock::real(), &limits);
    let workflow = rig.chain(&[js("js", "wait 1")]).await;
    let run = rig.run(&workflow).await.instance_id;
    Hub { rig, board, router, secret, run, _dir: dir }
}

fn peer() -> Peer {
    Peer {
        ip: IpAddr::from([127, 0, 0, 1]),
        origin: None,
        authorization: None,
        api_key: None,
        user_agent: None,
        query: Vec::new(),
    }
}

impl Hub {
    fn token(&self, sub: &str, tenants: &[(&str, &str)], platform_admin: bool) -> String {
        let tenants: BTreeMap<String, String> =
            tenants.iter().map(|(tenant, role)| ((*tenant).to_owned(), (*role).to_owned())).collect();
        let token = NewToken { sub: sub.to_owned(), email: None, tenants, platform_admin };
        sign(&self.secret, &token, Clock::real().now(), Duration::from_secs(600)).unwrap()
    }

    async fn connect(&self, namespace: &str, auth: Value, peer: Peer) -> Result<Page, ConnectRefused> {
        let slot = self.board.open(Rc::new(Ear));
        let member = self.board.member(slot, SocketId::generate());
        let auth: Map<String, Value> = auth.as_object().cloned().unwrap_or_default();
        let peer = Rc::new(peer);
        let connect =
            Connect { namespace: namespace.to_owned(), auth, peer: Rc::clone(&peer), member: member.clone() };
        let Accepted { data } = self.router.connect(connect).await?;
        let shared = Shared {
            board: Rc::clone(&self.board),
            slot,
            peer,
            acks: Acks::new(8).into(),
            ack_timeout: Duration::from_secs(1),
            clock: Clock::real(),
            owner: Rc::new(Ear),
        };
        let socket = Socket::new(Rc::new(shared), Rc::from(namespace), member, data);
        Ok(Page { board: Rc::clone(&self.board), slot, socket })
    }

    async fn member_of(&self, tenants: &[(&str, &str)], sub: &str) -> Page {
        let auth = json!({"token": self.token(sub, tenants, false)});
        self.connect("/", auth, peer()).await.unwrap()
    }

    /// Sends an event with an ack and returns what came of it: the ack, then the events.
    async fn send(&self, page: &Page, name: &str, argument: &str) -> Vec<Value> {
        let event = Event::new(name, argument, Some(7));
        if let Outcome::Later(later) = self.router.event(&page.socket, event) {
            later.await;
        }
        // What the actor sent is behind what was sent before it; wait for the last of it.
        for _ in 0..3 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        page.seen()
    }
}

impl Page {
    fn seen(&self) -> Vec<Value> {
        let frames = self.board.take(self.slot, usize::MAX);
        let packets = frames
            .iter()
            .flat_map(|frame| frame.polling().map(|bytes| bytes.into_owned()).collect::<Vec<_>>());
        packets
            .map(|bytes| {
                let text = String::from_utf8(bytes).unwrap();
                let body = &text[text.find('[').unwrap()..];
                let body: Value = serde_json::from_str(body).unwrap();
                if text.starts_with("43") { json!(["ack", body[0]]) } else { body }
            })
            .collect()
    }
}

fn code_of(refused: Result<Page, ConnectRefused>) -> String {
    let refused = refused.err().map(|refused| refused.data.unwrap_or_default()["code"].clone());
    refused.map_or("let in".to_owned(), |code| code.as_str().unwrap_or("no code").to_owned())
}

#[actix::test]
async fn who_is_let_in() {
    let hub = hub(sections::Limits::default()).await;
    let member = hub.token("u1", &[("t1", "MEMBER")], false);
    let admin = hub.token("u2", &[("t1", "ADMIN")], false);
    let platform = hub.token("u3", &[], true);
    let nobody = hub.token("u4", &[], false);
    let mut header = peer();
    header.authorization = Some(format!("Bearer {member}"));
    let mut query = peer();
    query.query = vec![("EIO".to_owned(), "4".to_owned()), ("token".to_owned(), member.clone())];
    let mut broken = peer();
    broken.authorization = Some("Bearer x".to_owned());
    let cases = [
        ("/", json!({"token": member}), peer(), "let in"),
        ("/", json!({"token": format!("Bearer {member}")}), peer(), "let in"),
        ("/", json!({}), header, "let in"),
        ("/", json!({}), query, "let in"),
        ("/", json!({"token": nobody}), peer(), "let in"),
        ("/", json!({}), peer(), "USER_AUTH_TOKEN_NOT_FOUND"),
        ("/", json!({"token": "x.y.z"}), peer(), "USER_AUTH_TOKEN_EXPIRED"),
        ("/", json!({"apiKey": "jk_nothing"}), peer(), "INVALID_API_KEY"),
        ("/", json!({"token": member}), broken, "let in"),
        ("/monitor", json!({"token": member}), peer(), "PERMISSION_DENIED"),
        ("/monitor", json!({"token": nobody}), peer(), "PERMISSION_DENIED"),
        ("/monitor", json!({"token": admin}), peer(), "let in"),
        ("/monitor", json!({"token": platform}), peer(), "let in"),
        ("/other", json!({"token": member}), peer(), "no code"),
    ];
    for (namespace, auth, peer, expected) in cases {
        assert_eq!(code_of(hub.connect(namespace, auth.clone(), peer).await), expected, "{namespace}");
    }
    let refused = hub.connect("/other", json!({}), peer()).await.err().unwrap();
    assert_eq!(refused.message, "Invalid namespace");
}

/// What an event is about, for the matrix.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Subject {
    Own,
    Foreign,
    Missing,
    Malformed,
}

fn payload(event: Client, subject: Subject, hub: &Hub, foreign: &RunId, chats: &[String; 2]) -> String {
    let run = match subject {
        Subject::Own => json!(hub.run.as_str()),
        Subject::Foreign => json!(foreign.as_str()),
        Subject::Missing => json!("no-such-run"),
        Subject::Malformed => json!({"a": [1]}),
    };
    // Somebody else's identity is not even read.
    let lies = json!({"firebaseID": "u2", "firebase_id": "u2", "userID": "u2", "role": "ADMIN"});
    let mut body = lies.as_object().cloned().unwrap_or_default();
    match event {
        Client::RunJoin | Client::RunLeave => {
            body.insert("runId".to_owned(), run);
        }
        Client::WidgetConnect | Client::WidgetInput | Client::WidgetRefresh | Client::WidgetDisconnect => {
            body.insert("widgetID".to_owned(), json!("w1"));
            body.insert("mode".to_owned(), json!("subscribe"));
            body.insert("instanceID".to_owned(), run);
        }
        Client::ChatRoomJoin | Client::ChatUserMessage | Client::ChatRoomDisconnect | Client::ChatCancel => {
            let room = match subject {
                Subject::Own => json!(chats[0]),
                Subject::Foreign => json!(chats[1]),
                Subject::Missing | Subject::Malformed => run,
            };
            body.insert("chatRoomID".to_owned(), room);
            body.insert("message".to_owned(), json!({ "text": "say hello" }));
        }
        Client::RoomJoin | Client::RoomLeave => {
            let room = match subject {
                Subject::Own => json!("tenant:t1"),
                Subject::Foreign => json!("tenant:t2"),
                Subject::Missing => json!("listener:no-such-run"),
                Subject::Malformed => json!({ "room": "tenant:t1" }),
            };
            return room.to_string();
        }
        Client::AuthRefresh | Client::Filter => {
            body.insert("token".to_owned(), run);
        }
    }
    Value::Object(body).to_string()
}

/// The code of the ack, or `ok`.
fn expected(event: Client, subject: Subject) -> &'static str {
    match event {
        Client::RunJoin => match subject {
            Subject::Own => "ok",
            Subject::Foreign | Subject::Missing => "RUN_NOT_FOUND",
            Subject::Malformed => "INVALID_REQUEST",
        },
        Client::RunLeave | Client::RoomLeave | Client::ChatRoomDisconnect
            if subject == Subject::Malformed =>
        {
            "INVALID_REQUEST"
        }
        Client::RoomJoin | Client::ChatRoomJoin | Client::ChatUserMessage | Client::ChatCancel => {
            match subject {
                Subject::Own => "ok",
                Subject::Foreign | Subject::Missing => "ROOM_NOT_FOUND",
                Subject::Malformed => "INVALID_REQUEST",
            }
        }
        // Leaving what one is not in is done already.
        Client::RunLeave | Client::RoomLeave | Client::WidgetDisconnect | Client::ChatRoomDisconnect => "ok",
        Client::WidgetConnect => expected(Client::RunJoin, subject),
        Client::WidgetRefresh => "NOT_CONNECTED",
        Client::WidgetInput | Client::AuthRefresh | Client::Filter => "INVALID_REQUEST",
    }
}

#[actix::test]
async fn every_event_for_every_subject() {
    let hub = hub(sections::Limits::default()).await;
    let mut other = hub.rig.start_of(&hub.rig.chain(&[js("js", "wait 1")]).await);
    other.tenant = crate::ids::TenantId::trusted("t2");
    // A run of another tenant, made of the same parts.
    let foreign = hub.rig.foreign(other).await;
    let stranger = hub.member_of(&[("t2", "ADMIN")], "u9").await;
    hub.send(&stranger, "workflow_run_join", &json!({"runId": foreign.as_str()}).to_string()).await;
    let own = hub.member_of(&[("t1", "ADMIN")], "u1").await;
    let mut chats = [String::new(), String::new()];
    for (room, (page, tenant)) in chats.iter_mut().zip([(&own, "t1"), (&stranger, "t2")]) {
        let answers = hub.send(page, "ai_chat_room_join", &json!({ "tenantID": tenant }).to_string()).await;
        *room = answers[0][1]["chatRoomID"].as_str().unwrap_or_else(|| panic!("{answers:?}")).to_owned();
        assert_eq!(answers[1], json!(["ai_chat_room_id", { "chatRoomID": *room, "resumed": false }]));
    }
    let rows = |view: crate::workflow::RunView| view.seq;
    let before = rows(hub.rig.view(&hub.run).await);
    for event in Client::ALL {
        let mut shapes = BTreeMap::new();
        for subject in [Subject::Own, Subject::Foreign, Subject::Missing, Subject::Malformed] {
            let argument = payload(*event, subject, &hub, &foreign, &chats);
            let auth = json!({"token": hub.token("u1", &[("t1", "ADMIN")], false)});
            let page = hub.connect(event.namespace(), auth, peer()).await.unwrap();
            let answers = hub.send(&page, event.as_str(), &argument).await;
            let ack = answers.iter().find(|answer| answer[0] == "ack").map(|answer| answer[1].clone());
            let ack =
                ack.unwrap_or_else(|| panic!("{event} {subject:?} was answered with silence: {answers:?}"));
            let code = if ack["ok"] == true { "ok" } else { ack["error"]["code"].as_str().unwrap() };
            assert_eq!(code, expected(*event, subject), "{event} {subject:?}");
            let shape = serde_json::to_string(&answers).unwrap();
            shapes.insert(
                format!("{subject:?}"),
                shape
                    .replace(foreign.as_str(), "RUN")
                    .replace(&chats[1], "RUN")
                    .replace("no-such-run", "RUN"),
            );
        }
        assert_eq!(mask(&shapes["Foreign"]), mask(&shapes["Missing"]), "{event}");
    }
    assert_eq!(rows(hub.rig.view(&hub.run).await), before, "nothing was written");
    assert!(stranger.seen().iter().all(|event| event[1]["instanceID"] != hub.run.as_str()));
}

/// Without times.
fn mask(text: &str) -> String {
    let mut out = String::new();
    for part in text.split("\"timestamp\":\"") {
        out.push_str(part.get(24..).filter(|_| !out.is_empty()).unwrap_or(part));
    }
    out
}

#[actix::test]
async fn a_run_is_watched_by_who_may() {
    let hub = hub(sections::Limits::default()).await;
    let join = json!({"runID": hub.run.as_str(), "tenantID": "t1"}).to_string();
    let member = hub.member_of(&[("t1", "MEMBER")], "u1").await;
    let answers = hub.send(&member, "workflow_run_join", &join).await;
    assert_eq!(answers[0][1]["ok"], true, "{answers:?}");
    assert_eq!(answers[1][0], "workflow_node_update");
    // Once more: an ack, and nothing again.
    assert_eq!(hub.send(&member, "workflow_run_join", &join).await.len(), 1);
    let wrong = json!({"runId": hub.run.as_str(), "tenantID": "t2"}).to_string();
    let refused = hub.send(&member, "workflow_run_join", &wrong).await;
    assert_eq!(refused[0][1]["error"]["code"], "RUN_NOT_FOUND");
    assert_eq!(refused[1][0], "workflow_run_error");
    assert_eq!(refused[1][1]["instanceID"], hub.run.as_str());
    // A role that may nothing: of the same tenant it is told so.
    let powerless = hub.member_of(&[("t1", "GUEST")], "u5").await;
    let refused = hub.send(&powerless, "workflow_run_join", &join).await;
    assert_eq!(refused[0][1]["error"]["code"], "PERMISSION_DENIED");
    // Nothing at all as argument; unknown names; events of the other namespace.
    let refused = hub.send(&member, "workflow_run_join", "").await;
    assert_eq!(refused[0][1]["error"]["code"], "INVALID_REQUEST");
    assert_eq!(refused[1][1]["runId"], Value::Null);
    assert!(hub.send(&member, "workflow_completed", "{}").await.is_empty());
    assert!(hub.send(&member, "filter", "{}").await.is_empty());
    let left =
        hub.send(&member, "workflow_run_leave", &json!({"instanceId": hub.run.as_str()}).to_string()).await;
    assert_eq!(left, [json!(["ack", {"ok": true}])]);
    hub.rig.fake.release(1);
    hub.rig.until(&hub.run, "COMPLETED").await;
    assert!(member.seen().is_empty(), "it has left");
    // One that has ended is told once as well; what cannot be read is told to whoever waits for that run.
    assert!(hub.send(&member, "workflow_run_join", &join).await.len() > 1);
    assert_eq!(hub.send(&member, "workflow_run_join", &join).await.len(), 1);
    let bad = json!({"runId": hub.run.as_str(), "since": -1}).to_string();
    let refused = hub.send(&member, "workflow_run_join", &bad).await;
    assert_eq!(refused[0][1]["error"]["code"], "INVALID_REQUEST");
    assert_eq!(refused[1][1]["instanceID"], hub.run.as_str());
}

/// A17: an id is compared byte for byte.
#[actix::test]
async fn an_id_is_an_id() {
    let hub = hub(sections::Limits::default()).await;
    let page = hub.member_of(&[("t1", "ADMIN")], "u1").await;
    let id = hub.run.as_str();
    let (upper, spaced, path) = (id.to_uppercase(), format!("{id} "), format!("x/../{id}"));
    let stream = format!("run:{id}");
    for other in [upper.as_str(), &spaced, &path, &stream, "t1", "ｒun"] {
        let answers = hub.send(&page, "workflow_run_join", &json!({"runId": other}).to_string()).await;
        assert_eq!(answers[0][1]["error"]["code"], "RUN_NOT_FOUND", "{other}");
    }
    for bad in [format!("{id}\0"), "x".repeat(10_000), String::new(), "a\nb".to_owned()] {
        let answers = hub.send(&page, "workflow_run_join", &json!({"runId": bad}).to_string()).await;
        assert_eq!(answers[0][1]["error"]["code"], "INVALID_REQUEST");
    }
}

#[actix::test]
async fn joins_and_events_are_bounded() {
    let limits = sections::Limits {
        joins: 2,
        client_events_per_tenant: Rate::each(4, Duration::from_secs(3600)),
        ..sections::Limits::default()
    };
    let hub = hub(limits).await;
    let page = hub.member_of(&[("t1", "ADMIN")], "u1").await;
    let workflow = hub.rig.chain(&[js("js", "return 1")]).await;
    let waits = hub.rig.chain(&[js("js", "wait 1")]).await;
    let other = hub.rig.run(&waits).await.instance_id;
    let third = hub.rig.run(&waits).await.instance_id;
    let ended = hub.rig.run(&workflow).await.instance_id;
    hub.rig.until(&ended, "COMPLETED").await;
    let join = |run: &RunId| json!({"runId": run.as_str()}).to_string();
    for run in [&hub.run, &other, &ended] {
        let answers = hub.send(&page, "workflow_run_join", &join(run)).await;
        assert_eq!(answers[0][1]["ok"], true, "{answers:?}");
    }
    let refused = hub.send(&page, "workflow_run_join", &join(&third)).await;
    assert_eq!(refused[0][1]["error"]["code"], "RATE_LIMITED");
    assert!(refused[0][1]["error"]["message"].as_str().unwrap().contains("limits.joins"));
    let fast = hub.send(&page, "workflow_run_join", &join(&ended)).await;
    assert!(
        fast[0][1]["error"]["message"].as_str().unwrap().contains("client_events_per_tenant"),
        "{fast:?}"
    );
}

/// What an earlier registration was told may still be on its way when the widget is disconnected once more.
#[actix::test]
async fn a_second_disconnect_is_behind_what_is_on_its_way() {
    let hub = hub(sections::Limits::default()).await;
    let page = hub.member_of(&[("t1", "ADMIN")], "u1").await;
    let update = Frame::event("/", "widget_context_update", &json!({})).unwrap();
    hub.rig.shards.direct(page.socket.member(), update);
    let answers = hub.send(&page, "widget_workflow_disconnect", r#"{"widgetID":"w9"}"#).await;
    let names: Vec<&Value> = answers.iter().map(|answer| &answer[0]).collect();
    assert_eq!(names, ["widget_context_update", "ack", "widget_workflow_disconnected"]);
}
