//! Databases for tests: a SQLite file in a directory of its own, and a PostgreSQL database of its own,
//! both gone afterwards. It knows nothing of the crate, so that other test binaries may include it.

use std::{io::Write as _, net::TcpStream, os::unix::net::UnixStream, path::Path, sync::OnceLock};

use diesel::{Connection as _, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection};
use tempfile::TempDir;
use url::Url;

/// Where PostgreSQL usually answers, if `TEST_POSTGRES_URL` does not say.
const USUAL: &[&str] = &[
    "postgresql:///postgres?host=/var/run/postgresql",
    "postgresql://postgres@/postgres?host=/var/run/postgresql",
    "postgresql://postgres@127.0.0.1:5432/postgres?sslmode=disable",
    "postgresql://postgres:postgres@127.0.0.1:5432/postgres?sslmode=disable",
];

/// A database and a state directory for one test.
#[derive(Debug)]
pub struct Database {
    /// `sqlite` or `postgresql`.
    pub name: &'static str,
    /// For `database.url`; none means the file in the state directory.
    pub url: Option<String>,
    dir: TempDir,
}

impl Database {
    /// A file that is not there yet.
    pub fn sqlite() -> Self {
        Self { name: "sqlite", url: None, dir: tempfile::tempdir().unwrap() }
    }

    /// An empty database on the server of this machine; none when there is no server.
    pub fn postgresql() -> Option<Self> {
        let server = server()?;
        let name = format!("jethub_test_{}", uuid::Uuid::now_v7().simple());
        server.run(&format!("CREATE DATABASE {name}"));
        let dir = tempfile::tempdir().unwrap();
        Some(Self { name: "postgresql", url: Some(server.url_of(&name)), dir })
    }

    /// The state directory.
    pub fn state(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (Some(url), Some(server)) = (&self.url, server()) else { return };
        let name = Url::parse(url).unwrap().path().trim_start_matches('/').to_owned();
        server.run(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
    }
}

/// Runs a test on each database, or on the one that `TEST_DATABASE` names.
pub fn both(test: impl AsyncFn(&Database)) {
    let only = std::env::var("TEST_DATABASE").ok();
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let sqlite = wanted("sqlite").then(Database::sqlite);
    let postgresql = wanted("postgresql").then(Database::postgresql).flatten();
    for database in sqlite.iter().chain(&postgresql) {
        eprintln!("on {}", database.name);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(test(database));
    }
}

/// Where a server listens.
#[derive(Debug, Clone)]
pub enum Door {
    /// A socket file.
    Unix(String),
    /// Host and port.
    Tcp(String),
}

/// A PostgreSQL where databases may be made.
#[derive(Debug)]
pub struct Server {
    url: Url,
    user: String,
}

#[derive(QueryableByName)]
struct User {
    #[diesel(sql_type = diesel::sql_types::Text)]
    name: String,
}

impl Server {
    fn at(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        match door(&url) {
            Door::Unix(path) => drop(UnixStream::connect(path).ok()?),
            Door::Tcp(address) => drop(TcpStream::connect(address).ok()?),
        }
        let mut connection = PgConnection::establish(url.as_str()).ok()?;
        let query = "SELECT current_user::text AS name FROM pg_roles \
                     WHERE rolname = current_user AND (rolcreatedb OR rolsuper)";
        let user: User = diesel::sql_query(query).get_result(&mut connection).ok()?;
        Some(Self { url, user: user.name })
    }

    /// Runs one statement in the server's own database.
    pub fn run(&self, statement: &str) {
        let mut connection = PgConnection::establish(self.url.as_str()).unwrap();
        connection.batch_execute(statement).unwrap();
    }

    fn url_of(&self, database: &str) -> String {
        let mut url = self.url.clone();
        url.set_path(database);
        url.into()
    }

    /// Where it listens.
    pub fn door(&self) -> Door {
        door(&self.url)
    }

    /// The same database, by a TCP port of this machine instead.
    pub fn through(&self, url: &str, port: u16) -> String {
        let password = self.url.password().map(|password| format!(":{password}")).unwrap_or_default();
        let database = Url::parse(url).unwrap().path().to_owned();
        format!(
            "postgresql://{}{password}@127.0.0.1:{port}{database}?sslmode=disable&gssencmode=disable",
            self.user
        )
    }
}

fn door(url: &Url) -> Door {
    let query =
        |key: &str| url.query_pairs().find(|(name, _)| name == key).map(|(_, value)| value.into_owned());
    let port = url.port().map(|port| port.to_string()).or_else(|| query("port")).unwrap_or("5432".to_owned());
    let host = url.host_str().filter(|host| !host.is_empty()).map(str::to_owned).or_else(|| query("host"));
    match host {
        Some(dir) if dir.starts_with('/') => Door::Unix(format!("{dir}/.s.PGSQL.{port}")),
        Some(host) => Door::Tcp(format!("{host}:{port}")),
        None => Door::Unix(format!("/var/run/postgresql/.s.PGSQL.{port}")),
    }
}

/// The server of the tests, looked for once.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let found = SERVER.get_or_init(|| match std::env::var("TEST_POSTGRES_URL") {
        Ok(url) => {
            let server = Server::at(&url);
            assert!(
                server.is_some(),
                "TEST_POSTGRES_URL does not answer, or its user may not make databases"
            );
            server
        }
        Err(_) => {
            let server = USUAL.iter().find_map(|url| Server::at(url));
            if server.is_none() {
                // Past the capture of the test harness: it is said even when all tests pass.
                let _ = writeln!(
                    std::io::stderr(),
                    "PostgreSQL: NOT TESTED, none answers on the usual socket or on 127.0.0.1:5432; \
                     set TEST_POSTGRES_URL to a server whose user may make databases"
                );
            }
            server
        }
    });
    found.as_ref()
}
