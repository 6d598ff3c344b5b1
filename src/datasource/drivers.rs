//! Which driver carries a query out, with which connection.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use tokio::sync::OwnedSemaphorePermit;

use super::{
    Error, Reason,
    hosts::Hosts,
    http, mysql,
    pool::{Link, Pool, Pools},
    postgres,
    saved::Source,
    settings::{Secrets, Server},
    sql::{Ask, Dialect, Failed, Limits, Sent, Statement, Table},
    sqlite,
};
use crate::{clock::Clock, config::sections as config, outbound::Outbound, store::Target};

const POSTGRES_PORT: u16 = 5432;
const MYSQL_PORT: u16 = 3306;

/// The drivers and what they share.
pub(super) struct Drivers {
    pub settings: config::DataSource,
    pub hosts: Hosts,
    pub own: Target,
    pub outbound: Outbound,
    pub pools: Pools,
    pub clock: Clock,
}

/// How a query is asked, beyond what it is saved as.
#[derive(Debug, Clone, Default)]
pub(super) struct Manner {
    /// No more rows than these are read of what only reads; more of them is no error then.
    pub rows: Option<usize>,
    /// Told of its way to the server.
    pub sent: Sent,
}

/// What came back.
#[derive(Debug)]
pub(super) enum Answer {
    /// Of a statement.
    Table(Table),
    /// Of a service.
    Value(Value),
}

impl Answer {
    /// As a node gets it.
    pub fn into_value(self) -> Value {
        match self {
            Self::Table(table) => table.into_value(),
            Self::Value(value) => value,
        }
    }
}

/// One query, all of it resolved.
pub(super) struct Job {
    pub source: Source,
    pub secrets: Secrets,
    pub options: Value,
    pub inputs: Map<String, Value>,
    pub idempotency_key: Option<Arc<str>>,
    pub manner: Manner,
    /// Its whole time, for words.
    pub timeout: Duration,
    /// When that is over.
    pub until: Instant,
    /// The connections of the source, and a place among those that use them.
    pub pool: Arc<Pool>,
    pub _place: OwnedSemaphorePermit,
}

impl Job {
    fn left(&self, clock: &Clock) -> Duration {
        self.until.saturating_duration_since(clock.monotonic())
    }
}

impl Drivers {
    pub async fn run(self: &Arc<Self>, job: Job) -> Result<Answer, Error> {
        match job.source.kind.as_str() {
            "postgresql" => self.postgres(&job).await.map(Answer::Table),
            "mysql" => self.mysql(&job).await.map(Answer::Table),
            "sqlite" => self.sqlite(job).await.map(Answer::Table),
            "http" => self.http(&job).await.map(Answer::Value),
            _ => Err(Error::Unavailable("its data source is of a kind that this hub does not know")),
        }
    }

    fn limits(&self, options: &Value) -> Limits {
        let asked =
            |key: &str| options.get(key).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok());
        Limits {
            rows: asked("maxRows").map_or(self.settings.max_rows, |rows| rows.min(self.settings.max_rows)),
            bytes: *self.settings.max_bytes,
            exact_numbers: options.get("exactNumbers").and_then(Value::as_bool).unwrap_or(false),
            cut: false,
        }
    }

    /// Of what only reads, for who wants no more than some of the rows.
    fn limits_of(&self, job: &Job, reads: bool) -> Limits {
        let limits = self.limits(&job.options);
        match job.manner.rows.filter(|_| reads) {
            Some(rows) => Limits { rows: rows.min(limits.rows), cut: true, ..limits },
            None => limits,
        }
    }

    async fn addresses(&self, server: &Server) -> Result<Vec<SocketAddr>, Error> {
        self.hosts.resolve(&server.host, server.port, &server.database).await
    }

    async fn postgres(&self, job: &Job) -> Result<Table, Error> {
        let statement = Statement::build(Dialect::Postgres, &job.options, &job.inputs)?;
        let server = Server::new(&job.source.options, &job.secrets, POSTGRES_PORT)?;
        let pool = &job.pool;
        loop {
            let (link, waited) = match pool.take() {
                Some(Link::Postgres(link)) => (link, true),
                _ => {
                    let addresses = self.addresses(&server).await?;
                    let link = postgres::connect(&server, &addresses, *self.settings.connect_timeout).await?;
                    (Box::new(link), false)
                }
            };
            let outcome = postgres::run(&link, &self.ask(job, &statement, &server.host)).await;
            match self.after(pool, Link::Postgres(link), waited, outcome).await {
                Some(outcome) => return outcome,
                None => continue,
            }
        }
    }

    async fn mysql(&self, job: &Job) -> Result<Table, Error> {
        let statement = Statement::build(Dialect::MySql, &job.options, &job.inputs)?;
        let server = Server::new(&job.source.options, &job.secrets, MYSQL_PORT)?;
        let pool = &job.pool;
        loop {
            let (mut link, waited) = match pool.take() {
                Some(Link::MySql(link)) => (link, true),
                _ => (self.dial_mysql(&server).await?, false),
            };
            let outcome = mysql::run(&mut link, &self.ask(job, &statement, &server.host)).await;
            match self.after(pool, Link::MySql(link), waited, outcome).await {
                Some(outcome) => return outcome,
                None => continue,
            }
        }
    }

    async fn dial_mysql(&self, server: &Server) -> Result<Box<mysql::Link>, Error> {
        let addresses = self.addresses(server).await?;
        let packet = self.settings.max_bytes.saturating_add(64 * 1024);
        let link = mysql::connect(server, &addresses, *self.settings.connect_timeout, packet).await?;
        Ok(Box::new(link))
    }

    fn ask<'a>(&self, job: &'a Job, statement: &'a Statement, host: &'a str) -> Ask<'a> {
        Ask {
            statement,
            inputs: &job.inputs,
            limits: self.limits_of(job, statement.read_only),
            timeout: job.left(&self.clock),
            secrets: &job.secrets,
            host,
            sent: &job.manner.sent,
        }
    }

    /// What becomes of a connection; `None`: it was broken before anything was sent, and there is
    /// time for another one.
    async fn after(
        &self,
        pool: &Pool,
        link: Link,
        waited: bool,
        outcome: Result<Table, Failed>,
    ) -> Option<Result<Table, Error>> {
        match outcome {
            Err(failed) if failed.unsent && waited => return None,
            Err(failed) if failed.abandon => return Some(Err(failed.error)),
            _ => {}
        }
        pool.put(link, self.clock.monotonic()).await;
        Some(outcome.map_err(|failed| failed.error))
    }

    async fn sqlite(self: &Arc<Self>, job: Job) -> Result<Table, Error> {
        let statement = Statement::build(Dialect::Sqlite, &job.options, &job.inputs)?;
        let file = self.file(&job.source.options)?;
        let stop = sqlite::Stop::default();
        let (flag, drivers) = (stop.flag(), Arc::clone(self));
        let work = tokio::task::spawn_blocking(move || {
            // The job has its place until the thread is done, also when nobody waits for it any more.
            sqlite::run(&file, &drivers.ask(&job, &statement, ""), flag)
        });
        let outcome = work.await;
        drop(stop);
        outcome.unwrap_or_else(|error| Err(Error::Internal(format!("a query's thread ended: {error}"))))
    }

    fn file(&self, options: &Value) -> Result<PathBuf, Error> {
        sqlite::find(options, self.settings.sqlite_dir.as_deref(), &self.own)
    }

    async fn http(&self, job: &Job) -> Result<Value, Error> {
        // An answer that came is shown as far as it may be, whatever was asked.
        let limits = self.limits_of(job, true);
        let (timeout, sent) = (job.left(&self.clock), &job.manner.sent);
        let request = http::build(&http::Made {
            source: &job.source.options,
            secrets: &job.secrets,
            options: &job.options,
            inputs: &job.inputs,
            idempotency_key: job.idempotency_key.as_ref(),
            max_bytes: limits.bytes,
            timeout,
        })?;
        let url = request.url.clone();
        let answer = self.outbound.send_noting(request, sent.flag()).await;
        // Behind a redirect it is another one that refuses.
        if answer.as_ref().is_ok_and(|answer| http::refuses(answer.status) && answer.url == url) {
            sent.undone();
        }
        http::read(answer, &job.options, &limits, job.timeout)
    }

    /// Connects, and says what answers. What is `held` is kept as long as anything of it works.
    pub async fn test<H: Send + 'static>(
        &self,
        kind: &str,
        options: &Value,
        secrets: &Secrets,
        held: H,
    ) -> Result<Value, Error> {
        match kind {
            "postgresql" => {
                let server = Server::new(options, secrets, POSTGRES_PORT)?;
                let addresses = self.addresses(&server).await?;
                let link = postgres::connect(&server, &addresses, *self.settings.connect_timeout).await?;
                postgres::test(&link).await
            }
            "mysql" => {
                let server = Server::new(options, secrets, MYSQL_PORT)?;
                let mut link = self.dial_mysql(&server).await?;
                let answer = mysql::test(&mut link).await;
                link.close().await;
                answer
            }
            "sqlite" => {
                let file = self.file(options)?;
                let work = move || {
                    // Until the thread is done, also when nobody waits for it any more.
                    let _held = held;
                    sqlite::test(&file)
                };
                let tested = tokio::task::spawn_blocking(work).await;
                tested.unwrap_or_else(|error| Err(Error::Internal(format!("a test's thread ended: {error}"))))
            }
            "http" => self.test_http(options, secrets).await,
            _ => Err(Error::failed(Reason::Settings, "this is no kind of data source")),
        }
    }

    /// Any answer is an answer; only a refused credential is not well.
    async fn test_http(&self, options: &Value, secrets: &Secrets) -> Result<Value, Error> {
        let limits = self.limits(&Value::Null);
        let timeout = *self.settings.timeout;
        let request = http::build(&http::Made {
            source: options,
            secrets,
            options: &serde_json::json!({ "path": options.get("testPath"), "responseType": "text" }),
            inputs: &Map::new(),
            idempotency_key: None,
            max_bytes: limits.bytes,
            timeout,
        })?;
        let answer = self.outbound.send(request).await;
        let status = answer.as_ref().ok().map(|answer| answer.status);
        match status {
            Some(401 | 403) => Err(Error::failed(Reason::Login, "the service refused the credentials")),
            Some(status) if status < 500 => Ok(serde_json::json!({ "server": "HTTP", "status": status })),
            _ => http::read(answer, &serde_json::json!({ "responseType": "text" }), &limits, timeout)
                .map(|_| Value::Null),
        }
    }
}
