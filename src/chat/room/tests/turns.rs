//! One answer to each message, in order.

use super::stage::{Room, by, limits, proposes, says};
use crate::{
    ai::{Error, Failure},
    chat::room::{Effect, Ended, Limits, Refusal, RoomCommand, RoomMember},
    error::Coded,
    ids::{Seq, UserId},
};

#[test]
fn messages_wait_for_their_turn() {
    let mut room = Room::new();
    let (first, second) = (room.say("ann", "one"), room.say("ann", "two"));
    let asked = |room: &Room| -> Vec<String> {
        let asks = room.effects.iter().filter_map(|effect| match effect {
            Effect::Answer(ask) => Some(ask.text.clone()),
            _ => None,
        });
        asks.collect()
    };
    assert_eq!(asked(&room), ["one"], "one turn at a time");
    room.answer(&second, says("too early"));
    assert_eq!(room.kinds(), ["USER_MESSAGE", "USER_MESSAGE"]);
    room.answer(&first, says("1"));
    room.answer(&first, says("again"));
    assert_eq!(asked(&room), ["one", "two"]);
    let history = room.effects.iter().rev().find_map(|effect| match effect {
        Effect::Answer(ask) => Some(ask.history.iter().map(|said| said.text.clone()).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(history.unwrap(), ["one", "1"]);
    room.answer(&second, says("2"));
    let told: Vec<&str> = room.all_told().map(|told| told.text.as_str()).collect();
    assert_eq!(told, ["1", "2"]);
    assert_eq!(room.folded(), room.state);
    assert!(!room.state.attention());
}

#[test]
fn what_is_no_message_is_refused_by_name() {
    let mut room = Room::with(Limits { queue: 1, ..limits() });
    let code = |room: &mut Room, who: &str, text: &str| {
        let said = room.said(who, text, None, None);
        room.does(RoomCommand::Say(Box::new(said))).map_err(|refusal| refusal.code().as_str())
    };
    assert_eq!(code(&mut room, "eve", "hello"), Err("ROOM_NOT_FOUND"));
    assert_eq!(code(&mut room, "ann", "  "), Err("INVALID_REQUEST"));
    assert_eq!(code(&mut room, "ann", &"x".repeat(1025)), Err("PAYLOAD_TOO_LARGE"));
    assert_eq!(code(&mut room, "ann", "one"), Ok(1));
    assert_eq!(code(&mut room, "ann", "two"), Ok(1));
    assert_eq!(code(&mut room, "ann", "three"), Err("RATE_LIMITED"), "one is answered, one waits");
}

#[test]
fn a_message_that_is_sent_again_is_one_message() {
    let mut room = Room::new();
    let mut said = room.said("ann", "one", None, None);
    said.client_id = Some("c-1".to_owned());
    assert_eq!(room.does(RoomCommand::Say(Box::new(said.clone()))), Ok(1));
    let mut again = room.said("ann", "one", None, None);
    again.client_id = Some("c-1".to_owned());
    let Err(Refusal::Repeated(accepted)) = room.does(RoomCommand::Say(Box::new(again.clone()))) else {
        unreachable!("it was sent before")
    };
    assert_eq!((accepted.message, accepted.seq, accepted.repeated), (said.message.clone(), Seq(2), true));
    // Also after a crash; and another person's message may have the same name.
    room.state = room.folded();
    assert!(matches!(room.does(RoomCommand::Say(Box::new(again))), Err(Refusal::Repeated(_))));
    let member = RoomMember::from(&by("bob").person);
    room.does(RoomCommand::AddMember { by: by("ann"), member }).unwrap();
    let mut other = room.said("bob", "one", None, None);
    other.client_id = Some("c-1".to_owned());
    assert_eq!(room.does(RoomCommand::Say(Box::new(other))), Ok(1));
}

#[test]
fn a_turn_that_fails_says_so_and_the_room_goes_on() {
    let mut room = Room::new();
    let (first, second) = (room.say("ann", "one"), room.say("ann", "two"));
    let failure = Failure {
        error: Error::Endpoint("failed (500)".to_owned()),
        partial: "So far".to_owned(),
        tokens: 7,
    };
    room.does(RoomCommand::Failed { message: first.clone(), failure }).unwrap();
    let told = room.told(&first);
    assert_eq!((told.ended, told.error_code.as_deref()), (Ended::Error, Some("ASSISTANT_UNAVAILABLE")));
    assert!(
        told.partial && told.text.starts_with("So far\n\n(broken off)") && told.text.contains("try again")
    );
    let failure = Error::Internal("a stack trace".to_owned()).into();
    room.does(RoomCommand::Failed { message: second.clone(), failure }).unwrap();
    assert!(!room.told(&second).text.contains("stack"));
    assert_eq!(room.state.facts().tokens, 7);
    let third = room.say("ann", "three");
    room.answer(&third, says(" "));
    assert_eq!(room.told(&third).ended, Ended::Error, "an empty answer is none");
}

#[test]
fn a_person_may_stop_an_answer_but_not_what_was_approved() {
    let mut room = Room::new();
    let first = room.say("ann", "one");
    let cancel = |partial: &str| RoomCommand::Cancel { by: by("ann"), partial: partial.to_owned() };
    assert_eq!(
        room.does(RoomCommand::Cancel { by: by("eve"), partial: String::new() }),
        Err(Refusal::NoSuchRoom)
    );
    room.does(cancel("Half of")).unwrap();
    let told = room.told(&first);
    assert_eq!((told.ended, told.partial), (Ended::Cancelled, true));
    assert!(room.effects.contains(&Effect::Interrupt { message: first.clone() }));
    assert_eq!(room.does(cancel("")), Ok(0), "nothing is being answered");
    room.answer(&first, says("late"));
    assert_eq!(room.all_told().count(), 1);
    room.proposed("May");
    room.consent("ann", crate::chat::Action::Approve);
    assert_eq!(room.does(cancel("")), Ok(0), "it is being carried out");
}

#[test]
fn people_come_and_go() {
    let mut room = Room::with(Limits { members: 1, ..limits() });
    let member = |who: &str| RoomMember::from(&by(who).person);
    let add = |by_whom: &str, who: &str| RoomCommand::AddMember { by: by(by_whom), member: member(who) };
    let remove =
        |by_whom: &str, who: &str| RoomCommand::RemoveMember { by: by(by_whom), user: UserId::trusted(who) };
    assert_eq!(room.does(add("eve", "eve")), Err(Refusal::NoSuchRoom));
    assert_eq!(room.does(add("ann", "bob")), Ok(1));
    assert_eq!(room.does(add("ann", "bob")), Ok(0));
    assert_eq!(room.does(add("ann", "cyd")), Err(Refusal::TooManyMembers(1)));
    assert_eq!(room.does(add("bob", "cyd")), Err(Refusal::NotOwner));
    assert_eq!(
        room.does(remove("ann", "ann")).map_err(|refusal| refusal.code().as_str()),
        Err("INVALID_REQUEST")
    );
    assert_eq!(room.does(remove("ann", "cyd")), Err(Refusal::NoSuchMember));
    room.say("bob", "hello");
    assert_eq!(room.does(remove("bob", "bob")), Ok(1), "who likes may go");
    let said = room.said("bob", "hello?", None, None);
    assert_eq!(room.does(RoomCommand::Say(Box::new(said))), Err(Refusal::NoSuchRoom));
    let audits = room.effects.iter().filter(|effect| matches!(effect, Effect::Audit(_))).count();
    assert_eq!(audits, 2);
}

#[test]
fn a_room_has_a_title_and_can_be_put_away() {
    let mut room = Room::new();
    room.say("ann", "\n  Sales of last\u{7} month?\nAnd more");
    assert_eq!(room.state.facts().title.as_deref(), Some("Sales of last month?"));
    let rename = |title: &str| RoomCommand::Rename { by: by("ann"), title: title.to_owned() };
    assert_eq!(room.does(rename(" Sales ")), Ok(1));
    assert_eq!(room.does(rename("Sales")), Ok(0));
    for bad in ["", " ", "a\nb", &"x".repeat(256)] {
        assert!(matches!(room.does(rename(bad)), Err(Refusal::Invalid(_))), "{bad:?}");
    }
    assert_eq!(room.does(RoomCommand::Archive { by: by("ann"), archived: true }), Ok(1));
    room.say("ann", "still there");
    assert!(!room.state.facts().archived, "who speaks takes it back");
    assert_eq!(room.does(RoomCommand::Open { title: None }), Err(Refusal::Exists));
}

/// A long room loads from its last snapshot, and its state stays small.
#[test]
fn a_long_room_stays_small() {
    let mut room = Room::new();
    for n in 0..1000 {
        let message = room.say("ann", &format!("message {n}"));
        room.answer(&message, if n % 10 == 0 { proposes("May") } else { says(&"x".repeat(300)) });
    }
    let snapshots = room.events.iter().filter(|(_, event)| event.kind().as_str() == "ROOM_SNAPSHOT").count();
    assert!((8..=12).contains(&snapshots), "{snapshots}");
    assert_eq!(room.state.facts().messages, 2000);
    assert!(room.state.facts().exchanges.len() <= 50);
    let size = serde_json::to_string(room.state.facts()).unwrap().len();
    assert!(size < 150_000, "{size}");
    assert_eq!(room.folded(), room.state);
}
