//! Turns: one answer a message, in order, over doubled messages, cut connections, a full queue, `kill -9`.

use serde_json::{Value, json};

use super::shop::*;
use crate::harness::{
    database::Kind as Db,
    driver::{Driver, KINDS, Via, events_of},
};

/// A message that is sent again is one message; what was said is in order.
#[test]
fn sent_again_it_is_one_message() {
    for db in Db::here() {
        let shop = Shop::start(db, &[]);
        let mut driver = Driver::start(KINDS[3]);
        shop.page(&mut driver, "bob", Via::Polling);
        let room = enter(&mut driver, "bob", json!({}));
        let mut names = Vec::new();
        for at in 0..5 {
            let body = json!({ "chatRoomID": room, "message": format!("hello {at}"), "clientMessageID": format!("c{at}") });
            let first = driver.ask("bob", SAY, json!([body]))[0].clone();
            let again = driver.ask("bob", SAY, json!([body]))[0].clone();
            assert_eq!((first["ok"].clone(), again["ok"].clone()), (json!(true), json!(true)));
            assert_eq!(first["messageID"], again["messageID"]);
            names.push(first["messageID"].clone());
        }
        for name in &names {
            answer(&mut driver, "bob", name);
        }
        // A page that came back and sends it once more: the same, and no second answer.
        driver.cut("bob");
        driver.wait("it comes back", |seen| {
            (seen.iter().filter(|e| e["id"] == "bob" && e["what"] == "connect").count() > 1).then_some(())
        });
        enter(&mut driver, "bob", json!({ "chatRoomID": room }));
        let body = json!({ "chatRoomID": room, "message": "hello 4", "clientMessageID": "c4" });
        assert_eq!(driver.ask("bob", SAY, json!([body]))[0]["messageID"], names[4]);
        say(&mut driver, "bob", &room, json!("hello for the last time"));
        let told = events_of(&driver.seen, "bob", BOT);
        let replies: Vec<Value> = told.iter().take(5).map(|told| told["inReplyTo"].clone()).collect();
        assert_eq!((told.len(), replies), (6, names), "each once, in order");
        let seqs: Vec<i64> = told.iter().map(|told| told["seq"].as_i64().unwrap()).collect();
        assert!(seqs.is_sorted(), "{seqs:?}");
        let body = json!({ "chatRoomID": room, "message": "other words", "clientMessageID": "c4" });
        let other = driver.ask("bob", SAY, json!([body]))[0].clone();
        assert_eq!(other["messageID"], told[4]["inReplyTo"], "the name decides: {other}");
    }
}

/// Payloads that make no sense: an error event and the ack, and the next message is answered.
#[test]
fn what_cannot_be_read_is_told() {
    let shop = Shop::start(Db::Sqlite, &[("limits.chat_text", "1KiB")]);
    let mut driver = Driver::start(KINDS[0]);
    shop.page(&mut driver, "bob", Via::Both);
    let room = enter(&mut driver, "bob", json!({ "tenantID": "acme" }));
    let long = "x".repeat(1025);
    let bad = [
        (json!([{ "chatRoomID": room }]), "INVALID_REQUEST"),
        (json!([{ "chatRoomID": room, "message": {} }]), "INVALID_REQUEST"),
        (json!([{ "chatRoomID": room, "message": { "text": "  " } }]), "INVALID_REQUEST"),
        (json!([{ "chatRoomID": room, "message": { "text": 7 } }]), "INVALID_REQUEST"),
        (
            json!([{ "chatRoomID": room, "message": { "text": "hello", "action": "aprove" } }]),
            "INVALID_REQUEST",
        ),
        (json!([{ "chatRoomID": { "a": 1 }, "message": "hello" }]), "INVALID_REQUEST"),
        (json!([{ "chatRoomID": room, "message": long }]), "PAYLOAD_TOO_LARGE"),
        (json!([{ "chatRoomID": room, "message": "hello", "tenantID": "other" }]), "ROOM_NOT_FOUND"),
        (json!(["hello"]), "INVALID_REQUEST"),
    ];
    for (at, (args, code)) in bad.into_iter().enumerate() {
        let ack = driver.ask("bob", SAY, args.clone())[0].clone();
        assert_eq!(ack["error"]["code"], code, "{args}: {ack}");
        let errors = driver.wait("the error event", |seen| {
            let errors = events_of(seen, "bob", ERROR);
            (errors.len() > at).then_some(errors)
        });
        assert_eq!(errors[at]["error"]["code"], code, "{args}: {errors:?}");
    }
    // Neither NUL nor marks of direction hurt anybody.
    let told = say(&mut driver, "bob", &room, json!("hello \u{0} \u{202E}olleh <b>x</b>"));
    assert!(told["text"].is_string());
    let not_mine = driver.ask("bob", JOIN, json!([{ "tenantID": "other" }]))[0].clone();
    assert_eq!(not_mine["error"]["code"], "INVALID_TENANT", "{not_mine}");
}
