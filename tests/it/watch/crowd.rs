//! 200 clients on one run, ten of which never read: those are closed, the others notice nothing.

use std::{
    collections::BTreeMap,
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::joined::{JOIN, STATUS};
use crate::harness::{
    Frame, Http, Ws,
    database::Kind as Db,
    driver::{Driver, KINDS, Via},
    hub::token,
    judge::{History, check},
    world::{ACME, Graph, World},
};

const READERS: usize = 190;
const POLLING: usize = 40;
const SLOW: usize = 10;
const REPORTS: usize = 12;
const IN_ONE: usize = 10;

/// A websocket with the smallest receive buffer; it has joined the run and is never read again.
#[track_caller]
fn never_reads(world: &World, run: &str) -> Ws {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&world.hub.address.into()).unwrap();
    let http = Http::over(TcpStream::from(socket)).unwrap();
    let mut ws =
        Ws::over(http, "/socket.io/?EIO=4&transport=websocket", &[]).unwrap_or_else(|_| panic!("no 101"));
    assert!(ws.text().starts_with('0'));
    let member = token("bob", &[(ACME, "MEMBER")], false);
    ws.send(&format!("40{}", json!({ "token": member })));
    assert!(ws.text().starts_with("40{"));
    ws.send(&format!("420{}", json!([JOIN, { "runId": run }])));
    let ack = ws.text();
    assert!(ack.starts_with("430[") && ack.contains("true"), "{ack}");
    ws
}

/// Reads what was sent before the end; fails when there is no end.
#[track_caller]
fn ended_without_the_status(mut ws: Ws) -> usize {
    let end = Instant::now() + Duration::from_secs(45);
    let mut events = 0;
    loop {
        match ws.poll(end.saturating_duration_since(Instant::now())) {
            Some(Frame::Close(_) | Frame::End) => return events,
            Some(Frame::Text(text)) => {
                assert!(!text.contains(STATUS), "it got the end of the run: its queue had no bound");
                events += 1;
            }
            Some(_) => {}
            None => panic!("a client that never reads is not closed"),
        }
    }
}

fn crowd(db: Db) {
    let settings = [
        ("delivery.queue_bytes", "64KiB"),
        ("session.send_buffer", "4KiB"),
        ("session.stall_timeout", "5s"),
        ("limits.handshakes_per_ip", "1000/s burst 1000"),
    ];
    let world = World::start(db, &settings);
    let ann = world.ann();
    let run = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("crowded")));
    let slow: Vec<_> = (0..SLOW).map(|_| never_reads(&world, &run)).collect();

    let mut driver = Driver::start(KINDS[0]);
    let names: Vec<String> = (0..READERS).map(|i| format!("c{i}")).collect();
    let member = token("bob", &[(ACME, "MEMBER")], false);
    for (i, name) in names.iter().enumerate() {
        let via = if i < POLLING { Via::Polling } else { Via::Websocket };
        let more = json!({ "resume": { "event": JOIN, "payload": { "runId": run } } });
        driver.connect(name, &world.url(), via, json!({ "token": member }), more);
    }
    let mut acks = 0;
    driver.each("all have joined", Duration::from_secs(60), |line| {
        assert_ne!(line["what"], "connect_error", "{line}");
        acks += usize::from(line["what"] == "ack" && line["args"][0]["ok"] == true);
        acks == READERS
    });

    // a page of reports at a time: as fast as those who read can read
    let filler = "x".repeat(1500);
    let mut slowest = Duration::ZERO;
    for page in 0..REPORTS {
        let events: Value = (0..IN_ONE)
            .map(|i| {
                json!({ "key": format!("{page}.{i}"), "type": "node", "nodeID": "a", "status": "success",
                        "output": { "filler": filler }, "contextData": { "input": {}, "page": page } })
            })
            .collect();
        let begun = Instant::now();
        ann.ingest(&run, &events);
        let mut told = 0;
        driver.each("a page is told", Duration::from_secs(30), |line| {
            told += usize::from(line["what"] == "event");
            told == READERS * IN_ONE
        });
        slowest = slowest.max(begun.elapsed());
    }
    ann.finish(&run, "end");
    let mut ends = 0;
    driver.each("all are told the end", Duration::from_secs(30), |line| {
        ends += usize::from(line["what"] == "event" && line["event"] == STATUS);
        ends == READERS
    });
    assert!(!driver.seen.iter().any(|e| e["what"] == "disconnect"), "a reader was cut off");

    let mut lines: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for line in &driver.seen {
        lines.entry(line["id"].as_str().unwrap_or_default()).or_default().push(line.clone());
    }
    let histories: Vec<_> =
        names.iter().map(|name| History::of(&lines[name.as_str()], name, &[ACME], true)).collect();
    let mut log = ann.log(&run);
    // one node is reported again and again here, which the judge would take for a result twice
    let rows = std::mem::take(&mut log.rows);
    log.rows = rows
        .into_iter()
        .map(|mut row| {
            row.attempt = None;
            row
        })
        .collect();
    let mut verdict = check(&histories, &[log]);
    verdict.doubled.retain(|complaint| !complaint.contains("NODE_COMPLETED of a "));
    let what = format!("{READERS} of 200 clients on {db:?}, a page of {IN_ONE} in at most {slowest:?}");
    verdict.assert_clean(&what);

    let got: Vec<_> = slow.into_iter().map(ended_without_the_status).collect();
    assert!(got.iter().all(|events| *events < REPORTS * IN_ONE), "{got:?}");
    let metrics = world.hub.request("GET", "/metrics", None, None).text();
    let closed =
        metrics.lines().find(|line| line.contains("sessions_closed") && line.contains("slow_client"));
    assert!(closed.is_some_and(|line| line.ends_with(" 10") || line.ends_with(" 10.0")), "{closed:?}");
}

#[test]
fn two_hundred_clients_and_ten_of_them_never_read() {
    crowd(Db::Sqlite);
}

#[test]
fn two_hundred_clients_on_postgresql() {
    if Db::here().contains(&Db::Postgresql) {
        crowd(Db::Postgresql);
    }
}
