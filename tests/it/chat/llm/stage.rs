//! A shop whose assistant asks a scripted endpoint, and what its rooms hold.

use serde_json::{Value, json};

use super::endpoint::{Act, Call, Endpoint};
use crate::{
    chat::shop::*,
    harness::{
        database::Kind as Db,
        driver::Driver,
        world::{Graph, Rest},
    },
};

/// The hub between both.
pub struct Stage {
    pub shop: Shop,
    pub endpoint: Endpoint,
}

impl Stage {
    #[track_caller]
    pub fn start(
        db: Db,
        settings: &[(&str, &str)],
        script: impl Fn(&Call) -> Act + Send + Sync + 'static,
    ) -> Self {
        let endpoint = Endpoint::start(script);
        let shop = Shop::start(db, &[&endpoint.settings()[..], FAST, settings].concat());
        Self { shop, endpoint }
    }

    /// The rows of a room of that kind.
    #[track_caller]
    pub fn rows(&self, user: &str, room: &str, kind: &str) -> Vec<Value> {
        let (status, all) = self.shop.rest(user, "GET", &format!("/{room}/export"), &Value::Null);
        assert_eq!(status, 200, "{all}");
        all["messages"].as_array().unwrap().iter().filter(|row| row["kind"] == kind).cloned().collect()
    }

    /// Each message of the room has one answer, in order; how many there are.
    #[track_caller]
    pub fn assert_answered_once(&self, user: &str, room: &str) -> usize {
        let said = self.rows(user, room, "USER_MESSAGE");
        let told = self.rows(user, room, "BOT_MESSAGE");
        let names: Vec<&Value> = said.iter().map(|row| &row["messageID"]).collect();
        let answered: Vec<&Value> = told.iter().map(|row| &row["inReplyTo"]).collect();
        assert_eq!(names, answered, "{room} of {user}");
        told.len()
    }
}

/// Says something without waiting for the answer: the message's name.
#[track_caller]
pub fn send(driver: &mut Driver, name: &str, room: &str, message: Value) -> Value {
    let ack = driver.ask(name, SAY, json!([{ "chatRoomID": room, "message": message }]))[0].clone();
    assert_eq!(ack["ok"], true, "{ack}");
    ack["messageID"].clone()
}

/// What another tenant has; its titles are canaries.
pub struct Theirs {
    pub source: String,
    pub query: String,
    pub workflow: String,
    pub run: String,
}

/// Saves something by REST: its id.
#[track_caller]
fn create(rest: &Rest, what: &str, names: (&str, &str), body: &Value) -> String {
    let reply = rest.call("POST", &format!("/api/v1/tenants/{}/{what}", rest.tenant), &[], body);
    assert_eq!(reply.status, 201, "{}", reply.text());
    reply.json()[names.0][names.1].as_str().unwrap().to_owned()
}

impl Shop {
    /// How many runs of the report were started.
    #[track_caller]
    pub fn runs_of_report(&self) -> u64 {
        let list = self.world.ann().get(&format!("/instances?workflowID={}&pageSize=1", self.report));
        list["totalCount"].as_u64().unwrap()
    }

    /// The tenant `other` gets something of everything.
    #[track_caller]
    pub fn in_other(&self) -> Theirs {
        let eve = self.world.rest("eve", "other", "ADMIN");
        let shop = json!({ "datasourceTitle": "canary-shop", "datasourceType": "sqlite",
                           "datasourceOptions": { "file": "shop.db" } });
        let source = create(&eve, "datasources", ("datasource", "datasourceID"), &shop);
        let query = json!({ "dataQueryTitle": "canary-title refund order", "datasourceID": source,
                            "dataQueryOptions": { "query": "SELECT 'canary' AS canary", "readOnly": true } });
        let query = create(&eve, "dataqueries", ("dataQuery", "dataQueryID"), &query);
        let workflow = eve.create(&Graph::new().js("js", "return 'canary';").end("js").body("canary-flow"));
        let run = eve.execute(&workflow, &json!({}));
        Theirs { source, query, workflow, run }
    }
}
