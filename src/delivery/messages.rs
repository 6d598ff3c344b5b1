//! What travels from domain actors to a shard: one enum in one channel, so that all that one actor
//! sends to one session arrives in its order.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    projection::{Register, Row},
    types::{CloseReason, Member, Subject},
};
use crate::{ids::Seq, protocol::frame::Frame};

/// Makes a socket a member, or adds a reason to be one: a socket has one membership a subject, by its
/// own join, by registrations, or both. Its place in the channel is the join.
#[derive(Clone, Debug)]
pub struct AddMember {
    /// What is watched.
    pub subject: Subject,
    /// Who watches. A second join of the same member keeps one membership.
    pub member: Member,
    /// The last row that `frames` (and pages sent before) tell of: published rows up to it are skipped.
    pub after_seq: Seq,
    /// What the member gets first: the ack of its join, the last page of its snapshot.
    pub frames: Vec<Frame>,
    /// Whether it asked for progress frames.
    pub progress: bool,
    /// It is no join but a registration; `progress` does not count then.
    pub register: Option<Box<Register>>,
}

impl AddMember {
    /// A join that is told of rows only.
    pub fn join(subject: Subject, member: Member, after_seq: Seq) -> Self {
        Self { subject, member, after_seq, frames: Vec::new(), progress: false, register: None }
    }
}

/// One committed row, for everybody who watches.
#[derive(Clone, Debug)]
pub struct Publish {
    /// Whose row.
    pub subject: Subject,
    /// The row's place; rises with every `Publish` of a subject, except after a restart, when rows may
    /// be published again and are skipped by members that have them.
    pub seq: Seq,
    /// For every member. All that one row tells is one frame (`Frame::concat`).
    pub frame: Option<Frame>,
    /// For members that asked for progress; it goes before `frame`.
    pub progress_frame: Option<Frame>,
    /// For registrations: each makes frames of its own of it, which go behind `frame`.
    pub row: Option<Arc<Row>>,
    /// For every member, behind all others: what the row asks of people.
    pub tail: Option<Frame>,
    /// Nothing follows: the memberships end with it.
    pub terminal: bool,
}

impl Publish {
    /// One frame, the same for every member.
    pub fn event(subject: Subject, seq: Seq, frame: Frame) -> Self {
        Self {
            subject,
            seq,
            frame: Some(frame),
            progress_frame: None,
            row: None,
            tail: None,
            terminal: false,
        }
    }

    /// Nobody would be told anything.
    pub(super) fn is_empty(&self) -> bool {
        let frames = self.frame.is_some() || self.progress_frame.is_some() || self.tail.is_some();
        !frames && self.row.is_none() && !self.terminal
    }
}

/// What a shard's channel carries.
pub(super) enum Command {
    Direct(Member, Frame),
    Page(Box<Page>),
    Add(Box<AddMember>),
    Remove(Subject, Member),
    Hold(Subject, Member),
    Unregister(Box<Unregister>),
    Publish(Arc<Publish>),
    Whisper(Subject, Frame),
    Resync(Subject, Arc<Lowest>),
    Close(Box<Ending>),
    CloseAll(Box<(CloseReason, Option<Frame>)>),
    /// All queues together are over their bound and this shard holds the most.
    Relieve,
}

pub(super) struct Page {
    pub member: Member,
    pub frames: Vec<Frame>,
    pub credit: oneshot::Sender<()>,
}

pub(super) struct Unregister {
    pub subject: Subject,
    pub member: Member,
    pub key: Arc<str>,
}

pub(super) struct Ending {
    pub member: Member,
    pub why: CloseReason,
    pub last: Option<Frame>,
}

impl Command {
    /// Bytes of frames that it holds while it waits.
    pub fn cost(&self) -> usize {
        let all = |frames: &[Frame]| frames.iter().map(Frame::cost).sum();
        match self {
            Self::Direct(_, frame) | Self::Whisper(_, frame) => frame.cost(),
            Self::Page(page) => all(&page.frames),
            Self::Add(add) => {
                all(&add.frames) + add.register.as_ref().map_or(0, |register| register.snapshot.cost())
            }
            Self::Publish(publish) => {
                let frames = [&publish.frame, &publish.progress_frame, &publish.tail];
                frames.into_iter().flatten().map(Frame::cost).sum()
            }
            Self::Remove(..)
            | Self::Hold(..)
            | Self::Unregister(_)
            | Self::Resync(..)
            | Self::Close(_)
            | Self::CloseAll(_)
            | Self::Relieve => 0,
        }
    }
}

/// Gathers the lowest seq over all shards; the last one to let go of it answers.
pub(super) struct Lowest {
    found: Mutex<Option<Seq>>,
    answer: Mutex<Option<oneshot::Sender<Option<Seq>>>>,
}

impl Lowest {
    pub fn new(answer: oneshot::Sender<Option<Seq>>) -> Arc<Self> {
        Arc::new(Self { found: Mutex::new(None), answer: Mutex::new(Some(answer)) })
    }

    pub fn note(&self, seq: Seq) {
        let mut found = self.found.lock();
        *found = Some(found.map_or(seq, |other| other.min(seq)));
    }
}

impl Drop for Lowest {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.get_mut().take() {
            // The actor that asked may be gone again: nobody needs the answer then.
            let _ = answer.send(*self.found.get_mut());
        }
    }
}
