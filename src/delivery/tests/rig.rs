//! A switchboard on the test's own thread, with outlets that write down what they are told.

pub(super) use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

pub(super) use crate::delivery::{
    AddMember, CloseReason, Deadline, Member, Outlet, Publish, Settings, Shards, Slot, Subject, Switchboard,
};
pub(super) use crate::{
    clock::Clock,
    ids::{Seq, SocketId},
    protocol::frame::Frame,
};

/// What an outlet was told.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    Closed(CloseReason),
    Deadline(Deadline),
    Blocked,
}

#[derive(Default)]
pub(super) struct Ear {
    pub(super) told: RefCell<Vec<Told>>,
    pub(super) panics: bool,
}

impl Outlet for Ear {
    fn closed(&self, why: CloseReason) {
        self.told.borrow_mut().push(Told::Closed(why));
    }
    fn deadline(&self, what: Deadline) {
        assert!(!self.panics, "as the test wants it");
        self.told.borrow_mut().push(Told::Deadline(what));
    }
    fn blocked(&self) {
        self.told.borrow_mut().push(Told::Blocked);
    }
}

impl Ear {
    pub(super) fn closed_as(&self) -> Option<CloseReason> {
        self.told.borrow().iter().find_map(|told| match told {
            Told::Closed(why) => Some(why.clone()),
            _ => None,
        })
    }
}

pub(super) fn settings() -> Settings {
    Settings {
        queue_bytes: 64 * 1024,
        queue_frames: 1000,
        queue_bytes_total: 64 << 20,
        stall_timeout: Duration::from_secs(30),
        tick: Duration::from_millis(1),
    }
}

pub(super) struct Rig {
    pub(super) shards: Shards,
    pub(super) board: Rc<Switchboard>,
    pub(super) clock: Clock,
}

pub(super) fn rig(settings: Settings) -> Rig {
    let (shards, clock) = (Shards::new(1), Clock::real());
    let board = Switchboard::start(&shards, settings, clock.clone()).unwrap();
    Rig { shards, board, clock }
}

impl Rig {
    pub(super) fn session(&self, name: &str) -> (Member, Rc<Ear>) {
        let ear = Rc::new(Ear::default());
        let slot = self.board.open(ear.clone());
        (self.board.member(slot, SocketId::trusted(name)), ear)
    }
    pub(super) fn now(&self) -> Instant {
        self.clock.monotonic()
    }
    /// Until the worker has carried out what was sent.
    pub(super) async fn idle(&self) {
        until("the shard is idle", || self.shards.load()[0].commands == 0).await;
    }
    pub(super) fn texts(&self, slot: Slot) -> Vec<String> {
        texts(&self.board.take(slot, usize::MAX))
    }
}

pub(super) fn texts(frames: &[Frame]) -> Vec<String> {
    let packets = frames.iter().flat_map(Frame::polling);
    packets.map(|packet| String::from_utf8(packet.into_owned()).unwrap()).collect()
}

pub(super) fn run() -> Subject {
    Subject::trusted("run:1")
}

pub(super) fn row(seq: i64) -> Publish {
    Publish {
        subject: run(),
        seq: Seq(seq),
        frame: Some(Frame::engine(&format!("4{seq}"))),
        progress_frame: None,
        row: None,
        tail: None,
        terminal: false,
    }
}

pub(super) fn join(member: &Member, after_seq: i64) -> AddMember {
    AddMember::join(run(), member.clone(), Seq(after_seq))
}

/// Waits for a condition, never for a time.
pub(super) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waited).await.is_ok(), "never: {what}");
}
