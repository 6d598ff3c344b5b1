//! Registrations: one membership, one order, whatever made the socket a member.

use std::sync::Arc;

use proptest::prelude::*;

use super::rig::*;
use crate::{
    delivery::{Projection, Register, Row, Snapshot},
    engine::{Context, RunStatus, StatusUpdate, Update},
    ids::RunId,
    protocol::Json,
};

/// Says who it is and which row it sees.
struct Named(String);

impl Projection for Named {
    fn joined(&self, snapshot: &Snapshot) -> Vec<Frame> {
        vec![Frame::engine(&format!("4{} at {}", self.0, snapshot.seq))]
    }
    fn row(&self, row: &Row) -> Option<Frame> {
        assert!(self.0 != "panics", "as the test wants it");
        Some(Frame::engine(&format!("4{} sees {}", self.0, row.update.seq())))
    }
}

fn status(seq: i64) -> StatusUpdate {
    StatusUpdate {
        seq: Seq(seq),
        status: RunStatus::Completed,
        context: Context::default(),
        output: None,
        error: None,
        error_code: None,
        completed_at: jiff::Timestamp::UNIX_EPOCH,
    }
}

fn told(seq: i64) -> Publish {
    let update = Update::Status(status(seq));
    let at = jiff::Timestamp::UNIX_EPOCH;
    let seen = Row { run: RunId::trusted("1"), at, update, context: None };
    Publish { row: Some(Arc::new(seen)), ..row(seq) }
}

fn register(member: &Member, key: &str, seq: i64) -> AddMember {
    let snapshot = Snapshot {
        run: RunId::trusted("1"),
        workflow: None,
        title: Arc::from(""),
        is_test: false,
        status: RunStatus::Running,
        seq: Seq(seq),
        context: Context::default(),
        json: Json::null(),
        ended: None,
    };
    let projection = Arc::new(Named(key.to_owned()));
    let new = Register {
        key: Arc::from(key),
        projection,
        snapshot: Arc::new(snapshot),
        once: false,
        replaces: None,
    };
    AddMember { register: Some(Box::new(new)), ..join(member, seq) }
}

#[actix_web::test]
async fn a_row_is_told_in_one_order() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    rig.shards.add_member(register(&member, "w2", 0));
    rig.shards.add_member(AddMember { progress: true, ..join(&member, 0) });
    rig.shards.add_member(register(&member, "w1", 0));
    rig.shards.add_member(register(&member, "panics", 0));
    let tail = Some(Frame::engine("4form"));
    rig.shards.publish(Publish { progress_frame: Some(Frame::engine("4p")), tail: tail.clone(), ..told(1) });
    // The same key again: its place is the last one.
    rig.shards.add_member(register(&member, "w2", 1));
    rig.shards.publish(Publish { tail, frame: None, row: None, ..told(2) });
    rig.shards.publish(told(3));
    rig.shards.publish(told(3));
    rig.idle().await;
    assert_eq!(rig.shards.members(&run()), 1);
    let got = rig.texts(member.slot());
    let expected = [
        "4w2 at 0",
        "4w1 at 0",
        "4panics at 0",
        "4p",
        "41",
        "4w2 sees 1",
        "4w1 sees 1",
        "4form",
        "4w2 at 1",
        "4form",
        "43",
        "4w1 sees 3",
        "4w2 sees 3",
    ];
    assert_eq!(got, expected);
}

#[actix_web::test]
async fn a_membership_has_reasons_and_ends_with_the_last_one() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    let keys: Vec<Arc<str>> = vec![Arc::from("w1"), Arc::from("w2")];
    rig.shards.add_member(register(&member, "w1", 0));
    rig.shards.add_member(register(&member, "w2", 0));
    rig.shards.add_member(join(&member, 0));
    rig.shards.unregister(&run(), &member, &keys[0]);
    rig.shards.unregister(&run(), &member, &keys[0]);
    rig.shards.publish(told(1));
    rig.shards.remove_member(&run(), &member);
    rig.shards.publish(told(2));
    rig.shards.unregister(&run(), &member, &keys[1]);
    rig.shards.publish(told(3));
    rig.idle().await;
    assert_eq!(rig.shards.members(&run()), 0);
    let expected = ["4w1 at 0", "4w2 at 0", "41", "4w2 sees 1", "42", "4w2 sees 2"];
    assert_eq!(rig.texts(member.slot()), expected);
    assert_eq!(rig.board.inspect(member.slot()).unwrap().memberships, 0);
}

#[actix_web::test]
async fn a_registration_elsewhere_ends_the_one_before_in_the_same_step() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    let other = Subject::trusted("run:2");
    rig.shards.add_member(register(&member, "w", 0));
    let mut elsewhere = AddMember { subject: other.clone(), ..register(&member, "w", 0) };
    if let Some(new) = &mut elsewhere.register {
        new.replaces = Some(run());
    }
    rig.shards.add_member(elsewhere);
    rig.shards.publish(told(1));
    rig.shards.publish(Publish { subject: other.clone(), ..told(1) });
    rig.idle().await;
    assert_eq!((rig.shards.members(&run()), rig.shards.members(&other)), (0, 1));
    assert_eq!(rig.texts(member.slot()), ["4w at 0", "4w at 0", "41", "4w sees 1"]);
}

#[actix_web::test]
async fn the_end_is_one_frame_for_a_member_and_all_its_registrations() {
    let rig = rig(Settings { queue_frames: 16, ..settings() });
    let ((full, ear), (reader, _ear)) = (rig.session("a"), rig.session("b"));
    for member in [&full, &reader] {
        for key in 0..30 {
            rig.shards.add_member(register(member, &format!("w{key}"), 0));
            rig.idle().await;
            rig.board.take(member.slot(), usize::MAX);
        }
    }
    for _ in 0..15 {
        rig.shards.direct(&full, Frame::engine("4x"));
    }
    rig.shards.publish(Publish { terminal: true, ..told(1) });
    rig.idle().await;
    assert_eq!(ear.closed_as(), None, "one frame fitted");
    for member in [&full, &reader] {
        assert_eq!(rig.texts(member.slot()).iter().filter(|text| text.ends_with("sees 1")).count(), 30);
    }
    assert_eq!((rig.shards.members(&run()), rig.board.inspect(full.slot()).unwrap().queued_bytes), (0, 0));
    // Of a run that has ended nothing is registered.
    let mut late = register(&full, "w", 1);
    if let Some(new) = &mut late.register {
        let ended = Snapshot { ended: Some(status(1)), ..new.snapshot.as_ref().clone() };
        new.snapshot = Arc::new(ended);
    }
    rig.shards.add_member(late);
    rig.idle().await;
    assert_eq!((rig.shards.members(&run()), rig.texts(full.slot())), (0, vec!["4w at 1".to_owned()]));
    // Nor for one that only wants to be told.
    let mut once = register(&full, "w", 1);
    if let Some(new) = &mut once.register {
        new.once = true;
    }
    rig.shards.add_member(once);
    rig.idle().await;
    assert_eq!((rig.shards.members(&run()), rig.texts(full.slot())), (0, vec!["4w at 1".to_owned()]));
}

#[actix_web::test]
async fn a_member_that_is_held_is_told_by_its_registrations_only() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    rig.shards.add_member(register(&member, "w", 0));
    rig.shards.hold_member(&run(), &member);
    rig.shards.publish(Publish { tail: Some(Frame::engine("4form")), ..told(1) });
    rig.shards.add_member(AddMember { frames: vec![Frame::engine("4replayed")], ..join(&member, 1) });
    rig.shards.publish(told(2));
    rig.idle().await;
    assert_eq!(rig.texts(member.slot()), ["4w at 0", "4w sees 1", "4replayed", "42", "4w sees 2"]);
}

#[derive(Clone, Debug)]
enum Step {
    Row { terminal: bool },
    Join { who: usize },
    Leave { who: usize },
    Register { who: usize, key: usize },
    Unregister { who: usize, key: usize },
    Gone { who: usize },
    Turn,
}

fn step() -> impl Strategy<Value = Step> {
    let (who, key) = (0usize..3, 0usize..3);
    prop_oneof![
        6 => (0..30).prop_map(|n| Step::Row { terminal: n == 0 }),
        2 => who.clone().prop_map(|who| Step::Join { who }),
        2 => who.clone().prop_map(|who| Step::Leave { who }),
        5 => (who.clone(), key.clone()).prop_map(|(who, key)| Step::Register { who, key }),
        3 => (who.clone(), key).prop_map(|(who, key)| Step::Unregister { who, key }),
        1 => who.prop_map(|who| Step::Gone { who }),
        2 => Just(Step::Turn),
    ]
}

/// What one socket has to see, told by a model.
#[derive(Default)]
struct Expected {
    joined: bool,
    keys: Vec<usize>,
    gone: bool,
    texts: Vec<String>,
}

impl Expected {
    fn is_member(&self) -> bool {
        self.joined || !self.keys.is_empty()
    }
}

async fn play(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let rig = rig(settings());
    let sessions: Vec<_> = ["a", "b", "c"].iter().map(|name| rig.session(name)).collect();
    let mut expected: Vec<Expected> = sessions.iter().map(|_| Expected::default()).collect();
    let (mut head, mut ended) = (0, false);
    for step in steps {
        match step {
            Step::Row { .. } | Step::Join { .. } | Step::Register { .. } if ended => {}
            Step::Row { terminal } => {
                head += 1;
                ended = terminal;
                rig.shards.publish(Publish { terminal, ..told(head) });
                for seen in expected.iter_mut().filter(|seen| seen.is_member()) {
                    seen.texts.push(format!("4{head}"));
                    seen.texts.extend(seen.keys.iter().map(|key| format!("4w{key} sees {head}")));
                    if terminal {
                        seen.joined = false;
                        seen.keys.clear();
                    }
                }
            }
            Step::Join { who } => {
                rig.shards.add_member(join(&sessions[who].0, head));
                expected[who].joined = !expected[who].gone;
            }
            Step::Leave { who } => {
                rig.shards.remove_member(&run(), &sessions[who].0);
                expected[who].joined = false;
            }
            Step::Register { who, key } => {
                rig.shards.add_member(register(&sessions[who].0, &format!("w{key}"), head));
                let seen = &mut expected[who];
                if !seen.gone {
                    seen.keys.retain(|known| *known != key);
                    seen.keys.push(key);
                    seen.texts.push(format!("4w{key} at {head}"));
                }
            }
            Step::Unregister { who, key } => {
                rig.shards.unregister(&run(), &sessions[who].0, &Arc::from(format!("w{key}")));
                expected[who].keys.retain(|known| *known != key);
            }
            Step::Gone { who } => {
                rig.idle().await;
                rig.board.leave_all(sessions[who].0.slot(), sessions[who].0.socket());
                let seen = &mut expected[who];
                (seen.joined, seen.gone) = (false, true);
                seen.keys.clear();
            }
            Step::Turn => rig.idle().await,
        }
    }
    rig.idle().await;
    for (seen, (member, _)) in expected.iter().zip(&sessions) {
        prop_assert_eq!(&rig.texts(member.slot()), &seen.texts);
    }
    prop_assert_eq!(rig.shards.members(&run()), expected.iter().filter(|seen| seen.is_member()).count());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn reasons_come_and_go_in_any_order(steps in prop::collection::vec(step(), 1..60)) {
        actix_rt::System::new().block_on(play(steps))?;
    }
}
