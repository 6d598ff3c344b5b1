//! Whether a failed statement may have happened.

use std::time::Duration;

use serde_json::{Value, json};

use super::proxy::{Proxy, nobody};
use crate::{
    config::sections::DataSource,
    datasource::{
        Glance, Undone,
        tests::rig::{MySql, Postgres, Rig, open_settings, until},
    },
    error::{Code, Coded},
    ids::DataSourceId,
};

const LONG: Duration = Duration::from_secs(30);
/// For a statement to be on its way, also on a machine with much to do.
const ENOUGH: Duration = Duration::from_secs(3);

async fn carry_out(rig: &Rig, source: &DataSourceId, sql: &str, limit: Duration) -> Result<Glance, Undone> {
    let mut call = Rig::call(&rig.query(source, json!({ "query": sql, "readOnly": false })), json!({}));
    (call.run, call.timeout) = (None, limit);
    rig.sources.carry_out(call, 2).await
}

/// Its reason, and whether it may have happened.
async fn undone(rig: &Rig, source: &DataSourceId, sql: &str, limit: Duration) -> (&'static str, bool) {
    match carry_out(rig, source, sql, limit).await {
        Err(Undone { error, sent }) => (error.reason(), sent),
        Ok(seen) => panic!("{sql}: {seen:?}"),
    }
}

fn at(mut options: Value, port: u16) -> Value {
    options["port"] = json!(port);
    options
}

#[tokio::test]
async fn at_postgresql() {
    let Some(database) = Postgres::new() else { return };
    database.exec(
        "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1); \
         CREATE TABLE late (a int REFERENCES t DEFERRABLE INITIALLY DEFERRED)",
    );
    let rig = Rig::new(DataSource { pool: 1, ..open_settings() });
    let source = rig.source("postgresql", database.options(), json!({}));
    let seen = carry_out(&rig, &source, "INSERT INTO t SELECT generate_series(2, 6) RETURNING a", LONG).await;
    let rows = vec![json!({ "a": 2 }), json!({ "a": 3 })];
    let whole = Glance {
        columns: vec!["a".to_owned()],
        rows,
        truncated: true,
        value: Some(json!({ "rowCount": 5 })),
    };
    assert_eq!(seen.unwrap(), whole, "all of them were written, some are shown");
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(6));
    for (sql, reason) in [
        ("INSERT INTO t VALUES (7), (1)", "statement"),
        ("INSERT INTO late VALUES (99)", "statement"),
        ("INSERT INTO t SELECT 1 / 0", "statement"),
        ("INSERT INTO nowhere VALUES (1)", "statement"),
        ("DROP TABLE t", "settings"),
    ] {
        assert_eq!(undone(&rig, &source, sql, LONG).await, (reason, false), "{sql}");
    }
    let closed = rig.source("postgresql", at(database.options(), nobody().await), json!({}));
    assert_eq!(undone(&rig, &closed, "INSERT INTO t VALUES (8)", LONG).await, ("unreachable", false));
    let slow = "INSERT INTO t SELECT 9 FROM pg_sleep(40)";
    assert_eq!(undone(&rig, &source, slow, ENOUGH).await, ("timeout", true));
    // The only connection is used by another: its time is over before anything is sent.
    let other = rig.source("postgresql", database.options(), json!({}));
    let active = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE 'INSERT INTO t SELECT 9%'";
    let waited = tokio::select! {
        outcome = undone(&rig, &source, slow, LONG) => panic!("{outcome:?}"),
        outcome = async {
            until("it runs", || async { rig.rows(&other, active).await.len() == 1 }).await;
            undone(&rig, &source, "INSERT INTO t VALUES (10)", Duration::from_millis(500)).await
        } => outcome,
    };
    assert_eq!(waited, ("timeout", false));
    // What only reads has no effect to fear.
    let reads = rig.query(&source, json!({ "query": "SELECT pg_sleep(40)" }));
    let mut call = Rig::call(&reads, json!({}));
    call.timeout = Duration::from_millis(500);
    let Err(Undone { error, sent }) = rig.sources.carry_out(call, 2).await else { panic!() };
    assert_eq!((error.code(), sent), (Code::NodeTimeout, false));
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(6));
}

#[tokio::test]
async fn at_mariadb() {
    let Some(database) = MySql::new() else { return };
    database.exec(
        "CREATE TABLE t (a INT PRIMARY KEY);\nINSERT INTO t VALUES (1);\nCREATE TABLE m (a INT PRIMARY KEY) ENGINE=MyISAM;\nINSERT INTO m VALUES (1);\n\
         CREATE PROCEDURE p() BEGIN INSERT INTO t VALUES (77); COMMIT; SIGNAL SQLSTATE '45000'; END",
    );
    let rig = Rig::new(DataSource { pool: 1, ..open_settings() });
    let source = rig.source("mysql", database.options(), json!({}));
    let seen =
        carry_out(&rig, &source, "INSERT INTO t VALUES (2), (3), (4) RETURNING a", LONG).await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (2, true));
    for (sql, expected) in [
        ("INSERT INTO t VALUES (7), (1)", ("statement", false)),
        ("INSERT INTO nowhere VALUES (1)", ("statement", false)),
        ("INSERT INTO m VALUES (1)", ("statement", false)),
        // The first row stays.
        ("INSERT INTO m VALUES (7), (1)", ("statement", true)),
        // What it wrote is committed.
        ("CALL p()", ("statement", true)),
    ] {
        assert_eq!(undone(&rig, &source, sql, LONG).await, expected, "{sql}");
    }
    let kept = "SELECT concat((SELECT group_concat(a) FROM t), ' ', (SELECT group_concat(a) FROM m))";
    assert_eq!(rig.one(&source, kept).await, json!("1,2,3,4,77 1,7"));
    let closed = rig.source("mysql", at(database.options(), nobody().await), json!({}));
    assert_eq!(undone(&rig, &closed, "INSERT INTO t VALUES (8)", LONG).await, ("unreachable", false));
    let slow = "INSERT INTO t SELECT 9 + SLEEP(40)";
    assert_eq!(undone(&rig, &source, slow, ENOUGH).await, ("timeout", true));
    // Killed by another: the connection is gone.
    let other = rig.source("mysql", database.options(), json!({}));
    let (outcome, ()) = tokio::join!(undone(&rig, &source, slow, LONG), async {
        let id = running(&rig, &other).await;
        database.exec(&format!("KILL {id}"));
    });
    assert!(outcome.1, "{outcome:?}");
    assert_eq!(rig.one(&source, kept).await, json!("1,2,3,4,77 1,7"));
}

/// The connection on which `9 + SLEEP(40)` runs.
async fn running(rig: &Rig, other: &DataSourceId) -> Value {
    let sql = "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id() AND state = 'User sleep' AND info LIKE '%9 + SLEEP(40)%'";
    until("it runs", || async { !rig.rows(other, sql).await.is_empty() }).await;
    rig.rows(other, sql).await[0]["id"].clone()
}

#[tokio::test]
async fn a_way_that_is_cut() {
    let Some(database) = Postgres::new() else { return };
    database.exec("CREATE TABLE t (a int PRIMARY KEY)");
    let rig = Rig::new(DataSource { pool: 1, ..open_settings() });
    let proxy = Proxy::to(5432).await;
    let source = rig.source("postgresql", at(database.options(), proxy.port), json!({}));
    let other = rig.source("postgresql", database.options(), json!({}));
    let active = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE 'INSERT INTO t%'";
    for warm in [false, true] {
        if warm {
            assert_eq!(rig.one(&source, "SELECT 1").await, json!(1));
        }
        let slow = "INSERT INTO t SELECT 9 FROM pg_sleep(41)";
        let (outcome, ()) = tokio::join!(undone(&rig, &source, slow, LONG), async {
            until("it runs", || async { rig.rows(&other, active).await.len() == 1 }).await;
            proxy.cut();
        });
        assert_eq!(outcome, ("unreachable", true));
        until("it is stopped", || async { rig.rows(&other, active).await.is_empty() }).await;
    }
    // A connection that was cut while it waited is another's fault: nothing was sent on it.
    assert_eq!(rig.one(&source, "SELECT 1").await, json!(1));
    proxy.cut();
    assert!(carry_out(&rig, &source, "INSERT INTO t VALUES (1)", LONG).await.is_ok());
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(1));
}

#[tokio::test]
async fn a_way_to_mariadb_that_is_cut() {
    let Some(database) = MySql::new() else { return };
    database.exec("CREATE TABLE t (a INT PRIMARY KEY)");
    let rig = Rig::new(DataSource { pool: 1, ..open_settings() });
    let proxy = Proxy::to(3306).await;
    let source = rig.source("mysql", at(database.options(), proxy.port), json!({}));
    let other = rig.source("mysql", database.options(), json!({}));
    assert_eq!(rig.one(&source, "SELECT 1").await, json!(1));
    let (outcome, ()) =
        tokio::join!(undone(&rig, &source, "INSERT INTO t SELECT 9 + SLEEP(40)", LONG), async {
            running(&rig, &other).await;
            proxy.cut();
        });
    assert_eq!(outcome, ("unreachable", true));
    assert_eq!(rig.one(&source, "SELECT 1").await, json!(1));
    proxy.cut();
    assert!(carry_out(&rig, &source, "INSERT INTO t VALUES (1)", LONG).await.is_ok());
}

#[tokio::test]
async fn at_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a.db");
    let connection = rusqlite::Connection::open(&file).unwrap();
    connection.execute_batch("CREATE TABLE t (a INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)").unwrap();
    let settings = DataSource { sqlite_dir: Some(dir.path().to_owned()), max_rows: 5, ..open_settings() };
    let rig = Rig::new(settings);
    let source = rig.source("sqlite", json!({ "file": "a.db" }), json!({}));
    let seen =
        carry_out(&rig, &source, "INSERT INTO t VALUES (2), (3), (4) RETURNING a", LONG).await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (2, true));
    assert_eq!(seen.value, Some(json!({ "rowCount": 3, "insertId": 4 })));
    let numbers = "WITH RECURSIVE n(x) AS (SELECT 10 UNION ALL SELECT x + 1 FROM n";
    for (sql, expected) in [
        ("INSERT INTO t VALUES (7), (1)".to_owned(), ("statement", false)),
        // It keeps what came before the fault, unless a transaction is around it.
        ("INSERT OR FAIL INTO t VALUES (7), (1)".to_owned(), ("statement", false)),
        ("INSERT OR ROLLBACK INTO t VALUES (7), (1)".to_owned(), ("statement", false)),
        (format!("INSERT INTO t {numbers} LIMIT 9) SELECT x FROM n RETURNING a"), ("max_rows", false)),
    ] {
        assert_eq!(undone(&rig, &source, &sql, LONG).await, expected, "{sql}");
        assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(4), "{sql}");
    }
    let endless = format!("INSERT INTO t {numbers}) SELECT x FROM n");
    assert_eq!(undone(&rig, &source, &endless, ENOUGH).await, ("timeout", true));
    let none = rig.source("sqlite", json!({ "file": "none.db" }), json!({}));
    assert_eq!(undone(&rig, &none, "DELETE FROM t", LONG).await, ("blocked_address", false));
    until("it is rolled back", || async { rig.one(&source, "SELECT count(*) FROM t").await == json!(4) })
        .await;
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(undone(&rig, &source, "DELETE FROM t", LONG).await, ("unreachable", false), "locked");
    connection.execute_batch("ROLLBACK").unwrap();
    assert!(carry_out(&rig, &source, "DELETE FROM t", LONG).await.is_ok());
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(0));
}

#[tokio::test]
async fn a_hub_that_is_being_stopped() {
    let Some(database) = Postgres::new() else { return };
    database.exec("CREATE TABLE t (a int)");
    let rig = Rig::new(open_settings());
    let source = rig.source("postgresql", database.options(), json!({}));
    let watcher = Rig::new(open_settings());
    let other = watcher.source("postgresql", database.options(), json!({}));
    let active = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep' AND query LIKE 'INSERT INTO t%'";
    let (outcome, ()) =
        tokio::join!(undone(&rig, &source, "INSERT INTO t SELECT 1 FROM pg_sleep(42)", LONG), async {
            until("it runs", || async { watcher.rows(&other, active).await.len() == 1 }).await;
            rig.sources.close().await;
        });
    assert_eq!(outcome, ("draining", true));
    assert_eq!(undone(&rig, &source, "INSERT INTO t VALUES (1)", LONG).await, ("draining", false));
    until("it is stopped", || async { watcher.rows(&other, active).await.is_empty() }).await;
    assert_eq!(watcher.one(&other, "SELECT count(*) FROM t").await, json!(0));
}
