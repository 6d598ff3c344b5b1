//! Files (`faults.md` A55).

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Rig, tenant, until};
use crate::{
    clock::Clock,
    config::sections::DataSource,
    error::{Code, Coded},
    ids::DataSourceId,
};

fn rig() -> (Rig, tempfile::TempDir, DataSourceId) {
    let dir = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("shop.db")).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, price REAL, data BLOB, any);
             INSERT INTO things VALUES (1, 'a', 1.5, x'00ff', 9007199254740993), (2, 'b', NULL, NULL, 'text');",
        )
        .unwrap();
    let rig = Rig::new(DataSource { sqlite_dir: Some(dir.path().to_owned()), ..DataSource::default() });
    let source = rig.source("sqlite", json!({ "file": "shop.db" }), json!({}));
    (rig, dir, source)
}

#[tokio::test]
async fn values_are_what_they_are_row_by_row() {
    let (rig, _dir, source) = rig();
    let answer =
        rig.ask(&source, json!({ "query": "SELECT * FROM things ORDER BY id" }), json!({})).await.unwrap();
    assert_eq!(
        answer,
        json!({ "rowCount": 2, "result": [
            { "id": 1, "name": "a", "price": 1.5, "data": "AP8=", "any": "9007199254740993" },
            { "id": 2, "name": "b", "price": null, "data": null, "any": "text" },
        ]})
    );
    assert_eq!(rig.one(&source, "SELECT 1e999").await, json!("Infinity"));
    assert_eq!(rig.one(&source, "SELECT true").await, json!(1));
    assert_eq!(rig.one(&source, "SELECT -9007199254740992").await, json!(-9_007_199_254_740_992_i64));
    assert_eq!(rig.rows(&source, "SELECT 1 AS a, 2 AS a").await, [json!({ "a": 1, "a_2": 2 })]);
    let bound = json!({ "query": "SELECT {{a}} AS a, {{b}} AS b, {{c}} AS c, {{d}} AS d, (SELECT sum(value) FROM json_each({{e}})) AS e" });
    let inputs = json!({ "a": "it's", "b": true, "c": 1.5, "e": [1, 2, 3] });
    let answer = rig.ask(&source, bound, inputs).await.unwrap();
    assert_eq!(answer["result"][0], json!({ "a": "it's", "b": 1, "c": 1.5, "d": null, "e": 6 }));
}

#[tokio::test]
async fn a_write_says_how_many_rows_and_only_when_it_may() {
    let (rig, _dir, source) = rig();
    let insert = json!({ "query": "INSERT INTO things (name) VALUES ({{n}})", "readOnly": false });
    let answer = rig.ask(&source, insert, json!({ "n": "c" })).await.unwrap();
    assert_eq!(answer, json!({ "result": [], "rowCount": 1, "insertId": 3 }));
    let returning = json!({ "query": "UPDATE things SET price = 2 RETURNING id", "readOnly": false });
    let answer = rig.ask(&source, returning, json!({})).await.unwrap();
    assert_eq!(answer, json!({ "result": [{ "id": 1 }, { "id": 2 }, { "id": 3 }], "rowCount": 3 }));
    let error = rig.fails(&source, json!({ "query": "WITH x AS (SELECT 1) DELETE FROM things" })).await;
    assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "read_only"), "{error}");
    assert_eq!(rig.one(&source, "SELECT count(*) FROM things").await, json!(3));
}

#[tokio::test]
async fn nothing_but_the_file_can_be_reached() {
    let (rig, dir, source) = rig();
    let other = dir.path().join("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE secret (x)").unwrap();
    let attach = format!("ATTACH '{}' AS o", other.display());
    for sql in [
        attach.as_str(),
        "SELECT load_extension('x')",
        "SELECT fts3_tokenizer('x')",
        "PRAGMA writable_schema = 1",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_compile_options",
        "SELECT * FROM pragma_writable_schema",
        "VACUUM INTO '/tmp/x'",
        "CREATE TABLE t (x)",
        "WITH x AS (SELECT 1) UPDATE sqlite_master SET sql = 'x'",
        "WITH x AS (SELECT 1) INSERT INTO sqlite_sequence VALUES ('x', 1)",
        "DETACH main",
        "BEGIN EXCLUSIVE",
        "SELECT 1; SELECT 2",
    ] {
        for read_only in [true, false] {
            let error = rig.fails(&source, json!({ "query": sql, "readOnly": read_only })).await;
            assert_eq!(error.code(), Code::QueryFailed, "{sql}: {error}");
            assert!(!error.to_string().contains(&*dir.path().to_string_lossy()), "{error}");
        }
    }
    assert_eq!(
        rig.rows(&source, "SELECT name FROM pragma_table_info('things') LIMIT 1").await,
        [json!({ "name": "id" })]
    );
}

#[tokio::test]
async fn a_file_is_below_the_directory_and_never_the_hubs_own() {
    let (rig, dir, _) = rig();
    let outside = tempfile::tempdir().unwrap();
    rusqlite::Connection::open(outside.path().join("o.db"))
        .unwrap()
        .execute_batch("CREATE TABLE t (x)")
        .unwrap();
    std::os::unix::fs::symlink(outside.path().join("o.db"), dir.path().join("link.db")).unwrap();
    std::os::unix::fs::symlink(outside.path(), dir.path().join("way")).unwrap();
    std::fs::hard_link(rig.dir.path().join("jethub.db"), dir.path().join("hub.db")).unwrap();
    let traversal = format!("../{}/o.db", outside.path().file_name().unwrap().to_string_lossy());
    for file in ["link.db", "way/o.db", "hub.db", "missing.db", ".", traversal.as_str(), "/etc/passwd", ""] {
        let source = rig.source("sqlite", json!({ "file": file }), json!({}));
        let error = rig.fails(&source, json!({ "query": "SELECT 1" })).await;
        assert!(["blocked_address", "settings"].contains(&error.reason()), "{file}: {error}");
        assert!(!error.to_string().contains("/tmp"), "{error}");
        assert!(rig.sources.test(&tenant(), "sqlite", &json!({ "file": file }), &json!({})).await.is_err());
    }
    let mut plain = Rig::new(DataSource::default());
    let source = plain.source("sqlite", json!({ "file": "shop.db" }), json!({}));
    let error = plain.fails(&source, json!({ "query": "SELECT 1" })).await;
    assert_eq!(error.code(), Code::QueryUnavailable, "{error}");
    plain = Rig::new(DataSource { sqlite_dir: Some(plain.dir.path().to_owned()), ..DataSource::default() });
    let own = plain.dir.path().join("jethub.db");
    assert!(own.exists());
}

#[tokio::test]
async fn limits_of_time_rows_and_bytes_hold() {
    let (rig, _dir, source) = rig();
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n";
    let begun = Clock::real().monotonic();
    let error = rig.fails(&source, json!({ "query": endless, "timeoutSeconds": 1 })).await;
    assert_eq!(error.code(), Code::NodeTimeout, "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4));
    let many = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    let error = rig.fails(&source, json!({ "query": many })).await;
    assert_eq!(error.reason(), "max_rows");
    let error = rig.fails(&source, json!({ "query": "SELECT hex(zeroblob(3000000))" })).await;
    assert_eq!(error.reason(), "max_bytes", "{error}");
    let error = rig.fails(&source, json!({ "query": "SELECT zeroblob(1000000000)" })).await;
    assert_eq!(error.reason(), "max_bytes", "{error}");
    // A query that nobody waits for gives its thread back: more of them than there are places go by.
    for _ in 0..6 {
        let call = Rig::call(&rig.query(&source, json!({ "query": endless })), json!({}));
        assert!(tokio::time::timeout(Duration::from_millis(30), rig.sources.run(call)).await.is_err());
    }
    until("a place", || async { rig.one(&source, "SELECT 1").await == json!(1) }).await;
}

#[tokio::test]
async fn a_test_says_what_answers() {
    let (rig, dir, _) = rig();
    std::fs::write(dir.path().join("text.db"), "no database at all, just words ".repeat(100)).unwrap();
    let answer =
        rig.sources.test(&tenant(), "sqlite", &json!({ "file": "shop.db" }), &json!({})).await.unwrap();
    assert!(answer["server"].as_str().unwrap().starts_with("SQLite 3."), "{answer}");
    assert!(answer["latencyMs"].is_u64());
    let error =
        rig.sources.test(&tenant(), "sqlite", &json!({ "file": "text.db" }), &Value::Null).await.unwrap_err();
    assert_eq!(error.reason(), "unreachable");
}
