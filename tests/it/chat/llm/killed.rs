//! `kill -9` when a part of an answer was told: the turn is made again by the next hub, and has one end.

use std::os::unix::process::ExitStatusExt as _;

use serde_json::json;

use super::{
    endpoint::{Act, Call, End, says, stop, text},
    stage::{Stage, send},
};
use crate::{
    chat::shop::*,
    crash::long,
    harness::{
        database::Kind as Db,
        driver::{Driver, KINDS, Via, events_of},
        expect::{SOON, eventually, say as tell},
    },
};

const POINT: &str = "llm.mid_stream";

/// The text says how many pieces there are.
fn script(call: &Call) -> Act {
    match call.text.strip_prefix("pieces ").and_then(|count| count.parse::<usize>().ok()) {
        Some(count) => {
            let mut pieces: Vec<_> = (0..count).map(|at| text(&format!("piece {at}, "))).collect();
            pieces.extend([text("the end."), stop("stop")]);
            Act::Stream(pieces, End::Done)
        }
        None => says("Here it is."),
    }
}

fn killed_in_the_middle(db: Db) {
    let rounds = if long() { 40 } else { 4 };
    let mut stage = Stage::start(db, SLOW, script);
    let mut driver = Driver::start(KINDS[0]);
    stage.shop.page(&mut driver, "bob", Via::Websocket);
    let room = enter(&mut driver, "bob", json!({ "stream": true }));
    driver.resume("bob", JOIN, json!({ "chatRoomID": room, "stream": true }));
    for round in 0..rounds {
        // It dies after so many pieces of the first answer.
        let at = round % 4;
        let armed = format!("{POINT}={at}*off->return(kill)");
        let connects = connects(&driver);
        assert!(stage.shop.world.hub.again(&[("FAILPOINTS", &armed)]), "{}", stage.shop.world.hub.log());
        until_back(&mut driver, connects);
        let (said, behind) = ("pieces 4", format!("behind {round}"));
        let before = stage.endpoint.asked_for(said).len();
        let first = send(&mut driver, "bob", &room, json!(said));
        // The hub may be gone before this one is acknowledged.
        driver.emit(
            "bob",
            SAY,
            json!([{ "chatRoomID": room, "message": behind, "clientMessageID": format!("c{round}") }]),
        );
        let end = stage.shop.world.hub.ended(SOON);
        assert_eq!(end.signal(), Some(9), "{POINT} was never reached: {end}");
        let connects = self::connects(&driver);
        assert!(stage.shop.world.hub.again(&[("FAILPOINTS", "")]), "{}", stage.shop.world.hub.log());
        until_back(&mut driver, connects);
        let behind = send_again(&mut driver, &room, &behind, round);
        // Made again, as a whole.
        let rows = eventually("both are answered", 2 * SOON, || {
            let rows = stage.rows("bob", &room, "BOT_MESSAGE");
            let of =
                |message: &serde_json::Value| rows.iter().find(|row| row["inReplyTo"] == *message).cloned();
            Some([of(&first)?, of(&behind)?])
        });
        assert_eq!(rows[0]["text"], "piece 0, piece 1, piece 2, piece 3, the end.", "{rows:?}");
        assert_eq!((&rows[0]["ended"], &rows[1]["text"]), (&json!("ok"), &json!("Here it is.")));
        assert_eq!(stage.endpoint.asked_for(said).len(), before + 2, "asked once more after the kill");
        assert_eq!(stage.assert_answered_once("bob", &room), 2 * (round + 1));
    }
    // And the page was told nothing twice.
    say(&mut driver, "bob", &room, json!("last"));
    let told = events_of(&driver.seen, "bob", BOT);
    for one in &told {
        let same = told.iter().filter(|other| other["inReplyTo"] == one["inReplyTo"]).count();
        assert_eq!(same, 1, "told twice: {one}");
    }
    let turns = 2 * rounds;
    tell(&format!("{POINT} on {db:?}: {rounds} kills, {turns} turns, {turns} terminals, 0 twice"));
}

fn connects(driver: &Driver) -> usize {
    driver.seen.iter().filter(|line| line["id"] == "bob" && line["what"] == "connect").count()
}

/// Waits until the page has come back to a hub, and to its room.
#[track_caller]
fn until_back(driver: &mut Driver, connects: usize) {
    driver.wait_for("the page is back", 4 * SOON, |seen| {
        let mut after = seen.iter().filter(|line| line["id"] == "bob").skip_while({
            let mut met = 0;
            move |line| {
                met += usize::from(line["what"] == "connect");
                met <= connects
            }
        });
        after
            .any(|line| line["what"] == "ack" && line["event"] == JOIN && line["args"][0]["ok"] == true)
            .then_some(())
    });
}

/// The message that may not have arrived: the same, by its own name.
#[track_caller]
fn send_again(driver: &mut Driver, room: &str, message: &str, round: usize) -> serde_json::Value {
    let body = json!([{ "chatRoomID": room, "message": message, "clientMessageID": format!("c{round}") }]);
    let ack = driver.ask("bob", SAY, body)[0].clone();
    assert_eq!(ack["ok"], true, "{ack}");
    ack["messageID"].clone()
}

#[test]
fn killed_in_the_middle_of_an_answer_on_sqlite() {
    killed_in_the_middle(Db::Sqlite);
}

#[test]
fn killed_in_the_middle_of_an_answer_on_postgresql() {
    if Db::here().contains(&Db::Postgresql) {
        killed_in_the_middle(Db::Postgresql);
    }
}
