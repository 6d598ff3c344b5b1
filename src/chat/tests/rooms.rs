//! What is said in rooms, who hears it, and who may come in.

use std::time::Duration;

use serde_json::json;

use super::rig::{Fake, Page, Rig, by, until};
use crate::{
    chat::{Action, Error, Say, room::RoomMember},
    clock::Clock,
    config::DurationSetting,
    error::Coded,
    ids::{ChatRoomId, TenantId, UserId},
};

#[actix::test]
async fn a_page_enters_says_something_and_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let board = rig.board();
    let (page, other) = (Page::open(&board), Page::open(&board));
    let joined = rig.join(&page, "ann", None, false).await;
    assert!(!joined.resumed);
    let seen = until("the first events", || async { (page.seen().len() == 2).then(|| page.seen()) }).await;
    assert_eq!(seen[0], json!(["ack", { "room": joined.room }]), "the ack first");
    assert_eq!((&seen[1][0], &seen[1][1]["chatRoomID"]), (&json!("ai_chat_room_id"), &json!(joined.room)));
    assert_eq!(rig.join(&other, "ann", Some(&joined.room), false).await.room, joined.room);

    let first = rig.say(&joined, "ann", "say one").await;
    let second = rig.say(&joined, "ann", "say two").await;
    for (page, message, text) in [(&page, &first, "one"), (&other, &first, "one"), (&page, &second, "two")] {
        let told = page.told(message).await;
        assert_eq!((&told["text"], &told["message"]), (&json!(text), &json!(text)));
        assert_eq!(told["chatRoomID"], json!(joined.room));
        assert!(told["seq"].is_i64() && told["messageID"].is_string(), "{told}");
    }
    assert_eq!(page.texts(), ["one", "two"]);
    // Who comes back sees what was said.
    let late = Page::open(&board);
    let again = rig.join(&late, "ann", None, false).await;
    assert_eq!((again.room, again.resumed), (joined.room.clone(), true));
    let entered = until("history", || async { late.events("ai_chat_room_id").pop() }).await;
    let said: Vec<_> =
        entered["history"].as_array().unwrap().iter().map(|one| (&one["role"], &one["text"])).collect();
    assert_eq!(said.len(), 4);
    // The second may have been said before the first was answered.
    for (role, wanted) in [("user", ["say one", "say two"]), ("assistant", ["one", "two"])] {
        let texts: Vec<_> =
            said.iter().filter(|(by, _)| **by == json!(role)).map(|(_, text)| *text).collect();
        assert_eq!(texts, wanted);
    }
    // Leaving is the socket's own.
    rig.rooms.leave(&joined.room, &other.member);
    let third = rig.say(&joined, "ann", "say three").await;
    page.told(&third).await;
    assert!(!other.texts().contains(&"three".to_owned()));
}

#[actix::test]
async fn a_stranger_finds_no_room_and_a_guest_does() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let board = rig.board();
    let (ann, bob) = (Page::open(&board), Page::open(&board));
    let joined = rig.join(&ann, "ann", None, false).await;
    let code = |error: Error| error.code().as_str();
    for room in [joined.room.clone(), ChatRoomId::trusted("none")] {
        assert_eq!(code(rig.try_join(&bob, "bob", Some(&room), false).await.unwrap_err()), "ROOM_NOT_FOUND");
    }
    let say = rig.says(&joined, "bob", "say hello", None);
    assert_eq!(code(rig.rooms.say(say).await.unwrap_err()), "ROOM_NOT_FOUND");
    let mut elsewhere = rig.says(&joined, "ann", "say hello", None);
    elsewhere.tenant = Some(TenantId::trusted("t2"));
    assert_eq!(code(rig.rooms.say(elsewhere).await.unwrap_err()), "ROOM_NOT_FOUND");
    assert_eq!(code(rig.rooms.cancel(&joined.room, by("bob")).await.unwrap_err()), "ROOM_NOT_FOUND");

    rig.rooms.invite(&joined.room, by("ann"), RoomMember::from(&by("bob").person)).await.unwrap();
    let guest = rig.join(&bob, "bob", Some(&joined.room), false).await;
    let message = rig.say(&guest, "bob", "say hi").await;
    ann.told(&message).await;
    bob.told(&message).await;
    assert_eq!(rig.rooms.find(&rig.tenant, &UserId::trusted("bob"), &joined.room).await.unwrap().1.len(), 1);
    // Let out, his sockets hear nothing any more.
    rig.rooms.remove_member(&joined.room, by("ann"), UserId::trusted("bob")).await.unwrap();
    let message = rig.say(&joined, "ann", "say secret").await;
    ann.told(&message).await;
    assert!(!bob.texts().contains(&"secret".to_owned()));
    assert_eq!(code(rig.rooms.delete(&joined.room, by("bob")).await.unwrap_err()), "ROOM_NOT_FOUND");
    rig.rooms.delete(&joined.room, by("ann")).await.unwrap();
    let say = rig.says(&joined, "ann", "say anything", None);
    assert_eq!(code(rig.rooms.say(say).await.unwrap_err()), "ROOM_NOT_FOUND");
}

#[actix::test]
async fn sockets_that_enter_at_once_share_one_room() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let board = rig.board();
    let pages: Vec<Page> = (0..8).map(|_| Page::open(&board)).collect();
    let joins = pages.iter().map(|page| rig.join(page, "ann", None, false));
    let rooms: std::collections::HashSet<_> =
        futures_util::future::join_all(joins).await.into_iter().map(|joined| joined.room).collect();
    assert_eq!(rooms.len(), 1);
}

#[actix::test]
async fn an_answer_that_grows_is_told_to_who_asked_and_can_be_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let board = rig.board();
    let (page, plain) = (Page::open(&board), Page::open(&board));
    let joined = rig.join(&page, "ann", None, true).await;
    rig.join(&plain, "ann", Some(&joined.room), false).await;
    let message = rig.say(&joined, "ann", "wait done").await;
    rig.fake.until_turns(1).await;
    let pieces = until("pieces", || async {
        let pieces = page.events("ai_chat_bot_delta");
        (pieces.len() == 2).then_some(pieces)
    })
    .await;
    assert_eq!((&pieces[0]["text"], &pieces[0]["inReplyTo"]), (&json!("so "), &json!(message)));
    assert!(rig.rooms.cancel(&joined.room, by("ann")).await.unwrap());
    let told = page.told(&message).await;
    assert!(told["text"].as_str().unwrap().starts_with("so far"), "{told}");
    assert!(!rig.rooms.cancel(&joined.room, by("ann")).await.unwrap());
    assert!(plain.events("ai_chat_bot_delta").is_empty());
    // The room goes on, also after a turn that fails; who asked hears so as an error, too.
    let say = Say {
        from: Some(page.member.clone()),
        client_id: Some("c".to_owned()),
        ..rig.says(&joined, "ann", "fail", None)
    };
    let failed = rig.rooms.say(say).await.unwrap().message;
    assert_eq!(page.told(&failed).await["errorCode"], "ASSISTANT_UNAVAILABLE");
    let errors = until("the error", || async {
        page.events("ai_chat_error").pop().map(|_| page.events("ai_chat_error"))
    })
    .await;
    assert_eq!(errors.len(), 1);
    assert_eq!(
        (&errors[0]["error"]["code"], &errors[0]["chatRoomID"]),
        (&json!("ASSISTANT_UNAVAILABLE"), &json!(joined.room))
    );
    assert!(plain.events("ai_chat_error").is_empty(), "only who asked");
    let next = rig.say(&joined, "ann", "say on").await;
    assert_eq!(page.told(&next).await["text"], "on");
}

#[actix::test]
async fn one_rooms_turn_delays_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let board = rig.board();
    let (slow, quick) = (Page::open(&board), Page::open(&board));
    let (first, second) =
        (rig.join(&slow, "ann", None, false).await, rig.join(&quick, "bob", None, false).await);
    assert_ne!(first.room, second.room);
    rig.say(&first, "ann", "wait for ever").await;
    rig.fake.until_turns(1).await;
    let message = rig.say(&second, "bob", "say at once").await;
    quick.told(&message).await;
    // Further messages of the slow one wait, up to the bound.
    for n in 0..10 {
        rig.say(&first, "ann", &format!("say {n}")).await;
    }
    let say = rig.says(&first, "ann", "say too much", None);
    assert_eq!(rig.rooms.say(say).await.unwrap_err().code().as_str(), "RATE_LIMITED");
}

#[actix::test]
async fn what_is_approved_is_carried_out_once() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let board = rig.board();
    let page = Page::open(&board);
    let joined = rig.join(&page, "ann", None, false).await;
    let message = rig.say(&joined, "ann", "propose May").await;
    let proposal = page.told(&message).await["proposal"].clone();
    assert_eq!(
        (&proposal["tool"], &proposal["arguments"]["inputValues"]),
        (&json!("start_workflow"), &json!({ "month": "May" }))
    );
    assert!(proposal["expiresAt"].is_string() && proposal["id"] == proposal["proposalID"], "{proposal}");
    let tested = rig.consent(&joined, "ann", Action::Test).await;
    assert!(page.told(&tested).await["text"].as_str().unwrap().contains("It would happen."));
    let both = [
        rig.says(&joined, "ann", "", Some(Action::Approve)),
        rig.says(&joined, "ann", "", Some(Action::Approve)),
    ];
    let [first, second] = both.map(|say| rig.rooms.say(say));
    let (first, second) = tokio::join!(first, second);
    let mut texts = Vec::new();
    for accepted in [first, second] {
        texts.push(page.told(&accepted.unwrap().message).await["text"].as_str().unwrap().to_owned());
    }
    assert_eq!(texts.iter().filter(|text| text.contains("It happened.")).count(), 1, "{texts:?}");
    assert_eq!(*rig.fake.effects.lock(), ["start_workflow ann"]);
    let audited = rig
        .store
        .read({
            let tenant = rig.tenant.clone();
            move |db| crate::store::tables::audit::list(db, Some(&tenant), &Default::default())
        })
        .await
        .unwrap();
    let actions: Vec<&str> = audited.rows.iter().rev().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["chat.proposal.create", "chat.proposal.approve", "chat.proposal.done"]);
}

/// The timer of a proposal wakes a room that sleeps.
#[actix::test]
async fn a_proposal_expires_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::with(dir.path(), Fake::default(), Clock::real(), |parts| {
        parts.ai.proposal_expiry = DurationSetting::from_secs(1);
        parts.supervise.passivate_after = DurationSetting::from_millis(50);
    });
    rig.tenant_row().await;
    let board = rig.board();
    let page = Page::open(&board);
    let joined = rig.join(&page, "ann", None, false).await;
    let message = rig.say(&joined, "ann", "propose May").await;
    page.told(&message).await;
    until("the room sleeps", || async { rig.rooms.registry().list(9).await.is_empty().then_some(()) }).await;
    until("its end", || async {
        rig.kinds(&joined.room).await.contains(&"PROPOSAL_CLOSED".to_owned()).then_some(())
    })
    .await;
    let late = rig.consent(&joined, "ann", Action::Approve).await;
    assert!(page.told(&late).await["text"].as_str().unwrap().contains("no open proposal"));
    assert!(rig.fake.effects.lock().is_empty());
}

#[actix::test]
async fn old_rooms_are_removed() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::fixed("2026-11-25T09:00:00Z".parse().unwrap());
    let rig = Rig::with(dir.path(), Fake::default(), clock.clone(), |_| {});
    rig.tenant_row().await;
    let board = rig.board();
    let page = Page::open(&board);
    let old = rig.join(&page, "ann", None, false).await;
    let message = rig.say(&old, "ann", "say old").await;
    page.told(&message).await;
    clock.advance(Duration::from_secs(364 * 86_400));
    let page = Page::open(&board);
    let young = rig.join(&page, "ann", None, false).await;
    assert_ne!(old.room, young.room, "not within the window");
    let message = rig.say(&young, "ann", "say young").await;
    page.told(&message).await;
    clock.advance(Duration::from_secs(2 * 86_400));
    assert_eq!(rig.rooms.forget_some().await.unwrap(), 1);
    assert!(rig.rooms.tenant_of(&old.room).await.unwrap().is_none());
    assert!(rig.rooms.tenant_of(&young.room).await.unwrap().is_some());
}
