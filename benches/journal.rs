//! How many rows a second does the journal commit, and how long does a row wait for its commit, with 1,
//! 16 and 256 writers, on SQLite and on PostgreSQL?
//!
//! Run with `cargo bench --bench journal` (`-- --seconds 10` for longer rounds). Each writer owns a stream,
//! appends one row of 300 bytes, waits for the answer, and appends the next: what a run does that goes on
//! node by node. Nothing is switched off: `synchronous=FULL`, `synchronous_commit=on`. SQLite lies in the
//! folder for temporary files; where that is no disk, set TMPDIR.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a bench fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a bench measures real time from outside")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use jethub::{
    clock::Clock,
    config::{Secret, sections},
    ids::{HubId, Seq, StreamId},
    store::{Append, NewRow, Origin, Store},
};

#[expect(dead_code, reason = "the tests use the rest of it")]
#[path = "../src/store/tests/bed/database.rs"]
mod database;
use database::Database;

const WRITERS: [usize; 3] = [1, 16, 256];

/// What one round showed.
struct Round {
    rows: usize,
    took: Duration,
    waits: Vec<Duration>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds = arguments.iter().position(|a| a == "--seconds").and_then(|at| arguments.get(at + 1));
    let seconds: u64 = seconds.map_or(5, |text| text.parse().expect("--seconds takes a number"));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    println!(
        "{:<12} {:>7} {:>10} {:>10} {:>10} {:>10} {:>10}",
        "database", "writers", "rows/s", "p50 ms", "p99 ms", "max ms", "rows"
    );
    for database in [Some(Database::sqlite()), Database::postgresql()].into_iter().flatten() {
        let settings = sections::Database {
            url: database.url.clone().map(Secret::new),
            ..sections::Database::default()
        };
        let clock = Clock::real();
        let store =
            Store::open(&settings, &sections::Journal::default(), database.state(), HubId::generate(), clock)
                .unwrap();
        for broken in store.broken_promises() {
            println!("{}: {} — not a fair figure", broken.promise, broken.setting);
        }
        for writers in WRITERS {
            // The first second fills caches and is not counted.
            runtime.block_on(round(&store, writers, Duration::from_secs(1)));
            let mut round = runtime.block_on(round(&store, writers, Duration::from_secs(seconds)));
            round.waits.sort_unstable();
            let at = |part: f64| {
                let index = (round.waits.len() as f64 * part) as usize;
                round.waits.get(index.min(round.waits.len() - 1)).unwrap().as_secs_f64() * 1000.0
            };
            let rate = round.rows as f64 / round.took.as_secs_f64();
            println!(
                "{:<12} {writers:>7} {rate:>10.0} {:>10.2} {:>10.2} {:>10.2} {:>10}",
                database.name,
                at(0.5),
                at(0.99),
                at(1.0),
                round.rows
            );
        }
        runtime.block_on(store.close());
    }
}

async fn round(store: &Store, writers: usize, lasts: Duration) -> Round {
    let stop = Arc::new(AtomicBool::new(false));
    let began = Instant::now();
    let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(write(store.clone(), Arc::clone(&stop)))).collect();
    tokio::time::sleep(lasts).await;
    stop.store(true, Relaxed);
    let mut waits = Vec::new();
    for task in tasks {
        waits.extend(task.await.unwrap());
    }
    Round { rows: waits.len(), took: began.elapsed(), waits }
}

async fn write(store: Store, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let stream = StreamId::trusted(&format!("run:{}", uuid::Uuid::now_v7()));
    let payload = format!("{{\"pad\":\"{}\"}}", "x".repeat(290));
    let (mut head, mut waits) = (Seq::ZERO, Vec::new());
    while !stop.load(Relaxed) {
        let row = NewRow { kind: "NODE_COMPLETED".into(), payload: payload.clone(), at: Clock::real().now() };
        let append = Append {
            stream: stream.clone(),
            create: head == Seq::ZERO,
            expected_head: head,
            owner_version: 1,
            rows: vec![row],
            projections: Vec::new(),
            origin: Origin::Client,
        };
        let began = Instant::now();
        head = store.journal().append(append).await.unwrap().head;
        waits.push(began.elapsed());
    }
    waits
}
