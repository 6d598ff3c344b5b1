//! A switchboard on the test's own thread, with outlets that write down what they are told.

use std::{
    cell::RefCell,
    rc::Rc,
    time::{Duration, Instant},
};

use super::{
    AddMember, CloseReason, Deadline, Member, Outlet, Publish, Settings, Shards, Slot, Subject, Switchboard,
};
use crate::{
    clock::Clock,
    ids::{Seq, SocketId},
    protocol::frame::Frame,
};

mod joins;
mod lifecycle;
mod sockets;

/// What an outlet was told.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Closed(CloseReason),
    Deadline(Deadline),
    Blocked,
}

#[derive(Default)]
struct Ear {
    told: RefCell<Vec<Told>>,
    panics: bool,
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
    fn closed_as(&self) -> Option<CloseReason> {
        self.told.borrow().iter().find_map(|told| match told {
            Told::Closed(why) => Some(why.clone()),
            _ => None,
        })
    }
}

fn settings() -> Settings {
    Settings {
        queue_bytes: 64 * 1024,
        queue_frames: 1000,
        queue_bytes_total: 64 << 20,
        stall_timeout: Duration::from_secs(30),
        tick: Duration::from_millis(1),
    }
}

struct Rig {
    shards: Shards,
    board: Rc<Switchboard>,
    clock: Clock,
}

fn rig(settings: Settings) -> Rig {
    let (shards, clock) = (Shards::new(1), Clock::real());
    let board = Switchboard::start(&shards, settings, clock.clone()).unwrap();
    Rig { shards, board, clock }
}

impl Rig {
    fn session(&self, name: &str) -> (Member, Rc<Ear>) {
        let ear = Rc::new(Ear::default());
        let slot = self.board.open(ear.clone());
        (self.board.member(slot, SocketId::trusted(name)), ear)
    }
    fn now(&self) -> Instant {
        self.clock.monotonic()
    }
    /// Until the worker has carried out what was sent.
    async fn idle(&self) {
        until("the shard is idle", || self.shards.load()[0].commands == 0).await;
    }
    fn texts(&self, slot: Slot) -> Vec<String> {
        texts(&self.board.take(slot, usize::MAX))
    }
}

fn texts(frames: &[Frame]) -> Vec<String> {
    let packets = frames.iter().flat_map(Frame::polling);
    packets.map(|packet| String::from_utf8(packet.into_owned()).unwrap()).collect()
}

fn run() -> Subject {
    Subject::trusted("run:1")
}

fn row(seq: i64) -> Publish {
    Publish {
        subject: run(),
        seq: Seq(seq),
        frame: Some(Frame::engine(&format!("4{seq}"))),
        progress_frame: None,
        terminal: false,
    }
}

fn join(member: &Member, after_seq: i64) -> AddMember {
    AddMember {
        subject: run(),
        member: member.clone(),
        after_seq: Seq(after_seq),
        frames: Vec::new(),
        progress: false,
    }
}

/// Waits for a condition, never for a time.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(20), waited).await.is_ok(), "never: {what}");
}
