//! The first rows, and only of what reads.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    config::sections,
    datasource::{
        Error, Glance, Glanced,
        tests::rig::{MySql, Postgres, Rig, Server, open_settings, outbound_to, respond, tenant, until},
    },
    error::{Code, Coded},
    ids::{DataQueryId, DataSourceId, TenantId},
    outbound::System,
};

async fn glance(rig: &Rig, source: &DataSourceId, options: Value, rows: usize) -> Result<Glance, Glanced> {
    let mut call = Rig::call(&rig.query(source, options), json!({}));
    call.run = None;
    rig.sources.glance(call, rows).await
}

fn failed(outcome: Result<Glance, Glanced>) -> Error {
    match outcome {
        Err(Glanced::Failed(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// What is the same at each database: `many` makes 20 000 rows of `n` and `text`.
async fn is_cut(rig: &Rig, source: &DataSourceId, many: &str) {
    let seen = glance(rig, source, json!({ "query": many }), 3).await.unwrap();
    assert_eq!(seen.columns, ["n", "text"]);
    assert_eq!(seen.rows.len(), 3);
    assert_eq!(seen.rows[2]["n"], json!(3));
    assert!(seen.truncated && seen.value.is_none(), "{seen:?}");
    // All of them, to the row.
    for (rows, truncated) in [(4, true), (5, false), (6, false)] {
        let five = json!({ "query": format!("SELECT n FROM ({many}) AS five WHERE n <= 5") });
        let seen = glance(rig, source, five, rows).await.unwrap();
        assert_eq!((seen.rows.len(), seen.truncated), (rows.min(5), truncated), "{rows}");
    }
    let none = json!({ "query": format!("SELECT n FROM ({many}) AS five WHERE n < 0") });
    let seen = glance(rig, source, none, 3).await.unwrap();
    assert_eq!(seen, Glance { columns: vec!["n".to_owned()], rows: vec![], truncated: false, value: None });
    // The query's own limit and the hub's are no error here either.
    let seen = glance(rig, source, json!({ "query": many, "maxRows": 2 }), 3).await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (2, true));
    let seen = glance(rig, source, json!({ "query": many }), usize::MAX).await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (10_000, true));
    // A glance is not all that a source has to do.
    assert_eq!(rig.one(source, "SELECT 1").await, json!(1));
    let whole = rig.fails(source, json!({ "query": many })).await;
    assert_eq!(whole.reason(), "max_rows", "a node gets all of it or an error");
    let error = failed(glance(rig, source, json!({ "query": "SELECT * FROM nowhere" }), 3).await);
    assert_eq!(error.reason(), "statement", "{error}");
}

/// What writes is not run, whatever it is.
async fn refuses_writes(rig: &Rig, source: &DataSourceId) {
    for sql in ["INSERT INTO t (a) VALUES ('x')", "SELECT * FROM t"] {
        let outcome = glance(rig, source, json!({ "query": sql, "readOnly": false }), 3).await;
        assert!(matches!(outcome, Err(Glanced::MayWrite)), "{outcome:?}");
    }
    let disguised = "WITH x AS (SELECT 1) DELETE FROM t";
    let error = failed(glance(rig, source, json!({ "query": disguised }), 3).await);
    assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "read_only"), "{error}");
    assert_eq!(rig.one(source, "SELECT count(*) FROM t").await, json!(1));
}

#[tokio::test]
async fn of_postgresql() {
    let Some(database) = Postgres::new() else { return };
    database.exec("CREATE TABLE t (a text); INSERT INTO t VALUES ('one')");
    let rig = Rig::new(sections::DataSource { pool: 2, ..open_settings() });
    let source = rig.source("postgresql", database.options(), json!({}));
    is_cut(&rig, &source, "SELECT n, repeat('x', 100) AS text FROM generate_series(1, 20000) n").await;
    refuses_writes(&rig, &source).await;
    // What never ends is stopped at the server, its connection does not come back.
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    for _ in 0..5 {
        let seen = glance(&rig, &source, json!({ "query": endless }), 3).await.unwrap();
        assert_eq!((seen.rows.len(), seen.truncated), (3, true));
    }
    // Rows so large that the driver has read more than an answer may have.
    let large = "SELECT n, repeat('x', 1000000) AS text FROM generate_series(1, 1000) n";
    let seen = glance(&rig, &source, json!({ "query": large }), 2).await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (2, true));
    let seen = glance(&rig, &source, json!({ "query": large }), 500).await;
    let bytes = seen.as_ref().map(|seen| (seen.rows.len() < 10, seen.truncated));
    assert!(matches!(bytes, Ok((true, true))) || failed(seen).reason() == "max_bytes");
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()";
    until("nothing runs", || async { rig.one(&source, sql).await == json!(0) }).await;
    let slow = json!({ "query": "SELECT pg_sleep(30)", "timeoutSeconds": 1 });
    assert_eq!(failed(glance(&rig, &source, slow, 3).await).code(), Code::NodeTimeout);
}

#[tokio::test]
async fn of_mariadb() {
    let Some(database) = MySql::new() else { return };
    database.exec("CREATE TABLE t (a VARCHAR(9));\nINSERT INTO t VALUES ('one')");
    let rig = Rig::new(sections::DataSource { pool: 2, ..open_settings() });
    let source = rig.source("mysql", database.options(), json!({}));
    is_cut(&rig, &source, "SELECT seq AS n, repeat('x', 100) AS text FROM seq_1_to_20000").await;
    let error =
        failed(glance(&rig, &source, json!({ "query": "SELECT 1 INTO OUTFILE '/tmp/jethub-no'" }), 3).await);
    assert_eq!(error.reason(), "settings");
    database.exec("CREATE FUNCTION w() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO t (a) VALUES ('f'); RETURN 1; END");
    let error = failed(glance(&rig, &source, json!({ "query": "SELECT w()" }), 3).await);
    assert_eq!(error.reason(), "read_only", "{error}");
    let outcome = glance(&rig, &source, json!({ "query": "DELETE FROM t", "readOnly": false }), 3).await;
    assert!(matches!(outcome, Err(Glanced::MayWrite)), "{outcome:?}");
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(1));
    let endless = "SELECT a.seq FROM seq_1_to_1000000 a, seq_1_to_1000000 b";
    for _ in 0..5 {
        let seen = glance(&rig, &source, json!({ "query": endless }), 3).await.unwrap();
        assert_eq!((seen.rows.len(), seen.truncated), (3, true));
    }
    let sql = "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id() AND info LIKE '%seq_1_to_1000000 a%'";
    until("nothing runs", || async { rig.one(&source, sql).await == json!(0) }).await;
    let slow = json!({ "query": "SELECT SLEEP(30)", "timeoutSeconds": 1 });
    assert_eq!(failed(glance(&rig, &source, slow, 3).await).code(), Code::NodeTimeout);
}

#[tokio::test]
async fn of_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("a.db")).unwrap();
    connection.execute_batch("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('one')").unwrap();
    let rig = Rig::new(sections::DataSource { sqlite_dir: Some(dir.path().to_owned()), ..open_settings() });
    let source = rig.source("sqlite", json!({ "file": "a.db" }), json!({}));
    let many = "SELECT * FROM (WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000) \
                SELECT n, hex(zeroblob(50)) AS text FROM c)";
    is_cut(&rig, &source, many).await;
    refuses_writes(&rig, &source).await;
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    let seen = glance(&rig, &source, json!({ "query": endless }), 3).await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (3, true));
}

#[tokio::test]
async fn of_a_service_with_get_and_head_only() {
    let server = Server::answering(|request| match request.split(' ').nth(1).unwrap_or_default() {
        "/objects" => respond(200, "", r#"[{"a":1,"b":2},{"b":3,"c":[4]},{"d":5}]"#),
        "/numbers" => respond(200, "", "[1,2,3]"),
        "/mixed" => respond(200, "", r#"[{"a":1},2]"#),
        "/none" => respond(200, "", "[]"),
        "/many" => respond(200, "", &json!((0..20_000).collect::<Vec<_>>()).to_string()),
        "/one" => respond(200, "", r#"{"a":[1,2,3]}"#),
        _ => respond(500, "", ""),
    })
    .await;
    let rig = Rig::with(open_settings(), outbound_to(&server), std::sync::Arc::new(System));
    let source = rig.source("http", json!({ "url": server.url() }), json!({}));
    for (path, columns, rows, truncated) in [
        ("/objects", json!(["a", "b", "c"]), json!([{ "a": 1, "b": 2 }, { "b": 3, "c": [4] }]), true),
        ("/numbers", json!(["value"]), json!([{ "value": 1 }, { "value": 2 }]), true),
        ("/mixed", json!(["value"]), json!([{ "value": { "a": 1 } }, { "value": 2 }]), false),
        ("/none", json!([]), json!([]), false),
        ("/many", json!(["value"]), json!([{ "value": 0 }, { "value": 1 }]), true),
    ] {
        let seen = glance(&rig, &source, json!({ "path": path }), 2).await.unwrap();
        assert_eq!((json!(seen.columns), json!(seen.rows)), (columns, rows), "{path}");
        assert_eq!((seen.truncated, seen.value), (truncated, None), "{path}");
    }
    let seen = glance(&rig, &source, json!({ "path": "/one", "method": "HEAD" }), 2).await.unwrap();
    assert_eq!((seen.value, seen.rows.len()), (Some(Value::Null), 0));
    let seen = glance(&rig, &source, json!({ "path": "/one" }), 2).await.unwrap();
    assert_eq!((seen.value, seen.truncated), (Some(json!({ "a": [1, 2, 3] })), false));
    let before = server.count();
    for method in ["POST", "PUT", "PATCH", "DELETE", "get", "X"] {
        let outcome = glance(&rig, &source, json!({ "path": "/one", "method": method }), 2).await;
        assert!(matches!(outcome, Err(Glanced::MayWrite)), "{method}: {outcome:?}");
    }
    assert_eq!(server.count(), before, "none of them was sent");
}

#[tokio::test]
async fn what_is_not_known_is_not_asked() {
    let server = Server::answering(|_| respond(200, "", "{}")).await;
    let settings = sections::DataSource { service_url: Some(server.url()), ..open_settings() };
    let rig = Rig::with(settings, outbound_to(&server), std::sync::Arc::new(System));
    let gone = rig.query(&DataSourceId::generate(), json!({ "query": "SELECT 1" }));
    for query in [rig.query_of(&tenant(), None, json!({})), DataQueryId::generate(), gone] {
        let outcome = rig.sources.glance(Rig::call(&query, json!({})), 3).await;
        assert!(matches!(outcome, Err(Glanced::MayWrite)), "{outcome:?}");
    }
    assert_eq!(server.count(), 0);
    let plain = Rig::new(open_settings());
    let theirs = plain.query_of(&TenantId::trusted("t2"), None, json!({}));
    for query in [theirs, DataQueryId::generate()] {
        let error = failed(plain.sources.glance(Rig::call(&query, json!({})), 3).await);
        assert!(matches!(error, Error::Foreign), "{error}");
    }
}

#[tokio::test]
async fn inputs_and_time_hold_as_for_any_query() {
    let dir = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(dir.path().join("a.db")).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let rig = Rig::new(sections::DataSource { sqlite_dir: Some(dir.path().to_owned()), ..open_settings() });
    let source = rig.source("sqlite", json!({ "file": "a.db" }), json!({}));
    let options = json!({ "query": "SELECT {{n}} AS n", "inputDefinitions": [{ "key": "n", "type": "number", "required": true }] });
    let query = rig.query(&source, options);
    let seen = rig.sources.glance(Rig::call(&query, json!({ "n": "7" })), 3).await.unwrap();
    assert_eq!(seen.rows, [json!({ "n": 7 })]);
    let error = failed(rig.sources.glance(Rig::call(&query, json!({})), 3).await);
    assert_eq!(error.code(), Code::InputInvalid);
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    let mut call = Rig::call(&rig.query(&source, json!({ "query": endless })), json!({}));
    call.timeout = Duration::from_millis(300);
    let error = failed(rig.sources.glance(call, 3).await);
    assert_eq!(error.code(), Code::NodeTimeout);
}
