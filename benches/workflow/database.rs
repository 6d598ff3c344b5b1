//! A look at the hub's database from outside: which runs have ended, what they wrote, and what one
//! small commit costs here.

use std::time::{Duration, Instant};

use rusqlite::OpenFlags;

pub enum Database {
    Sqlite(rusqlite::Connection),
    Postgresql(tokio_postgres::Client),
}

/// What some runs wrote.
#[derive(Default)]
pub struct Written {
    pub rows: i64,
    pub bytes: i64,
    /// Microseconds between the results of a run that follow each other.
    pub steps: Vec<i64>,
}

impl Database {
    pub async fn open(url: &str) -> Self {
        if let Some(file) = url.strip_prefix("sqlite:") {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = rusqlite::Connection::open_with_flags(file, flags).unwrap();
            connection.busy_timeout(Duration::from_secs(5)).unwrap();
            return Self::Sqlite(connection);
        }
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        Self::Postgresql(client)
    }

    /// Of these runs, those that have ended, with status.
    pub async fn ended(&self, runs: &[String]) -> Vec<(String, String)> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection
                    .prepare("SELECT status FROM runs WHERE instance_id = ? AND completed_at IS NOT NULL")
                    .unwrap();
                let status = |run: &String| {
                    statement.query_row([run], |row| row.get(0)).ok().map(|status| (run.clone(), status))
                };
                runs.iter().filter_map(status).collect()
            }
            Self::Postgresql(client) => {
                let text = "SELECT instance_id, status FROM runs WHERE instance_id = ANY($1) AND completed_at IS NOT NULL";
                let rows = client
                    .query_typed(text, &[(&runs, tokio_postgres::types::Type::TEXT_ARRAY)])
                    .await
                    .unwrap();
                rows.iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        }
    }

    async fn numbers(&self, text: &str) -> Vec<(String, i64)> {
        match self {
            Self::Sqlite(connection) => {
                let mut statement = connection.prepare(text).unwrap();
                statement
                    .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
                    .unwrap()
                    .map(Result::unwrap)
                    .collect()
            }
            Self::Postgresql(client) => {
                client.query(text, &[]).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
            }
        }
    }

    async fn number(&self, text: &str) -> i64 {
        self.numbers(&format!("SELECT '', CAST(({text}) AS BIGINT)"))
            .await
            .first()
            .map_or(0, |(_, number)| *number)
    }

    /// Rows that were written since, and the steps in them.
    pub async fn written(&self, since: i64) -> Written {
        let behind = format!("FROM journal WHERE at >= {since}");
        let rows = self.number(&format!("SELECT count(*) {behind}")).await;
        let bytes = self.number(&format!("SELECT coalesce(sum(length(payload)), 0) {behind}")).await;
        let results = format!("SELECT stream, at {behind} AND kind = 'NODE_COMPLETED' ORDER BY stream, seq");
        let results = self.numbers(&results).await;
        let steps =
            results.windows(2).filter(|two| two[0].0 == two[1].0).map(|two| two[1].1 - two[0].1).collect();
        Written { rows, bytes, steps }
    }

    /// How many runs have ended since, and when the first and the last of them did (microseconds since 1970).
    pub async fn ended_since(&self, since: i64) -> (i64, i64, i64) {
        let ended = format!("FROM runs WHERE completed_at >= {since}");
        (
            self.number(&format!("SELECT count(*) {ended}")).await,
            self.number(&format!("SELECT coalesce(min(completed_at), 0) {ended}")).await,
            self.number(&format!("SELECT coalesce(max(completed_at), 0) {ended}")).await,
        )
    }

    /// Runs that are on their way, and of these the ones that must be woken at a start.
    pub async fn unfinished(&self) -> (i64, i64) {
        (
            self.number("SELECT count(*) FROM runs WHERE completed_at IS NULL").await,
            self.number("SELECT count(*) FROM runs WHERE completed_at IS NULL AND attention").await,
        )
    }
}

/// The median commit of one small row by one idle connection, in milliseconds.
pub async fn commit(url: &str) -> f64 {
    const TIMES: usize = 300;
    let mut times = Vec::with_capacity(TIMES);
    if let Some(file) = url.strip_prefix("sqlite:") {
        let connection = rusqlite::Connection::open(file).unwrap();
        let settings = "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE small (id INTEGER PRIMARY KEY, text TEXT NOT NULL)";
        connection.execute_batch(settings).unwrap();
        let mut insert = connection.prepare("INSERT INTO small (text) VALUES (?)").unwrap();
        for n in 0..TIMES {
            let begun = Instant::now();
            insert.execute([format!("row {n}")]).unwrap();
            times.push(begun.elapsed());
        }
    } else {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("DROP TABLE IF EXISTS small; CREATE TABLE small (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text TEXT NOT NULL)").await.unwrap();
        let insert = client.prepare("INSERT INTO small (text) VALUES ($1)").await.unwrap();
        for n in 0..TIMES {
            let begun = Instant::now();
            client.execute(&insert, &[&format!("row {n}")]).await.unwrap();
            times.push(begun.elapsed());
        }
    }
    times.sort();
    times[TIMES / 2].as_secs_f64() * 1000.0
}
