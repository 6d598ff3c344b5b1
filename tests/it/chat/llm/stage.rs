//! A shop whose assistant asks a scripted endpoint, and what its rooms hold.

use serde_json::{Value, json};

use super::endpoint::{Act, Call, Endpoint};
use crate::{
    chat::shop::*,
    harness::{database::Kind as Db, driver::Driver},
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
