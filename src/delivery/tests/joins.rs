//! Joins, leaves and rows in any order: no gap, no repeat, nothing after the end.

use proptest::prelude::*;

use super::rig::*;
use crate::delivery::messages::Command;

#[actix_web::test]
async fn what_an_actor_sends_arrives_in_its_order() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    rig.shards.add_member(AddMember { frames: vec![Frame::engine("4joined")], ..join(&member, 0) });
    let (shards, to) = (rig.shards.clone(), member.clone());
    let actor = std::thread::spawn(move || {
        for seq in 1..=300 {
            shards.publish(row(seq));
            shards.direct(&to, Frame::engine(&format!("4answer {seq}")));
        }
    });
    let mut got = Vec::new();
    while got.len() < 601 {
        let batch = std::future::poll_fn(|cx| rig.board.poll_take(member.slot(), 1000, cx)).await;
        got.extend(texts(&batch.expect("the session lives")));
    }
    actor.join().unwrap();
    let expected = (1..=300).flat_map(|seq| [format!("4{seq}"), format!("4answer {seq}")]);
    assert_eq!(got, std::iter::once("4joined".to_owned()).chain(expected).collect::<Vec<_>>());
}

#[actix_web::test]
async fn a_terminal_pair_is_one_frame_and_the_end_of_the_membership() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    rig.shards.add_member(join(&member, 0));
    rig.shards.publish(row(1));
    let pair = Frame::pair(&Frame::engine("4status"), &Frame::engine("4widget"));
    rig.shards.publish(Publish { frame: Some(pair), terminal: true, ..row(2) });
    assert_eq!(rig.shards.members(&run()), 1);
    rig.idle().await;
    assert_eq!(rig.shards.members(&run()), 0);
    rig.shards.publish(row(3));
    rig.idle().await;
    assert_eq!(rig.board.inspect(member.slot()).unwrap().queued_frames, 2);
    assert_eq!(texts(&rig.board.take(member.slot(), 1)), ["41"]);
    assert_eq!(texts(&rig.board.take(member.slot(), 1)), ["4status", "4widget"]);
    assert!(rig.texts(member.slot()).is_empty());
}

#[actix_web::test]
async fn progress_goes_to_those_who_asked_and_before_the_rows_frame() {
    let rig = rig(settings());
    let ((plain, _a), (curious, _b)) = (rig.session("a"), rig.session("b"));
    rig.shards.add_member(join(&plain, 0));
    rig.shards.add_member(AddMember { progress: true, ..join(&curious, 0) });
    rig.shards.publish(Publish { frame: None, progress_frame: Some(Frame::engine("4running")), ..row(1) });
    rig.shards.publish(Publish { progress_frame: Some(Frame::engine("4half")), ..row(2) });
    rig.idle().await;
    assert_eq!(rig.texts(plain.slot()), ["42"]);
    assert_eq!(rig.texts(curious.slot()), ["4running", "4half", "42"]);
}

#[actix_web::test]
async fn a_whisper_goes_to_those_who_asked_and_takes_no_place_in_the_rows() {
    let rig = rig(Settings { queue_frames: 8, ..settings() });
    let ((plain, _a), (curious, ear)) = (rig.session("a"), rig.session("b"));
    rig.shards.add_member(join(&plain, 0));
    rig.shards.add_member(AddMember { progress: true, ..join(&curious, 0) });
    rig.shards.whisper(&run(), Frame::engine("4he"));
    rig.shards.publish(row(1));
    rig.shards.whisper(&run(), Frame::engine("4llo"));
    rig.shards.publish(row(2));
    rig.idle().await;
    assert_eq!(rig.texts(plain.slot()), ["41", "42"]);
    assert_eq!(rig.texts(curious.slot()), ["4he", "41", "4llo", "42"]);
    // Who is slow misses whispers, never rows, and stays.
    for _ in 0..100 {
        rig.shards.whisper(&run(), Frame::engine("4x"));
    }
    rig.shards.publish(row(3));
    rig.idle().await;
    let told = rig.texts(curious.slot());
    assert_eq!(told.last().map(String::as_str), Some("43"));
    assert!(told.len() <= 5, "{told:?}");
    assert_eq!(ear.closed_as(), None);
    // Who left hears none.
    rig.shards.remove_member(&run(), &curious);
    rig.shards.whisper(&run(), Frame::engine("4y"));
    rig.idle().await;
    assert!(rig.texts(curious.slot()).is_empty());
}

#[actix_web::test]
async fn a_socket_that_left_gets_nothing_and_becomes_no_member() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    let other = rig.board.member(member.slot(), SocketId::trusted("b"));
    rig.shards.add_member(join(&member, 0));
    rig.shards.add_member(join(&other, 0));
    rig.idle().await;
    rig.board.leave_all(member.slot(), member.socket());
    rig.shards.add_member(AddMember { frames: vec![Frame::engine("4late")], ..join(&member, 0) });
    rig.shards.direct(&member, Frame::engine("4late"));
    rig.shards.publish(row(1));
    rig.idle().await;
    assert_eq!(rig.texts(member.slot()), ["41"], "once, for the other socket of the session");
    assert_eq!(rig.shards.members(&run()), 1);
    rig.board.abort(member.slot(), CloseReason::Session("test"));
    assert_eq!(rig.shards.members(&run()), 0);
}

#[actix_web::test]
async fn resync_answers_the_lowest_seq_of_all_members() {
    let rig = rig(settings());
    assert_eq!(rig.shards.resync(&run()).await, Ok(None));
    let ((a, _), (b, _)) = (rig.session("a"), rig.session("b"));
    rig.shards.add_member(join(&a, 7));
    rig.shards.add_member(join(&b, 4));
    assert_eq!(rig.shards.resync(&run()).await, Ok(Some(Seq(4))));
    for seq in 5..=9 {
        rig.shards.publish(row(seq));
    }
    assert_eq!(rig.shards.resync(&run()).await, Ok(Some(Seq(9))));
    assert_eq!(rig.texts(a.slot()), ["48", "49"]);
    assert_eq!(rig.texts(b.slot()).len(), 5);
}

#[actix_web::test]
async fn a_join_answered_here_follows_what_was_taken_before() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    assert!(rig.board.join(member.slot(), member.socket(), &run(), Seq(1), false));
    assert!(!rig.board.join(member.slot(), member.socket(), &run(), Seq(1), false));
    for seq in 1..=3 {
        rig.shards.publish(row(seq));
    }
    rig.idle().await;
    assert_eq!(rig.texts(member.slot()), ["42", "43"]);
    rig.board.leave(member.slot(), member.socket(), &run());
    assert_eq!(rig.shards.members(&run()), 0);
}

#[actix_web::test]
async fn a_page_gives_credit_when_the_queue_is_below_half() {
    let rig = rig(Settings { queue_frames: 10, ..settings() });
    let (member, _ear) = rig.session("a");
    let frames = |n: usize| vec![Frame::engine("4x"); n];
    assert_eq!(rig.shards.page(&member, frames(4)).await, Ok(()));
    let mut second = rig.shards.page(&member, frames(4));
    rig.idle().await;
    assert!(second.try_recv().is_err(), "eight of ten wait");
    rig.board.take(member.slot(), 12);
    assert!(second.try_recv().is_err(), "five of ten wait");
    rig.board.take(member.slot(), 1);
    assert_eq!(second.await, Ok(()));
    rig.board.take(member.slot(), usize::MAX);
    let third = rig.shards.page(&member, frames(9));
    rig.idle().await;
    rig.board.abort(member.slot(), CloseReason::Session("test"));
    assert!(third.await.is_err(), "the session is gone");
    assert!(rig.shards.page(&member, frames(1)).await.is_err());
}

#[derive(Clone, Debug)]
enum Step {
    Publish { terminal: bool },
    Join { who: usize, pages: usize, progress: bool },
    Leave { who: usize },
    Here { who: usize },
    Gone { who: usize },
    Restart,
    Turn,
    Read { who: usize, bytes: usize },
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0usize..5;
    prop_oneof![
        8 => (0..30).prop_map(|n| Step::Publish { terminal: n == 0 }),
        4 => (who.clone(), 0usize..3, any::<bool>()).prop_map(|(who, pages, progress)| Step::Join { who, pages, progress }),
        2 => who.clone().prop_map(|who| Step::Leave { who }),
        1 => who.clone().prop_map(|who| Step::Here { who }),
        1 => who.clone().prop_map(|who| Step::Gone { who }),
        1 => Just(Step::Restart),
        3 => Just(Step::Turn),
        3 => (who, 0usize..60).prop_map(|(who, bytes)| Step::Read { who, bytes }),
    ]
}

/// What one socket has to see, told by a model without queues and threads.
#[derive(Default)]
struct Expected {
    member: bool,
    progress: bool,
    texts: Vec<String>,
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let rig = rig(settings());
    let sessions: Vec<_> = ["a", "b", "c", "d", "e"].iter().map(|name| rig.session(name)).collect();
    let (mut head, mut rows, mut ended) = (0, Vec::new(), false);
    let mut expected: Vec<Expected> = sessions.iter().map(|_| Expected::default()).collect();
    let mut got = vec![Vec::new(); sessions.len()];
    let mut gone = vec![false; sessions.len()];
    for step in steps {
        match step {
            Step::Publish { .. } if ended => {}
            Step::Publish { terminal } => {
                head += 1;
                ended = terminal;
                let progress_frame = (head % 3 == 0).then(|| Frame::engine(&format!("4p{head}")));
                let row = Publish { terminal, progress_frame, ..row(head) };
                for expected in expected.iter_mut().filter(|expected| expected.member) {
                    if row.progress_frame.is_some() && expected.progress {
                        expected.texts.push(format!("4p{head}"));
                    }
                    expected.texts.push(format!("4{head}"));
                    expected.member = !terminal;
                }
                rows.push(row.clone());
                rig.shards.publish(row);
            }
            // A run that has ended answers with a snapshot alone.
            Step::Join { who, .. } if ended || gone[who] => {}
            Step::Join { who, pages, progress } => {
                let member = &sessions[who].0;
                for page in 0..pages {
                    drop(rig.shards.page(member, vec![Frame::engine(&format!("4page {page}"))]));
                    expected[who].texts.push(format!("4page {page}"));
                }
                let snapshot = format!("4snapshot {head}");
                let frames = vec![Frame::engine(&snapshot)];
                rig.shards.add_member(AddMember { frames, progress, ..join(member, head) });
                expected[who].texts.push(snapshot);
                expected[who].member = true;
                expected[who].progress = progress;
            }
            Step::Leave { who } => {
                rig.shards.remove_member(&run(), &sessions[who].0);
                expected[who].member = false;
            }
            Step::Here { who } => {
                // On its worker, so it is before what waits in the channel: wait for that.
                rig.idle().await;
                let member = &sessions[who].0;
                if !ended
                    && !gone[who]
                    && rig.board.join(member.slot(), member.socket(), &run(), Seq(head), false)
                {
                    prop_assert!(!expected[who].member);
                    expected[who].member = true;
                    expected[who].progress = false;
                }
            }
            Step::Gone { who } => {
                rig.idle().await;
                rig.board.leave_all(sessions[who].0.slot(), sessions[who].0.socket());
                expected[who].member = false;
                gone[who] = true;
            }
            // The actor comes back from its journal and publishes again what a member may have missed.
            Step::Restart => {
                let lowest = rig.shards.resync(&run()).await.unwrap();
                for row in rows.iter().filter(|row| lowest.is_some_and(|lowest| row.seq > lowest)) {
                    rig.shards.publish(row.clone());
                }
            }
            Step::Turn => rig.idle().await,
            Step::Read { who, bytes } => {
                got[who].extend(texts(&rig.board.take(sessions[who].0.slot(), bytes)))
            }
        }
    }
    rig.idle().await;
    for (who, (member, ear)) in sessions.iter().enumerate() {
        got[who].extend(rig.texts(member.slot()));
        prop_assert_eq!(&got[who], &expected[who].texts);
        prop_assert_eq!(ear.closed_as(), None);
    }
    let members = expected.iter().filter(|expected| expected.member).count();
    prop_assert_eq!(rig.shards.members(&run()), members);
    // Rows that everybody has are published again: nothing comes of it.
    for row in rows.iter().filter(|row| !row.terminal) {
        rig.shards.send(0, Command::Publish(std::sync::Arc::new(row.clone())));
    }
    rig.idle().await;
    prop_assert!(sessions.iter().all(|(member, _)| rig.texts(member.slot()).is_empty()));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_gap_and_no_repeat_in_any_order(steps in prop::collection::vec(step(), 1..80)) {
        actix_rt::System::new().block_on(play(steps))?;
    }
}
