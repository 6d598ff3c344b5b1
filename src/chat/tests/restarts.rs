//! What must survive the end of an actor and of a hub.

use super::rig::{Fake, Page, Rig, until};
use crate::{chat::Action, clock::Clock};

async fn again(dir: &std::path::Path, rig: Rig) -> Rig {
    let fake = rig.kill().await;
    let rig = Rig::with(dir, fake, Clock::real(), |_| {});
    rig.rooms.recover().await.unwrap();
    rig
}

#[actix::test]
async fn an_answer_in_the_making_is_made_again_after_a_kill_and_told_once() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let page = Page::open(&rig.board());
    let joined = rig.join(&page, "ann", None, false).await;
    let first = rig.say(&joined, "ann", "wait one").await;
    let second = rig.say(&joined, "ann", "say two").await;
    rig.fake.until_turns(1).await;
    let rig = again(dir.path(), rig).await;
    rig.fake.until_turns(2).await;
    let page = Page::open(&rig.board());
    let resumed = rig.join(&page, "ann", Some(&joined.room), false).await;
    rig.fake.release(1);
    assert_eq!(page.told(&first).await["text"], "one");
    assert_eq!(page.told(&second).await["text"], "two");
    let kinds = rig.kinds(&resumed.room).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "BOT_MESSAGE").count(), 2, "{kinds:?}");
    let turns = rig.fake.turns.lock().clone();
    assert_eq!(turns, ["wait one", "wait one", "say two"]);
}

#[actix::test]
async fn a_wanted_restart_is_noticed_by_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::start(dir.path());
    rig.tenant_row().await;
    let page = Page::open(&rig.board());
    let joined = rig.join(&page, "ann", None, false).await;
    let mut messages = Vec::new();
    for n in 0..10 {
        messages.push((rig.say(&joined, "ann", &format!("say {n}")).await, n.to_string()));
        if n % 3 == 0 {
            rig.rooms.registry().restart(joined.room.clone()).await.unwrap();
        }
    }
    let slow = rig.say(&joined, "ann", "wait slow").await;
    let waited = || rig.fake.turns.lock().iter().filter(|turn| turn.starts_with("wait")).count();
    until("the slow turn", || async { (waited() == 1).then_some(()) }).await;
    rig.rooms.registry().restart(joined.room.clone()).await.unwrap();
    until("the slow turn again", || async { (waited() == 2).then_some(()) }).await;
    rig.fake.release(1);
    for (message, text) in messages {
        assert_eq!(page.told(&message).await["text"], text);
    }
    page.told(&slow).await;
    let texts = page.texts();
    assert_eq!(texts.len(), 11, "{texts:?}");
}

/// At most once, and a clear word, for what cannot be keyed; exactly once for what can.
#[actix::test]
async fn an_effect_that_had_begun_is_not_begun_anew() {
    for (propose, effects, word) in [("propose May", 2, "It happened."), ("change", 1, "not known")] {
        let dir = tempfile::tempdir().unwrap();
        let rig = Rig::with(dir.path(), Fake::default(), Clock::real(), |_| {});
        rig.tenant_row().await;
        *rig.fake.slow_hands.lock() = true;
        let page = Page::open(&rig.board());
        let joined = rig.join(&page, "ann", None, false).await;
        let message = rig.say(&joined, "ann", propose).await;
        page.told(&message).await;
        let approved = rig.consent(&joined, "ann", Action::Approve).await;
        rig.fake.until_effects(1).await;
        let rig = again(dir.path(), rig).await;
        *rig.fake.slow_hands.lock() = false;
        rig.fake.release(9);
        let page = Page::open(&rig.board());
        rig.join(&page, "ann", Some(&joined.room), false).await;
        // Told before the page was back, or after.
        let text = until("what came of it", || async {
            let entered = page.events("ai_chat_room_id").pop()?;
            let history = entered["history"].as_array().cloned().unwrap_or_default();
            let told = history.into_iter().chain(page.events("ai_chat_bot_message"));
            let mut told = told.filter(|told| told["inReplyTo"] == approved.as_str());
            told.next().map(|told| told["text"].as_str().unwrap().to_owned())
        })
        .await;
        assert!(text.contains(word), "{propose}: {text}");
        assert_eq!(rig.fake.effects.lock().len(), effects, "{propose}");
        let kinds = rig.kinds(&joined.room).await;
        assert_eq!(kinds.iter().filter(|kind| *kind == "PROPOSAL_APPROVED").count(), 1);
        assert_eq!(kinds.iter().filter(|kind| *kind == "PROPOSAL_CLOSED").count(), 1);
    }
}
