//! Sources and queries by REST, answered by real databases.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use diesel::{Connection as _, SqliteConnection, connection::SimpleConnection as _};
use serde_json::json;

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
