//! MariaDB: types, parameters, limits, cancellation.

use std::time::Duration;

use serde_json::json;

use super::rig::{MySql, Rig, open_settings, tenant, until};
use crate::{
    clock::Clock,
    config::sections::DataSource,
    error::{Code, Coded},
    ids::DataSourceId,
};

fn rig() -> Option<(Rig, MySql, DataSourceId)> {
    with(open_settings())
}

fn with(settings: DataSource) -> Option<(Rig, MySql, DataSourceId)> {
    let database = MySql::new()?;
    let rig = Rig::new(settings);
    let source = rig.source("mysql", database.options(), json!({}));
    Some((rig, database, source))
}

async fn running(rig: &Rig, source: &DataSourceId, like: &str) -> i64 {
    let sql = "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND id <> connection_id() AND info LIKE {{like}}";
    let answer =
        rig.ask(source, json!({ "query": sql }), json!({ "like": format!("%{like}%") })).await.unwrap();
    answer["result"][0].as_object().unwrap().values().next().unwrap().as_i64().unwrap()
}

#[tokio::test]
async fn every_type_has_its_form() {
    let Some((rig, database, source)) = rig() else { return };
    database.exec(
        "SET sql_mode = '';\n\
         CREATE TABLE v (id INT PRIMARY KEY, ti TINYINT, b BOOL, si SMALLINT, mi MEDIUMINT, i INT UNSIGNED, bi BIGINT, ub BIGINT UNSIGNED, \
         d DECIMAL(30,10), d2 DECIMAL(10,2), f FLOAT, db DOUBLE, bt BIT(12), y YEAR, da DATE, dt DATETIME(6), ts TIMESTAMP NULL, tm TIME(3), \
         c CHAR(4), vc VARCHAR(20), tx TEXT, bn BINARY(3), vb VARBINARY(9), bl BLOB, e ENUM('x','y'), s SET('p','q'), j JSON, \
         lt VARCHAR(9) CHARACTER SET latin1, g POINT, n INT);\n\
         SET time_zone = '+02:00';\n\
         INSERT INTO v VALUES (1, -128, true, -3, 8388607, 4294967295, -9007199254740993, 18446744073709551615, \
         12345678901234567890.1234567890, -12.50, 0.1, 1e-7, b'101100000001', 2026, '2026-02-28', '2026-01-31 10:00:00.123456', '2026-01-31 10:00:00', '-30:00:00.500', \
         'ab', 'été 🎉', 'long', x'0001ff', x'00ff', x'ff00', 'y', 'p,q', '{\"a\": [1, null]}', 'é', POINT(1, 2), NULL), \
         (2, 0, false, 0, 0, 0, 7, 7, 1, 100.00, 0, 0, 0, 0, '0000-00-00', '0000-00-00', NULL, '00:00:00', '', '', '', '', '', '', 'x', '', '[]', '', NULL, NULL)",
    );
    let rows = rig.rows(&source, "SELECT * FROM v ORDER BY id").await;
    let first = rows[0].as_object().unwrap();
    for (column, expected) in [
        ("ti", json!(-128)),
        ("b", json!(1)),
        ("si", json!(-3)),
        ("mi", json!(8_388_607)),
        ("i", json!(4_294_967_295_u32)),
        ("bi", json!("-9007199254740993")),
        ("ub", json!("18446744073709551615")),
        ("d", json!("12345678901234567890.1234567890")),
        ("d2", json!(-12.5)),
        ("f", json!(0.1)),
        ("db", json!(1e-7)),
        ("bt", json!(0b1011_0000_0001)),
        ("y", json!(2026)),
        ("da", json!("2026-02-28")),
        ("dt", json!("2026-01-31T10:00:00.123456")),
        ("ts", json!("2026-01-31T08:00:00Z")),
        ("tm", json!("-30:00:00.5")),
        ("c", json!("ab")),
        ("vc", json!("été 🎉")),
        ("tx", json!("long")),
        ("bn", json!("AAH/")),
        ("vb", json!("AP8=")),
        ("bl", json!("/wA=")),
        ("e", json!("y")),
        ("s", json!("p,q")),
        ("j", json!("{\"a\": [1, null]}")),
        ("lt", json!("é")),
        ("n", json!(null)),
    ] {
        assert_eq!(first[column], expected, "{column}");
    }
    assert!(first["g"].as_str().unwrap().len() > 20, "{}", first["g"]);
    let second = &rows[1];
    assert_eq!(second["da"], json!("0000-00-00"));
    assert_eq!(second["dt"], json!("0000-00-00T00:00:00"));
    assert_eq!(
        (&second["y"], &second["tm"], &second["d2"], &second["ub"]),
        (&json!(0), &json!("00:00:00"), &json!(100), &json!(7))
    );
    assert_eq!(rig.rows(&source, "SELECT 1 AS a, 2 AS a").await, [json!({ "a": 1, "a_2": 2 })]);
    assert_eq!(rig.one(&source, "SELECT sum(id) FROM v").await, json!(3));
    let exact = json!({ "query": "SELECT d2, ub, i FROM v WHERE id = 2", "exactNumbers": true });
    let answer = rig.ask(&source, exact, json!({})).await.unwrap();
    assert_eq!(answer["result"][0], json!({ "d2": "100.00", "ub": "7", "i": 0 }));
}

#[tokio::test]
async fn what_is_bound_is_never_a_part_of_the_statement() {
    let Some((rig, database, source)) = rig() else { return };
    database.exec("CREATE TABLE t (a VARCHAR(50));\nINSERT INTO t VALUES ('one'), ('it''s')");
    for payload in [
        "' OR 1=1 -- ",
        "'; DROP TABLE t; -- ",
        "\\' OR 1=1 -- ",
        "\" OR \"\"=\"",
        "\u{ff07} OR 1=1",
        "?",
        ":a",
        "/*!1*/",
        "%",
    ] {
        let query = json!({ "query": "SELECT count(*) AS n, max({{a}}) AS a FROM t WHERE a = {{a}}" });
        let answer = rig.ask(&source, query, json!({ "a": payload })).await.unwrap();
        assert_eq!(answer["result"][0]["n"], json!(0), "{payload}");
    }
    let list = json!({ "query": "SELECT a FROM t WHERE a IN (SELECT x FROM JSON_TABLE({{l}}, '$[*]' COLUMNS (x VARCHAR(50) PATH '$')) j)" });
    let answer = rig.ask(&source, list, json!({ "l": ["one", "' OR 1=1 -- "] })).await.unwrap();
    assert_eq!(answer["result"], json!([{ "a": "one" }]));
    let bound = json!({ "query": "SELECT {{i}} + 1 AS i, {{f}} * 2 AS f, {{b}} AS b, {{n}} AS n, {{t}} AS t, {{u}} AS u" });
    let inputs =
        json!({ "i": 41, "f": 1.25, "b": true, "t": "it's \"\\", "u": 18_446_744_073_709_551_615_u64 });
    let answer = rig.ask(&source, bound, inputs).await.unwrap();
    assert_eq!(
        answer["result"][0],
        json!({ "i": 42, "f": 2.5, "b": 1, "n": null, "t": "it's \"\\", "u": "18446744073709551615" })
    );
    let order = json!({ "query": "SELECT a FROM t ORDER BY {{by}} {{way}} LIMIT {{n}}",
        "identifiers": { "by": ["a"], "way": ["asc", "desc"] } });
    let answer = rig.ask(&source, order, json!({ "by": "a", "way": "desc", "n": 1 })).await.unwrap();
    assert_eq!(answer["result"], json!([{ "a": "one" }]));
}

#[tokio::test]
async fn writes_sessions_and_errors() {
    let Some((rig, database, source)) = with(DataSource { pool: 1, ..open_settings() }) else { return };
    database.exec("CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, a VARCHAR(9) UNIQUE)");
    let insert = json!({ "query": "INSERT INTO t (a) VALUES ({{a}})", "readOnly": false });
    let answer = rig.ask(&source, insert.clone(), json!({ "a": "x" })).await.unwrap();
    assert_eq!(answer, json!({ "result": [], "rowCount": 1, "insertId": 1 }));
    let error = rig.ask(&source, insert, json!({ "a": "x" })).await.unwrap_err();
    assert!(error.to_string().contains("Duplicate entry 'x'"), "{error}");
    database.exec("CREATE FUNCTION w() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO t (a) VALUES ('f'); RETURN 1; END");
    let error = rig.fails(&source, json!({ "query": "SELECT w()" })).await;
    assert_eq!((error.code(), error.reason()), (Code::QueryFailed, "read_only"), "{error}");
    assert_eq!(rig.one(&source, "SELECT count(*) FROM t").await, json!(1));
    let error = rig.fails(&source, json!({ "query": "SELECT * FROM nowhere" })).await;
    assert!(error.to_string().contains("nowhere' doesn't exist"), "{error}");
    // Nothing of a session is left to the next query.
    let id = rig.one(&source, "SELECT connection_id()").await;
    rig.rows(&source, "SELECT @x := 7, GET_LOCK('jethub', 0)").await;
    assert_eq!(rig.one(&source, "SELECT @x").await, json!(null));
    assert_eq!(rig.one(&source, "SELECT IS_FREE_LOCK('jethub')").await, json!(1));
    assert_eq!(rig.one(&source, "SELECT @@time_zone").await, json!("+00:00"));
    assert_eq!(rig.one(&source, "SELECT connection_id()").await, id, "one connection did all of it");
    database.exec(&format!("KILL {id}"));
    assert_ne!(rig.one(&source, "SELECT connection_id()").await, id, "a broken one is replaced");
    assert_eq!(rig.rows(&source, "SHOW TABLES").await.len(), 1);
    assert_eq!(rig.rows(&source, "EXPLAIN SELECT * FROM t").await.len(), 1);
}

#[tokio::test]
async fn limits_of_time_rows_and_bytes_hold() {
    let Some((rig, _database, source)) = rig() else { return };
    for sql in ["SELECT SLEEP(60)", "SELECT count(*) FROM seq_1_to_1000000 a, seq_1_to_1000000 b"] {
        let begun = Clock::real().monotonic();
        let error = rig.fails(&source, json!({ "query": sql, "timeoutSeconds": 1 })).await;
        assert_eq!(error.code(), Code::NodeTimeout, "{sql}: {error}");
        assert!(begun.elapsed() < Duration::from_secs(5), "{sql}");
    }
    let error = rig.fails(&source, json!({ "query": "SELECT seq FROM seq_1_to_10001" })).await;
    assert_eq!(error.reason(), "max_rows", "{error}");
    for sql in ["SELECT repeat('x', 10000) FROM seq_1_to_9000", "SELECT repeat('x', 10000000)"] {
        let error = rig.fails(&source, json!({ "query": sql })).await;
        assert_eq!(error.reason(), "max_bytes", "{sql}: {error}");
    }
    let query = rig.query(&source, json!({ "query": "SELECT SLEEP(51)" }));
    for _ in 0..5 {
        let call = rig.sources.run(Rig::call(&query, json!({})));
        assert!(tokio::time::timeout(Duration::from_millis(300), call).await.is_err());
    }
    until("nothing runs", || async {
        running(&rig, &source, "SLEEP(").await + running(&rig, &source, "seq_1_to_1000000").await == 0
    })
    .await;
    until("nothing runs", || async { running(&rig, &source, "repeat").await == 0 }).await;
}

#[tokio::test]
async fn a_test_says_what_answers() {
    let Some((rig, database, _)) = rig() else { return };
    let answer = rig.sources.test(&tenant(), "mysql", &database.options(), &json!({})).await.unwrap();
    assert!(answer["server"].as_str().unwrap().starts_with("MariaDB "), "{answer}");
    assert!(answer["warnings"][0].as_str().unwrap().contains("FILE"));
    for (key, value, secrets, reason) in [
        ("database", json!("no_such_database"), json!({}), "login"),
        ("user", json!("root"), json!({ "password": "canary-wrong-pw" }), "login"),
        ("port", json!(1), json!({}), "unreachable"),
        ("tls", json!("require"), json!({}), "unreachable"),
    ] {
        let mut options = database.options();
        options[key] = value;
        let error = rig.sources.test(&tenant(), "mysql", &options, &secrets).await.unwrap_err();
        assert_eq!(error.reason(), reason, "{key}: {error}");
        let shown = format!("{error} {error:?}");
        assert!(
            !shown.contains("no_such") && !shown.contains("127.0.0.1") && !shown.contains("canary"),
            "{shown}"
        );
    }
}
