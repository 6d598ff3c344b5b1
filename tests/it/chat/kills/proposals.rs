//! Proposals: `kill -9` before and after the effect, and anywhere else on the way of a yes.

use std::time::{Duration, Instant};

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

#[track_caller]
fn text(told: &Value) -> &str {
    told["text"].as_str().unwrap()
}

/// The hub begins anew with that point armed, dies of the message, and comes back immortal. The page sends the
/// message again: its id.
#[track_caller]
fn killed_by(shop: &mut Shop, page: &mut Page, point: &str, message: &Value) -> Value {
    use std::os::unix::process::ExitStatusExt as _;
    let again = |shop: &mut Shop, points: &str| {
        assert!(shop.world.hub.again(&[("FAILPOINTS", points)]), "{}", shop.world.hub.log());
    };
    again(shop, &format!("{point}=return(kill)"));
    page.wait_for_loss();
    page.come_back();
    page.throw(message);
    let status = shop.world.hub.ended(Duration::from_secs(20));
    assert_eq!(status.signal(), Some(9), "{point}: {status}");
    again(shop, "");
    page.wait_for_loss();
    page.send(message)
}

/// A query with an effect is never sent again: it ends UNKNOWN, and the message says that a person must look.
#[test]
fn a_refund_that_was_cut_off_is_never_made_twice() {
    for db in Db::here() {
        let mut shop = Shop::proposing(db, FAST);
        let mut bob = Page::open(&shop, Driver::start(KINDS[0]), "bob", Via::Websocket, None);
        let room = bob.room.clone();
        let points = [("proposal.before_effect", 0), ("proposal.after_effect", 1)];
        for (order, (point, effects)) in
            (1..).zip(points.into_iter().cycle().take(if long() { 20 } else { 4 }))
        {
            bob.label(&format!("{point} {order}"));
            let asked = bob.send(&json!(format!("Refund order {order}")));
            let told = bob.answer(&asked);
            let id = told["proposal"]["id"].clone();
            assert!(id.is_string(), "{told}");
            let yes = json!({ "action": "approve", "proposalID": id });
            let yes = killed_by(&mut shop, &mut bob, point, &yes);
            let told = bob.answer(&yes);
            assert!(text(&told).contains("whether it happened is not known"), "{point}: {told}");
            assert!(text(&told).contains("look for yourself"), "{point}: {told}");
            assert_eq!(shop.till.refunds_of(order), effects, "{point}");
            // Again, by name and without, from a page that came back: nothing.
            for message in [json!({ "action": "approve", "proposalID": id }), json!({ "action": "approve" })]
            {
                let again = bob.send(&message);
                let told = bob.answer(&again);
                assert!(!text(&told).starts_with("Done"), "{point}: {told}");
            }
            assert_eq!(shop.till.refunds_of(order), effects, "{point}");
            let journal = Journal::of(&shop, "bob", &room);
            journal.assert_clean(point);
            let closed = journal.closed.last().unwrap();
            assert_eq!(
                (&closed["proposalID"], &closed["status"]),
                (&id, &json!("UNKNOWN")),
                "{point}: {closed}"
            );
        }
        // The room goes on.
        bob.label("after");
        let asked = bob.send(&json!("Refund order 99"));
        bob.answer(&asked);
        let yes = bob.send(&json!({ "action": "approve" }));
        assert!(text(&bob.answer(&yes)).starts_with("Done"));
        assert_eq!(shop.till.refunds_of(99), 1);
    }
}

/// A start of a workflow has the proposal's id as its key: it is done again, and is the same run.
#[test]
fn a_start_that_was_cut_off_is_one_run() {
    for db in Db::here() {
        let mut shop = Shop::proposing(db, FAST);
        let mut bob = Page::open(&shop, Driver::start(KINDS[0]), "bob", Via::Websocket, None);
        let points =
            ["proposal.before_effect", "proposal.after_effect", "node.after_effect", "run.committed"];
        for (begun, point) in (1..).zip(points) {
            bob.label(point);
            let asked = bob.send(&json!(REPORT));
            let told = bob.answer(&asked);
            assert_eq!(told["proposal"]["tool"], "start_workflow", "{told}");
            let yes = json!({ "action": "approve", "proposalID": told["proposal"]["id"] });
            let yes = killed_by(&mut shop, &mut bob, point, &yes);
            let done = bob.answer(&yes);
            assert!(text(&done).starts_with("Done"), "{point}: {done}");
            let run = Journal::of(&shop, "bob", &bob.room).told.last().unwrap()["instanceID"].clone();
            let ann = shop.world.ann();
            ann.until(run.as_str().unwrap_or_else(|| panic!("{point}: no run in {done}")), "COMPLETED");
            let runs = ann.get(&format!("/instances?workflowID={}", shop.report));
            assert_eq!(runs["totalCount"], begun, "{point}: {runs}");
            let again = bob.send(&json!({ "action": "approve", "proposalID": told["proposal"]["id"] }));
            assert!(text(&bob.answer(&again)).contains("carried out already"), "{point}");
        }
        let runs = shop.world.ann().get(&format!("/instances?workflowID={}", shop.report));
        assert_eq!(runs["totalCount"], points.len(), "{runs}");
        Journal::of(&shop, "bob", &bob.room).assert_clean("starts");
    }
}

/// Where a yes comes by. The first two have a test of their own as well.
const POINTS: [&str; 7] = [
    "proposal.before_effect",
    "proposal.after_effect",
    "room.accepted",
    "room.committed",
    "journal.before_begin",
    "journal.before_commit",
    "journal.after_commit",
];

#[test]
fn killed_at_each_point_of_a_proposal_on_sqlite() {
    every_point(Db::Sqlite);
}

#[test]
fn killed_at_each_point_of_a_proposal_on_postgresql() {
    if Db::here().contains(&Db::Postgresql) {
        every_point(Db::Postgresql);
    }
}

/// How proposals ended.
#[derive(Debug, Default)]
struct Ends {
    done: usize,
    unknown: usize,
    /// Told that nothing was done.
    nothing: Vec<String>,
}

fn every_point(db: Db) {
    let begun = Instant::now();
    let (kills, rounds) = if long() { (15, 60) } else { (3, 20) };
    let settings = [FAST, SLOW].concat();
    let mut shop = Shop::proposing(db, &settings);
    let mut bob = Page::open(&shop, Driver::start(KINDS[0]), "bob", Via::Websocket, None);
    let (mut order, mut ends, mut all) = (0, Ends::default(), 0);
    // An approval passes the first two once, all others often.
    let points = POINTS.map(|point| {
        let chance = if point.starts_with("proposal.") { 50 } else { 15 };
        Death::Point(format!("{point}={chance}%return(kill)"))
    });
    let random = (0..kills as u64).map(|at| 150 + at * 137 % 700).collect();
    for death in points.into_iter().chain([Death::Random(random)]) {
        let label = format!("{death:?}");
        bob.label(&label);
        let keeper = Keeper::start(shop.world, death, kills);
        let mut asked = Vec::new();
        for _ in 0..rounds {
            order += 1;
            let proposes = bob.send(&json!(format!("Refund order {order}")));
            bob.answer(&proposes);
            let shown = bob.send(&json!({ "action": "test" }));
            let yes = bob.send(&json!({ "action": "approve" }));
            let told = bob.answer(&shown);
            assert!(!text(&told).starts_with("Done"), "{label}: {told}");
            let told = bob.answer(&yes);
            asked.push((order, text(&told).to_owned()));
            if keeper.kills() >= kills {
                break;
            }
        }
        let times = keeper.kills();
        assert!(times > 0, "{label} was never reached");
        all += times;
        shop.world = keeper.retire();
        for (order, told) in asked {
            let effects = shop.till.refunds_of(order);
            let fits = match told.as_str() {
                told if told.starts_with("Done") => {
                    ends.done += 1;
                    effects == 1
                }
                told if told.contains("whether it happened is not known") => {
                    ends.unknown += 1;
                    effects <= 1
                }
                told => {
                    ends.nothing.push(told.to_owned());
                    effects == 0
                }
            };
            assert!(fits, "{label}: order {order} has {effects} refunds and was told {told:?}");
        }
        let said = Journal::of(&shop, "bob", &bob.room).assert_clean(&label);
        bob.assert_saw("bob", &said);
    }
    tell(&format!("proposals on {db:?}: {all} kills, {ends:?}, none twice, {:.0?}", begun.elapsed()));
    assert!(ends.done > 0 && ends.unknown > 0, "{ends:?}");
}
