//! What no setting permits, and a stop while queries run.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::bench::{Bench, Postgres};
use crate::harness::database::{Database, Kind};

#[test]
fn the_hubs_own_database_is_no_source() {
    if !Kind::here().contains(&Kind::Postgresql) || Postgres::new("").is_none() {
        return;
    }
    let bench = Bench::on(Kind::Postgresql, &[]);
    let Database::Postgresql { name, .. } = &bench.world.database else { panic!("a PostgreSQL") };
    for host in ["127.0.0.1", "localhost", "127.0.0.2"] {
        let options = json!({ "host": host, "database": name, "user": "root", "password": "x" });
        let source = bench.source("postgresql", options);
        let (code, reason, message) = bench.refused(&source, json!({ "query": "SELECT 1" }), json!({}));
        assert_eq!((code.as_str(), reason.as_str()), ("QUERY_FAILED", "blocked_address"), "{message}");
        assert!(!message.contains(name.as_str()), "{message}");
        let tested = bench.send("POST", &format!("/datasources/{source}/test"), &json!({}));
        assert_eq!(tested.status, 400, "{}", tested.text());
    }
}

#[test]
fn as_shipped_neither_the_machine_nor_the_hub_is_called() {
    let mut bench = Bench::start(&[("datasource.allow_loopback", "false")]);
    let sql = json!({ "query": "SELECT 1" });
    let options = json!({ "host": "127.0.0.1", "database": "test", "user": "root" });
    for kind in ["postgresql", "mysql"] {
        let source = bench.source(kind, options.clone());
        let (_, reason, message) = bench.refused(&source, sql.clone(), json!({}));
        assert_eq!(reason, "blocked_address");
        assert!(message.contains("datasource.allow_loopback"), "{message}");
    }
    let file = bench.source("sqlite", json!({ "file": "x.db" }));
    let (code, ..) = bench.refused(&file, sql, json!({}));
    assert_eq!(code, "QUERY_UNAVAILABLE");
    // The hub's own port stays closed where the inside is open.
    let port = bench.world.hub.address.port().to_string();
    assert!(bench.world.hub.again(&[("outbound.allow_private", "true"), ("outbound.ports", &port)]));
    for host in ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"] {
        let source = bench.source("http", json!({ "url": format!("http://{host}:{port}/") }));
        let query = json!({ "path": "/healthz", "responseType": "text" });
        let (_, reason, message) = bench.refused(&source, query, json!({}));
        assert_eq!(reason, "blocked_address", "{host}: {message}");
    }
}

#[test]
fn a_stop_does_not_wait_for_a_query_and_leaves_none_behind() {
    let Some(database) = Postgres::new("") else { return };
    let mut bench = Bench::start(&[("drain.deadline", "6s")]);
    let source = bench.source("postgresql", database.options());
    let slow = bench.query(&source, json!({ "query": "SELECT pg_sleep(48)" }));
    bench.ask(&source, json!({ "query": "SELECT 1" }), Value::Null);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let hub = &bench.world.hub;
        let asking = scope.spawn(|| bench.run(&slow, json!({})));
        std::thread::sleep(Duration::from_millis(700));
        hub.signal("TERM");
        let reply = asking.join().unwrap();
        assert_eq!((reply.status, reply.json()["error"]["code"].clone()), (503, json!("DRAINING")));
    });
    let status = bench.world.hub.ended(Duration::from_secs(20));
    assert!(begun.elapsed() < Duration::from_secs(15) && status.code().is_some(), "{status:?}");
    let gone = format!(
        "DO $$ BEGIN FOR i IN 1..100 LOOP \
           IF NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = '{}' AND pid <> pg_backend_pid()) THEN RETURN; END IF; \
           PERFORM pg_sleep(0.1); PERFORM pg_stat_clear_snapshot(); END LOOP; RAISE EXCEPTION 'still there'; END $$",
        database.name
    );
    Postgres::exec("test", &gone);
}
