//! Answers that grow: to whoever asked to see them grow, and stopped when a person says so.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    endpoint::{Act, Call, End, Piece, says, stop, text},
    stage::{Stage, send},
};
use crate::{
    chat::shop::*,
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via, events_of},
    },
};

const DELTA: &str = "ai_chat_bot_delta";
const CANCEL: &str = "ai_chat_cancel";
/// No test waits for these.
const SETTINGS: &[(&str, &str)] = &[("ai.first_chunk", "60s"), ("ai.gap", "60s")];

fn script(call: &Call) -> Act {
    match call.text.split(' ').next().unwrap_or_default() {
        "grow" => Act::Stream(
            vec![text("One "), text("two "), Piece::Gate, text("three."), stop("stop")],
            End::Done,
        ),
        "hang" => Act::Stream(vec![text("So far ")], End::Stall),
        "mute" => Act::Silence,
        "endless" => {
            let piece = json!({ "choices": [{ "index": 0, "delta": { "content": "on " } }] });
            Act::Stream(vec![Piece::Forever(piece, Duration::from_millis(5))], End::Stall)
        }
        _ => says("Here it is."),
    }
}

/// The pieces of the answer to a message, put together.
fn grown(seen: &[Value], name: &str, message: &Value) -> String {
    let pieces = events_of(seen, name, DELTA);
    pieces.iter().filter(|one| one["inReplyTo"] == *message).filter_map(|one| one["text"].as_str()).collect()
}

#[test]
fn an_answer_grows_for_who_asked_to_see_it() {
    for db in Db::here() {
        let stage = Stage::start(db, SETTINGS, script);
        for (kind, via) in [(KINDS[0], Via::Websocket), (KINDS[3], Via::Polling), (KINDS[2], Via::Both)] {
            let mut driver = Driver::start(kind);
            let label = format!("{kind:?}").replace(['(', ')', '"', '.'], "");
            let (watcher, plain) = (format!("{label}@sees"), format!("{label}@plain"));
            stage.shop.page(&mut driver, &watcher, via);
            stage.shop.page(&mut driver, &plain, via);
            let room = enter(&mut driver, &watcher, json!({ "stream": true }));
            assert_eq!(enter(&mut driver, &plain, json!({ "chatRoomID": room })), room);
            let said = format!("grow for {label}");
            let message = send(&mut driver, &plain, &room, json!(said));
            driver.wait("the first pieces", |seen| {
                (grown(seen, &watcher, &message) == "One two ").then_some(())
            });
            assert_eq!(events_of(&driver.seen, &watcher, BOT), Vec::<Value>::new(), "nothing final yet");
            stage.endpoint.open(&said);
            for name in [&watcher, &plain] {
                assert_eq!(answer(&mut driver, name, &message)["text"], "One two three.");
            }
            // A piece may be lost, but never one in the middle of those that came.
            let pieces = grown(&driver.seen, &watcher, &message);
            assert!("One two three.".starts_with(&pieces), "{pieces}");
            for one in events_of(&driver.seen, &watcher, DELTA) {
                assert_eq!((&one["chatRoomID"], &one["inReplyTo"]), (&json!(room), &message), "{one}");
            }
            // Who does not ask any more is not told any more, and who asks now is.
            enter(&mut driver, &watcher, json!({ "chatRoomID": room, "stream": false }));
            let before = events_of(&driver.seen, &watcher, DELTA).len();
            say(&mut driver, &watcher, &room, json!("plain"));
            assert_eq!(events_of(&driver.seen, &watcher, DELTA).len(), before);
            assert_eq!(events_of(&driver.seen, &plain, DELTA), Vec::<Value>::new());
            assert_eq!(stage.assert_answered_once(&label, &room), 2);
        }
    }
}

#[test]
fn an_answer_is_stopped_by_a_word() {
    for db in Db::here() {
        let stage = Stage::start(db, SETTINGS, script);
        for kind in [KINDS[0], KINDS[3]] {
            let mut driver = Driver::start(kind);
            let name = if kind == KINDS[0] { "bob" } else { "cyd" };
            stage.shop.page(&mut driver, name, Via::Websocket);
            let room = enter(&mut driver, name, json!({ "stream": true }));
            let cancel = |driver: &mut Driver| {
                let ack = driver.ask(name, CANCEL, json!([{ "chatRoomID": room }]))[0].clone();
                assert_eq!(ack["ok"], true, "{ack}");
                ack["cancelled"].clone()
            };
            assert_eq!(cancel(&mut driver), false, "nothing is being answered");
            let mut messages = Vec::new();
            for (mode, begins) in [("hang", "So far "), ("endless", "on on "), ("mute", "")] {
                let said = format!("{mode} of {name}");
                let message = send(&mut driver, name, &room, json!(said));
                let next = send(&mut driver, name, &room, json!(format!("behind {mode}")));
                if begins.is_empty() {
                    crate::harness::expect::eventually("it was asked", Duration::from_secs(15), || {
                        (!stage.endpoint.asked_for(&said).is_empty()).then_some(())
                    });
                } else {
                    driver.wait("a piece", |seen| {
                        grown(seen, name, &message).starts_with(begins).then_some(())
                    });
                }
                assert_eq!(cancel(&mut driver), true, "{mode}");
                let told = answer(&mut driver, name, &message);
                let words = told["text"].as_str().unwrap();
                assert!(words.starts_with(begins) && words.to_lowercase().contains("stopped"), "{told}");
                stage.endpoint.until_dropped(&said);
                // What waited behind it is answered, and nothing more is told of what was stopped.
                assert_eq!(answer(&mut driver, name, &next)["text"], "Here it is.");
                messages.extend([message, next]);
            }
            let told = events_of(&driver.seen, name, BOT);
            let order: Vec<&Value> = told.iter().map(|one| &one["inReplyTo"]).collect();
            assert_eq!(order, messages.iter().collect::<Vec<_>>(), "one each, in order");
            assert_eq!(stage.assert_answered_once(name, &room), messages.len());
            let ended: Vec<Value> =
                stage.rows(name, &room, "BOT_MESSAGE").iter().map(|row| row["ended"].clone()).collect();
            let each = [json!("cancelled"), json!("ok")];
            assert_eq!(ended, each.iter().cycle().take(6).cloned().collect::<Vec<_>>());
        }
    }
}

/// Who is not in the room stops nothing, and sees nothing grow.
#[test]
fn a_stranger_stops_nothing() {
    let stage = Stage::start(Db::Sqlite, SETTINGS, script);
    let mut driver = Driver::start(KINDS[1]);
    for name in ["bob", "dan"] {
        stage.shop.page(&mut driver, name, Via::Websocket);
    }
    let room = enter(&mut driver, "bob", json!({ "stream": true }));
    let own = enter(&mut driver, "dan", json!({ "stream": true }));
    assert_ne!(room, own);
    let message = send(&mut driver, "bob", &room, json!("grow it"));
    driver.wait("a piece", |seen| grown(seen, "bob", &message).starts_with("One ").then_some(()));
    let ack = driver.ask("dan", CANCEL, json!([{ "chatRoomID": room }]))[0].clone();
    assert_eq!(ack["error"]["code"], "ROOM_NOT_FOUND", "{ack}");
    let ack = driver.ask("dan", CANCEL, json!([{ "chatRoomID": own }]))[0].clone();
    assert_eq!(ack["cancelled"], false, "{ack}");
    stage.endpoint.open("grow it");
    assert_eq!(answer(&mut driver, "bob", &message)["text"], "One two three.");
    assert_eq!(events_of(&driver.seen, "dan", DELTA), Vec::<Value>::new());
}
