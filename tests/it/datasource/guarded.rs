//! What no setting permits, and a stop while queries run.

use std::{
    io::Read as _,
    net::TcpListener,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    time::{Duration, Instant},
};

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

/// A server that takes connections and says nothing, until it is told to hang up.
struct Silent {
    port: u16,
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    over: Arc<AtomicBool>,
}

impl Silent {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let silent = Self { port, now: Arc::default(), most: Arc::default(), over: Arc::default() };
        let (now, most, over) = (Arc::clone(&silent.now), Arc::clone(&silent.most), Arc::clone(&silent.over));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                let (now, over) = (Arc::clone(&now), Arc::clone(&over));
                std::thread::spawn(move || {
                    stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
                    let mut buffer = [0; 512];
                    while !over.load(SeqCst) && !matches!(stream.read(&mut buffer), Ok(0)) {}
                    now.fetch_sub(1, SeqCst);
                });
            }
        });
        silent
    }

    fn options(&self) -> Value {
        json!({ "host": "127.0.0.1", "port": self.port, "database": "d", "user": "u" })
    }
}

fn until(mut so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "never");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends so many tests at once. Once `refused` of them are answered the server hangs up; what was answered before that, and
/// how many connections were open at most.
fn test_at_once(
    bench: &Bench,
    silent: &Silent,
    (count, refused): (usize, usize),
    (path, body): (&str, &Value),
) -> (Vec<Value>, usize) {
    until(|| silent.now.load(SeqCst) == 0);
    silent.over.store(false, SeqCst);
    silent.most.store(0, SeqCst);
    std::thread::scope(|scope| {
        let (sender, replies) = mpsc::channel();
        for _ in 0..count {
            let sender = sender.clone();
            scope.spawn(move || {
                let reply = bench.send("POST", path, body);
                let _ = sender.send(json!([reply.status, reply.json()["error"]["code"]]));
            });
        }
        let next = || replies.recv_timeout(Duration::from_secs(60)).unwrap_or_default();
        let early = (0..refused).map(|_| next()).collect();
        // Whoever has no turn yet would connect in this time; a busy machine only makes the test milder.
        std::thread::sleep(Duration::from_millis(300));
        silent.over.store(true, SeqCst);
        let late: Vec<_> = (refused..count).map(|_| next()).collect();
        assert!(late.iter().all(|reply| reply[0] == 400), "{late:?}");
        (early, silent.most.load(SeqCst))
    })
}

#[test]
fn tests_of_a_source_take_turns_as_its_queries_do() {
    let silent = Silent::new();
    let bench = Bench::start(&[
        ("datasource.concurrent", "4"),
        ("datasource.queue", "1"),
        ("datasource.pool", "1"),
        ("datasource.connect_timeout", "25s"),
    ]);
    let limited = json!([429, "RATE_LIMITED"]);
    let unsaved = json!({ "datasourceType": "postgresql", "datasourceOptions": silent.options() });
    let (early, most) = test_at_once(&bench, &silent, (8, 5), ("/datasources/test", &unsaved));
    assert_eq!((early, most), (vec![limited.clone(); 5], 2), "half of the places, one that waits");
    // A saved one has its source's places too.
    for kind in ["postgresql", "mysql"] {
        let source = bench.source(kind, silent.options());
        let path = format!("/datasources/{source}/test");
        let (early, most) = test_at_once(&bench, &silent, (5, 2), (&path, &json!({})));
        assert_eq!((early, most), (vec![limited.clone(); 2], 1), "{kind}");
    }
}
