//! `faults.md` F46: twelve ways in which an endpoint answers or does not, each in a room of its own, all at once.
//! Each turn has one end, in order, and the room goes on.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    endpoint::{Act, Call, End, Piece, calls, says, stop, text},
    stage::{Stage, send},
};
use crate::{
    chat::shop::*,
    crash::long,
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via},
        expect::say as tell,
    },
};

/// Short enough for a test; what goes well is much faster, also on a busy machine.
const SETTINGS: &[(&str, &str)] = &[
    ("ai.first_chunk", "700ms"),
    ("ai.gap", "1s"),
    ("ai.turn_timeout", "20s"),
    ("ai.retries", "1"),
    ("ai.max_output", "4KiB"),
    ("limits.events", "1000/s burst 5000"),
];

/// How a turn ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ends {
    Well,
    /// Without an answer; something of one was told before.
    Badly {
        partial: bool,
    },
}

/// Name, and how it ends.
const MODES: [(&str, Ends); 12] = [
    ("plain", Ends::Well),
    ("slow", Ends::Well),
    ("silent", Ends::Badly { partial: false }),
    ("stall", Ends::Badly { partial: true }),
    ("failing", Ends::Badly { partial: false }),
    ("recovers", Ends::Well),
    ("busy", Ends::Well),
    ("full", Ends::Badly { partial: false }),
    ("garbage", Ends::Badly { partial: false }),
    ("cut", Ends::Badly { partial: true }),
    ("endless", Ends::Badly { partial: true }),
    ("tool", Ends::Well),
];

/// `<mode> <number>`.
fn script(call: &Call) -> Act {
    let (mode, _) = call.text.split_once(' ').unwrap_or((&call.text, ""));
    let whole = says("The whole answer is here.");
    let pause = |ms| Piece::Pause(Duration::from_millis(ms));
    match mode {
        "slow" => Act::Stream(
            vec![pause(150), text("The whole "), pause(100), text("answer."), stop("stop")],
            End::Done,
        ),
        "silent" => Act::Silence,
        "stall" => Act::Stream(vec![text("So far ")], End::Stall),
        "failing" => Act::Status(500, ""),
        "recovers" if call.before == 0 => Act::Status(503, ""),
        "busy" if call.before == 0 => Act::Status(429, "retry-after: 1\r\n"),
        "full" => Act::Status(429, "retry-after: 3600\r\n"),
        "garbage" => {
            Act::Stream(vec![Piece::Raw("data: {\"choices\": [{\"del\n\ndata: <html>canary\n\n")], End::Done)
        }
        "cut" => Act::Stream(vec![text("So far "), text("so good")], End::Cut),
        "endless" => {
            let piece = json!({ "choices": [{ "index": 0, "delta": { "content": "and so on " } }] });
            Act::Stream(vec![text("So far "), Piece::Forever(piece, Duration::ZERO)], End::Stall)
        }
        "tool" if call.results == 0 => calls("search_catalogue", &json!({ "text": "sales" }).to_string()),
        _ => whole,
    }
}

#[test]
fn every_turn_has_one_end() {
    let begun = Instant::now();
    let turns = if long() { 100 } else { 10 };
    for db in Db::here() {
        let stage = Stage::start(db, SETTINGS, script);
        let mut driver = Driver::start(KINDS[0]);
        let mut rooms = Vec::new();
        for (mode, _) in MODES {
            stage.shop.page(&mut driver, mode, Via::Websocket);
            rooms.push(enter(&mut driver, mode, json!({})));
        }
        // As many as may wait in a room; all rooms at once.
        for first in (0..turns).step_by(10) {
            for number in first..turns.min(first + 10) {
                for ((mode, _), room) in MODES.iter().zip(&rooms) {
                    send(&mut driver, mode, room, json!(format!("{mode} {number}")));
                }
            }
            let mut told = count(&driver.seen);
            let enough = first + 10;
            if MODES.iter().any(|(mode, _)| told.get(*mode).is_none_or(|told| *told < enough)) {
                driver.each("all answers", Duration::from_secs(180), |line| {
                    add(&mut told, line);
                    MODES.iter().all(|(mode, _)| told.get(*mode).is_some_and(|told| *told >= enough))
                });
            }
        }
        let mut terminals = 0;
        for ((mode, ends), room) in MODES.iter().zip(&rooms) {
            terminals += judge(&stage, &mut driver, mode, *ends, room, turns);
        }
        assert_eq!(terminals, turns * MODES.len());
        assert!(!stage.shop.world.hub.log().contains("sk-canary"), "the key is in the log");
        tell(&format!(
            "F46 on {db:?}: {} modes, {terminals} turns, {terminals} terminals, 0 twice, {:.0?}",
            MODES.len(),
            begun.elapsed()
        ));
    }
}

/// How many answers each page was told.
fn count(seen: &[Value]) -> BTreeMap<String, usize> {
    let mut told = BTreeMap::new();
    seen.iter().for_each(|line| add(&mut told, line));
    told
}

fn add(told: &mut BTreeMap<String, usize>, line: &Value) {
    if line["what"] == "event" && line["event"] == BOT {
        *told.entry(line["id"].as_str().unwrap_or_default().to_owned()).or_default() += 1;
    }
}

/// A room of one mode, after its turns.
#[track_caller]
fn judge(stage: &Stage, driver: &mut Driver, mode: &str, ends: Ends, room: &str, turns: usize) -> usize {
    // The room goes on, whatever was before. (Nothing is behind it: what came twice would have come by now.)
    let last = say(driver, mode, room, json!("and now?"));
    assert_eq!(last["text"], "The whole answer is here.", "{mode}");
    let told = events_of(driver, mode, BOT);
    assert_eq!(told.len(), turns + 1, "{mode}: {told:?}");
    assert_eq!(stage.assert_answered_once(mode, room), turns + 1);
    let rows = stage.rows(mode, room, "BOT_MESSAGE");
    for (row, told) in rows.iter().zip(&told).take(turns) {
        let words = told["text"].as_str().unwrap();
        assert!(!words.trim().is_empty() && !words.contains("canary"), "{mode}: {words}");
        assert_eq!((&row["text"], &row["messageID"]), (&told["text"], &told["messageID"]), "{mode}");
        match ends {
            Ends::Well => {
                assert_eq!((&row["ended"], &told["errorCode"]), (&json!("ok"), &Value::Null), "{row}")
            }
            Ends::Badly { partial } => {
                let code = json!("ASSISTANT_UNAVAILABLE");
                assert_eq!((&row["ended"], &told["errorCode"]), (&json!("error"), &code), "{row}");
                assert_eq!(row["partial"] == true, partial, "{row}");
                assert_eq!(words.starts_with("So far "), partial, "{mode}: {words}");
                assert!(words.len() < 4096 + 300, "{mode}: {} bytes", words.len());
            }
        }
    }
    // Nothing of an answer that nobody waits for goes on.
    if ["silent", "stall", "endless"].contains(&mode) {
        (0..turns).for_each(|number| stage.endpoint.until_dropped(&format!("{mode} {number}")));
    }
    // Who asked is also told so as programs are.
    let failed = if ends == Ends::Well { 0 } else { turns };
    let errors = events_of(driver, mode, ERROR);
    assert_eq!(errors.len(), failed, "{mode}: {errors:?}");
    for error in errors {
        assert_eq!(
            (&error["error"]["code"], &error["chatRoomID"]),
            (&json!("ASSISTANT_UNAVAILABLE"), &json!(room))
        );
        assert!(!error.to_string().contains("canary"), "{error}");
    }
    turns
}

fn events_of(driver: &Driver, name: &str, event: &str) -> Vec<Value> {
    crate::harness::driver::events_of(&driver.seen, name, event)
}

/// An answer that never comes to an end, however slowly, ends by the turn's time; and a wait that is longer than that
/// is not begun.
#[test]
fn a_turn_ends_in_its_time() {
    let settings = [SETTINGS, &[("ai.turn_timeout", "3s"), ("ai.retries", "3")]].concat();
    let stage = Stage::start(Db::Sqlite, &settings, |call| match call.text.as_str() {
        "drip" => {
            let piece = json!({ "choices": [{ "index": 0, "delta": { "content": "drip " } }] });
            Act::Stream(vec![Piece::Forever(piece, Duration::from_millis(100))], End::Stall)
        }
        _ => script(call),
    });
    let mut driver = Driver::start(KINDS[3]);
    stage.shop.page(&mut driver, "bob", Via::Both);
    let room = enter(&mut driver, "bob", json!({}));
    let told = say(&mut driver, "bob", &room, json!("drip"));
    let words = told["text"].as_str().unwrap();
    assert!(words.starts_with("drip drip ") && words.contains("within 3 s"), "{told}");
    assert_eq!(told["errorCode"], "ASSISTANT_UNAVAILABLE");
    stage.endpoint.until_dropped("drip");
    let begun = Instant::now();
    let told = say(&mut driver, "bob", &room, json!("full 1"));
    assert!(told["text"].as_str().unwrap().contains("429"), "{told}");
    assert!(begun.elapsed() < Duration::from_secs(3), "it waits for {:?}", begun.elapsed());
    assert_eq!(stage.endpoint.asked_for("full 1").len(), 1);
    assert_eq!(say(&mut driver, "bob", &room, json!("on"))["text"], "The whole answer is here.");
    assert_eq!(stage.assert_answered_once("bob", &room), 3);
}

/// Who asks too often is told so as a person and as a program; the endpoint hears nothing of it.
#[test]
fn who_asks_too_often_is_told_so() {
    let stage = Stage::start(Db::Sqlite, &[("ai.user_turns", "2/h")], script);
    let mut driver = Driver::start(KINDS[1]);
    for name in ["bob", "cyd"] {
        stage.shop.page(&mut driver, name, Via::Websocket);
    }
    let room = enter(&mut driver, "bob", json!({}));
    let told = ["one", "two", "three"].map(|said| say(&mut driver, "bob", &room, json!(said)));
    assert_eq!(
        (&told[1]["errorCode"], &told[2]["errorCode"]),
        (&Value::Null, &json!("RATE_LIMITED")),
        "{told:?}"
    );
    assert!(told[2]["text"].as_str().unwrap().contains("try again in"), "{told:?}");
    let error = driver.wait("the error", |seen| crate::harness::driver::events_of(seen, "bob", ERROR).pop());
    assert_eq!((&error["error"]["code"], &error["chatRoomID"]), (&json!("RATE_LIMITED"), &json!(room)));
    assert!(stage.endpoint.asked_for("three").is_empty());
    let hers = enter(&mut driver, "cyd", json!({}));
    assert_eq!(say(&mut driver, "cyd", &hers, json!("me"))["text"], "The whole answer is here.");
}
