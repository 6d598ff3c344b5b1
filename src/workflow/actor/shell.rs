//! Step 5 of a frame: the actor of a run. What a command means is the engine's to say (`commit.rs`);
//! here is the order in which things happen (next: `store/journal/writer.rs`).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler, SpawnHandle};

use super::{
    commit::{Batch, Work},
    crowd::Guest,
    dispatch::AttemptId,
    kind::RunKind,
    load::{Birth, Loaded, Meta},
};
use crate::{
    crash_point,
    delivery::Subject,
    engine::{self, AttemptResult, NodeError, Outcome, RunCommand as Decide, RunState, RunStatus, TimerKey},
    error::Code,
    store::Origin,
    supervise::{Control, Deliver, Life, Ticket},
    workflow::{
        Error,
        hub::Hub,
        messages::{Ask, RunCommand, Wake, answer},
        watch::{self, Encoder, Recent},
    },
};

/// How often a busy actor says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// How long rows are kept for joiners on their way.
const KEEP_RECENT: Duration = Duration::from_secs(30);
/// A run that goes on by itself sooner than this stays in memory.
const STAY_FOR: jiff::SignedDuration = jiff::SignedDuration::from_secs(10);

/// The actor of one run.
pub struct RunActor {
    pub(super) hub: Arc<Hub>,
    pub(super) life: Life<RunKind>,
    pub(super) subject: Subject,
    pub(super) encoder: Encoder,
    pub(super) phase: Phase,
    /// Not decided yet, in order.
    pub(super) inbox: VecDeque<Work>,
    /// In flight: at most one append.
    pub(super) batch: Option<Box<Batch>>,
    /// Attempts at work.
    pub(super) tasks: HashMap<AttemptId, SpawnHandle>,
    pub(super) recent: Recent,
    pub(super) recent_until: Option<Instant>,
    birth: Option<Box<Birth>>,
    /// Came while the rows are read again.
    held: VecDeque<Deliver<RunCommand>>,
    /// A wanted restart: nothing new is begun.
    pub(super) finishing: bool,
    /// Waits until the workers have delivered.
    pub(super) throttled: bool,
    /// How often the last append was refused by the database.
    pub(super) refused: u32,
    /// A heartbeat is set: only while there is something to look after.
    beating: bool,
}

/// Where the actor is.
pub(super) enum Phase {
    /// It folds its rows; commands wait in the inbox.
    Loading,
    /// It has its state: the committed one.
    Alive(Box<Alive>),
    /// There is no such run.
    Gone,
}

/// What a loaded run knows.
pub(super) struct Alive {
    pub(super) meta: Meta,
    pub(super) state: RunState,
    pub(super) owner_version: i64,
    /// The run's row says that it must be woken at start.
    pub(super) attention: bool,
    /// It waits for a place.
    pub(super) pending: bool,
    /// Its place among the tenant's living actors.
    pub(super) guest: Guest,
}

impl Alive {
    /// Where the run is, as clients see it.
    pub(super) fn status(&self) -> RunStatus {
        match self.state.status() {
            RunStatus::Running if self.pending => RunStatus::Pending,
            status => status,
        }
    }
}

impl RunActor {
    pub(super) fn new(hub: Arc<Hub>, life: Life<RunKind>, birth: Option<Birth>) -> Self {
        let run = life.id().clone();
        Self {
            subject: watch::subject(&run),
            encoder: Encoder::new(&run),
            hub,
            life,
            phase: Phase::Loading,
            inbox: VecDeque::new(),
            batch: None,
            tasks: HashMap::new(),
            recent: Recent::default(),
            recent_until: None,
            birth: birth.map(Box::new),
            held: VecDeque::new(),
            finishing: false,
            throttled: false,
            refused: 0,
            beating: false,
        }
    }

    /// The state is there: goes on where the run was.
    pub(super) fn begin(&mut self, loaded: Loaded, ctx: &mut Context<Self>) {
        let Loaded { alive, effects, unseen, lost } = loaded;
        if alive.state.status().is_terminal() {
            // The actor before may have died between the end of the run and what follows it.
            self.over(&alive.meta.tenant);
        }
        self.publish(unseen);
        self.phase = Phase::Alive(Box::new(alive));
        self.carry_out(effects, ctx);
        for (node, visit, attempt) in lost {
            let words = "what it was to do does not follow from the run's context any more, after a restart";
            let outcome = Outcome::Failed(NodeError::new(Code::InputInvalid, words));
            let result = Decide::Result(AttemptResult { node, visit, attempt, outcome });
            self.inbox.push_back(Work::by_hub(result, self.hub.clock.monotonic()));
        }
        self.life.ready();
        for deliver in std::mem::take(&mut self.held) {
            self.take(deliver, ctx);
        }
        self.pump(ctx);
    }

    /// There is no such run: whoever asks is told so.
    pub(super) fn gone(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Gone;
        self.life.ready();
        for work in std::mem::take(&mut self.inbox) {
            work.refuse(Error::RunNotFound);
        }
        for deliver in std::mem::take(&mut self.held) {
            deliver.command.ask.refuse(Error::RunNotFound);
        }
        self.rest(ctx);
    }

    /// The actor cannot go on: a new one starts from the journal.
    pub(super) fn fail(&mut self, why: impl std::fmt::Display, ctx: &mut Context<Self>) {
        log::warn!(run_id:% = self.life.id(); "a run's actor ends: {why}");
        self.life.failed(why);
        ctx.stop();
    }

    /// Nothing is begun.
    pub(super) fn is_idle(&self) -> bool {
        !matches!(self.phase, Phase::Loading)
            && self.batch.is_none()
            && self.inbox.is_empty()
            && self.tasks.is_empty()
    }

    /// Says that it may be passivated, when it will not be needed soon.
    pub(super) fn rest(&mut self, ctx: &mut Context<Self>) {
        if self.finishing && self.batch.is_none() && self.inbox.is_empty() {
            return self.stop(ctx);
        }
        if !self.is_idle() || self.recent.is_on() {
            return;
        }
        // It may stay for long, and there are many.
        self.inbox.shrink_to_fit();
        self.tasks.shrink_to_fit();
        let soon = match &self.phase {
            // Its next events may come at any moment, and each time it would have to fold its rows
            // again: it goes when it was idle for `supervise.passivate_after`.
            Phase::Alive(alive) if alive.meta.external && !alive.status().is_terminal() => true,
            Phase::Alive(alive) => {
                let next = alive.state.active().into_iter().filter_map(|active| active.until).min();
                next.is_some_and(|next| next.duration_since(self.hub.clock.now()) < STAY_FOR)
            }
            Phase::Loading | Phase::Gone => false,
        };
        if !soon {
            self.life.rest();
        }
    }

    fn stop(&mut self, ctx: &mut Context<Self>) {
        self.life.stopped();
        ctx.stop();
    }

    fn take(&mut self, deliver: Deliver<RunCommand>, ctx: &mut Context<Self>) {
        let alive = match &mut self.phase {
            Phase::Loading => return self.held.push_back(deliver),
            Phase::Gone => return deliver.command.ask.refuse(Error::RunNotFound),
            Phase::Alive(alive) => alive,
        };
        let Deliver { command: RunCommand { ask, .. }, ticket } = deliver;
        match ask {
            Ask::Watch(join, reply) => {
                // Before anybody says that nothing is left to do.
                drop(ticket);
                if alive.guest.is_too_many() {
                    answer(reply, Err(Error::RateLimited { limit: "limits.actors_per_tenant" }));
                    return self.pump(ctx);
                }
                let status = alive.status();
                let watched = watch::watch(
                    self.life.id(),
                    &self.hub.shards,
                    &alive.state,
                    status,
                    &mut self.recent,
                    *join,
                );
                self.recent_until = Some(self.hub.clock.monotonic() + KEEP_RECENT);
                self.beat(ctx);
                answer(reply, watched);
            }
            Ask::Children { reply } => {
                drop(ticket);
                let child = |at: engine::Active| {
                    crate::ids::RunId::of_child(self.life.id(), &at.node, at.visit, at.attempt)
                };
                let at_work = alive.state.active().into_iter().filter(|active| !active.waits);
                answer(reply, Ok(at_work.map(child).collect()));
            }
            Ask::Wake(Wake::GoOn) => drop(ticket),
            Ask::Wake(Wake::Admit) if !alive.pending || alive.state.status().is_terminal() => {
                // It was cancelled while it waited: its place goes to the next one.
                drop(ticket);
                if alive.state.status().is_terminal() {
                    let tenant = alive.meta.tenant.clone();
                    self.over(&tenant);
                } else {
                    self.hub.admission.begun(&alive.meta.tenant, self.life.id());
                }
            }
            ask => self.queue(ask, ticket),
        }
        self.pump(ctx);
    }

    fn queue(&mut self, ask: Ask, ticket: Ticket) {
        // Storage fails: reads go on, new commands do not wait for ever.
        if let Some(trouble) = self.hub.store.journal().trouble()
            && self.batch.is_some()
            && !matches!(ask, Ask::Wake(_))
        {
            return ask.refuse(Error::Store(trouble));
        }
        match Work::of(ask, ticket, self.hub.clock.monotonic()) {
            Ok(work) => self.inbox.push_back(work),
            Err(ask) => ask.refuse(Error::Lost),
        }
    }

    /// Sets a heartbeat, unless there is one. An actor that only waits has none.
    pub(super) fn beat(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.beating, true) {
            ctx.run_later(HEARTBEAT, Self::heartbeat);
        }
    }

    fn heartbeat(&mut self, ctx: &mut Context<Self>) {
        self.beating = false;
        if self.batch.is_some() || matches!(self.phase, Phase::Loading) {
            self.life.progress();
        }
        let now = self.hub.clock.monotonic();
        if self.recent_until.is_some_and(|until| until <= now) {
            self.recent.stop();
            self.recent_until = None;
            self.rest(ctx);
        }
        // What a client asked is answered in time, whatever the storage does.
        let deadline = self.hub.command_deadline;
        let late = |work: &Work| {
            work.origin == Origin::Client && now.saturating_duration_since(work.since) >= deadline
        };
        if self.inbox.iter().any(late) {
            let (late, kept): (VecDeque<_>, VecDeque<_>) = self.inbox.drain(..).partition(late);
            self.inbox = kept;
            for work in late {
                work.refuse(Error::Refused(crate::supervise::Refused::Late));
            }
        }
        if self.batch.is_some()
            || matches!(self.phase, Phase::Loading)
            || !self.inbox.is_empty()
            || self.recent_until.is_some()
        {
            self.beat(ctx);
        }
    }
}

impl Actor for RunActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        match self.birth.take() {
            Some(birth) => self.begin(birth.into_loaded(&self.hub), ctx),
            None => self.load(ctx),
        }
    }
}

impl Handler<Deliver<RunCommand>> for RunActor {
    type Result = ();
    fn handle(&mut self, deliver: Deliver<RunCommand>, ctx: &mut Context<Self>) {
        crash_point!("command.accepted");
        self.take(deliver, ctx);
    }
}

impl Handler<Control> for RunActor {
    type Result = ();
    fn handle(&mut self, control: Control, ctx: &mut Context<Self>) {
        match control {
            Control::MayStop if self.is_idle() => self.stop(ctx),
            Control::MayStop => self.life.busy(),
            Control::Finish => {
                // What is at work begins again under the next child, with the same key.
                self.finishing = true;
                for (_, task) in self.tasks.drain() {
                    ctx.cancel_future(task);
                }
                if matches!(self.phase, Phase::Gone | Phase::Alive(_)) {
                    self.rest(ctx);
                }
            }
            Control::Report => self.life.report(self.detail(), self.hub.clock.monotonic()),
            Control::Abandon => {
                self.life.replaced();
                ctx.terminate();
            }
        }
    }
}

impl RunActor {
    /// For ops: never payloads.
    fn detail(&self) -> serde_json::Value {
        let (status, seq, tenant) = match &self.phase {
            Phase::Loading => ("loading", 0, None),
            Phase::Gone => ("gone", 0, None),
            Phase::Alive(alive) => {
                (alive.status().as_str(), alive.state.seq().0, Some(alive.meta.tenant.as_str()))
            }
        };
        serde_json::json!({
            "status": status,
            "seq": seq,
            "tenantID": tenant,
            "attempts": self.tasks.len(),
            "waiting": self.inbox.len(),
            "appending": self.batch.is_some(),
            "watchers": self.hub.shards.members(&self.subject),
        })
    }
}

/// A timer's key as the engine reads it.
pub(super) fn timer(key: &str) -> Option<Decide> {
    key.parse::<TimerKey>().ok().map(|key| Decide::Timer { key })
}
