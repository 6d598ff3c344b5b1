//! Sources and queries by REST, answered by real databases.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use serde_json::{Value, json};

use super::bench::{Bench, MariaDb, Postgres};

const ORDERS: &str =
    "CREATE TABLE orders (id INT PRIMARY KEY, customer VARCHAR(20), amount DECIMAL(10,2), paid BOOLEAN)";
const ROWS: &str = "INSERT INTO orders VALUES (1, 'Ann''s', 12.50, true), (2, 'Bob', 99999999.99, false), (3, NULL, NULL, NULL)";

#[test]
fn the_same_query_on_each_database() {
    let (postgres, mariadb) = (Postgres::new(&format!("{ORDERS}; {ROWS}")), MariaDb::new(&[ORDERS, ROWS]));
    let dir = tempfile::tempdir().unwrap();
    let file = SqliteConnection::establish(dir.path().join("shop.db").to_str().unwrap());
    file.unwrap().batch_execute(&format!("{ORDERS}; {ROWS}")).unwrap();
    let bench = Bench::start(&[("datasource.sqlite_dir", dir.path().to_str().unwrap())]);
    let mut sources = vec![("sqlite", json!({ "file": "shop.db" }), json!([1, 0]))];
    sources.extend(postgres.iter().map(|database| ("postgresql", database.options(), json!([true, false]))));
    sources.extend(mariadb.iter().map(|database| ("mysql", database.options(), json!([1, 0]))));
    for (kind, options, paid) in sources {
        let source = bench.source(kind, options);
        let select = json!({
            "query": "SELECT id, customer, amount, paid FROM orders WHERE id <= {{most}} ORDER BY {{by}} {{way}}",
            "identifiers": { "by": ["id", "customer"], "way": ["asc", "desc"] },
            "inputDefinitions": [{ "key": "most", "type": "number", "default": 2 }, { "key": "by", "type": "string" }, { "key": "way", "type": "string" }],
        });
        let answer = bench.ask(&source, select.clone(), json!({ "by": "id", "way": "asc" }));
        assert_eq!(
            answer,
            json!({ "rowCount": 2, "result": [
                { "id": 1, "customer": "Ann's", "amount": 12.5, "paid": paid[0] },
                { "id": 2, "customer": "Bob", "amount": 99_999_999.99, "paid": paid[1] },
            ]}),
            "{kind}"
        );
        let answer = bench.ask(&source, select.clone(), json!({ "most": "3", "by": "id", "way": "desc" }));
        assert_eq!(
            answer["result"][0],
            json!({ "id": 3, "customer": null, "amount": null, "paid": null }),
            "{kind}"
        );
        let (code, ..) =
            bench.refused(&source, select, json!({ "by": "id; DROP TABLE orders", "way": "asc" }));
        assert_eq!(code, "INPUT_INVALID", "{kind}");
        let find = json!({ "query": "SELECT id FROM orders WHERE customer = {{who}}" });
        for (who, count) in [("Ann's", 1), ("' OR '1'='1", 0), ("Bob'; DROP TABLE orders; --", 0)] {
            assert_eq!(
                bench.ask(&source, find.clone(), json!({ "who": who }))["rowCount"],
                json!(count),
                "{kind} {who}"
            );
        }
        let write = json!({ "query": "UPDATE orders SET customer = {{c}} WHERE id = 3", "readOnly": false });
        assert_eq!(bench.ask(&source, write, json!({ "c": "Cyd" }))["rowCount"], json!(1), "{kind}");
        let tested = bench.send("POST", &format!("/datasources/{source}/test"), &json!({}));
        assert_eq!(tested.status, 200, "{}", tested.text());
        assert!(
            tested.json()["latencyMs"].is_u64() && tested.json()["server"].is_string(),
            "{}",
            tested.text()
        );
        let (code, reason, message) =
            bench.refused(&source, json!({ "query": "SELECT * FROM nowhere" }), json!({}));
        assert_eq!((code.as_str(), reason.as_str()), ("QUERY_FAILED", "statement"), "{kind}");
        assert!(message.contains("nowhere"), "{message}");
        // What cannot be saved says where and why.
        let bad = json!({ "dataQueryTitle": "Q", "datasourceID": source, "dataQueryOptions": { "query": "SELECT '{{x}}'" } });
        let reply = bench.send("POST", "/dataqueries", &bad);
        assert_eq!(reply.status, 400, "{}", reply.text());
        assert_eq!(reply.json()["error"]["details"]["issues"][0]["path"], json!("dataQueryOptions.query"));
    }
    let metrics = bench.world.hub.request("GET", "/metrics", None, None).text();
    for (kind, code) in [("sqlite", "ok"), ("sqlite", "QUERY_FAILED"), ("sqlite", "INPUT_INVALID")] {
        for name in ["data_queries_total", "data_query_seconds_count"] {
            let line = format!("jethub_{name}{{kind=\"{kind}\",outcome=\"{code}\"}} ");
            assert!(metrics.contains(&line), "{line}: {metrics}");
        }
    }
    let shown = bench.world.hub.log();
    assert!(
        !shown.contains("canary-pw") && !shown.contains("DROP TABLE"),
        "neither credentials nor inputs are logged"
    );
}

#[test]
fn a_service_is_called_with_its_credential_and_nobody_sees_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut buffer = [0; 8192];
            let length = stream.read(&mut buffer).unwrap_or(0);
            let head = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let (status, body) = match head.contains("authorization: Bearer canary-token") {
                true => (200, json!({ "data": { "items": [{ "n": 1 }, { "n": 2 }] } }).to_string()),
                false => (401, head),
            };
            let answer = format!(
                "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let ports = port.to_string();
    let bench = Bench::start(&[("outbound.allow_private", "true"), ("outbound.ports", &ports)]);
    let url = format!("http://127.0.0.1:{port}/api");
    let with = |token: &str| json!({ "url": url, "auth": { "type": "bearer" }, "token": token });
    let source = bench.source("http", with("canary-token"));
    let query = json!({ "path": "/items", "resultPath": "$.data.items[*].n" });
    assert_eq!(bench.ask(&source, query.clone(), json!({})), json!([1, 2]));
    let wrong = bench.source("http", with("canary-wrong"));
    let (code, reason, message) = bench.refused(&wrong, query, json!({}));
    assert_eq!((code.as_str(), reason.as_str()), ("QUERY_FAILED", "status"));
    assert_eq!(message, "the service answered 401");
    let log = bench.world.hub.log();
    assert!(!log.contains("canary"), "{log}");
}

/// What `faults.md` A53 lists, and what has broken a driver somewhere.
fn hostile() -> Vec<Value> {
    let texts = [
        "'",
        "''; DROP TABLE notes; --",
        "\"; DROP TABLE notes; #",
        "x'); DELETE FROM notes; --",
        "\\",
        "\\' OR 1=1 -- ",
        "a\\\\'b",
        "/* open",
        "*/ -- x\n# y",
        "/*!50000 DROP TABLE notes */",
        "\u{2bc} OR \u{2bc}1\u{2bc}=\u{2bc}1",
        "\u{ff07}; DROP TABLE notes",
        "%",
        "_",
        "%_\\%",
        "$1",
        "?1 ? :a @a",
        "{{v}}",
        "$$ $tag$ x $tag$",
        "E'\\x27'",
        "\u{1f980}\u{202e}\r\n\t\u{7f}\u{feff}",
        "a\0b",
        "NULL",
        "",
        " padded ",
    ];
    let mut all: Vec<Value> = texts.into_iter().map(Value::from).collect();
    all.extend([Value::from("x'".repeat(1 << 19)), Value::Null, json!(9_223_372_036_854_775_808_u64)]);
    all.extend([json!(i64::MIN), json!(true), json!(["a'", "b\\", null, ["{"]]), json!({ "k'": "\"" })]);
    all
}

#[test]
fn hostile_values_are_values_on_each_database() {
    let table = |body: &str| format!("CREATE TABLE notes (id INT PRIMARY KEY, body {body})");
    let rows = "INSERT INTO notes VALUES (1, 'free'), (2, 'kept')";
    let postgres = Postgres::new(&format!("{}; {rows}", table("TEXT")));
    let mariadb = MariaDb::new(&[&table("LONGTEXT CHARACTER SET utf8mb4"), rows]);
    let dir = tempfile::tempdir().unwrap();
    let file = SqliteConnection::establish(dir.path().join("notes.db").to_str().unwrap());
    file.unwrap().batch_execute(&format!("{}; {rows}", table("TEXT"))).unwrap();
    let dir = dir.path().to_str().unwrap();
    let bench = Bench::start(&[
        ("datasource.sqlite_dir", dir),
        ("limits.inputs", "3MiB"),
        ("limits.journal_payload", "4MiB"),
    ]);
    let mut sources = vec![("sqlite", json!({ "file": "notes.db" }))];
    sources.extend(postgres.iter().map(|database| ("postgresql", database.options())));
    sources.extend(mariadb.iter().map(|database| ("mysql", database.options())));
    for (kind, options) in sources {
        let source = bench.source(kind, options);
        let write = json!({ "query": "UPDATE notes SET body = {{v}} WHERE id = 1", "readOnly": false });
        let write = bench.query(&source, write);
        let read = bench.query(&source, json!({ "query": "SELECT id, body FROM notes ORDER BY id" }));
        let named = json!({ "query": "SELECT id FROM notes WHERE body = {{v}} AND id = 2" });
        let named = bench.query(&source, named);
        let number = bench.query(&source, json!({ "query": "SELECT id FROM notes WHERE id = {{v}}" }));
        let mut before = json!("free");
        for value in hostile() {
            let shown: String = value.to_string().chars().take(60).collect();
            let written = bench.run(&write, json!({ "v": value }));
            let expected = match &value {
                Value::Null | Value::String(_) => value.clone(),
                // A sign of truth is a number to MySQL and SQLite.
                Value::Bool(true) if kind != "postgresql" => json!("1"),
                other => Value::from(other.to_string()),
            };
            if written.status == 200 {
                before = expected;
            } else {
                let error = written.json()["error"].clone();
                assert_eq!(error["code"], json!("INPUT_INVALID"), "{kind} {shown}: {error}");
                let large = kind == "sqlite" && value.is_u64();
                assert!(large || value.as_str().is_some_and(|text| text.contains('\0')), "{kind} {shown}");
            }
            // The row is the value or what it was; the other one and the table are as they were.
            let rows = bench.run(&read, json!({})).json()["result"].clone();
            let whole = json!({ "rowCount": 2, "result": [{ "id": 1, "body": before }, { "id": 2, "body": "kept" }] });
            assert!(rows == whole, "{kind} {shown}: {:.300}", rows.to_string());
            for query in [&named, &number] {
                let reply = bench.run(query, json!({ "v": value }));
                let code = reply.json()["error"]["code"].clone();
                let none = reply.status == 200 && reply.json()["result"]["rowCount"] == json!(0);
                // `id = true` is `id = 1` to MySQL and SQLite.
                let truth = value == json!(true) && query == &number;
                let refused = code == json!("INPUT_INVALID") || code == json!("QUERY_FAILED");
                assert!(none || truth || refused, "{kind} {shown}: {:.300}", reply.text());
            }
        }
        for sql in [
            "SELECT * FROM {{t}}",
            "SELECT {{c}}.id FROM notes",
            "SELECT id FROM notes ORDER BY {{c}}",
            "UPDATE {{t}} SET body = 1",
            "SELECT 1 -- {{v}}",
            "SELECT 1 /* {{v}} */",
            "SELECT '{{v}}'",
            "SELECT 'it''s {{v}}'",
            "SELECT \"{{v}}\"",
            "SELECT id{{v}} FROM notes",
        ] {
            let body = json!({ "dataQueryTitle": "Q", "datasourceID": source, "dataQueryOptions": { "query": sql, "readOnly": false } });
            let reply = bench.send("POST", "/dataqueries", &body);
            let error = reply.json()["error"].clone();
            assert_eq!(
                (reply.status, &error["code"]),
                (400, &json!("VALIDATION_ERROR")),
                "{kind} {sql}: {error}"
            );
            assert_eq!(
                error["details"]["issues"][0]["path"],
                json!("dataQueryOptions.query"),
                "{kind} {sql}"
            );
        }
    }
    assert!(!bench.world.hub.log().contains("DROP TABLE"), "inputs are not logged");
}
