//! How the rest of the hub reaches the children of a kind.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use actix::{Addr, Message, dev::ToEnvelope, prelude::SendError};
use actix_rt::ArbiterHandle;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    inspect::Inspect,
    messages::{Command, Generation, Kind, Load, Look, Refused, Restart, Route, Says, Ticket},
    policy::Policy,
    registry::Registry,
};
use crate::{
    clock::Clock,
    config::sections::Supervise,
    error::{Code, Coded},
};

/// Bounds and times of a registry.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Messages of one child, held or in its mailbox.
    pub mailbox: usize,
    /// Messages of all children of the kind.
    pub all: usize,
    /// Longest time a message is held before it is refused.
    pub deadline: Duration,
    /// A child without progress for so long is named in the log.
    pub stall_alarm: Duration,
    /// A child without progress for so long is replaced.
    pub replace_after: Duration,
    /// Idle time before passivation.
    pub passivate_after: Duration,
    /// How often the registry looks at its children.
    pub tick: Duration,
    /// Longest wait for children that are asked how they are.
    pub inspect_deadline: Duration,
    pub(crate) policy: Policy,
}

impl Limits {
    /// From the configuration; all children of a kind together may hold 64 full mailboxes.
    pub fn new(section: &Supervise) -> Self {
        let tick = (*section.stall_alarm / 8).clamp(Duration::from_millis(5), Duration::from_millis(500));
        Self {
            mailbox: section.mailbox,
            all: section.mailbox.saturating_mul(64),
            deadline: *section.command_deadline,
            stall_alarm: *section.stall_alarm,
            replace_after: *section.replace_after,
            passivate_after: *section.passivate_after,
            tick: tick.min(*section.passivate_after / 2).max(Duration::from_millis(1)),
            inspect_deadline: Duration::from_millis(500),
            policy: Policy {
                intensity: usize::try_from(section.restart_intensity.amount).unwrap_or(usize::MAX),
                window: section.restart_intensity.per,
                backoff_max: *section.backoff_max,
            },
        }
    }
}

/// Why a wanted restart did not happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RestartRefused {
    /// Nothing of that id lives.
    #[error("no such actor lives now")]
    Absent,
    /// It crashed over and over on its way up.
    #[error("the actor crashed again")]
    CrashLooping,
    /// It did not come up in time; its state is in the list.
    #[error("the actor did not start in time")]
    Late,
}

impl Coded for RestartRefused {
    fn code(&self) -> Code {
        match self {
            RestartRefused::Absent => Code::ActorNotFound,
            RestartRefused::CrashLooping => Code::CrashLooping,
            RestartRefused::Late => Code::NotRestartable,
        }
    }
}

/// What outlives a registry: it lets a new one adopt the children of the old.
pub(super) struct Shared<K: Kind> {
    pub(super) kind: Arc<K>,
    pub(super) limits: Limits,
    pub(super) clock: Clock,
    pub(super) load: Arc<Load>,
    pub(super) generations: AtomicU64,
    /// Where registries live.
    pub(super) home: ArbiterHandle,
    /// Where children live. One that is blocked for good is replaced in its place.
    pub(super) arbiters: Mutex<Vec<ArbiterHandle>>,
    pub(super) registry: Mutex<Option<Addr<Registry<K>>>>,
    pub(super) roster: Mutex<HashMap<K::Id, Kept<K>>>,
    /// Registries that ended by a panic, for their own intensity.
    pub(super) ends: Mutex<super::policy::Crashes>,
}

/// A child as it outlives its registry.
pub(super) struct Kept<K: Kind> {
    pub(super) addr: Addr<K::Child>,
    pub(super) generation: Generation,
    pub(super) home: usize,
    pub(super) load: Arc<Load>,
}

impl<K: Kind> Clone for Kept<K> {
    fn clone(&self) -> Self {
        Self {
            addr: self.addr.clone(),
            generation: self.generation,
            home: self.home,
            load: Arc::clone(&self.load),
        }
    }
}

/// Reaches the registry of a kind, also after it was built anew. Cheap to clone.
pub struct Handle<K: Kind>(pub(super) Arc<Shared<K>>);

impl<K: Kind> Clone for Handle<K> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<K: Kind> Handle<K> {
    /// Starts the registry of a kind on `home`; its children live on `arbiters` (at least one).
    pub fn start(
        kind: K,
        limits: Limits,
        clock: Clock,
        home: ArbiterHandle,
        arbiters: Vec<ArbiterHandle>,
    ) -> Self {
        let handle = Self(Arc::new(Shared {
            kind: Arc::new(kind),
            limits,
            clock,
            load: Arc::default(),
            generations: AtomicU64::new(1),
            home,
            arbiters: Mutex::new(arbiters),
            registry: Mutex::new(None),
            roster: Mutex::default(),
            ends: Mutex::default(),
        }));
        Registry::launch(handle.clone());
        handle
    }

    /// Sends a command to the child `id`, which is started if it is absent. Commands of one sender
    /// to one child arrive in order. `Err` gives the command back when the bound of the kind is
    /// reached; any later refusal goes through [`Command::refuse`].
    pub fn send(&self, id: K::Id, command: K::Command) -> Result<(), K::Command> {
        let Some(ticket) = Ticket::of_kind(&self.0.load, self.0.limits.all) else {
            return Err(command);
        };
        match self.tell(Route::<K> { id, command, ticket }) {
            Ok(()) => Ok(()),
            Err(route) => Err(route.command),
        }
    }

    /// As [`Handle::send`]; what cannot be sent is refused through [`Command::refuse`].
    pub fn ask(&self, id: K::Id, command: K::Command) {
        if let Err(command) = self.send(id, command) {
            command.refuse(Refused::Busy);
        }
    }

    /// Restarts the child from the journal and waits until the new one is alive.
    pub async fn restart(&self, id: K::Id) -> Result<(), RestartRefused> {
        let (reply, answer) = oneshot::channel();
        if self.tell(Restart::<K> { id, reply }).is_err() {
            return Err(RestartRefused::Late);
        }
        let deadline = self.0.limits.deadline + self.0.limits.replace_after;
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(RestartRefused::Late),
        }
    }

    /// The children that live now, at most `limit`, ordered by id.
    pub async fn list(&self, limit: usize) -> Vec<Inspect> {
        self.look(None, limit).await
    }

    /// One child, if it lives.
    pub async fn inspect(&self, id: K::Id) -> Option<Inspect> {
        self.look(Some(id), 1).await.pop()
    }

    /// Messages of all children that are not finished.
    pub fn open(&self) -> usize {
        self.0.load.open()
    }

    async fn look(&self, id: Option<K::Id>, limit: usize) -> Vec<Inspect> {
        let (reply, answer) = oneshot::channel();
        if self.tell(Look::<K> { id, limit, reply }).is_err() {
            return Vec::new();
        }
        let deadline = self.0.limits.inspect_deadline * 4;
        tokio::time::timeout(deadline, answer).await.ok().and_then(Result::ok).unwrap_or_default()
    }

    pub(super) fn say(&self, says: Says<K>) {
        // A registry that is being rebuilt asks its adopted children anew: a lost word is repeated.
        let _ = self.tell(says);
    }

    /// The registry's mailbox has no bound of its own: commands are bounded by their tickets, words
    /// of children by their number, ops by their requests' limit.
    pub(super) fn tell<M>(&self, message: M) -> Result<(), M>
    where
        M: Message<Result = ()> + Send + 'static,
        Registry<K>: actix::Handler<M>,
        <Registry<K> as actix::Actor>::Context: ToEnvelope<Registry<K>, M>,
    {
        let Some(registry) = self.0.registry.lock().clone() else { return Err(message) };
        registry.try_send(message).map_err(|error| match error {
            SendError::Full(message) | SendError::Closed(message) => message,
        })
    }

    pub(super) fn next_generation(&self) -> Generation {
        Generation(self.0.generations.fetch_add(1, Ordering::Relaxed))
    }
}
