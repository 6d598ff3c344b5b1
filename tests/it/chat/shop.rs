//! A tenant with something to ask for: a database of sales, a query that reads it, one that writes, a workflow.

use diesel::{
    Connection as _, QueryableByName, RunQueryDsl as _, SqliteConnection, connection::SimpleConnection as _,
};
use serde_json::{Value, json};

use super::model::Model;
use crate::harness::{
    database::Kind,
    driver::{Driver, Via, events_of},
    expect::{SOON, eventually},
    hub::token,
    world::{ACME, Graph, World},
};

pub const JOIN: &str = "ai_chat_room_join";
pub const SAY: &str = "ai_chat_user_message";
pub const ROOM: &str = "ai_chat_room_id";
pub const BOT: &str = "ai_chat_bot_message";
pub const ERROR: &str = "ai_chat_error";

/// No test is about how often somebody may ask.
pub const FAST: &[(&str, &str)] = &[("ai.user_turns", "1000/s"), ("ai.tenant_turns", "1000/s")];

/// A client whose server dies while it polls notices only when no ping comes.
pub const SLOW: &[(&str, &str)] = &[
    ("limits.events", "1000/s burst 5000"),
    ("session.ping_interval", "2s"),
    ("session.ping_timeout", "3s"),
];

/// Asks for the workflow.
pub const REPORT: &str = "Run the monthly report";

/// The hub and what its tenant has.
pub struct Shop {
    pub world: World,
    pub sales: String,
    pub refund: String,
    pub report: String,
    pub till: Till,
    source: String,
}

/// Its money.
pub struct Till(tempfile::TempDir);

impl Till {
    /// How many refunds there are.
    pub fn refunds(&self) -> i64 {
        self.count("SELECT count(*) AS n FROM refunds")
    }

    /// How many of one sale.
    pub fn refunds_of(&self, sale: i64) -> i64 {
        self.count(&format!("SELECT count(*) AS n FROM refunds WHERE sale = {sale}"))
    }

    /// Statements on it, beside the hub.
    pub fn run(&self, statements: &str) {
        self.open().batch_execute(statements).unwrap();
    }

    fn open(&self) -> SqliteConnection {
        let file = self.0.path().join("shop.db");
        let mut file = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
        file.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        file
    }

    fn count(&self, query: &str) -> i64 {
        diesel::sql_query(query).get_result::<Count>(&mut self.open()).unwrap().n
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    n: i64,
}

impl Shop {
    /// Answered by the catalogue, or by a model that knows the shop with `TEST_ASSISTANT=model`.
    #[track_caller]
    pub fn proposing(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let model = std::env::var("TEST_ASSISTANT").is_ok_and(|name| name == "model");
        if model { Self::with_model(kind, settings) } else { Self::start(kind, settings) }
    }

    /// Answered by a model that knows the shop.
    #[track_caller]
    pub fn with_model(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let model = Model::start();
        Self::start(kind, &[&model.settings()[..], settings].concat())
    }

    #[track_caller]
    pub fn start(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut file = SqliteConnection::establish(dir.path().join("shop.db").to_str().unwrap()).unwrap();
        file.batch_execute(
            "CREATE TABLE sales (id INTEGER PRIMARY KEY, day TEXT, product TEXT, amount INTEGER); \
             WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 399) \
             INSERT INTO sales (day, product, amount) SELECT date('now', '-' || i || ' days'), 'tea', 10 FROM n; \
             CREATE TABLE refunds (id INTEGER PRIMARY KEY, sale INTEGER);",
        )
        .unwrap();
        let mut all = vec![("datasource.sqlite_dir", dir.path().to_str().unwrap())];
        all.extend_from_slice(settings);
        let world = World::start(kind, &all);
        let source = json!({
            "datasourceTitle": "Shop", "datasourceType": "sqlite", "datasourceOptions": { "file": "shop.db" },
        });
        let source = create(&world, "datasources", ("datasource", "datasourceID"), &source);
        let query = |title: &str, about: &str, options: Value| saved(&world, &source, title, about, &options);
        let sales = query(
            "Sales",
            "What was sold, day by day",
            json!({
                "query": "SELECT day, sum(amount) AS total FROM sales WHERE day >= {{from}} AND day < {{to}} GROUP BY day ORDER BY day",
                "readOnly": true,
                "inputDefinitions": [
                    { "key": "from", "type": "string", "format": "date", "label": "First day" },
                    { "key": "to", "type": "string", "format": "date", "label": "Day behind the last" },
                ],
            }),
        );
        let refund = query(
            "Refund an order",
            "Gives the money of one sale back",
            json!({
                "query": "INSERT INTO refunds (sale) VALUES ({{order}})",
                "readOnly": false,
                "inputDefinitions": [{ "key": "order", "type": "number" }],
            }),
        );
        let graph = Graph::new().js("total", "return { total: 1 };").body("Monthly report");
        let report = world.ann().create(&graph);
        Self { world, sales, refund, report, till: Till(dir), source }
    }

    /// A saved query over its database.
    #[track_caller]
    pub fn query(&self, title: &str, about: &str, options: &Value) -> String {
        saved(&self.world, &self.source, title, about, options)
    }

    /// A person's page.
    #[track_caller]
    pub fn page(&self, driver: &mut Driver, name: &str, via: Via) {
        let user = token(name.split('@').next().unwrap(), &[(ACME, "MEMBER")], false);
        driver.connect(name, &self.world.url(), via, json!({ "token": user }), json!({ "retry": true }));
        driver.happens(name, "connect");
    }

    /// `/chat/rooms…` as that person: status and body.
    pub fn rest(&self, user: &str, method: &str, more: &str, body: &Value) -> (u16, Value) {
        let rest = self.world.rest(user, ACME, "MEMBER");
        let reply = rest.call(method, &format!("/api/v1/tenants/{ACME}/chat/rooms{more}"), &[], body);
        (reply.status, reply.json())
    }
}

/// Something of the tenant's, by its admin: its id.
#[track_caller]
fn create(world: &World, what: &str, (field, id): (&str, &str), body: &Value) -> String {
    let reply = world.ann().call("POST", &format!("/api/v1/tenants/{ACME}/{what}"), &[], body);
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()[field][id].as_str().unwrap().to_owned()
}

#[track_caller]
fn saved(world: &World, source: &str, title: &str, about: &str, options: &Value) -> String {
    let body = json!({
        "dataQueryTitle": title, "dataQueryDescription": about, "datasourceID": source, "dataQueryOptions": options,
    });
    create(world, "dataqueries", ("dataQuery", "dataQueryID"), &body)
}

/// Enters: the room.
#[track_caller]
pub fn enter(driver: &mut Driver, name: &str, body: Value) -> String {
    let ack = driver.ask(name, JOIN, json!([body]))[0].clone();
    assert_eq!(ack["ok"], true, "{ack}");
    ack["chatRoomID"].as_str().unwrap().to_owned()
}

/// Says something and waits for its one answer.
#[track_caller]
pub fn say(driver: &mut Driver, name: &str, room: &str, message: Value) -> Value {
    let ack = driver.ask(name, SAY, json!([{ "chatRoomID": room, "message": message }]))[0].clone();
    assert_eq!(ack["ok"], true, "{ack}");
    answer(driver, name, &ack["messageID"])
}

/// The answer to a message.
#[track_caller]
pub fn answer(driver: &mut Driver, name: &str, message: &Value) -> Value {
    driver.wait(&format!("the answer to {message}"), |seen| {
        events_of(seen, name, BOT).into_iter().find(|told| told["inReplyTo"] == *message)
    })
}

/// Waits until the room has so many rows of that kind by REST.
#[track_caller]
pub fn until_rows(shop: &Shop, user: &str, room: &str, kind: &str, count: usize) -> Vec<Value> {
    eventually(&format!("{count} rows {kind}"), SOON, || {
        let (_, all) = shop.rest(user, "GET", &format!("/{room}/export"), &Value::Null);
        let rows: Vec<Value> =
            all["messages"].as_array()?.iter().filter(|row| row["kind"] == kind).cloned().collect();
        (rows.len() >= count).then_some(rows)
    })
}

/// Asks for a refund, which is proposed.
#[track_caller]
pub fn refund(driver: &mut Driver, name: &str, room: &str, order: i64) -> Value {
    let told = say(driver, name, room, json!(format!("Refund order {order}")));
    assert!(told["proposal"]["id"].is_string(), "nothing is proposed: {told}");
    assert_eq!(told["proposal"]["arguments"]["inputValues"]["order"], order, "{told}");
    told
}

/// Says a word on a proposal, by its name or on the open one: the answer.
#[track_caller]
pub fn act(driver: &mut Driver, name: &str, room: &str, action: &str, proposal: Option<&Value>) -> Value {
    let mut message = json!({ "action": action });
    if let Some(id) = proposal {
        message["proposalID"] = id.clone();
    }
    say(driver, name, room, message)
}
