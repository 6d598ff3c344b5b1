//! The side of domain actors: [`Shards`] reaches every worker's switchboard from any thread.

use std::sync::{
    Arc,
    atomic::{AtomicU32, AtomicUsize, Ordering},
};

use parking_lot::Mutex;
use tokio::sync::{
    Notify,
    mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    oneshot,
};

use super::{
    messages::{AddMember, Command, Ending, Lowest, Page, Publish, Unregister},
    presence::Presence,
    types::{CloseReason, Error, Member, Subject},
};
use crate::{
    ids::Seq,
    protocol::frame::{Frame, Policy},
};

/// Commands that may wait for one worker; beyond it [`Shards::is_behind`].
pub(super) const MAX_UNANSWERED: usize = 4096;
/// Bytes of frames that may wait for one worker in its channel.
pub(super) const MAX_UNANSWERED_BYTES: usize = 64 << 20;

/// All shards of the process. Cheap to clone.
///
/// A shard's channel has no bound of its own, because a row that is committed must not be lost: who
/// sends asks [`Shards::is_behind`] and takes no new command until [`Shards::caught_up`].
#[derive(Clone)]
pub struct Shards(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub lines: Vec<Line>,
    pub presence: Presence,
    relief: Notify,
}

/// One shard as others see it.
pub(super) struct Line {
    sender: UnboundedSender<Command>,
    /// Here while no worker has it.
    receiver: Mutex<Option<UnboundedReceiver<Command>>>,
    commands: AtomicUsize,
    bytes: AtomicUsize,
    /// Bytes in all queues of the shard; written by its worker.
    pub queued: AtomicUsize,
    /// Open slots; written by its worker.
    pub sessions: AtomicUsize,
    /// The last generation given to a slot; survives a worker, so that no member of its time is
    /// mistaken for one of the next worker's.
    pub generation: AtomicU32,
}

/// What waits at one shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ShardLoad {
    /// Open sessions.
    pub sessions: usize,
    /// Bytes in their outbound queues.
    pub queued_bytes: usize,
    /// Commands that the worker has not carried out.
    pub commands: usize,
}

impl Shards {
    /// Channels for `count` workers (at least one).
    pub fn new(count: u16) -> Self {
        let lines = (0..count.max(1)).map(|_| Line::new()).collect();
        Self(Arc::new(Shared {
            lines,
            presence: Presence::new(usize::from(count.max(1))),
            relief: Notify::new(),
        }))
    }

    /// One frame to one socket: an answer, an ack. Nothing happens when the socket is gone.
    pub fn direct(&self, member: &Member, frame: Frame) {
        self.send(member.shard, Command::Direct(member.clone(), frame));
    }

    /// A page of a long replay. The receiver resolves when the session's queue is below half of its
    /// bounds: time for the next page. It fails when the session is gone.
    pub fn page(&self, member: &Member, frames: Vec<Frame>) -> oneshot::Receiver<()> {
        let (credit, below_half) = oneshot::channel();
        let page = Page { member: member.clone(), frames, credit };
        self.send(member.shard, Command::Page(Box::new(page)));
        below_half
    }

    /// Makes a socket a member: the join. A socket that has left meanwhile becomes none.
    pub fn add_member(&self, add: AddMember) {
        let shard = add.member.shard;
        self.0.presence.announced(&add.subject, shard);
        self.send(shard, Command::Add(Box::new(add)));
    }

    /// Takes a socket's own join back; it arrives behind everything that was sent before. While it has
    /// registrations with the subject it stays a member.
    pub fn remove_member(&self, subject: &Subject, member: &Member) {
        self.send(member.shard, Command::Remove(subject.clone(), member.clone()));
    }

    /// A replay is about to be sent to a member that stays one: what all get is kept from it until it
    /// joins again, so that nothing live comes between what is replayed. Its registrations go on.
    pub fn hold_member(&self, subject: &Subject, member: &Member) {
        self.send(member.shard, Command::Hold(subject.clone(), member.clone()));
    }

    /// Takes a registration back. The last one ends the membership, unless the socket joined too.
    pub fn unregister(&self, subject: &Subject, member: &Member, key: &Arc<str>) {
        let gone = Unregister { subject: subject.clone(), member: member.clone(), key: Arc::clone(key) };
        self.send(member.shard, Command::Unregister(Box::new(gone)));
    }

    /// One committed row, to the shards that have members. A row that nobody is shown goes nowhere.
    pub fn publish(&self, publish: Publish) {
        if publish.is_empty() {
            return;
        }
        let shards = self.0.presence.shards(&publish.subject);
        let publish = Arc::new(publish);
        for shard in shards {
            self.send(shard, Command::Publish(publish.clone()));
        }
    }

    /// Something of the moment that is no row, to the members that asked for progress. Who is slow does not
    /// get it, nor does a worker that is behind: it may be lost and never closes a session.
    pub fn whisper(&self, subject: &Subject, frame: Frame) {
        let frame = frame.with_policy(Policy::Volatile);
        for shard in self.0.presence.shards(subject) {
            let is_behind = self.0.lines.get(usize::from(shard)).is_none_or(Line::is_behind);
            if !is_behind {
                self.send(shard, Command::Whisper(subject.clone(), frame.clone()));
            }
        }
    }

    /// The lowest seq that any member of `subject` has, or `None` without members: where an actor that
    /// was restarted begins to publish again. It fails when a worker ended.
    pub fn resync(&self, subject: &Subject) -> oneshot::Receiver<Option<Seq>> {
        let (sender, answer) = oneshot::channel();
        let lowest = Lowest::new(sender);
        for shard in self.0.presence.shards(subject) {
            self.send(shard, Command::Resync(subject.clone(), lowest.clone()));
        }
        answer
    }

    /// Ends one session, after `last`, if it can still be written.
    pub fn close(&self, member: &Member, why: CloseReason, last: Option<Frame>) {
        let ending = Ending { member: member.clone(), why, last };
        self.send(member.shard, Command::Close(Box::new(ending)));
    }

    /// Ends all sessions (drain).
    pub fn close_all(&self, why: &CloseReason, last: Option<&Frame>) {
        for shard in self.numbers() {
            self.send(shard, Command::CloseAll(Box::new((why.clone(), last.cloned()))));
        }
    }

    /// Members of a subject, joins under way included.
    pub fn members(&self, subject: &Subject) -> usize {
        self.0.presence.members(subject)
    }

    /// Whether a worker has more to deliver than it should: take no new command then.
    pub fn is_behind(&self) -> bool {
        self.0.lines.iter().any(Line::is_behind)
    }

    /// Waits until no worker is behind.
    pub async fn caught_up(&self) {
        loop {
            let relief = self.0.relief.notified();
            let mut relief = std::pin::pin!(relief);
            relief.as_mut().enable();
            if !self.is_behind() {
                return;
            }
            relief.await;
        }
    }

    /// What waits at each shard.
    pub fn load(&self) -> Vec<ShardLoad> {
        let load = |line: &Line| ShardLoad {
            sessions: line.sessions.load(Ordering::Relaxed),
            queued_bytes: line.queued.load(Ordering::Relaxed),
            commands: line.commands.load(Ordering::Relaxed),
        };
        self.0.lines.iter().map(load).collect()
    }

    fn numbers(&self) -> impl Iterator<Item = u16> {
        (0u16..).take(self.0.lines.len())
    }

    pub(super) fn send(&self, shard: u16, command: Command) {
        let Some(line) = self.0.lines.get(usize::from(shard)) else { return };
        line.commands.fetch_add(1, Ordering::Relaxed);
        line.bytes.fetch_add(command.cost(), Ordering::Relaxed);
        // The receiver lives as long as the line: in a switchboard or in `Line::receiver`.
        let _ = line.sender.send(command);
    }

    /// A shard without a worker, and its channel.
    pub(super) fn claim(&self) -> Result<(u16, UnboundedReceiver<Command>), Error> {
        self.numbers()
            .zip(&self.0.lines)
            .find_map(|(shard, line)| line.receiver.lock().take().map(|receiver| (shard, receiver)))
            .ok_or(Error::NoShardLeft(self.0.lines.len()))
    }

    /// A worker ended; the next one takes its place.
    pub(super) fn give_back(&self, shard: u16, receiver: UnboundedReceiver<Command>) {
        if let Some(line) = self.0.lines.get(usize::from(shard)) {
            *line.receiver.lock() = Some(receiver);
        }
    }

    /// A worker has carried out so many commands.
    pub(super) fn carried_out(&self, shard: u16, commands: usize, bytes: usize) {
        if let Some(line) = self.0.lines.get(usize::from(shard)) {
            line.commands.fetch_sub(commands, Ordering::Relaxed);
            line.bytes.fetch_sub(bytes, Ordering::Relaxed);
            if !line.is_behind() {
                self.0.relief.notify_waiters();
            }
        }
    }

    /// Bytes in all queues of all shards, and the shard that holds the most.
    pub(super) fn queued(&self) -> (usize, u16) {
        let (mut total, mut fullest, mut most) = (0, 0, 0);
        for (shard, line) in self.numbers().zip(&self.0.lines) {
            let queued = line.queued.load(Ordering::Relaxed);
            total += queued;
            if queued > most {
                (fullest, most) = (shard, queued);
            }
        }
        (total, fullest)
    }
}

impl Line {
    fn new() -> Self {
        let (sender, receiver) = unbounded_channel();
        Self {
            sender,
            receiver: Mutex::new(Some(receiver)),
            commands: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            queued: AtomicUsize::new(0),
            sessions: AtomicUsize::new(0),
            generation: AtomicU32::new(0),
        }
    }

    fn is_behind(&self) -> bool {
        self.commands.load(Ordering::Relaxed) > MAX_UNANSWERED
            || self.bytes.load(Ordering::Relaxed) > MAX_UNANSWERED_BYTES
    }
}
