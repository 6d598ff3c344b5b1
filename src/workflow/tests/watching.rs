//! What watchers see: everything, in order, once, whenever they come and whatever ends meanwhile.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use serde_json::{Value, json};

use super::rig::{Fake, Rig, js, until};
use crate::{
    clock::Clock,
    config::sections,
    delivery::{CloseReason, Deadline, Member, Outlet, Settings, Slot, Switchboard},
    ids::{RunId, Seq, SocketId},
    protocol::{events::JoinAck, socketio::ack_frame},
    store::tables::runs::Executor,
    workflow::{AckFrame, Ingest, IngestEvent, Join},
};

struct Ear;
impl Outlet for Ear {
    fn closed(&self, _: CloseReason) {}
    fn deadline(&self, _: Deadline) {}
}

/// A socket that reads all it gets.
struct Watcher {
    board: Rc<Switchboard>,
    slot: Slot,
    member: Member,
    seen: RefCell<Vec<Value>>,
}

fn board(rig: &Rig) -> Rc<Switchboard> {
    let settings = Settings::new(&sections::Delivery::default(), &sections::Session::default());
    Switchboard::start(&rig.shards, settings, Clock::real()).unwrap()
}

impl Watcher {
    fn open(board: &Rc<Switchboard>) -> Self {
        let slot = board.open(Rc::new(Ear));
        let member = board.member(slot, SocketId::generate());
        Self { board: Rc::clone(board), slot, member, seen: RefCell::default() }
    }

    /// What came so far: packets, parsed.
    fn seen(&self) -> Vec<Value> {
        let mut seen = self.seen.borrow_mut();
        for frame in self.board.take(self.slot, usize::MAX) {
            for packet in frame.polling() {
                let text = String::from_utf8(packet.into_owned()).unwrap();
                let start = text.find('[').unwrap();
                let body: Value = serde_json::from_str(&text[start..]).unwrap();
                seen.push(if text.starts_with("43") { json!(["ack", body[0]]) } else { body });
            }
        }
        seen.clone()
    }

    fn events(&self) -> Vec<Value> {
        self.seen().into_iter().filter(|event| event[0] != "ack").collect()
    }

    fn seqs(&self) -> Vec<i64> {
        self.events().iter().filter_map(|event| event[1]["seq"].as_i64()).collect()
    }

    fn is_over(&self) -> bool {
        self.events().iter().any(|event| event[0] == "workflow_status_update")
    }

    async fn join(&self, rig: &Rig, run: &RunId, since: Option<i64>, progress: bool) {
        let again = false;
        let join = self.request(rig, run, since, progress, again).await;
        // A run's actor that is restarted may lose a question; the client asks again.
        rig.runs.join(join).await.unwrap();
    }

    async fn request(&self, rig: &Rig, run: &RunId, since: Option<i64>, progress: bool, again: bool) -> Join {
        let ack: AckFrame = Arc::new(|body: &JoinAck| ack_frame("/", 1, body).ok());
        let run = rig.runs.locate(run).await.unwrap().unwrap();
        Join { run, member: self.member.clone(), since: since.map(Seq), progress, again, ack: Some(ack) }
    }
}

fn names(events: &[Value]) -> Vec<(String, i64, bool)> {
    let short = |event: &Value| {
        let body = &event[1];
        let what = body["nodeID"].as_str().unwrap_or(body["status"].as_str().unwrap_or("?"));
        (what.to_owned(), body["seq"].as_i64().unwrap_or(-1), body["replayed"] == true)
    };
    events.iter().map(short).collect()
}

#[actix::test]
async fn before_during_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let board = board(&rig);
    let workflow = rig.chain(&[js("js", "wait 42")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(1).await;
    let during = Watcher::open(&board);
    during.join(&rig, &run, None, false).await;
    rig.fake.release(1);
    until("the end", || async { during.is_over().then_some(()) }).await;
    let expected = |replayed: [bool; 4]| {
        let names = ["start", "js", "end", "COMPLETED"];
        let seqs = [3, 5, 7, 8];
        (0..4).map(|n| (names[n].to_owned(), seqs[n], replayed[n])).collect::<Vec<_>>()
    };
    assert_eq!(names(&during.events()), expected([true, false, false, false]));
    let ack = during.seen()[0].clone();
    assert_eq!(ack, json!(["ack", {"ok": true, "instanceID": run.as_str(), "status": "RUNNING", "seq": 4}]));

    until("no actor", || async { rig.runs.registry().list(10).await.is_empty().then_some(()) }).await;
    let after = Watcher::open(&board);
    after.join(&rig, &run, None, false).await;
    until("the end", || async { after.is_over().then_some(()) }).await;
    assert_eq!(names(&after.events()), expected([true; 4]));
    assert_eq!(after.seen()[0][1]["seq"], 8);
    assert_eq!(after.seen()[0][1]["status"], "COMPLETED");
    assert!(rig.runs.registry().list(10).await.is_empty(), "a finished run wakes nobody");
    let since = Watcher::open(&board);
    since.join(&rig, &run, Some(5), false).await;
    until("the end", || async { since.is_over().then_some(()) }).await;
    assert_eq!(names(&since.events()), expected([true; 4])[2..]);
    // Bodies: live and replayed tell the same.
    for (live, replayed) in during.events().iter().zip(after.events()) {
        let (mut live, mut replayed) = (live[1].clone(), replayed[1].clone());
        live.as_object_mut().unwrap().remove("replayed");
        replayed.as_object_mut().unwrap().remove("replayed");
        assert_eq!(live, replayed);
    }
    assert_eq!(during.events()[1][1]["contextData"]["jsResult"], 42);
}

#[actix::test]
async fn a_second_join_is_harmless_and_a_leave_ends_it() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let board = board(&rig);
    let workflow = rig.chain(&[js("a", "wait 1"), js("b", "wait 2")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(1).await;
    let (once, twice, gone) = (Watcher::open(&board), Watcher::open(&board), Watcher::open(&board));
    for watcher in [&once, &twice, &gone] {
        watcher.join(&rig, &run, None, false).await;
    }
    rig.runs.join(twice.request(&rig, &run, None, false, true).await).await.unwrap();
    rig.runs.leave(&run, &gone.member);
    rig.fake.release(1);
    rig.fake.until_attempts(2).await;
    // Asked for: everything again, and what is live does not come between.
    rig.runs.join(twice.request(&rig, &run, Some(0), false, true).await).await.unwrap();
    rig.fake.release(1);
    until("the end", || async { (once.is_over() && twice.is_over()).then_some(()) }).await;
    assert_eq!(once.seqs(), [3, 5, 7, 9, 10]);
    assert_eq!(twice.seqs(), [3, 5, 3, 5, 7, 9, 10]);
    assert_eq!(twice.seen().iter().filter(|event| event[0] == "ack").count(), 3);
    assert_eq!(gone.seqs(), [3]);
}

struct Dice(u64);
impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Joiners at any moment, with any `since`, while the run goes on and its actor is restarted.
#[actix::test]
async fn no_gap_and_no_repeat_at_any_moment() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let board = board(&rig);
    for seed in 1..=12 {
        one_history(&rig, &board, seed).await;
    }
}

async fn one_history(rig: &Rig, board: &Rc<Switchboard>, seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let nodes: Vec<Value> =
        (0..12).map(|n| js(&format!("n{n}"), &format!("pause {}", dice.roll(8)))).collect();
    let workflow = rig.chain(&nodes).await;
    let run = rig.run(&workflow).await.instance_id;
    let mut watchers = Vec::new();
    for _ in 0..20 {
        tokio::time::sleep(std::time::Duration::from_millis(dice.roll(5))).await;
        if dice.roll(4) == 0 {
            // It may have ended meanwhile.
            let _ = rig.runs.registry().restart(run.clone()).await;
        }
        let watcher = Watcher::open(board);
        let since = (dice.roll(2) == 0).then(|| dice.roll(30) as i64);
        watcher.join(rig, &run, since, dice.roll(3) == 0).await;
        watchers.push((watcher, since));
    }
    rig.until(&run, "COMPLETED").await;
    let all = Watcher::open(board);
    all.join(rig, &run, Some(0), false).await;
    let all: Vec<i64> = all.seqs();
    assert_eq!(all.len(), 15, "start, twelve, end, status");
    for (watcher, since) in watchers {
        until("the end", || async { watcher.is_over().then_some(()) }).await;
        let events = watcher.events();
        let plain: Vec<&Value> = events
            .iter()
            .filter(|event| !matches!(event[1]["status"].as_str(), Some("running" | "suspended")))
            .collect();
        let seqs: Vec<i64> = plain.iter().filter_map(|event| event[1]["seq"].as_i64()).collect();
        let expected: Vec<i64> = all.iter().copied().filter(|seq| *seq > since.unwrap_or(0)).collect();
        assert_eq!(seqs, expected, "seed {seed}, since {since:?}: {:?}", names(&events));
        let rising: Vec<i64> = events.iter().filter_map(|event| event[1]["seq"].as_i64()).collect();
        assert!(rising.is_sorted(), "seed {seed}: {rising:?}");
        // Replayed first, then live.
        let flags: Vec<bool> = events.iter().map(|event| event[1]["replayed"] == true).collect();
        assert!(flags.is_sorted_by(|a, b| a >= b), "seed {seed}: {flags:?}");
    }
}

/// A replay of more than a queue holds, while more is written: paged, then live.
#[actix::test]
async fn a_long_replay_is_paged_and_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let board = board(&rig);
    let workflow = rig.chain(&[js("js", "return 1")]).await;
    let mut start = rig.start_of(&workflow);
    start.executor = Executor::External;
    let run = rig.runs.start(start).await.unwrap().instance_id;
    let event = |key: i64| -> IngestEvent {
        serde_json::from_value(json!({"key": key.to_string(), "type": "node", "nodeID": "js",
            "status": "success", "output": {"n": key}, "contextData": {"n": key}}))
        .unwrap()
    };
    let feed = |from: i64, to: i64| {
        let events = (from..to).map(event).collect();
        rig.runs.ingest(Ingest { tenant: rig.tenant.clone(), run: run.clone(), events })
    };
    for part in 0..3 {
        feed(part * 1000, part * 1000 + 1000).await.unwrap();
    }
    let (watcher, slow) = (Watcher::open(&board), Watcher::open(&board));
    let join = watcher.request(&rig, &run, Some(0), false, false).await;
    let (runs, fed) = (rig.runs.clone(), async {
        for part in 0..20 {
            feed(3000 + part * 50, 3050 + part * 50).await.unwrap();
        }
    });
    // It reads nothing: it is sent at most what its queue may hold, and holds nobody up.
    let idle = slow.request(&rig, &run, Some(0), false, false).await;
    let idle = actix::spawn({
        let runs = runs.clone();
        async move { runs.join(idle).await }
    });
    let joined = actix::spawn(async move { runs.join(join).await });
    let reading = async {
        until("all", || async { (watcher.seqs().len() >= 4000).then_some(()) }).await;
    };
    futures_util::future::join(fed, reading).await;
    joined.await.unwrap().unwrap();
    assert_eq!(watcher.seqs(), (2..=4001).collect::<Vec<i64>>());
    let inspection = board.inspect(slow.slot).unwrap();
    assert!(inspection.queued_frames <= 700, "{inspection:?}");
    assert!(!idle.is_finished());
    idle.abort();
    // Near the end of a long run; an external one has no snapshots.
    feed(4000, 4500).await.unwrap();
    let late = Watcher::open(&board);
    late.join(&rig, &run, Some(4490), false).await;
    assert_eq!(late.seqs(), (4491..=4501).collect::<Vec<i64>>());
}

#[actix::test]
async fn after_a_kill_watchers_that_ask_since_miss_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let workflow = rig.chain(&[js("a", "return 1"), js("b", "wait 2")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(2).await;
    let seen = {
        let board = board(&rig);
        let watcher = Watcher::open(&board);
        watcher.join(&rig, &run, None, false).await;
        until("two", || async { (watcher.seqs().len() == 2).then_some(()) }).await;
        watcher.seqs()
    };
    let fake: Fake = rig.kill().await;
    let rig = Rig::with(dir.path(), fake, Clock::real(), |_| {});
    let board = board(&rig);
    rig.runs.recover().await.unwrap();
    let watcher = Watcher::open(&board);
    watcher.join(&rig, &run, seen.last().copied(), false).await;
    rig.fake.release(1);
    until("the end", || async { watcher.is_over().then_some(()) }).await;
    assert_eq!([seen, watcher.seqs()].concat(), [3, 5, 7, 9, 10]);
}

/// Who watches already may choose anew whether it hears of progress: nothing is repeated, nothing is missed.
#[actix::test]
async fn a_second_join_chooses_progress_anew() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    let board = board(&rig);
    let workflow = rig.chain(&[js("a", "wait 1"), js("b", "wait 2"), js("c", "wait 3")]).await;
    let run = rig.run(&workflow).await.instance_id;
    rig.fake.until_attempts(1).await;
    let watcher = Watcher::open(&board);
    watcher.join(&rig, &run, None, false).await;
    let running = |node: &str| {
        let events = watcher.events();
        events.iter().filter(|event| event[1]["status"] == "running" && event[1]["nodeID"] == node).count()
    };
    for (progress, attempts) in [(true, 2), (false, 3)] {
        let again = watcher.request(&rig, &run, None, progress, true).await;
        rig.runs.join(again).await.unwrap();
        rig.fake.release(1);
        rig.fake.until_attempts(attempts).await;
    }
    rig.fake.release(1);
    until("the end", || async { watcher.is_over().then_some(()) }).await;
    assert_eq!((running("a"), running("b"), running("c")), (0, 1, 0));
    let seqs: Vec<i64> = watcher.seqs();
    assert!(seqs.is_sorted(), "{seqs:?}");
    let ended: Vec<_> = names(&watcher.events()).into_iter().filter(|(node, ..)| node.len() == 1).collect();
    assert_eq!(ended.iter().filter(|(node, ..)| node == "b").count(), 2, "begun and ended: {ended:?}");
    let again = watcher.request(&rig, &run, None, true, true).await;
    rig.runs.join(again).await.unwrap();
    until("the third ack", || async {
        let acks = watcher.seen().iter().filter(|event| event[0] == "ack").count();
        (acks == 4).then_some(())
    })
    .await;
}
