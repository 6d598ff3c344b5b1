//! A store for tests, and short words for what is written into it.

use std::{path::Path, time::Duration};

use diesel::connection::SimpleConnection;
use jiff::Timestamp;

use super::database::Database;
use crate::{
    clock::Clock,
    config::{DurationSetting, Secret, Size, sections},
    ids::{HubId, RunId, Seq, StreamId, TenantId},
    store::{
        Append, Appended, Connection, Error, NewRow, Origin, Row, Store, Target,
        connection::{Connector, Role},
        tables::runs::{Executor, NewRun, RunStatus},
    },
};

/// Settings of a store there: a small pool, short waits.
fn settings(url: Option<&str>) -> (sections::Database, sections::Journal) {
    let pool = sections::Database {
        url: url.map(|url| Secret::new(url.to_owned())),
        read_pool: 2,
        acquire_timeout: DurationSetting::from_millis(1_000),
        busy_timeout: DurationSetting::from_secs(60),
    };
    (pool, sections::Journal { min_free_disk: Size::bytes(0), ..sections::Journal::default() })
}

/// Opens a store by URL and state directory.
pub(in crate::store::tests) fn open_at(url: Option<&str>, state: &Path) -> Result<Store, Error> {
    let (pool, journal) = settings(url);
    Store::open(&pool, &journal, state, HubId::generate(), Clock::real())
}

/// Opens the store; `change` may change its settings.
pub(in crate::store::tests) fn open_with(
    database: &Database,
    change: impl FnOnce(&mut sections::Database, &mut sections::Journal),
) -> Result<Store, Error> {
    let (mut pool, mut journal) = settings(database.url.as_deref());
    change(&mut pool, &mut journal);
    Store::open(&pool, &journal, database.state(), HubId::generate(), Clock::real())
}

/// Opens the store, once whoever had it before has given the lock back: a store that is closed while
/// its database does not answer does so a little later.
pub(crate) fn open(database: &Database) -> Store {
    let end = Clock::real().monotonic() + Duration::from_secs(30);
    loop {
        match open_with(database, |_, _| {}) {
            Err(Error::Locked(_)) if Clock::real().monotonic() < end => {
                std::thread::sleep(Duration::from_millis(20));
            }
            opened => return opened.unwrap(),
        }
    }
}

/// A connection beside the store's, as another program would have one.
pub(in crate::store::tests) fn beside(database: &Database) -> Connection {
    let (pool, journal) = settings(database.url.as_deref());
    let target = Target::parse(database.url.as_deref(), database.state()).unwrap();
    Connector::new(target, &pool, &journal).connect(Role::Write).unwrap()
}

/// Statements of another program.
pub(in crate::store::tests) fn run_beside(database: &Database, statements: &str) {
    beside(database).batch_execute(statements).unwrap();
}

/// Keeps everybody else from writing rows until it is dropped.
pub(in crate::store::tests) struct Held(Connection);

pub(in crate::store::tests) fn hold_writes(database: &Database) -> Held {
    let mut connection = beside(database);
    let statements = match &connection {
        Connection::Sqlite(_) => "BEGIN IMMEDIATE",
        Connection::Postgresql(_) => "BEGIN; LOCK TABLE streams IN EXCLUSIVE MODE",
    };
    connection.batch_execute(statements).unwrap();
    Held(connection)
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.batch_execute("ROLLBACK").unwrap();
    }
}

pub(in crate::store::tests) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

pub(in crate::store::tests) fn stream(name: &str) -> StreamId {
    StreamId::trusted(name)
}

/// `count` rows whose payloads tell their place.
pub(in crate::store::tests) fn rows(first: i64, count: i64) -> Vec<NewRow> {
    let row = |seq| NewRow { kind: "TEST".into(), payload: format!("{{\"n\":{seq}}}"), at: at(seq) };
    (first..first + count).map(row).collect()
}

/// The first rows of a new stream.
pub(in crate::store::tests) fn first(name: &str, count: i64) -> Append {
    Append {
        stream: stream(name),
        create: true,
        expected_head: Seq::ZERO,
        owner_version: 1,
        rows: rows(1, count),
        projections: Vec::new(),
        origin: Origin::Client,
    }
}

/// More rows behind `head`.
pub(in crate::store::tests) fn next(name: &str, head: i64, count: i64) -> Append {
    let rows = rows(head + 1, count);
    Append { create: false, expected_head: Seq(head), rows, ..first(name, 1) }
}

pub(in crate::store::tests) async fn append(store: &Store, append: Append) -> Result<Appended, Error> {
    store.journal().append(append).await
}

/// The whole stream, read in pages.
pub(in crate::store::tests) async fn all(store: &Store, name: &str) -> Result<Vec<Row>, Error> {
    let mut found: Vec<Row> = Vec::new();
    loop {
        let after = found.last().map_or(Seq::ZERO, |row| row.seq);
        let page = store.journal().read(&stream(name), after, 100, 1 << 20).await?;
        if page.rows.is_empty() {
            assert_eq!(after, page.head, "a page without rows is the end");
            return Ok(found);
        }
        found.extend(page.rows);
    }
}

/// Checks that a stream is 1, 2, 3 … `head` with the payloads that [`rows`] made.
pub(in crate::store::tests) async fn assert_whole(store: &Store, name: &str, head: i64) {
    let found = all(store, name).await.unwrap();
    assert_eq!(found.len() as i64, head, "{name}");
    for (index, row) in found.iter().enumerate() {
        let seq = index as i64 + 1;
        assert_eq!(
            (row.seq, row.payload.as_str()),
            (Seq(seq), format!("{{\"n\":{seq}}}").as_str()),
            "{name}"
        );
    }
}

/// Waits for a condition, at most ten seconds.
pub(in crate::store::tests) async fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let clock = Clock::real();
    let began = clock.monotonic();
    while !condition() {
        assert!(clock.monotonic() - began < Duration::from_secs(10), "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

pub(in crate::store::tests) fn new_run(id: &str, tenant: &str) -> NewRun {
    NewRun {
        instance_id: RunId::trusted(id),
        tenant_id: TenantId::trusted(tenant),
        workflow_id: None,
        workflow_title: "Sales".to_owned(),
        version: None,
        status: RunStatus::Running,
        is_test: false,
        executor: Executor::Internal,
        starter_user_id: None,
        starter_api_key_id: None,
        parent_instance_id: None,
        parent_node_id: None,
        started_at: at(0),
        attention: true,
        ended: None,
    }
}
