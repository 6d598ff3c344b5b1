//! Two people answer the same proposal at the same moment.

use serde_json::{Value, json};

use crate::chat::shop::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
};

/// Rounds on each database.
const ROUNDS: i64 = 20;

/// Bob's room with Cyd in it: he comes by Node, she by Python.
struct Pair {
    shop: Shop,
    bob: Driver,
    cyd: Driver,
    room: String,
}

impl Pair {
    fn start(db: Db) -> Self {
        let shop = Shop::proposing(db, FAST);
        let (mut bob, mut cyd) = (Driver::start(KINDS[0]), Driver::start(KINDS[3]));
        shop.page(&mut bob, "bob", Via::Websocket);
        shop.page(&mut cyd, "cyd", Via::Websocket);
        let room = enter(&mut bob, "bob", json!({}));
        let (status, body) =
            shop.rest("bob", "POST", &format!("/{room}/members"), &json!({ "firebaseID": "cyd" }));
        assert_eq!(status, 201, "{body}");
        enter(&mut cyd, "cyd", json!({ "chatRoomID": room }));
        Self { shop, bob, cyd, room }
    }

    /// Both say their word at once: what each is told.
    fn both(&mut self, words: [&str; 2], id: Option<&Value>) -> [Value; 2] {
        let body = |action: &str| {
            let mut message = json!({ "action": action });
            if let Some(id) = id {
                message["proposalID"] = id.clone();
            }
            json!([{ "chatRoomID": self.room, "message": message }])
        };
        let (first, second) = (body(words[0]), body(words[1]));
        let marks = [self.bob.seen.len(), self.cyd.seen.len()];
        self.bob.emit_ack("bob", SAY, first);
        self.cyd.emit_ack("cyd", SAY, second);
        let mut told = [("bob", &mut self.bob, marks[0]), ("cyd", &mut self.cyd, marks[1])].map(
            |(name, driver, mark)| {
                let ack = driver.wait("the ack", |seen| {
                    let ack = |line: &&Value| line["what"] == "ack" && line["event"] == SAY;
                    seen[mark..].iter().find(ack).map(|line| line["args"][0].clone())
                });
                assert_eq!(ack["ok"], true, "{ack}");
                answer(driver, name, &ack["messageID"])
            },
        );
        // Each sees the other's answer as well, and in the same order.
        for (driver, name) in [(&mut self.bob, "bob"), (&mut self.cyd, "cyd")] {
            for told in &told {
                answer(driver, name, &told["inReplyTo"]);
            }
        }
        told.sort_by_key(|told| told["seq"].as_i64());
        told
    }
}

impl Pair {
    /// A refund is proposed, and both have seen it: its id.
    #[track_caller]
    fn proposed(&mut self, order: i64) -> Value {
        let told = refund(&mut self.bob, "bob", &self.room, order);
        answer(&mut self.cyd, "cyd", &told["inReplyTo"]);
        told["proposal"]["id"].clone()
    }
}

#[track_caller]
fn text(told: &Value) -> &str {
    told["text"].as_str().unwrap()
}

#[test]
fn two_approve_at_once_and_one_effect_happens() {
    for db in Db::here() {
        let mut pair = Pair::start(db);
        for order in 1..=ROUNDS {
            let id = pair.proposed(order);
            let [first, second] = pair.both(["approve", "approve"], (order % 2 == 0).then_some(&id));
            assert!(text(&first).starts_with("Done"), "{first}");
            let late = ["approved and carried out already", "There is no open proposal to approve"];
            assert!(late.iter().any(|late| text(&second).contains(late)), "{second}");
            assert_eq!(pair.shop.till.refunds_of(order), 1, "one effect");
        }
        assert_eq!(pair.shop.till.refunds(), ROUNDS);
        pair.same_order();
    }
}

#[test]
fn approve_and_reject_at_once_have_one_outcome() {
    let (mut done, mut rejected) = (0, 0);
    for db in Db::here() {
        let mut pair = Pair::start(db);
        for order in 1..=ROUNDS {
            let id = pair.proposed(order);
            let words = if order % 2 == 0 { ["approve", "reject"] } else { ["reject", "approve"] };
            let [first, second] = pair.both(words, Some(&id));
            let (effects, late) = if text(&first).starts_with("Done") {
                done += 1;
                (1, "was approved and carried out already")
            } else {
                assert!(text(&first).starts_with("Rejected, nothing was done"), "{first}");
                rejected += 1;
                (0, "was rejected already")
            };
            assert!(text(&second).contains(late), "{second}");
            assert_eq!(pair.shop.till.refunds_of(order), effects, "{first} {second}");
        }
        pair.same_order();
    }
    crate::harness::expect::say(&format!("approve against reject: {done} done, {rejected} rejected"));
}

/// A workflow that two people approve is started once.
#[test]
fn two_approve_a_workflow_at_once_and_one_run_begins() {
    for db in Db::here() {
        let mut pair = Pair::start(db);
        let ann = pair.shop.world.ann();
        for round in 1..=5 {
            let room = pair.room.clone();
            let told = say(&mut pair.bob, "bob", &room, json!(REPORT));
            assert_eq!(told["proposal"]["tool"], "start_workflow", "{told}");
            answer(&mut pair.cyd, "cyd", &told["inReplyTo"]);
            let id = told["proposal"]["id"].clone();
            let [first, second] = pair.both(["approve", "approve"], Some(&id));
            assert!(text(&first).starts_with("Done") && first["instanceID"].is_string(), "{first}");
            assert!(text(&second).contains("already") && second["instanceID"].is_null(), "{second}");
            let runs = ann.get(&format!("/instances?workflowID={}", pair.shop.report));
            assert_eq!(runs["totalCount"], round, "{runs}");
        }
    }
}

impl Pair {
    /// Both saw the same answers, each once, in the order of the room.
    #[track_caller]
    fn same_order(&mut self) {
        let room = self.room.clone();
        let last = say(&mut self.bob, "bob", &room, json!("that was all"));
        answer(&mut self.cyd, "cyd", &last["inReplyTo"]);
        let seqs = |driver: &Driver, name: &str| -> Vec<i64> {
            events_of(&driver.seen, name, BOT).iter().map(|told| told["seq"].as_i64().unwrap()).collect()
        };
        let (bob, cyd) = (seqs(&self.bob, "bob"), seqs(&self.cyd, "cyd"));
        assert!(bob.windows(2).all(|pair| pair[0] < pair[1]), "{bob:?}");
        assert_eq!(bob, cyd);
    }
}
