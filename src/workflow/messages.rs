//! What a run's actor is asked. Each command carries the way to answer it; a run that dies with the
//! command closes that way, which its sender hears as [`Error::Lost`].

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{
    Error,
    waiting::Timers,
    watch::{Watch, Watched},
};
use crate::{
    clock::Clock,
    engine::{Ingested, RunStatus, Submission, WidgetInput},
    ids::{RunId, Seq},
    supervise::{self, Command, Refused},
};

/// The way to answer.
pub(super) type Reply<T> = oneshot::Sender<Result<T, Error>>;

/// Nobody waits for the answer; refused, it is given again later.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Wake {
    /// Load, and go on.
    GoOn,
    /// The run has a place now.
    Admit,
    /// A timer is due; its key.
    Timer(Arc<str>),
}

impl supervise::Wake for Wake {
    type Id = RunId;
    const STREAMS: &'static str = "run:";
    fn id(name: &str) -> RunId {
        RunId::trusted(name)
    }
    fn timer(key: &str) -> Self {
        Self::Timer(Arc::from(key))
    }
    fn is_timer(&self) -> bool {
        matches!(self, Self::Timer(_))
    }
}

/// What a run can be asked.
pub(super) enum Ask {
    /// By the hub itself.
    Wake(Wake),
    /// End it.
    Cancel {
        /// Why, for people.
        reason: Option<String>,
        /// Answered with the terminal status, whoever brought it.
        reply: Reply<RunStatus>,
    },
    /// Events of an executor elsewhere, with their keys; none was seen before.
    Ingest {
        /// One a row.
        events: Vec<Ingested>,
        /// One an event.
        keys: Vec<String>,
        /// Answered with the rows, or `None` when a key was taken meanwhile: look and try again.
        reply: Reply<Option<Vec<Seq>>>,
    },
    /// Somebody answers a request.
    Submit {
        /// The answer; checked against the request's form.
        submission: Box<Submission>,
        /// Answered with its row.
        reply: Reply<Seq>,
    },
    /// Which children it waits for.
    Children {
        /// Answered with them.
        reply: Reply<Vec<RunId>>,
    },
    /// A widget says something.
    Input {
        /// What.
        input: Box<WidgetInput>,
        /// Answered with its row.
        reply: Reply<Seq>,
    },
    /// A socket watches.
    Watch(Box<Watch>, Reply<Watched>),
}

/// A command on its way, with what it takes to try again a wake that was refused.
pub struct RunCommand {
    pub(super) run: RunId,
    pub(super) ask: Ask,
    pub(super) timers: Timers,
    pub(super) clock: Clock,
}

impl Ask {
    /// Answers that it was not carried out.
    pub(super) fn refuse(self, why: Error) {
        match self {
            Ask::Wake(_) => {}
            Ask::Cancel { reply, .. } => answer(reply, Err(why)),
            Ask::Ingest { reply, .. } => answer(reply, Err(why)),
            Ask::Input { reply, .. } | Ask::Submit { reply, .. } => answer(reply, Err(why)),
            Ask::Children { reply } => answer(reply, Err(why)),
            Ask::Watch(_, reply) => answer(reply, Err(why)),
        }
    }
}

/// Who asked may have gone.
pub(super) fn answer<T>(reply: Reply<T>, result: Result<T, Error>) {
    let _ = reply.send(result);
}

impl Command for RunCommand {
    fn refuse(self, why: Refused) {
        match self.ask {
            Ask::Wake(wake) => {
                let later = self.clock.now() + jiff::SignedDuration::from_secs(1);
                self.timers.again(&self.run, wake, later);
            }
            ask => ask.refuse(Error::Refused(why)),
        }
    }
}
