//! Where a hub keeps its data: a SQLite file in its state directory, or a PostgreSQL database of its
//! own on the server of this machine, dropped afterwards.

use std::{io::Write as _, sync::OnceLock};

use diesel::{Connection as _, PgConnection, RunQueryDsl, connection::SimpleConnection};

/// Where PostgreSQL usually answers, if `TEST_POSTGRES_URL` does not say. `{}` is the database.
const USUAL: [&str; 4] = [
    "postgresql:///{}?host=/var/run/postgresql",
    "postgresql://postgres@/{}?host=/var/run/postgresql",
    "postgresql://postgres@127.0.0.1:5432/{}?sslmode=disable",
    "postgresql://postgres:postgres@127.0.0.1:5432/{}?sslmode=disable",
];

/// Which database a test is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Sqlite,
    Postgresql,
}

impl Kind {
    /// Those that this machine has; `TEST_DATABASE` names a single one.
    pub fn here() -> Vec<Self> {
        let only = std::env::var("TEST_DATABASE").ok();
        let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
        let mut here = Vec::new();
        if wanted("sqlite") {
            here.push(Self::Sqlite);
        }
        if wanted("postgresql") && server().is_some() {
            here.push(Self::Postgresql);
        }
        here
    }
}

/// One hub's database.
#[derive(Debug)]
pub enum Database {
    /// The file in the state directory.
    Sqlite,
    /// A database by its URL.
    Postgresql { url: String, name: String },
}

impl Database {
    /// An empty one.
    pub fn new(kind: Kind) -> Self {
        if kind == Kind::Sqlite {
            return Self::Sqlite;
        }
        let server = server().expect("a PostgreSQL server");
        let name = format!("jethub_it_{}", uuid::Uuid::now_v7().simple());
        server.run("postgres", &format!("CREATE DATABASE {name}"));
        Self::Postgresql { url: server.url(&name), name }
    }

    /// For `database.url`; none means the file in the state directory.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Sqlite => None,
            Self::Postgresql { url, .. } => Some(url),
        }
    }

    /// Throws all data away; no hub runs on it.
    pub fn empty(&self, state: &std::path::Path) {
        match self {
            Self::Sqlite => {
                for ending in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(state.join(format!("jethub.db{ending}")));
                }
            }
            Self::Postgresql { name, .. } => {
                let server = server().expect("a PostgreSQL server");
                server.run("postgres", &format!("DROP DATABASE {name} WITH (FORCE)"));
                server.run("postgres", &format!("CREATE DATABASE {name}"));
            }
        }
    }

    /// All rows of the tables with what tenants store, as text.
    pub fn dump(&self, state: &std::path::Path) -> String {
        #[derive(diesel::QueryableByName)]
        struct Line {
            #[diesel(sql_type = diesel::sql_types::Text)]
            line: String,
        }
        let columns = "title || ' ' || kind || ' ' || options || ' ' || coalesce(secret, '')";
        let query = diesel::sql_query(format!("SELECT {columns} AS line FROM datasources"));
        let lines: Vec<Line> = match self {
            Self::Sqlite => {
                let path = state.join("jethub.db");
                query.load(&mut diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap()).unwrap()
            }
            Self::Postgresql { url, .. } => query.load(&mut PgConnection::establish(url).unwrap()).unwrap(),
        };
        lines.into_iter().map(|line| line.line + "\n").collect()
    }

    /// Carries out statements beside the hub.
    pub fn run(&self, state: &std::path::Path, statements: &str) {
        match self {
            Self::Sqlite => {
                let path = state.join("jethub.db");
                let mut connection = diesel::SqliteConnection::establish(path.to_str().unwrap()).unwrap();
                connection.batch_execute(statements).unwrap();
            }
            Self::Postgresql { url, .. } => {
                PgConnection::establish(url).unwrap().batch_execute(statements).unwrap();
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let (Self::Postgresql { name, .. }, Some(server)) = (&self, server()) {
            server.run("postgres", &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// A server where databases may be made; its URL with `{}` for the database.
struct Server(String);

impl Server {
    fn url(&self, database: &str) -> String {
        self.0.replace("{}", database)
    }

    fn run(&self, database: &str, statement: &str) {
        let mut connection = PgConnection::establish(&self.url(database)).expect("PostgreSQL answers");
        connection.batch_execute(statement).expect("the statement is carried out");
    }
}

fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let found = SERVER.get_or_init(|| {
        if let Ok(url) = std::env::var("TEST_POSTGRES_URL") {
            let parsed = url::Url::parse(&url).expect("TEST_POSTGRES_URL");
            let place = url.replacen(parsed.path(), "/{}", 1);
            assert!(usable(&url), "TEST_POSTGRES_URL does not answer, or its user may not make databases");
            return Some(Server(place));
        }
        let found = USUAL.iter().find(|place| usable(&place.replace("{}", "postgres")));
        if found.is_none() {
            // past the capture of the test harness: it is said even when all tests pass
            let _ = writeln!(
                std::io::stderr(),
                "PostgreSQL: NOT TESTED, none answers on the usual socket or on 127.0.0.1:5432; set \
                 TEST_POSTGRES_URL to a server whose user may make databases"
            );
        }
        found.map(|place| Server((*place).to_owned()))
    });
    found.as_ref()
}

fn usable(url: &str) -> bool {
    let query = "SELECT 1 FROM pg_roles WHERE rolname = current_user AND (rolcreatedb OR rolsuper)";
    PgConnection::establish(url).is_ok_and(|mut c| diesel::sql_query(query).execute(&mut c) == Ok(1))
}
