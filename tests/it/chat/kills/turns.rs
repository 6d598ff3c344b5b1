//! Turns: at each crash point on the way of a message and of its answer.

use std::{collections::BTreeSet, time::Instant};

use serde_json::{Value, json};

use super::page::{Journal, Page};
use crate::{
    chat::shop::*,
    crash::{Death, Keeper, long},
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via},
        expect::say as tell,
    },
};

/// Where a message and its answer come by. `llm.mid_stream` is for the tests of models.
const POINTS: [&str; 9] = [
    "ws.frame_received",
    "poll.body_taken",
    "room.accepted",
    "journal.before_begin",
    "journal.mid_batch",
    "journal.before_commit",
    "journal.after_commit",
    "room.committed",
    "delivery.half",
];

#[test]
fn killed_at_each_point_of_a_turn_on_sqlite() {
    every_point(Db::Sqlite);
}

#[test]
fn killed_at_each_point_of_a_turn_on_postgresql() {
    if Db::here().contains(&Db::Postgresql) {
        every_point(Db::Postgresql);
    }
}

fn every_point(db: Db) {
    let begun = Instant::now();
    let (kills, rounds) = if long() { (15, 60) } else { (3, 20) };
    let settings = [FAST, SLOW].concat();
    let mut shop = Shop::proposing(db, &settings);
    // He comes by Node; she is a guest of the room, polls, and comes by Python.
    let mut bob = Page::open(&shop, Driver::start(KINDS[0]), "bob", Via::Websocket, None);
    let room = bob.room.clone();
    // Who was never here cannot be invited.
    shop.rest("cyd", "GET", "", &Value::Null);
    let invited = shop.rest("bob", "POST", &format!("/{room}/members"), &json!({ "firebaseID": "cyd" }));
    assert_eq!(invited.0, 201, "{}", invited.1);
    let mut cyd = Page::open(&shop, Driver::start(KINDS[3]), "cyd", Via::Polling, Some(&room));
    // Several sockets on each worker: some have an answer when it dies, others not yet.
    let watchers: Vec<String> = (0..4).map(|at| format!("bob@{at}")).collect();
    bob.watched_by(&shop, &watchers);
    let (mut all, mut died) = (0, 0);
    for point in POINTS {
        bob.label(point);
        cyd.label(point);
        let armed = Death::Point(format!("{point}=20%return(kill)"));
        let keeper = Keeper::start(shop.world, armed, kills);
        let mut sent = BTreeSet::new();
        for round in 0..rounds {
            // Two at once: one waits while the other is answered.
            let first = bob.send(&json!(format!("hello {round} at {point}")));
            let second = cyd.send(&json!(format!("hello to you {round}")));
            for message in [&first, &second] {
                bob.answer(message);
                cyd.answer(message);
                sent.insert(message.as_str().unwrap().to_owned());
            }
            if keeper.kills() >= kills {
                break;
            }
        }
        let times = keeper.kills();
        assert!(times > 0, "{point} was never reached");
        shop.world = keeper.retire();
        let last = bob.send(&json!("and one more"));
        bob.answer(&last);
        cyd.answer(&last);
        let journal = Journal::of(&shop, "bob", &room);
        let there = journal.assert_clean(point);
        let lost: Vec<_> = sent.difference(&there).collect();
        assert!(lost.is_empty(), "{point}: lost {lost:?}");
        cyd.assert_saw("cyd", &sent);
        for name in watchers.iter().map(String::as_str).chain(["bob"]) {
            bob.assert_saw(name, &sent);
        }
        died += times;
        all = there.len();
    }
    // An older client comes late, and is shown the same.
    let mut late = Page::open(&shop, Driver::start(KINDS[1]), "bob@late", Via::Both, Some(&room));
    let journal = Journal::of(&shop, "bob", &room);
    let last: BTreeSet<String> = journal
        .said
        .iter()
        .rev()
        .take(20)
        .map(|said| said["messageID"].as_str().unwrap().to_owned())
        .collect();
    late.assert_saw("bob@late", &last);
    tell(&format!(
        "turns on {db:?}: {died} kills at {} points, {all} messages, 0 lost, 0 doubled, {:.0?}",
        POINTS.len(),
        begun.elapsed()
    ));
}
