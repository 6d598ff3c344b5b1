//! An admin of `acme` on a hub that may call this machine, and databases that are dropped afterwards.

use std::sync::OnceLock;

use diesel::{Connection as _, PgConnection, connection::SimpleConnection};
use mysql_async::prelude::Queryable;
use serde_json::{Value, json};

use crate::harness::{
    Reply,
    database::Kind,
    hub::token,
    world::{ACME, World},
};

pub struct Bench {
    pub world: World,
    ann: String,
}

impl Bench {
    #[track_caller]
    pub fn start(settings: &[(&str, &str)]) -> Self {
        Self::on(Kind::Sqlite, settings)
    }

    #[track_caller]
    pub fn on(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let mut all = vec![("datasource.allow_loopback", "true"), ("log.level", "debug")];
        all.extend_from_slice(settings);
        let ann = token("ann", &[(ACME, "ADMIN")], false);
        Self { world: World::start(kind, &all), ann }
    }

    pub fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        let path = format!("/api/v1/tenants/{ACME}{path}");
        self.world.hub.request(method, &path, Some(&self.ann), Some(body))
    }

    #[track_caller]
    pub fn source(&self, kind: &str, options: Value) -> String {
        let body = json!({ "datasourceTitle": "S", "datasourceType": kind, "datasourceOptions": options });
        let reply = self.send("POST", "/datasources", &body);
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["datasource"]["datasourceID"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    pub fn query(&self, source: &str, options: Value) -> String {
        let body = json!({ "dataQueryTitle": "Q", "datasourceID": source, "dataQueryOptions": options });
        let reply = self.send("POST", "/dataqueries", &body);
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.json()["dataQuery"]["dataQueryID"].as_str().unwrap().to_owned()
    }

    pub fn run(&self, query: &str, inputs: Value) -> Reply {
        self.send("POST", &format!("/dataqueries/{query}/run"), &json!({ "inputValues": inputs }))
    }

    /// Saves and runs; what it answers.
    #[track_caller]
    pub fn ask(&self, source: &str, options: Value, inputs: Value) -> Value {
        let reply = self.run(&self.query(source, options), inputs);
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()["result"].clone()
    }

    /// Saves and runs; code, reason and words of its refusal.
    #[track_caller]
    pub fn refused(&self, source: &str, options: Value, inputs: Value) -> (String, String, String) {
        let reply = self.run(&self.query(source, options), inputs);
        assert!(reply.status >= 400, "{}", reply.text());
        let error = reply.json()["error"].clone();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (text(&error["code"]), text(&error["details"]["reason"]), text(&error["message"]))
    }
}

fn missing(server: &str) {
    eprintln!(
        "\n*** NO {server} ON 127.0.0.1: ITS TESTS ARE SKIPPED (TEST_DATASOURCES_REQUIRED makes that a failure) ***\n"
    );
    assert!(std::env::var_os("TEST_DATASOURCES_REQUIRED").is_none(), "{server} is missing");
}

fn new_name() -> String {
    format!("jethub_ds_{}", uuid::Uuid::now_v7().simple())
}

/// A PostgreSQL database.
pub struct Postgres {
    pub name: String,
}

const POSTGRES: &str = "postgresql://root@127.0.0.1:5432/test?sslmode=disable";

impl Postgres {
    pub fn new(sql: &str) -> Option<Self> {
        static THERE: OnceLock<bool> = OnceLock::new();
        if !THERE.get_or_init(|| PgConnection::establish(POSTGRES).is_ok()) {
            missing("POSTGRESQL");
            return None;
        }
        let made = Self { name: new_name() };
        Self::exec("test", &format!("CREATE DATABASE {}", made.name));
        if !sql.is_empty() {
            Self::exec(&made.name, sql);
        }
        Some(made)
    }

    pub fn exec(database: &str, sql: &str) {
        let url = POSTGRES.replace("/test?", &format!("/{database}?"));
        PgConnection::establish(&url).unwrap().batch_execute(sql).unwrap();
    }

    pub fn options(&self) -> Value {
        json!({ "host": "127.0.0.1", "database": self.name, "user": "root", "password": "canary-pw-postgres" })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        Self::exec("test", &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// A MariaDB database.
pub struct MariaDb {
    pub name: String,
}

impl MariaDb {
    pub fn new(sql: &[&str]) -> Option<Self> {
        static THERE: OnceLock<bool> = OnceLock::new();
        if !THERE.get_or_init(|| Self::exec("test", &["SELECT 1"]).is_ok()) {
            missing("MARIADB");
            return None;
        }
        let made = Self { name: new_name() };
        Self::exec("test", &[&format!("CREATE DATABASE {}", made.name)]).unwrap();
        Self::exec(&made.name, sql).unwrap();
        Some(made)
    }

    fn exec(database: &str, sql: &[&str]) -> mysql_async::Result<()> {
        let url = format!("mysql://root@127.0.0.1:3306/{database}?prefer_socket=false");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut conn = mysql_async::Conn::from_url(url).await?;
            for statement in sql {
                conn.query_drop(*statement).await?;
            }
            conn.disconnect().await
        })
    }

    pub fn options(&self) -> Value {
        json!({ "host": "127.0.0.1", "database": self.name, "user": "root" })
    }
}

impl Drop for MariaDb {
    fn drop(&mut self) {
        let _ = Self::exec("test", &[&format!("DROP DATABASE IF EXISTS {}", self.name)]);
    }
}
