//! Slots, deadlines, bounds over all, the end of a worker.

use super::rig::*;

#[actix_web::test]
async fn deadlines_fire_when_they_are_due_and_not_when_cleared() {
    let rig = rig(settings());
    let (member, ear) = rig.session("a");
    let (start, slot) = (rig.now(), member.slot());
    rig.board.set_deadline(slot, Deadline::PingDue, start + Duration::from_millis(60));
    rig.board.set_deadline(slot, Deadline::PongMissing, start + Duration::from_millis(30));
    rig.board.set_deadline(slot, Deadline::AckTimeout, start + Duration::from_millis(10));
    rig.board.clear_deadline(slot, Deadline::AckTimeout);
    rig.board.set_deadline(slot, Deadline::Stall, start);
    until("the first", || !ear.told.borrow().is_empty()).await;
    assert!(rig.now() >= start + Duration::from_millis(30));
    until("the second", || ear.told.borrow().len() == 2).await;
    assert!(rig.now() >= start + Duration::from_millis(60));
    let expected = [Told::Deadline(Deadline::PongMissing), Told::Deadline(Deadline::PingDue)];
    assert_eq!(*ear.told.borrow(), expected);
}

#[actix_web::test]
async fn closing_lets_the_last_batch_be_taken() {
    let rig = rig(settings());
    let (member, ear) = rig.session("a");
    let slot = member.slot();
    rig.shards.add_member(join(&member, 0));
    rig.idle().await;
    rig.board.push(slot, Frame::engine("4first"));
    rig.board.close(slot, CloseReason::Session("server"), Some(Frame::engine("1")));
    assert_eq!(rig.shards.members(&run()), 0);
    assert!(!rig.board.push(slot, Frame::engine("4too late")));
    assert_eq!(ear.closed_as(), None);
    let batch = std::future::poll_fn(|cx| rig.board.poll_take(slot, usize::MAX, cx)).await;
    assert_eq!(texts(&batch.unwrap()), ["4first", "1"]);
    until("closed", || ear.closed_as().is_some()).await;
    let batch = std::future::poll_fn(|cx| rig.board.poll_take(slot, usize::MAX, cx)).await;
    assert!(batch.is_none());
    assert_eq!(*ear.told.borrow(), [Told::Closed(CloseReason::Session("server"))]);
    assert_eq!(rig.board.sessions(), 0);
}

#[actix_web::test]
async fn a_closing_session_that_nobody_drains_ends_at_the_stall_timeout() {
    let rig = rig(Settings { stall_timeout: Duration::from_millis(30), ..settings() });
    let (member, ear) = rig.session("a");
    rig.shards.close(&member, CloseReason::Session("admin"), Some(Frame::engine("1")));
    until("closed", || ear.closed_as().is_some()).await;
    assert_eq!(ear.closed_as(), Some(CloseReason::Session("admin")));
}

#[actix_web::test]
async fn a_full_queue_ends_the_session_and_its_bound_held() {
    let rig = rig(Settings { queue_bytes: 5000, ..settings() });
    let (member, ear) = rig.session("a");
    rig.shards.add_member(join(&member, 0));
    let body = "x".repeat(1000);
    for seq in 1..=5 {
        rig.shards.publish(Publish { frame: Some(Frame::engine(&body)), ..row(seq) });
    }
    rig.idle().await;
    assert_eq!(rig.shards.load()[0].queued_bytes, 5 * 1004);
    rig.shards.publish(row(6));
    until("closed", || ear.closed_as().is_some()).await;
    assert_eq!(ear.closed_as(), Some(CloseReason::SlowClient));
    assert_eq!(rig.shards.load()[0].queued_bytes, 0);
    assert_eq!(rig.shards.members(&run()), 0);
}

#[actix_web::test]
async fn over_the_total_the_fullest_are_cut() {
    let rig = rig(Settings { queue_bytes_total: 10_000, ..settings() });
    let sessions: Vec<_> = ["a", "b", "c"].iter().map(|name| rig.session(name)).collect();
    let push = |who: usize, bytes: usize| {
        rig.board.push(sessions[who].0.slot(), Frame::engine(&"x".repeat(bytes)));
    };
    push(0, 3000);
    push(1, 5000);
    push(2, 1000);
    rig.idle().await;
    assert_eq!(rig.board.sessions(), 3);
    push(2, 2000);
    until("cut", || rig.board.sessions() == 2).await;
    until("told", || sessions[1].1.closed_as().is_some()).await;
    assert_eq!(sessions[1].1.closed_as(), Some(CloseReason::Overload));
}

#[actix_web::test]
async fn over_the_total_the_shard_that_holds_the_most_cuts() {
    let shards = Shards::new(2);
    let settings = Settings { queue_bytes_total: 10_000, ..settings() };
    let boards: Vec<_> =
        (0..2).map(|_| Switchboard::start(&shards, settings.clone(), Clock::real()).unwrap()).collect();
    assert!(Switchboard::start(&shards, settings, Clock::real()).is_err());
    let ears: Vec<_> = (0..2).map(|_| Rc::new(Ear::default())).collect();
    let slots: Vec<_> = boards.iter().zip(&ears).map(|(board, ear)| board.open(ear.clone())).collect();
    boards[0].push(slots[0], Frame::engine(&"x".repeat(9000)));
    until("seen", || shards.load()[0].queued_bytes > 9000).await;
    boards[1].push(slots[1], Frame::engine(&"x".repeat(2000)));
    until("cut", || ears[0].closed_as().is_some()).await;
    assert_eq!(ears[0].closed_as(), Some(CloseReason::Overload));
    assert_eq!((ears[1].closed_as(), shards.load()[1].queued_bytes), (None, 2004));
}

#[actix_web::test]
async fn a_panic_of_one_session_ends_that_session_alone() {
    let rig = rig(settings());
    let bad = Rc::new(Ear { panics: true, ..Ear::default() });
    let slot = rig.board.open(bad.clone());
    let (member, ear) = rig.session("good");
    rig.board.set_deadline(slot, Deadline::PingDue, rig.now());
    rig.board.set_deadline(member.slot(), Deadline::PingDue, rig.now());
    until("both", || bad.closed_as().is_some() && !ear.told.borrow().is_empty()).await;
    assert_eq!(bad.closed_as(), Some(CloseReason::Session("panicked")));
    assert_eq!(rig.board.sessions(), 1);
}

#[actix_web::test]
async fn the_next_worker_takes_the_shard_and_old_names_reach_nobody() {
    let Rig { shards, board, clock } = rig(settings());
    let ear = Rc::new(Ear::default());
    let slot = board.open(ear.clone());
    let old = board.member(slot, SocketId::trusted("a"));
    shards.add_member(join(&old, 0));
    until("joined", || shards.load()[0].commands == 0).await;
    drop(board);
    assert_eq!(ear.closed_as(), Some(CloseReason::Engine(super::super::DisconnectReason::ClosingServer)));
    assert_eq!(shards.members(&run()), 0);
    shards.direct(&old, Frame::engine("4for a stranger"));
    shards.add_member(join(&old, 0));
    assert_eq!(shards.members(&run()), 1, "under way");
    let board = Switchboard::start(&shards, settings(), clock.clone()).unwrap();
    let rig = Rig { shards, board, clock };
    let (member, _ear) = rig.session("a");
    assert_eq!(member.slot().index, old.slot().index);
    rig.idle().await;
    assert!(rig.texts(member.slot()).is_empty());
    assert_eq!(rig.shards.members(&run()), 0);
    assert!(Switchboard::current().is_some_and(|current| Rc::ptr_eq(&current, &rig.board)));
}

#[actix_web::test]
async fn who_publishes_can_see_that_a_worker_is_behind() {
    let rig = rig(settings());
    let (member, _ear) = rig.session("a");
    for _ in 0..=super::super::shards::MAX_UNANSWERED {
        rig.shards.remove_member(&run(), &member);
    }
    assert!(rig.shards.is_behind());
    rig.shards.caught_up().await;
    assert!(!rig.shards.is_behind());
}
