//! What a registry, its children and its callers say to each other.

use std::{
    fmt,
    hash::Hash,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use actix::{Actor, Context, Handler, Message};

use super::{guard::Life, inspect::Observation};
use crate::error::{Code, Coded};

/// One kind of actor under a registry. The value holds what every child needs (store, shards …).
pub trait Kind: Unpin + Send + Sync + Sized + 'static {
    /// Name in metrics, logs and the admin list: one lower-case word.
    const NAME: &'static str;
    /// What names a child.
    type Id: Clone + Eq + Hash + Ord + fmt::Display + Unpin + Send + Sync + 'static;
    /// What a child can be asked.
    type Command: Command;
    /// The child.
    type Child: Actor<Context = Context<Self::Child>> + Handler<Deliver<Self::Command>> + Handler<Control>;

    /// Makes the child's value, on the thread where it will live. Called again after each end: a
    /// child that was alive before finds its state in the journal. It calls [`Life::ready`] when it
    /// has loaded; until then it gets no command.
    fn build(&self, life: Life<Self>) -> Self::Child;
}

/// A message to a child. Dropping one unhandled must reach its sender as an error (it carries the
/// sending half of a reply channel), so that a child that dies is never silence.
pub trait Command: Unpin + Send + 'static {
    /// Answers the sender that the child will not see this message.
    fn refuse(self, why: Refused);
}

/// Why a message did not reach the child.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The child's bound, or the bound of its kind, is reached.
    #[error("the queue of this actor is full")]
    Busy,
    /// The child crashed too often and is held back.
    #[error("this actor crashed too often and is held back")]
    CrashLooping,
    /// The child did not start, or the registry is being rebuilt, within the deadline.
    #[error("this actor did not start in time")]
    Late,
}

impl Coded for Refused {
    fn code(&self) -> Code {
        match self {
            Refused::Busy | Refused::Late => Code::Busy,
            Refused::CrashLooping => Code::CrashLooping,
        }
    }
}

/// A command on its way to a child. The child drops the ticket when it has finished with the
/// command, not when it has taken it: the ticket is what the bound and the stall alarm count.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Deliver<C: Command> {
    /// What is asked.
    pub command: C,
    /// Proof of a place in the queue.
    pub ticket: Ticket,
}

/// What a registry asks of a child, apart from its work.
#[derive(Message, Debug, Clone, Copy, PartialEq, Eq)]
#[rtype(result = "()")]
pub enum Control {
    /// Passivation: if nothing is begun, `life.stopped()` and stop; else `life.busy()`.
    MayStop,
    /// Wanted restart: finish what is begun, take nothing new, then `life.stopped()` and stop.
    Finish,
    /// Say how you are: `life.report(detail)`. A registry built anew asks its adopted children the
    /// same; `report` repeats the readiness.
    Report,
    /// Replaced: stop at once; another child owns the subject.
    Abandon,
}

/// How much a child, or all of a kind, has to do.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// Messages taken in and not finished.
    pub(super) open: AtomicUsize,
    /// Messages finished ever; progress is this number rising.
    pub(super) done: AtomicU64,
}

impl Load {
    /// Counts one more, unless `bound` is reached.
    pub(super) fn enter(&self, bound: usize) -> bool {
        self.open
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |open| (open < bound).then(|| open + 1))
            .is_ok()
    }
    fn leave(&self) {
        self.open.fetch_sub(1, Ordering::AcqRel);
        self.done.fetch_add(1, Ordering::AcqRel);
    }
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Acquire)
    }
    pub(super) fn done(&self) -> u64 {
        self.done.load(Ordering::Acquire)
    }
}

/// A place in the queues of a kind and of a child, given back on drop.
#[derive(Debug)]
pub struct Ticket {
    kind: Arc<Load>,
    child: Option<Arc<Load>>,
}

impl Ticket {
    pub(super) fn of_kind(load: &Arc<Load>, bound: usize) -> Option<Self> {
        load.enter(bound).then(|| Self { kind: Arc::clone(load), child: None })
    }
    /// Also counts in `child`; the ticket is given back unchanged when the child's bound is reached.
    pub(super) fn with_child(mut self, child: &Arc<Load>, bound: usize) -> Result<Self, Self> {
        if !child.enter(bound) {
            return Err(self);
        }
        self.child = Some(Arc::clone(child));
        Ok(self)
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.kind.leave();
        if let Some(child) = &self.child {
            child.leave();
        }
    }
}

/// Which life of a child: a number that rises over all children of a kind, so that what an older
/// child says about itself is told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Generation(pub(super) u64);

/// A command for the child `id`.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Route<K: Kind> {
    pub(super) id: K::Id,
    pub(super) command: K::Command,
    pub(super) ticket: Ticket,
}

/// What a child tells its registry.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Says<K: Kind> {
    pub(super) id: K::Id,
    pub(super) generation: Generation,
    pub(super) word: Word,
}

pub(super) enum Word {
    Ready,
    Busy,
    Rest,
    Progress,
    Report(Observation),
    Ended(super::guard::Exit),
}

/// Ops want a new child. Answered when it is alive, or with the reason why not.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Restart<K: Kind> {
    pub(super) id: K::Id,
    pub(super) reply: tokio::sync::oneshot::Sender<Result<(), super::handle::RestartRefused>>,
}

/// Ops want to see one child or all; at most `limit`. Answered within the inspection's deadline.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Look<K: Kind> {
    pub(super) id: Option<K::Id>,
    pub(super) limit: usize,
    pub(super) reply: tokio::sync::oneshot::Sender<Vec<super::inspect::Inspect>>,
}

/// An arbiter is alive: the answer of its thread to the registry's question.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Beat(pub(super) usize);
