//! Many widgets on one run; a page that never reads.

use std::{
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use super::connected::*;
use crate::{
    harness::{
        Frame, Http, Ws,
        database::Kind as Db,
        driver::{Driver, KINDS, Via},
        hub::token,
        world::{ACME, Graph, World},
    },
    watch::joined as run,
};

const SOCKETS: usize = 4;
const WIDGETS: usize = 50;

/// The figure of that name; 0 when it is not there.
fn figure(world: &World, name: &str) -> u64 {
    let text = world.hub.request("GET", "/metrics", None, None).text();
    let line = text.lines().find(|line| line.starts_with(name) && !line.starts_with('#'));
    line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or_default() as u64
}

/// 200 widgets on a run whose actor is not in memory, all at once: its rows are read once for all.
fn two_hundred(db: Db, ended: bool) {
    let settings = [("limits.joins", "100"), ("limits.events", "1000/s burst 1000")];
    let mut world = World::start(db, &settings);
    let ann = world.ann();
    let instance = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("dashboard")));
    for i in 0..20 {
        ann.report(&instance, &format!("k{i}"), "a");
    }
    if ended {
        ann.finish(&instance, "end");
    }
    // Another process: nothing of the run is in memory.
    assert!(world.hub.again(&[]), "{}", world.hub.log());
    let mut driver = Driver::start(KINDS[0]);
    for socket in 0..SOCKETS {
        world.connect(&mut driver, &format!("s{socket}"), [Via::Websocket, Via::Both][socket % 2]);
    }
    let before = figure(&world, "jethub_journal_reads_total");
    for widget in 0..WIDGETS {
        for socket in 0..SOCKETS {
            let config = json!({ "last": "{{ctx.last}}", "n": widget });
            let payload = json!({ "widgetID": format!("w{widget}"), "mode": "subscribe", "instanceID": instance, "widgetConfig": config });
            driver.emit(&format!("s{socket}"), CONNECT, json!([payload]));
        }
    }
    let mut connected = 0;
    driver.each("all are connected", Duration::from_secs(30), |line| {
        assert_ne!(line["event"], ERROR, "{line}");
        connected += usize::from(line["event"] == CONNECTED);
        connected == SOCKETS * WIDGETS
    });
    let reads = figure(&world, "jethub_journal_reads_total") - before;
    assert_eq!(reads, 1, "{db:?}: 200 widgets, one read");
    if !ended {
        for i in 20..25 {
            ann.report(&instance, &format!("k{i}"), "a");
        }
        ann.finish(&instance, "end");
    }
    let count = |all: &[Value]| all.iter().filter(|e| e["event"] == STATUS).count();
    driver
        .wait_for("all ends", Duration::from_secs(30), |all| (count(all) == SOCKETS * WIDGETS).then_some(()));
    for socket in 0..SOCKETS {
        let name = format!("s{socket}");
        fence(&mut driver, &name);
        let all = trace(&driver.seen, &name);
        for widget in 0..WIDGETS {
            let id = format!("w{widget}");
            let own: Vec<_> = of_widget(&driver.seen, &name, &id);
            let ends = own.iter().filter(|(event, _)| event == STATUS);
            let ends: Vec<_> = ends.map(|(_, body)| body["processedData"].clone()).collect();
            assert_eq!(ends, [json!({ "last": "end", "n": widget })], "{name} {id}");
            let seqs: Vec<u64> = own.iter().filter_map(|(_, body)| body["seq"].as_u64()).collect();
            assert!(seqs.is_sorted(), "{name} {id}: {seqs:?}");
        }
        if !ended {
            let at = |event: &str| all.iter().position(|(name, ..)| name == event).unwrap();
            assert!(at(run::STATUS) < at(STATUS), "the run's end, then the widgets'");
            let last = all.iter().rposition(|(name, ..)| name == STATUS).unwrap();
            assert_eq!(last - at(run::STATUS), WIDGETS, "and nothing between them");
        }
    }
    assert!(!driver.seen.iter().any(|e| e["what"] == "disconnect"));
}

#[test]
fn two_hundred_widgets_on_one_run_over_four_sockets() {
    for db in Db::here() {
        two_hundred(db, false);
    }
}

#[test]
fn two_hundred_widgets_on_a_run_that_has_ended() {
    two_hundred(Db::Sqlite, true);
}

/// F30: a storm of joins reads a run's rows once or twice, whatever each has seen already.
#[test]
fn a_storm_of_joins_shares_what_it_reads() {
    for db in Db::here() {
        let settings = [("limits.events", "1000/s burst 5000")];
        let mut world = World::start(db, &settings);
        let ann = world.ann();
        let workflow = ann.create(&Graph::new().js("a", "return 1;").body("storm"));
        let (on, over) = (ann.external(&workflow), ann.external(&workflow));
        for instance in [&on, &over] {
            for i in 0..30 {
                ann.report(instance, &format!("k{i}"), "a");
            }
        }
        ann.finish(&over, "end");
        assert!(world.hub.again(&[]), "{}", world.hub.log());
        let mut driver = Driver::start(KINDS[0]);
        for socket in 0..20 {
            world.connect(&mut driver, &format!("s{socket}"), Via::Websocket);
        }
        let before = figure(&world, "jethub_journal_reads_total");
        let begun = Instant::now();
        for round in 0..25 {
            for socket in 0..20 {
                for instance in [&on, &over] {
                    driver.resume(
                        &format!("s{socket}"),
                        run::JOIN,
                        json!({ "runId": instance, "round": round }),
                    );
                }
            }
        }
        let mut acks = 0;
        driver.each("all have joined", Duration::from_secs(60), |line| {
            acks += usize::from(line["what"] == "ack");
            assert!(line["what"] != "ack" || line["args"][0]["ok"] == true, "{line}");
            acks == 1000
        });
        let took = begun.elapsed();
        let reads = figure(&world, "jethub_journal_reads_total") - before;
        // The actor reads once; each of two runs is read for joiners once in two seconds.
        assert!(
            reads <= 3 + 2 * (1 + took.as_secs() / 2),
            "{db:?}: {reads} reads for 1000 joins in {took:?}"
        );
        let seq = ann.report(&on, "live", "a");
        for socket in 0..20 {
            run::until_seq(&mut driver, &format!("s{socket}"), &on, seq);
        }
    }
}

/// A websocket with the smallest receive buffer; it has ten widgets on the run and is never read again.
#[track_caller]
fn never_reads(world: &World, instance: &str) -> Ws {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&world.hub.address.into()).unwrap();
    let http = Http::over(TcpStream::from(socket)).unwrap();
    let mut ws =
        Ws::over(http, "/socket.io/?EIO=4&transport=websocket", &[]).unwrap_or_else(|_| panic!("no 101"));
    assert!(ws.text().starts_with('0'));
    ws.send(&format!("40{}", json!({ "token": token("bob", &[(ACME, "MEMBER")], false) })));
    assert!(ws.text().starts_with("40{"));
    for widget in 0..10 {
        let payload =
            json!({ "widgetID": format!("w{widget}"), "mode": "subscribe", "instanceID": instance });
        ws.send(&format!("420{}", json!([CONNECT, payload])));
        let ack = ws.text();
        assert!(ack.starts_with("430[") && ack.contains("true"), "{ack}");
        assert!(ws.text().contains(CONNECTED));
    }
    ws
}

#[test]
fn a_page_that_never_reads_is_closed_and_nobody_else_notices() {
    let settings = [
        ("delivery.queue_bytes", "64KiB"),
        ("session.send_buffer", "4KiB"),
        ("session.stall_timeout", "5s"),
        ("limits.events", "1000/s burst 1000"),
    ];
    let world = World::start(Db::Sqlite, &settings);
    let ann = world.ann();
    let instance = ann.external(&ann.create(&Graph::new().js("a", "return 1;").body("crowded")));
    let mut slow = never_reads(&world, &instance);
    let mut driver = Driver::start(KINDS[0]);
    world.connect(&mut driver, "page", Via::Websocket);
    connected(&mut driver, "page", &json!({ "widgetID": "w", "mode": "subscribe", "instanceID": instance }));
    let filler = "x".repeat(2000);
    let mut slowest = Duration::ZERO;
    for i in 0..60 {
        let begun = Instant::now();
        let event = json!({ "key": format!("k{i}"), "type": "node", "nodeID": "a", "status": "success",
                            "output": { "filler": filler }, "contextData": { "input": {}, "filler": filler, "i": i } });
        let seq = ann.ingest(&instance, &json!([event]))[0]["seq"].as_u64().unwrap();
        run::until_seq(&mut driver, "page", &instance, seq);
        slowest = slowest.max(begun.elapsed());
    }
    ann.finish(&instance, "end");
    until(&mut driver, "page", "w", STATUS);
    assert!(!driver.seen.iter().any(|e| e["what"] == "disconnect"), "a reader was cut off");
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    let end = Instant::now() + Duration::from_secs(30);
    let mut events = 0;
    loop {
        match slow.poll(end.saturating_duration_since(Instant::now())) {
            Some(Frame::Close(_) | Frame::End) => break,
            Some(Frame::Text(text)) => {
                assert!(!text.contains(run::STATUS), "it got the end of the run: its queue had no bound");
                events += 1;
            }
            Some(_) => {}
            None => panic!("a client that never reads is not closed"),
        }
    }
    // Its updates gave way to newer ones while they waited: far fewer than 60 for each of ten widgets.
    assert!(events < 300, "{events}");
    let text = world.hub.request("GET", "/metrics", None, None).text();
    let line = |words: [&str; 2]| text.lines().any(|line| words.iter().all(|word| line.contains(word)));
    assert!(line(["sessions_closed", "slow_client"]) || line(["sessions_closed", "stalled"]), "{text}");
    assert!(line(["frames_dropped", "coalesced"]) || line(["dropped", "coalesced"]), "{text}");
}
