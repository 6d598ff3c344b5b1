//! PostgreSQL: parameters, limits, cancellation, connections (`faults.md` A53, A54).

use std::time::Duration;

use serde_json::{Value, json};

use super::rig::{Postgres, Rig, open_settings, tenant, until};
use crate::{
    clock::Clock,
    config::sections::DataSource,
    error::{Code, Coded},
    ids::DataSourceId,
};

fn rig() -> Option<(Rig, Postgres, DataSourceId)> {
    with(open_settings())
}

fn with(settings: DataSource) -> Option<(Rig, Postgres, DataSourceId)> {
    let database = Postgres::new()?;
    let rig = Rig::new(settings);
    let source = rig.source("postgresql", database.options(), json!({ "password": "canary-pw" }));
    Some((rig, database, source))
}

/// Queries of the hub that run in the database now, seen by another connection.
async fn running(rig: &Rig, source: &DataSourceId, like: &str) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' \
         AND query LIKE '%{like}%' AND pid <> pg_backend_pid()"
    );
    rig.one(source, &sql).await.as_i64().unwrap()
}

#[tokio::test]
async fn parameters_have_the_type_that_the_server_says() {
    let Some((rig, _database, source)) = rig() else { return };
    let sql = "SELECT {{i}}::int + 1 AS i, {{n}}::numeric AS n, {{b}}::bool AS b, {{t}} || 'x' AS t, \
               {{d}}::date AS d, {{z}}::timestamptz AS z, {{j}}::jsonb AS j, {{u}}::uuid AS u, {{y}}::bytea AS y, \
               {{a}}::int[] AS a, {{ta}}::text[] AS ta, {{nothing}}::int AS nothing, {{m}}::int[] AS m";
    let inputs = json!({
        "i": "41", "n": 1.25, "b": true, "t": "it's {}\"\\", "d": "2026-01-31", "z": "2026-01-31T10:00:00+02:00",
        "j": { "k": [1, null] }, "u": "7F000000-0000-0000-0000-000000000001", "y": "AP8=", "a": [1, null, 3],
        "ta": ["a,b", "\"q\"", "back\\slash", "", "NULL", null], "m": [[1, 2], [3, 4]],
    });
    let answer = rig.ask(&source, json!({ "query": sql }), inputs).await.unwrap();
    assert_eq!(
        answer["result"][0],
        json!({
            "i": 42, "n": 1.25, "b": true, "t": "it's {}\"\\x", "d": "2026-01-31", "z": "2026-01-31T08:00:00Z",
            "j": { "k": [1, null] }, "u": "7f000000-0000-0000-0000-000000000001", "y": "AP8=", "a": [1, null, 3],
            "ta": ["a,b", "\"q\"", "back\\slash", "", "NULL", null], "nothing": null, "m": [[1, 2], [3, 4]],
        })
    );
    let any = json!({ "query": "SELECT x FROM generate_series(1, 5) x WHERE x = ANY({{ids}}) ORDER BY x",
        "inputDefinitions": [{ "key": "ids", "type": "array", "required": true }] });
    let answer = rig.ask(&source, any.clone(), json!({ "ids": "[2, 4, 9]" })).await.unwrap();
    assert_eq!(answer, json!({ "result": [{ "x": 2 }, { "x": 4 }], "rowCount": 2 }));
    let error = rig.ask(&source, any.clone(), json!({ "ids": 7 })).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Code::InputInvalid, "ids: must be an array"));
    let error = rig.ask(&source, any, json!({})).await.unwrap_err();
    assert_eq!(error.code(), Code::InputInvalid);
    for (input, words) in [(json!("a\u{0}b"), "NUL"), (json!("!!"), "base64")] {
        let sql = if words == "NUL" { "SELECT {{x}}" } else { "SELECT {{x}}::bytea" };
        let error = rig.ask(&source, json!({ "query": sql }), json!({ "x": input })).await.unwrap_err();
        assert!(error.code() == Code::InputInvalid && error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn what_is_bound_is_never_a_part_of_the_statement() {
    let Some((rig, database, source)) = rig() else { return };
    database.exec("CREATE TABLE t (a text); INSERT INTO t VALUES ('one'), ('it''s'), ('100%')");
    for payload in [
        "' OR 1=1 --",
        "'; DROP TABLE t; --",
        "1; SELECT pg_sleep(10)",
        "\u{2019} OR 1=1",
        "\\' OR 1=1 --",
        "') OR ('1'='1",
        "$1",
        "{{a}}",
        "%",
        "/*",
    ] {
        let query = json!({ "query": "SELECT count(*) AS n, max({{a}}) AS a FROM t WHERE a = {{a}} OR a = ANY({{l}})" });
        let answer = rig.ask(&source, query, json!({ "a": payload, "l": [payload, payload] })).await.unwrap();
        assert_eq!(answer["result"][0]["n"], json!(0), "{payload}");
    }
    let order = json!({ "query": "SELECT a FROM t ORDER BY {{by}} {{way}} LIMIT {{n}}",
        "identifiers": { "by": ["a"], "way": ["asc", "desc"] } });
    let answer = rig.ask(&source, order, json!({ "by": "a", "way": "desc", "n": "1" })).await.unwrap();
    assert_eq!(answer["result"], json!([{ "a": "one" }]));
}

#[tokio::test]
async fn a_write_needs_to_be_saved_as_one() {
    let Some((rig, database, source)) = rig() else { return };
    database.exec("CREATE TABLE t (id serial, a text); CREATE FUNCTION w() RETURNS int LANGUAGE sql AS 'INSERT INTO t (a) VALUES (''f'') RETURNING id'");
    for sql in [
        "SELECT w()",
        "WITH x AS (INSERT INTO t (a) VALUES ('x') RETURNING *) SELECT * FROM x",
        "EXPLAIN ANALYZE DELETE FROM t",
        "SELECT nextval('t_id_seq')",
    ] {
        let error = rig.fails(&source, json!({ "query": sql })).await;
        assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "read_only"), "{sql}: {error}");
    }
    let insert =
        json!({ "query": "INSERT INTO t (a) SELECT {{a}} FROM generate_series(1, 3)", "readOnly": false });
    let answer = rig.ask(&source, insert, json!({ "a": "x" })).await.unwrap();
    assert_eq!(answer, json!({ "result": [], "rowCount": 3 }));
    let delete = json!({ "query": "DELETE FROM t WHERE id > 1 RETURNING a", "readOnly": false });
    let answer = rig.ask(&source, delete, json!({})).await.unwrap();
    assert_eq!(answer["rowCount"], json!(2));
    assert_eq!(answer["result"], json!([{ "a": "x" }, { "a": "x" }]));
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(1));
}

#[tokio::test]
async fn what_a_query_sets_is_gone_for_the_next_one() {
    let Some((rig, database, source)) = with(DataSource { pool: 1, ..open_settings() }) else { return };
    database.exec("CREATE TABLE t (a int)");
    let pid = rig.one(&source, "SELECT pg_backend_pid()").await;
    rig.rows(&source, "SELECT set_config('work_mem', '123MB', false), set_config('role', 'postgres', false), pg_advisory_lock(7)").await;
    let write = "WITH a AS (SELECT set_config('work_mem', '321MB', false)) INSERT INTO t SELECT 1 FROM a";
    rig.ask(&source, json!({ "query": write, "readOnly": false }), json!({})).await.unwrap();
    assert_ne!(rig.one(&source, "SELECT current_setting('work_mem')").await, json!("321MB"));
    assert_ne!(rig.one(&source, "SELECT current_setting('work_mem')").await, json!("123MB"));
    assert_eq!(rig.one(&source, "SELECT current_user::text").await, json!("root"));
    assert_eq!(rig.one(&source, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await, json!(0));
    let error = rig
        .fails(&source, json!({ "query": "SELECT set_config('transaction_read_only', 'off', true)" }))
        .await;
    assert_eq!(error.reason(), "statement", "{error}");
    assert_eq!(rig.one(&source, "SELECT pg_backend_pid()").await, pid, "one connection did all of it");
}

#[tokio::test]
async fn what_a_query_may_not_do_ends_in_a_clean_error() {
    let Some((rig, database, source)) = rig() else { return };
    database.exec("CREATE TABLE t (a int PRIMARY KEY)");
    let file = format!("/tmp/{}", database.name);
    for (sql, read_only) in [
        (format!("COPY t TO PROGRAM 'touch {file}'"), false),
        ("SELECT lo_import('/etc/passwd')".to_owned(), true),
        ("SET ROLE postgres".to_owned(), false),
        ("SET statement_timeout = 0".to_owned(), false),
        ("COMMIT".to_owned(), false),
        ("SELECT 1; SELECT 2".to_owned(), true),
        ("LISTEN x".to_owned(), false),
        ("CREATE TABLE x ()".to_owned(), false),
    ] {
        let error = rig.fails(&source, json!({ "query": sql, "readOnly": read_only })).await;
        assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "settings"), "{sql}: {error}");
    }
    assert!(!std::path::Path::new(&file).exists());
    let error = rig.fails(&source, json!({ "query": "SELECT * FROM nowhere" })).await;
    assert_eq!(error.to_string(), "relation \"nowhere\" does not exist");
    let error = rig.fails(&source, json!({ "query": "SELECT {{x}}::int, nonsense(" })).await;
    assert_eq!(error.reason(), "statement");
    let insert = json!({ "query": "INSERT INTO t VALUES ({{x}})", "readOnly": false });
    rig.ask(&source, insert.clone(), json!({ "x": 1 })).await.unwrap();
    let error = rig.ask(&source, insert, json!({ "x": 1 })).await.unwrap_err();
    assert_eq!(error.to_string(), "duplicate key value violates unique constraint \"t_pkey\"");
}

#[tokio::test]
async fn limits_of_time_rows_and_bytes_hold() {
    let Some((rig, _database, source)) = rig() else { return };
    for sql in [
        "SELECT pg_sleep(60)",
        "SELECT count(*) FROM generate_series(1, 100000000) a, generate_series(1, 100000) b",
        "SELECT set_config('statement_timeout', '0', false), pg_sleep(60)",
    ] {
        let begun = Clock::real().monotonic();
        let error = rig.fails(&source, json!({ "query": sql, "timeoutSeconds": 1 })).await;
        assert_eq!(error.code(), Code::NodeTimeout, "{sql}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{sql}");
    }
    until("nothing runs", || async {
        running(&rig, &source, "pg_sleep").await + running(&rig, &source, "generate_series").await == 0
    })
    .await;
    let error = rig.fails(&source, json!({ "query": "SELECT * FROM generate_series(1, 10001)" })).await;
    assert!(error.reason() == "max_rows" && error.to_string().contains("datasource.max_rows"), "{error}");
    let error =
        rig.fails(&source, json!({ "query": "SELECT 1 FROM generate_series(1, 3)", "maxRows": 2 })).await;
    assert_eq!(error.reason(), "max_rows");
    // Many rows that are large together, and one value that is.
    for sql in ["SELECT repeat('x', 10000) FROM generate_series(1, 9000)", "SELECT repeat('x', 200000000)"] {
        let error = rig.fails(&source, json!({ "query": sql })).await;
        assert!(
            error.reason() == "max_bytes" && error.to_string().contains("datasource.max_bytes"),
            "{error}"
        );
    }
    let endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n";
    assert_eq!(rig.fails(&source, json!({ "query": endless })).await.reason(), "max_rows");
    until("nothing runs", || async {
        running(&rig, &source, "RECURSIVE").await + running(&rig, &source, "repeat").await == 0
    })
    .await;
}

#[tokio::test]
async fn a_query_that_nobody_waits_for_is_cancelled_at_the_server() {
    let Some((rig, _database, source)) = rig() else { return };
    let query = rig.query(&source, json!({ "query": "SELECT pg_sleep(50)" }));
    for _ in 0..6 {
        let call = rig.sources.run(Rig::call(&query, json!({})));
        assert!(tokio::time::timeout(Duration::from_millis(400), call).await.is_err());
    }
    until("the sleep is over", || async { running(&rig, &source, "pg_sleep(50)").await == 0 }).await;
}

#[tokio::test]
async fn a_connection_that_broke_while_it_waited_is_replaced() {
    let Some((rig, database, source)) = rig() else { return };
    let pid = rig.one(&source, "SELECT pg_backend_pid()").await;
    assert_eq!(rig.one(&source, "SELECT pg_backend_pid()").await, pid, "it is used again");
    database.exec(&format!("SELECT pg_terminate_backend({pid})"));
    let now = rig.one(&source, "SELECT pg_backend_pid()").await;
    assert_ne!(now, pid);
    // A source that is saved again has other connections, and the old ones are closed.
    rig.save_source(&source, "postgresql", database.options(), json!({ "password": "changed" }));
    assert_ne!(rig.one(&source, "SELECT pg_backend_pid()").await, now);
    let alive = format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {now}");
    until("the old connection is gone", || async { rig.one(&source, &alive).await == json!(0) }).await;
    assert_eq!(rig.sources.idle(), 1);
    rig.sources.forget(&super::rig::tenant(), &source).await;
    assert_eq!(rig.sources.idle(), 0);
    rig.rows(&source, "SELECT 1").await;
    rig.sources.close().await;
    assert_eq!(rig.sources.idle(), 0);
    // A node has not failed by that: its query is not answered. Whoever else asks is told.
    let mut call = Rig::call(&rig.query(&source, json!({ "query": "SELECT 1" })), json!({}));
    let of_run = rig.sources.run(call.clone());
    assert!(tokio::time::timeout(Duration::from_millis(100), of_run).await.is_err());
    call.run = None;
    assert_eq!(rig.sources.run(call).await.unwrap_err().code(), Code::Draining);
    assert_eq!(rig.sources.open(), 0);
}

#[tokio::test]
async fn a_connection_that_breaks_in_a_statement_is_told_and_the_statement_is_sent_once() {
    let Some((rig, database, source)) = with(DataSource { pool: 1, ..open_settings() }) else { return };
    database.exec("CREATE TABLE t (a int); CREATE SEQUENCE asked");
    let pid = rig.one(&source, "SELECT pg_backend_pid()").await;
    let other = rig.source("postgresql", database.options(), json!({}));
    // A sequence counts also what is rolled back.
    let insert = json!({ "query": "INSERT INTO t SELECT nextval('asked') + (pg_sleep(43)::text = 'x')::int", "readOnly": false });
    let sleeps = format!(
        "SELECT 1 FROM pg_stat_activity WHERE pid = {pid} AND wait_event = 'PgSleep' AND query LIKE 'INSERT%'"
    );
    let (outcome, ()) = tokio::join!(rig.ask(&source, insert, json!({})), async {
        until("it sleeps", || async { rig.rows(&other, &sleeps).await.len() == 1 }).await;
        database.exec(&format!("SELECT pg_terminate_backend({pid})"));
    });
    let error = outcome.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "unreachable"), "{error}");
    assert_ne!(rig.one(&source, "SELECT pg_backend_pid()").await, pid);
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(0));
    assert_eq!(rig.one(&source, "SELECT last_value FROM asked WHERE is_called").await, json!(1));
}

#[tokio::test]
async fn a_stop_ends_what_runs() {
    let Some((rig, _database, source)) = rig() else { return };
    let mut call = Rig::call(&rig.query(&source, json!({ "query": "SELECT pg_sleep(47)" })), json!({}));
    call.run = None;
    let running = rig.sources.run(call);
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(rig.sources.open(), 1);
        rig.sources.close().await;
    };
    let (outcome, ()) = tokio::join!(running, stop);
    assert_eq!(outcome.unwrap_err().code(), Code::Draining);
    let other = self::rig().unwrap();
    let sleeping =
        "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND query = 'SELECT pg_sleep(47)'";
    until("it is stopped", || async { other.0.one(&other.2, sleeping).await == json!(0) }).await;
}

#[tokio::test]
async fn connections_without_work_are_closed() {
    let settings = DataSource { idle: Duration::from_secs(1).into(), ..open_settings() };
    let Some((rig, _database, source)) = with(settings) else { return };
    rig.rows(&source, "SELECT 1").await;
    assert_eq!(rig.sources.idle(), 1);
    until("it is closed", || async { rig.sources.idle() == 0 }).await;
}

#[tokio::test]
async fn a_test_says_what_answers_and_warns_of_a_superuser() {
    let Some((rig, database, _)) = rig() else { return };
    let answer = rig.sources.test(&tenant(), "postgresql", &database.options(), &json!({})).await.unwrap();
    assert!(answer["server"].as_str().unwrap().starts_with("PostgreSQL "), "{answer}");
    assert!(answer["latencyMs"].is_u64());
    assert!(answer["warnings"][0].as_str().unwrap().contains("superuser"));
    database
        .exec(&format!("CREATE ROLE {0}_ro LOGIN; GRANT CONNECT ON DATABASE {0} TO {0}_ro", database.name));
    let mut options = database.options();
    options["user"] = Value::from(format!("{}_ro", database.name));
    let answer = rig.sources.test(&tenant(), "postgresql", &options, &json!({})).await.unwrap();
    assert_eq!(answer.get("warnings"), None);
    database.exec(&format!("REVOKE ALL ON DATABASE {0} FROM {0}_ro; DROP ROLE {0}_ro", database.name));
    for (key, value, reason) in [
        ("database", json!("no_such_database"), "login"),
        ("user", json!("no_such_user"), "login"),
        ("port", json!(1), "unreachable"),
        ("host", json!("no-such-host.invalid"), "unreachable"),
        ("tls", json!("require"), "unreachable"),
    ] {
        let mut options = database.options();
        options[key] = value.clone();
        let error = rig.sources.test(&tenant(), "postgresql", &options, &json!({})).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{key}: {error}");
        let shown = error.to_string();
        assert!(
            !shown.contains("no_such") && !shown.contains("127.0.0.1") && !shown.contains("invalid:"),
            "{shown}"
        );
    }
}

/// Any name is this machine.
struct Here;

impl crate::outbound::Lookup for Here {
    fn lookup(&self, _: String) -> crate::outbound::Found {
        Box::pin(async { Ok(vec![std::net::Ipv4Addr::LOCALHOST.into()]) })
    }
}

#[tokio::test]
async fn an_encrypted_connection_checks_the_certificate() {
    let Some((rig, database, source)) = rig() else { return };
    // The certificate that Debian makes for a new server; another server may have none.
    let file = "/etc/ssl/certs/ssl-cert-snakeoil.pem";
    let uses_it = rig.one(&source, "SELECT current_setting('ssl') || current_setting('ssl_cert_file')").await;
    let Some(ca) = std::fs::read_to_string(file).ok().filter(|_| uses_it == json!(format!("on{file}")))
    else {
        eprintln!("*** POSTGRESQL HAS NO CERTIFICATE THAT IS KNOWN HERE: TLS IS NOT TRIED ***");
        return;
    };
    let name = std::process::Command::new("openssl")
        .args(["x509", "-in", file, "-noout", "-subject", "-nameopt", "multiline"])
        .output()
        .ok()
        .and_then(|out| {
            let text = String::from_utf8_lossy(&out.stdout).into_owned();
            let line = text.lines().find(|line| line.contains("commonName"))?;
            Some(line.split('=').nth(1)?.trim().to_owned())
        });
    let Some(name) = name else { return };
    let rig =
        Rig::with(open_settings(), crate::config::sections::Outbound::default(), std::sync::Arc::new(Here));
    let mut options = database.options();
    options["tls"] = json!("require");
    options["ca"] = json!(ca);
    options["host"] = json!(name);
    let source = rig.source("postgresql", options.clone(), json!({}));
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert_eq!(rig.one(&source, encrypted).await, json!(true));
    // A cancellation goes the same way.
    let error = rig.fails(&source, json!({ "query": "SELECT pg_sleep(49)", "timeoutSeconds": 1 })).await;
    assert_eq!(error.code(), Code::NodeTimeout);
    until("nothing runs", || async { running(&rig, &source, "pg_sleep(49)").await == 0 }).await;
    let mut wrong = options.clone();
    wrong["host"] = json!("another.name");
    let error = rig.sources.test(&tenant(), "postgresql", &wrong, &json!({})).await.unwrap_err();
    assert_eq!(error.reason(), "unreachable", "{error}");
    assert!(error.to_string().contains("certificate"), "{error}");
    wrong["ca"] = json!("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let error = rig.sources.test(&tenant(), "postgresql", &wrong, &json!({})).await.unwrap_err();
    assert_eq!(error.reason(), "settings", "{error}");
}
