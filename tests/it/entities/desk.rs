//! An admin of `acme` on a hub of either database.

use serde_json::Value;

use crate::harness::{
    Reply,
    database::Kind,
    hub::token,
    world::{ACME, World},
};

pub struct Desk {
    pub world: World,
    pub ann: String,
    /// Admin of another tenant.
    pub eve: String,
    /// A member of `acme`.
    pub bob: String,
}

impl Desk {
    #[track_caller]
    pub fn start(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let desk = Self {
            world: World::start(kind, settings),
            ann: token("ann", &[(ACME, "ADMIN")], false),
            eve: token("eve", &[("evil", "ADMIN")], false),
            bob: token("bob", &[(ACME, "MEMBER")], false),
        };
        // Claims make the rows, whenever a token is verified.
        for token in [&desk.ann, &desk.eve, &desk.bob] {
            desk.world.hub.request("GET", "/api/v1/tenants/x/widgets", Some(token), None);
        }
        desk
    }

    pub fn send_as(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Reply {
        let path = format!("/api/v1/tenants/{ACME}{path}");
        self.world.hub.request(method, &path, Some(token), body)
    }

    pub fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.send_as(&self.ann, method, path, body)
    }

    #[track_caller]
    pub fn ok(&self, method: &str, path: &str, body: &Value) -> Value {
        let reply = self.send(method, path, (!body.is_null()).then_some(body));
        assert!((200..300).contains(&reply.status), "{method} {path}: {} {}", reply.status, reply.text());
        reply.json()
    }

    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.ok("GET", path, &Value::Null)
    }

    /// Status and code of a refusal.
    #[track_caller]
    pub fn refused(&self, method: &str, path: &str, body: &Value) -> (u16, String, Value) {
        let reply = self.send(method, path, (!body.is_null()).then_some(body));
        let error = reply.json()["error"].clone();
        (reply.status, error["code"].as_str().unwrap_or_default().to_owned(), error)
    }
}

/// The paths of all issues of a refusal.
pub fn paths(error: &Value) -> Vec<&str> {
    let issues = error["details"]["issues"].as_array().map(Vec::as_slice).unwrap_or_default();
    issues.iter().map(|issue| issue["path"].as_str().unwrap()).collect()
}
