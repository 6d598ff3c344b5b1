//! The hub and its people.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Rest;
use crate::harness::{
    Hub,
    database::{Database, Kind},
    driver::{Driver, Via},
    hub::{SECRET, token},
};

/// The tenant of nearly everything.
pub const ACME: &str = "acme";

/// A hub on a database of its own.
pub struct World {
    pub hub: Hub,
    // after the hub: it is dropped when the hub is gone
    pub database: Database,
}

impl World {
    /// With more settings, as `("section.key", "value")`.
    #[track_caller]
    pub fn start(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let database = Database::new(kind);
        let mut all = settings.to_vec();
        if let Some(url) = database.url() {
            all.push(("database.url", url));
        }
        Self { hub: Hub::with(&all), database }
    }

    /// Ends the hub and throws its data away.
    pub fn empty(&mut self) {
        self.hub.kill();
        self.database.empty(&self.state());
    }

    /// The hub's state directory.
    pub fn state(&self) -> std::path::PathBuf {
        self.hub.path().join("state")
    }

    /// Statements on its database, beside the hub.
    pub fn sql(&self, statements: &str) {
        self.database.run(&self.state(), statements);
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.hub.address)
    }

    /// A user with that role there, by REST.
    pub fn rest(&self, user: &str, tenant: &str, role: &str) -> Rest {
        Rest {
            addr: self.hub.address,
            token: token(user, &[(tenant, role)], false),
            tenant: tenant.to_owned(),
            patience: Duration::ZERO,
        }
    }

    /// An admin of [`ACME`].
    pub fn ann(&self) -> Rest {
        self.rest("ann", ACME, "ADMIN")
    }

    /// A client of a member of [`ACME`] connects.
    #[track_caller]
    pub fn connect(&self, driver: &mut Driver, name: &str, via: Via) {
        let member = token("bob", &[(ACME, "MEMBER")], false);
        driver.connect(name, &self.url(), via, json!({ "token": member }), json!({}));
        driver.happens(name, "connect");
    }
}

/// A token with those claims, signed with that secret (none: the hub's own).
pub fn signed(claims: &Value, secret: Option<&str>) -> String {
    let key = jsonwebtoken::EncodingKey::from_secret(secret.unwrap_or(SECRET).as_bytes());
    jsonwebtoken::encode(&jsonwebtoken::Header::default(), claims, &key).expect("a token")
}

/// Seconds since 1970, as in claims.
pub fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |d| d.as_secs().cast_signed())
}

/// Claims of a user, valid from then till then.
pub fn claims(user: &str, from: i64, to: i64) -> Value {
    let tenants: Map<String, Value> = [(ACME.to_owned(), json!("MEMBER"))].into_iter().collect();
    json!({ "sub": user, "iat": from, "exp": to, "tenants": tenants })
}
