//! Test, approve and reject, in all orders.

use serde_json::{Value, json};

use crate::chat::shop::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
};

/// First the word, then its answer, with what it must say.
#[track_caller]
fn expect(told: &Value, words: &str) {
    let text = told["text"].as_str().unwrap();
    assert!(text.contains(words), "{words:?} is not in {told}");
    assert_eq!(told["message"], told["text"]);
}

#[test]
fn one_word_each_in_all_orders() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        for (at, kind) in [KINDS[0], KINDS[3]].into_iter().enumerate() {
            let mut driver = Driver::start(kind);
            shop.page(&mut driver, "bob", Via::Both);
            let room = enter(&mut driver, "bob", json!({}));
            let order = |which: usize| i64::try_from(at * 100 + which).unwrap();

            // Test, then approve: one effect.
            let told = refund(&mut driver, "bob", &room, order(7));
            let proposal = &told["proposal"];
            assert_eq!(proposal["tool"], "run_query", "{told}");
            assert_eq!(
                proposal["arguments"],
                json!({ "dataQueryID": shop.refund, "inputValues": { "order": order(7) } })
            );
            assert_eq!(proposal["id"], proposal["proposalID"]);
            assert!(proposal["summary"].as_str().unwrap().contains("Refund an order"), "{told}");
            assert!(proposal["expiresAt"].as_str().is_some(), "{told}");
            assert!(!told["text"].as_str().unwrap().is_empty(), "an old page shows the text only");
            for _ in 0..2 {
                let shown = act(&mut driver, "bob", &room, "test", None);
                expect(&shown, "nothing was changed");
                expect(&shown, "INSERT INTO refunds");
                expect(&shown, &order(7).to_string());
                assert_eq!(shown["data"]["columns"], json!(["name", "value"]), "{shown}");
                assert!(shown["data"]["rows"].to_string().contains("INSERT INTO refunds"), "{shown}");
                assert_eq!(shown["proposal"], Value::Null, "what is open is not proposed anew");
            }
            assert_eq!(shop.till.refunds_of(order(7)), 0);
            let done = act(&mut driver, "bob", &room, "approve", None);
            expect(&done, "Done");
            expect(&done, "1 row was changed");
            assert_eq!(shop.till.refunds_of(order(7)), 1);

            // Twice, and late: by name and without.
            let id = told["proposal"]["id"].clone();
            for action in ["approve", "reject", "test"] {
                expect(&act(&mut driver, "bob", &room, action, None), "There is no open proposal");
                expect(
                    &act(&mut driver, "bob", &room, action, Some(&id)),
                    "approved and carried out already",
                );
            }
            assert_eq!(shop.till.refunds_of(order(7)), 1);

            // Approve at once.
            refund(&mut driver, "bob", &room, order(8));
            expect(&act(&mut driver, "bob", &room, "approve", None), "Done");
            assert_eq!(shop.till.refunds_of(order(8)), 1);

            // Reject, with a reason; approve after it.
            let told = refund(&mut driver, "bob", &room, order(9));
            let no = json!({ "action": "reject", "text": "The wrong order." });
            expect(&say(&mut driver, "bob", &room, no), "Rejected, nothing was done");
            let id = told["proposal"]["id"].clone();
            expect(&act(&mut driver, "bob", &room, "approve", None), "There is no open proposal to approve");
            for action in ["approve", "reject", "test"] {
                expect(&act(&mut driver, "bob", &room, action, Some(&id)), "was rejected already");
            }
            assert_eq!(shop.till.refunds_of(order(9)), 0);
            let closed = until_rows(&shop, "bob", &room, "PROPOSAL_CLOSED", 3);
            assert_eq!(
                (&closed[2]["status"], &closed[2]["reason"]),
                (&json!("REJECTED"), &json!("The wrong order."))
            );

            // Test, then reject.
            refund(&mut driver, "bob", &room, order(10));
            expect(&act(&mut driver, "bob", &room, "test", None), "INSERT INTO refunds");
            expect(&act(&mut driver, "bob", &room, "reject", None), "Rejected");
            assert_eq!(shop.till.refunds_of(order(10)), 0);

            // A newer one takes its place.
            let old = refund(&mut driver, "bob", &room, order(11))["proposal"]["id"].clone();
            let new = refund(&mut driver, "bob", &room, order(12))["proposal"]["id"].clone();
            assert_ne!(old, new);
            for action in ["approve", "reject", "test"] {
                expect(&act(&mut driver, "bob", &room, action, Some(&old)), "replaced by a newer one");
            }
            expect(&act(&mut driver, "bob", &room, "approve", Some(&new)), "Done");
            assert_eq!((shop.till.refunds_of(order(11)), shop.till.refunds_of(order(12))), (0, 1));
            assert_eq!(events_of(&driver.seen, "bob", ERROR), Vec::<Value>::new());
            // Old pages: one message for each, its whole text under both names, nothing under another event.
            let (said, told) = (count(&driver, "emit", SAY), count(&driver, "event", BOT));
            assert_eq!(said, told, "one answer each");
            driver.close("bob");
            assert_eq!(shop.rest("bob", "DELETE", &format!("/{room}"), &Value::Null).0, 200);
        }
        assert_eq!(shop.till.refunds(), 6);
    }
}

fn count(driver: &Driver, what: &str, event: &str) -> usize {
    driver.seen.iter().filter(|line| line["what"] == what && line["event"] == event).count()
}

#[test]
fn who_answers_late_finds_it_expired() {
    for db in Db::here() {
        let shop = Shop::proposing(db, &[("ai.proposal_expiry", "1s"), FAST[0]]);
        let mut driver = Driver::start(KINDS[3]);
        shop.page(&mut driver, "bob", Via::Websocket);
        let room = enter(&mut driver, "bob", json!({}));
        let id = refund(&mut driver, "bob", &room, 7)["proposal"]["id"].clone();
        // Its timer closes it: nobody has to ask.
        let closed = until_rows(&shop, "bob", &room, "PROPOSAL_CLOSED", 1);
        assert_eq!((&closed[0]["status"], &closed[0]["proposalID"]), (&json!("EXPIRED"), &id), "{closed:?}");
        for action in ["approve", "reject", "test"] {
            expect(&act(&mut driver, "bob", &room, action, Some(&id)), "has expired");
            expect(&act(&mut driver, "bob", &room, action, None), "There is no open proposal");
        }
        assert_eq!(shop.till.refunds(), 0);
        // Asked again, it is another proposal.
        let again = refund(&mut driver, "bob", &room, 7)["proposal"]["id"].clone();
        assert_ne!(again, id);
        expect(&act(&mut driver, "bob", &room, "approve", Some(&again)), "Done");
        assert_eq!(shop.till.refunds(), 1);
    }
}

/// A proposal of another room, or of nobody, is none; a socket that was not sent the message must name it.
#[test]
fn whose_proposal_it_is_and_who_saw_it() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let mut driver = Driver::start(KINDS[0]);
        for name in ["bob", "bob@blind", "cyd"] {
            shop.page(&mut driver, name, Via::Websocket);
        }
        let room = enter(&mut driver, "bob", json!({}));
        let other = enter(&mut driver, "cyd", json!({}));
        expect(&act(&mut driver, "bob", &room, "approve", None), "There is no open proposal to approve");
        let foreign = refund(&mut driver, "cyd", &other, 1)["proposal"]["id"].clone();
        let own = refund(&mut driver, "bob", &room, 2)["proposal"]["id"].clone();
        for id in [&foreign, &json!("0191c0de-0000-7000-8000-000000000000"), &json!("x' OR 1=1 --")] {
            for action in ["approve", "reject", "test"] {
                expect(&act(&mut driver, "bob", &room, action, Some(id)), "There is no such proposal");
            }
        }
        // Nor can she answer for his room, by his proposal's name or without.
        for message in [json!({ "action": "approve", "proposalID": own }), json!({ "action": "approve" })] {
            let refused =
                driver.ask("cyd", SAY, json!([{ "chatRoomID": room, "message": message }]))[0].clone();
            assert_eq!(refused["error"]["code"], "ROOM_NOT_FOUND", "{refused}");
        }
        expect(&act(&mut driver, "cyd", &other, "approve", Some(&own)), "There is no such proposal");
        assert_eq!(shop.till.refunds(), 0);

        // A socket of his that is not in the room: it never saw what it would approve.
        for action in ["approve", "reject", "test"] {
            let message = json!({ "action": action });
            let ack =
                driver.ask("bob@blind", SAY, json!([{ "chatRoomID": room, "message": message }]))[0].clone();
            assert_eq!(ack["ok"], true, "{ack}");
            expect(&answer(&mut driver, "bob", &ack["messageID"]), "before you came into this room");
        }
        assert_eq!(shop.till.refunds(), 0);
        // Entering, it is shown the proposal, and may answer it without a name.
        let before = events_of(&driver.seen, "bob@blind", ROOM).len();
        assert_eq!(enter(&mut driver, "bob@blind", json!({ "chatRoomID": room })), room);
        let entered =
            driver.wait("the history", |seen| events_of(seen, "bob@blind", ROOM).get(before).cloned());
        let shown = entered["history"].as_array().unwrap().iter().find(|item| item["proposal"]["id"] == own);
        assert!(shown.is_some(), "{entered}");
        expect(&act(&mut driver, "bob@blind", &room, "approve", None), "Done");
        assert_eq!((shop.till.refunds(), shop.till.refunds_of(2)), (1, 1));
        // Hers is still hers.
        expect(&act(&mut driver, "cyd", &other, "approve", None), "Done");
        assert_eq!((shop.till.refunds(), shop.till.refunds_of(1)), (2, 1));
    }
}

/// Approved and sent again because its ack was lost: one message, one effect.
#[test]
fn an_approval_that_is_sent_again_is_one_approval() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        let mut driver = Driver::start(KINDS[0]);
        shop.page(&mut driver, "bob", Via::Websocket);
        let room = enter(&mut driver, "bob", json!({}));
        for order in 1..=5 {
            let id = refund(&mut driver, "bob", &room, order)["proposal"]["id"].clone();
            let body = json!([{
                "chatRoomID": room, "clientMessageID": format!("yes{order}"),
                "message": { "action": "approve", "proposalID": id },
            }]);
            driver.emit("bob", SAY, body.clone());
            driver.emit("bob", SAY, body.clone());
            let ack = driver.ask("bob", SAY, body)[0].clone();
            expect(&answer(&mut driver, "bob", &ack["messageID"]), "Done");
            assert_eq!(shop.till.refunds_of(order), 1);
        }
        say(&mut driver, "bob", &room, json!("hello"));
        assert_eq!(
            events_of(&driver.seen, "bob", BOT).len(),
            11,
            "five proposals, five times done, one hello"
        );
    }
}

/// The seed's payload, literally: a text with `test`. It is proposed and shown, and may be approved then.
#[test]
fn a_text_with_test_is_shown_and_proposed() {
    for db in Db::here() {
        let shop = Shop::proposing(db, FAST);
        for kind in [KINDS[0], KINDS[3]] {
            let mut driver = Driver::start(kind);
            shop.page(&mut driver, "bob", Via::Both);
            let room = enter(&mut driver, "bob", json!({}));
            driver.emit(
                "bob",
                SAY,
                json!([{ "message": { "text": "Show me sales for last month", "action": "test" },
                         "chatRoomID": room, "firebaseID": "uid", "tenantID": "acme" }]),
            );
            let told = driver.wait("the answer", |seen| events_of(seen, "bob", BOT).pop());
            expect(&told, "There was no open proposal to test");
            assert_eq!(told["proposal"]["arguments"]["dataQueryID"], json!(shop.sales), "{told}");
            assert_eq!(told["data"]["columns"], json!(["day", "total"]), "{told}");
            assert!(told["data"]["rows"].as_array().unwrap().len() > 20, "{told}");
            let done = act(&mut driver, "bob", &room, "approve", Some(&told["proposal"]["id"]));
            expect(&done, "Done");
            assert_eq!(done["data"], told["data"], "it only reads");
            driver.close("bob");
            assert_eq!(shop.rest("bob", "DELETE", &format!("/{room}"), &Value::Null).0, 200);
        }
    }
}
