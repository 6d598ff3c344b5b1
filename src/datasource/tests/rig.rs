//! A door over tables in memory, databases that are dropped afterwards, a scripted HTTP server.

use std::{
    collections::HashMap,
    sync::{Arc, OnceLock},
    time::Duration,
};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection};
use mysql_async::prelude::Queryable;
use parking_lot::Mutex;
use serde_json::{Map, Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    clock::Clock,
    config::sections,
    datasource::{
        DataSources, Error, Parts, QueryCall,
        saved::{Query, Shelf, Soon, Source},
    },
    ids::{DataQueryId, DataSourceId, HubId, NodeId, RunId, TenantId},
    outbound::{Lookup, Outbound, System},
    store::Store,
};

#[derive(Default)]
pub struct Table {
    pub queries: Mutex<HashMap<(TenantId, DataQueryId), Query>>,
    pub sources: Mutex<HashMap<(TenantId, DataSourceId), Source>>,
}

struct Rows(Arc<Table>);

impl Shelf for Rows {
    fn query<'a>(&'a self, tenant: &'a TenantId, id: &'a DataQueryId) -> Soon<'a, Query> {
        let found = self.0.queries.lock().get(&(tenant.clone(), id.clone())).cloned();
        Box::pin(async move { Ok(found) })
    }
    fn source<'a>(&'a self, tenant: &'a TenantId, id: &'a DataSourceId) -> Soon<'a, Source> {
        let found = self.0.sources.lock().get(&(tenant.clone(), id.clone())).cloned();
        Box::pin(async move { Ok(found) })
    }
}

pub struct Rig {
    pub sources: DataSources,
    pub table: Arc<Table>,
    pub dir: tempfile::TempDir,
}

pub fn tenant() -> TenantId {
    TenantId::trusted("t1")
}

/// Settings that let tests call this machine.
pub fn open_settings() -> sections::DataSource {
    sections::DataSource { allow_loopback: true, ..sections::DataSource::default() }
}

impl Rig {
    pub fn new(settings: sections::DataSource) -> Self {
        let outbound = sections::Outbound { allow_private: true, ..sections::Outbound::default() };
        Self::with(settings, outbound, Arc::new(System))
    }

    pub fn with(
        settings: sections::DataSource,
        outbound: sections::Outbound,
        lookup: Arc<dyn Lookup>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let own = sections::Database::default();
        let store =
            Store::open(&own, &sections::Journal::default(), dir.path(), HubId::generate(), Clock::real())
                .unwrap();
        let table = Arc::new(Table::default());
        let parts = Parts {
            settings,
            own,
            state_dir: dir.path().to_owned(),
            store,
            outbound: Outbound::new(&outbound).unwrap(),
            clock: Clock::real(),
        };
        let sources = DataSources::with(parts, Box::new(Rows(Arc::clone(&table))), lookup).unwrap();
        Self { sources, table, dir }
    }

    pub fn source(&self, kind: &str, options: Value, secrets: Value) -> DataSourceId {
        let id = DataSourceId::generate();
        self.save_source(&id, kind, options, secrets);
        id
    }

    pub fn save_source(&self, id: &DataSourceId, kind: &str, options: Value, secrets: Value) {
        let sealed = self.sources.vault().seal(&tenant(), id.as_str(), &secrets.to_string()).unwrap();
        let title = "a source".to_owned();
        let source = Source { id: id.clone(), title, kind: kind.to_owned(), options, sealed: Some(sealed) };
        self.table.sources.lock().insert((tenant(), id.clone()), source);
    }

    pub fn query(&self, source: &DataSourceId, options: Value) -> DataQueryId {
        self.query_of(&tenant(), Some(source), options)
    }

    pub fn query_of(&self, tenant: &TenantId, source: Option<&DataSourceId>, options: Value) -> DataQueryId {
        let id = DataQueryId::generate();
        let query = Query { title: "a query".to_owned(), source: source.cloned(), options };
        self.table.queries.lock().insert((tenant.clone(), id.clone()), query);
        id
    }

    pub fn call(query: &DataQueryId, inputs: Value) -> QueryCall {
        let inputs: Map<String, Value> = inputs.as_object().cloned().unwrap_or_default();
        QueryCall {
            tenant: tenant(),
            query: query.clone(),
            inputs,
            run: Some(RunId::trusted("r1")),
            node: Some(NodeId::trusted("n1")),
            idempotency_key: Some("r1/n1/1".into()),
            timeout: Duration::from_secs(30),
        }
    }

    /// Saves and runs.
    pub async fn ask(&self, source: &DataSourceId, options: Value, inputs: Value) -> Result<Value, Error> {
        let query = self.query(source, options);
        self.sources.run(Self::call(&query, inputs)).await
    }

    /// A statement without inputs; its rows.
    pub async fn rows(&self, source: &DataSourceId, sql: &str) -> Vec<Value> {
        let answer = self.ask(source, json!({ "query": sql }), json!({})).await;
        answer.unwrap_or_else(|error| panic!("{sql}: {error}"))["result"].as_array().unwrap().clone()
    }

    /// The only value of a statement.
    pub async fn one(&self, source: &DataSourceId, sql: &str) -> Value {
        let rows = self.rows(source, sql).await;
        assert_eq!(rows.len(), 1, "{sql}");
        rows[0].as_object().unwrap().values().next().unwrap().clone()
    }

    pub async fn fails(&self, source: &DataSourceId, options: Value) -> Error {
        match self.ask(source, options.clone(), json!({})).await {
            Err(error) => error,
            Ok(answer) => panic!("{options} answered {answer}"),
        }
    }
}

/// Said once, loudly: a machine without a server skips its tests, and only then.
fn missing(server: &str, variable: &str) {
    eprintln!(
        "\n*** NO {server} ON 127.0.0.1: ITS TESTS ARE SKIPPED ({variable} makes that a failure) ***\n"
    );
    assert!(std::env::var_os(variable).is_none(), "{server} is missing");
}

/// A PostgreSQL database of its own.
pub struct Postgres {
    pub name: String,
}

const POSTGRES: &str = "postgresql://root@127.0.0.1:5432/test?sslmode=disable";

impl Postgres {
    pub fn new() -> Option<Self> {
        static THERE: OnceLock<bool> = OnceLock::new();
        if !THERE.get_or_init(|| PgConnection::establish(POSTGRES).is_ok()) {
            missing("POSTGRESQL", "TEST_DATASOURCES_REQUIRED");
            return None;
        }
        let name = format!("jethub_ds_{}", uuid::Uuid::now_v7().simple());
        Self::admin(&format!("CREATE DATABASE {name}"));
        Some(Self { name })
    }

    fn admin(sql: &str) {
        PgConnection::establish(POSTGRES).unwrap().batch_execute(sql).unwrap();
    }

    /// Prepares tables.
    pub fn exec(&self, sql: &str) {
        let url = POSTGRES.replace("/test?", &format!("/{}?", self.name));
        PgConnection::establish(&url).unwrap().batch_execute(sql).unwrap();
    }

    pub fn options(&self) -> Value {
        json!({ "host": "127.0.0.1", "database": self.name, "user": "root" })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        Self::admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

/// A MariaDB database of its own.
pub struct MySql {
    pub name: String,
}

impl MySql {
    pub fn new() -> Option<Self> {
        static THERE: OnceLock<bool> = OnceLock::new();
        if !THERE.get_or_init(|| Self::try_admin("test", "SELECT 1").is_ok()) {
            missing("MARIADB", "TEST_DATASOURCES_REQUIRED");
            return None;
        }
        let name = format!("jethub_ds_{}", uuid::Uuid::now_v7().simple());
        Self::try_admin("test", &format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")).unwrap();
        Some(Self { name })
    }

    fn try_admin(database: &str, sql: &str) -> mysql_async::Result<()> {
        let url = format!("mysql://root@127.0.0.1:3306/{database}?prefer_socket=false");
        let sql = sql.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut conn = mysql_async::Conn::from_url(url).await?;
                for statement in sql.split(";\n") {
                    conn.query_drop(statement).await?;
                }
                conn.disconnect().await
            })
        });
        thread.join().unwrap()
    }

    pub fn exec(&self, sql: &str) {
        Self::try_admin(&self.name, sql).unwrap();
    }

    pub fn options(&self) -> Value {
        json!({ "host": "127.0.0.1", "database": self.name, "user": "root" })
    }
}

impl Drop for MySql {
    fn drop(&mut self) {
        let _ = Self::try_admin("test", &format!("DROP DATABASE IF EXISTS {}", self.name));
    }
}

/// Asks until it is so, at most ten seconds.
pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    for _ in 0..500 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// A server on loopback that keeps what it was sent and answers by script.
pub struct Server {
    pub port: u16,
    pub requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub async fn answering(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&requests), Arc::new(answer));
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                tokio::spawn(async move {
                    let mut got = Vec::new();
                    let mut buffer = [0; 4096];
                    loop {
                        let text = String::from_utf8_lossy(&got).into_owned();
                        if let Some((head, body)) = text.split_once("\r\n\r\n") {
                            let length = head
                                .lines()
                                .find_map(|line| {
                                    line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
                                })
                                .unwrap_or(0_usize);
                            if body.len() >= length {
                                break;
                            }
                        }
                        match stream.read(&mut buffer).await {
                            Ok(0) | Err(_) => return,
                            Ok(read) => got.extend_from_slice(&buffer[..read]),
                        }
                    }
                    let request = String::from_utf8_lossy(&got).into_owned();
                    let answer = answer(&request);
                    kept.lock().push(request);
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { port, requests, task }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn last(&self) -> String {
        self.requests.lock().last().cloned().unwrap_or_default()
    }

    pub fn count(&self) -> usize {
        self.requests.lock().len()
    }
}

pub fn respond(status: u16, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status} X\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Settings that let a test call this server.
pub fn outbound_to(server: &Server) -> sections::Outbound {
    sections::Outbound { allow_private: true, ports: vec![server.port], ..sections::Outbound::default() }
}
