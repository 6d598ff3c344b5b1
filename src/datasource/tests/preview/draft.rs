//! SQL that is saved nowhere: it reads, or it is refused.

use std::time::Duration;

use serde_json::json;

use super::proxy::nobody;
use crate::{
    config::sections,
    datasource::{
        Error, Glance,
        tests::rig::{MySql, Postgres, Rig, open_settings, tenant},
    },
    error::{Code, Coded},
    ids::{DataSourceId, TenantId},
};

async fn draft(rig: &Rig, source: &DataSourceId, sql: &str) -> Result<Glance, Error> {
    rig.sources.draft(&tenant(), source, sql, 2, Duration::from_secs(20)).await
}

async fn is_stopped(rig: &Rig, source: &DataSourceId, statements: &[&str]) {
    for sql in statements {
        let error = draft(rig, source, sql).await.expect_err(sql);
        assert!(["read_only", "settings", "statement"].contains(&error.reason()), "{sql}: {error}");
    }
}

#[tokio::test]
async fn at_postgresql() {
    let Some(database) = Postgres::new() else { return };
    database.exec(
        "CREATE TABLE t (id serial, a text); INSERT INTO t (a) VALUES ('one'); CREATE VIEW v AS SELECT a FROM t; \
         CREATE FUNCTION w() RETURNS int LANGUAGE sql AS 'INSERT INTO t (a) VALUES (''f'') RETURNING id'; \
         CREATE FUNCTION d() RETURNS int LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SET TRANSACTION READ WRITE'; DELETE FROM t; RETURN 1; END $$; \
         CREATE FUNCTION e() RETURNS int LANGUAGE plpgsql AS $$ BEGIN BEGIN DELETE FROM t; EXCEPTION WHEN OTHERS THEN NULL; END; RETURN 1; END $$; \
         CREATE FUNCTION s() RETURNS bigint LANGUAGE sql AS 'SELECT nextval(''t_id_seq'')'; \
         CREATE FUNCTION n() RETURNS int LANGUAGE sql AS 'SELECT pg_notify(''jethub'', ''x''); SELECT 1'; \
         CREATE FUNCTION tmp() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE z (a int); RETURN 1; END $$; \
         CREATE PROCEDURE p() LANGUAGE sql AS 'DELETE FROM t'",
    );
    let rig = Rig::new(sections::DataSource { pool: 1, ..open_settings() });
    let source = rig.source("postgresql", database.options(), json!({}));
    let seen =
        draft(&rig, &source, "SELECT n FROM generate_series(1, 50000) n; -- all of them").await.unwrap();
    assert_eq!((seen.columns, seen.rows.len(), seen.truncated), (vec!["n".to_owned()], 2, true));
    let read = "with x as (select a, 1 as b from v) select * from x";
    assert_eq!(draft(&rig, &source, read).await.unwrap().columns, ["a", "b"]);
    is_stopped(
        &rig,
        &source,
        &[
            "DELETE FROM t",
            "INSERT INTO t (a) VALUES ('x')",
            "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
            "EXPLAIN ANALYZE DELETE FROM t",
            "SELECT * INTO x FROM t",
            "SELECT * FROM t FOR UPDATE",
            "SELECT w()",
            "SELECT d()",
            "SELECT s()",
            "SELECT tmp()",
            "SELECT nextval('t_id_seq')",
            "SELECT setval('t_id_seq', 99)",
            "SELECT pg_cancel_backend(1)",
            "SELECT pg_logical_emit_message(false, 'a', 'b')",
            "SELECT set_config('transaction_read_only', 'off', true)",
            "SELECT 1; COMMIT; DELETE FROM t",
            "SELECT 1 WHERE 'a' = {{a}}",
            "CALL p()",
            "DO $$ BEGIN DELETE FROM t; END $$",
            "COPY t TO '/tmp/jethub-no'",
            "TRUNCATE t",
            "SET ROLE postgres",
            "BEGIN",
            "",
        ],
    )
    .await;
    // These are let through and have no effect: a fault that is caught, what is rolled back.
    let none = ["SELECT e()", "SELECT n()", "SELECT lo_creat(-1)", "SELECT pg_advisory_lock(7)"];
    for sql in none {
        assert!(draft(&rig, &source, sql).await.is_ok(), "{sql}");
    }
    let state = "SELECT count(*) || ' ' || (SELECT last_value FROM t_id_seq) FROM t";
    assert_eq!(rig.one(&source, state).await, json!("1 1"));
    let large = "SELECT count(*) FROM pg_largeobject_metadata";
    assert_eq!(rig.one(&source, large).await, json!(0));
    let error =
        rig.sources.draft(&tenant(), &source, "SELECT pg_sleep(30)", 2, Duration::from_millis(500)).await;
    assert_eq!(error.unwrap_err().code(), Code::NodeTimeout);
    // A transaction of a draft ends with it: the only connection goes on as it was.
    assert_eq!(
        rig.one(&source, "SELECT current_setting('transaction_isolation')").await,
        json!("read committed")
    );
}

#[tokio::test]
async fn at_mariadb() {
    let Some(database) = MySql::new() else { return };
    database.exec(
        "CREATE TABLE t (a VARCHAR(9));\nINSERT INTO t VALUES ('one');\nCREATE TABLE m (a VARCHAR(9)) ENGINE=MyISAM;\n\
         CREATE SEQUENCE s;\n\
         CREATE FUNCTION w() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO t (a) VALUES ('f'); RETURN 1; END;\n\
         CREATE FUNCTION wm() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO m (a) VALUES ('f'); RETURN 1; END;\n\
         CREATE FUNCTION wd() RETURNS INT DETERMINISTIC READS SQL DATA BEGIN INSERT INTO m (a) VALUES ('f'); RETURN 1; END;\n\
         CREATE PROCEDURE p() DELETE FROM t",
    );
    let rig = Rig::new(sections::DataSource { pool: 1, ..open_settings() });
    let source = rig.source("mysql", database.options(), json!({}));
    let seen = draft(&rig, &source, "SELECT seq FROM seq_1_to_50000").await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (2, true));
    assert_eq!(draft(&rig, &source, "SHOW TABLES").await.unwrap().rows.len(), 2);
    is_stopped(
        &rig,
        &source,
        &[
            "DELETE FROM t",
            "SELECT w()",
            "SELECT wm()",
            "SELECT wd()",
            "EXPLAIN SELECT wd()",
            "SELECT NEXTVAL(s)",
            "SELECT NEXT VALUE FOR s",
            "SELECT SETVAL(s, 99)",
            "SELECT 1 INTO OUTFILE '/tmp/jethub-no'",
            "SELECT a FROM t INTO DUMPFILE '/tmp/jethub-no'",
            "SELECT 1 /*! INTO OUTFILE '/tmp/jethub-no' */",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "CALL p()",
            "SELECT 1; DELETE FROM t",
            "SET @a = 1",
            "HANDLER t OPEN",
        ],
    )
    .await;
    assert_eq!(
        rig.one(&source, "SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM m)").await,
        json!(1)
    );
    assert_eq!(rig.one(&source, "SELECT next_not_cached_value FROM s").await, json!(1));
}

#[tokio::test]
async fn at_a_file_and_where_it_cannot_be() {
    let dir = tempfile::tempdir().unwrap();
    let connection = rusqlite::Connection::open(dir.path().join("a.db")).unwrap();
    connection
        .execute_batch("CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('one'), ('two'), ('three')")
        .unwrap();
    let rig = Rig::new(sections::DataSource { sqlite_dir: Some(dir.path().to_owned()), ..open_settings() });
    let source = rig.source("sqlite", json!({ "file": "a.db" }), json!({}));
    let seen = draft(&rig, &source, "SELECT a FROM t").await.unwrap();
    assert_eq!((seen.rows.len(), seen.truncated), (2, true));
    is_stopped(
        &rig,
        &source,
        &[
            "DELETE FROM t",
            "WITH x AS (SELECT 1) DELETE FROM t",
            "REPLACE INTO t VALUES ('x')",
            "PRAGMA user_version = 1",
            "SELECT load_extension('x')",
            "ATTACH 'x' AS y",
            "VACUUM",
        ],
    )
    .await;
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(3));
    let http = rig.source("http", json!({ "url": "https://example.com" }), json!({}));
    assert_eq!(draft(&rig, &http, "SELECT 1").await.unwrap_err().reason(), "settings");
    assert!(matches!(draft(&rig, &DataSourceId::generate(), "SELECT 1").await, Err(Error::Foreign)));
    let other = TenantId::trusted("t2");
    let foreign = rig.sources.draft(&other, &source, "SELECT 1", 2, Duration::from_secs(5)).await;
    assert!(matches!(foreign, Err(Error::Foreign)));
    assert!(matches!(rig.sources.check_draft(&other, &source, "SELECT 1").await, Err(Error::Foreign)));
}

#[tokio::test]
async fn a_check_connects_to_nothing() {
    let rig = Rig::new(open_settings());
    let options = json!({ "host": "127.0.0.1", "port": nobody().await, "database": "d", "user": "u" });
    let source = rig.source("postgresql", options, json!({}));
    let checked = rig.sources.check_draft(&tenant(), &source, "SELECT 1; -- one").await.unwrap();
    assert_eq!((checked.source.as_str(), checked.kind.as_str()), ("a source", "postgresql"));
    assert_eq!(checked.statement, "SELECT 1");
    for sql in ["DROP TABLE t", "SELECT {{a}}", "SELECT dblink_exec('a', 'b')"] {
        let error = rig.sources.check_draft(&tenant(), &source, sql).await.unwrap_err();
        assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "settings"), "{sql}");
    }
}
