//! The actor of a room: the order in which things happen. What a command means is the pure `room`'s to say.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use actix::{Actor, ActorContext, AsyncContext, Context, Handler};

use super::{
    commit::{Batch, Work},
    kind::RoomKind,
    load::Loaded,
    work::Job,
};
use crate::{
    chat::{
        Error, Joined,
        commands::{Ask, Enter, RoomCommand, Wake, answer},
        frames,
        hub::{Hub, subject},
        room::{Effect, RoomCommand as Decide, RoomState, outstanding},
    },
    crash_point,
    delivery::{AddMember, Member, Subject},
    ids::MessageId,
    store::Origin,
    supervise::{Control, Deliver, Life},
};

/// How often a busy actor says that it is alive.
const HEARTBEAT: Duration = Duration::from_secs(1);

/// The actor of one room.
pub struct RoomActor {
    pub(super) hub: Arc<Hub>,
    pub(super) life: Life<RoomKind>,
    pub(super) subject: Subject,
    pub(super) phase: Phase,
    /// Not decided yet, in order.
    pub(super) inbox: VecDeque<Work>,
    /// In flight: at most one append.
    pub(super) batch: Option<Box<Batch>>,
    /// A turn, or what a person approved: at most one.
    pub(super) job: Option<Job>,
    /// By which socket what waits for its answer was said; gone with this actor.
    pub(super) senders: HashMap<MessageId, Member>,
    /// It is being removed.
    pub(super) removing: bool,
    /// Came while the rows are read.
    held: VecDeque<Deliver<RoomCommand>>,
    /// A wanted restart: nothing new is begun.
    pub(super) finishing: bool,
    beating: bool,
}

/// Where the actor is.
pub(super) enum Phase {
    /// It folds its rows.
    Loading,
    /// It has its state: the committed one.
    Alive(Box<Alive>),
    /// There is no such room.
    Gone,
}

/// What a loaded room knows.
pub(super) struct Alive {
    pub(super) state: RoomState,
    pub(super) owner_version: i64,
}

impl RoomActor {
    pub(super) fn new(hub: Arc<Hub>, life: Life<RoomKind>) -> Self {
        Self {
            subject: subject(life.id()),
            hub,
            life,
            phase: Phase::Loading,
            inbox: VecDeque::new(),
            batch: None,
            job: None,
            senders: HashMap::new(),
            removing: false,
            held: VecDeque::new(),
            finishing: false,
            beating: false,
        }
    }

    /// The state is there: goes on where the room was.
    pub(super) fn begin(&mut self, loaded: Loaded, ctx: &mut Context<Self>) {
        let Loaded { alive, unseen } = loaded;
        for (seq, told) in unseen {
            self.publish(seq, &told);
        }
        // What needs nobody first; what is outstanding then follows from the state.
        let resume = Work::by_hub(Decide::Resume, self.hub.clock.monotonic());
        self.inbox.push_front(resume);
        self.phase = Phase::Alive(Box::new(alive));
        self.life.ready();
        for deliver in std::mem::take(&mut self.held) {
            self.take(deliver, ctx);
        }
        self.pump(ctx);
    }

    /// The room was read and has settled: what has begun is begun again.
    pub(super) fn resumed(&mut self, ctx: &mut Context<Self>) {
        let Phase::Alive(alive) = &self.phase else { return };
        if self.job.is_none() {
            let effects: Vec<Effect> = outstanding(&alive.state);
            self.carry_out(effects, ctx);
        }
    }

    /// There is no such room: whoever asks is told so.
    pub(super) fn gone(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Gone;
        self.life.ready();
        for work in std::mem::take(&mut self.inbox) {
            work.refuse(Error::NotFound);
        }
        for deliver in std::mem::take(&mut self.held) {
            deliver.command.ask.refuse(Error::NotFound);
        }
        self.rest(ctx);
    }

    /// The actor cannot go on: a new one starts from the journal.
    pub(super) fn fail(&mut self, why: impl std::fmt::Display, ctx: &mut Context<Self>) {
        log::warn!(room:% = self.life.id(); "a room's actor ends: {why}");
        self.stop_job(ctx);
        self.life.failed(why);
        ctx.stop();
    }

    fn is_idle(&self) -> bool {
        !matches!(self.phase, Phase::Loading)
            && self.batch.is_none()
            && self.inbox.is_empty()
            && self.job.is_none()
            && !self.removing
    }

    /// After everything: a wanted end, or the registry may forget a room that is not there. A living one
    /// stays until it was idle for `supervise.passivate_after`.
    pub(super) fn rest(&mut self, ctx: &mut Context<Self>) {
        if !self.is_idle() {
            return;
        }
        if self.finishing {
            self.stop(ctx);
        } else if matches!(self.phase, Phase::Gone) {
            self.life.rest();
        }
    }

    fn stop(&mut self, ctx: &mut Context<Self>) {
        self.life.stopped();
        ctx.stop();
    }

    fn take(&mut self, deliver: Deliver<RoomCommand>, ctx: &mut Context<Self>) {
        match self.phase {
            Phase::Loading => return self.held.push_back(deliver),
            Phase::Gone => {
                deliver.command.ask.refuse(Error::NotFound);
                return self.rest(ctx);
            }
            Phase::Alive(_) => {}
        }
        let Deliver { command: RoomCommand { ask, .. }, ticket } = deliver;
        match ask {
            // Nothing of what is being decided was told yet: the committed state is what a member has.
            Ask::Enter(enter, reply) => answer(reply, self.enter(*enter)),
            Ask::Wake(Wake::GoOn) => {}
            ask => {
                // Storage fails: new commands do not wait for ever.
                if let Some(trouble) = self.hub.store.journal().trouble()
                    && self.batch.is_some()
                    && !matches!(ask, Ask::Wake(_))
                {
                    return ask.refuse(Error::Store(trouble));
                }
                self.inbox.push_back(Work::of(ask, ticket, self.hub.clock.monotonic()));
            }
        }
        self.pump(ctx);
    }

    fn enter(&self, enter: Enter) -> Result<Joined, Error> {
        let Phase::Alive(alive) = &self.phase else { return Err(Error::NotFound) };
        let state = &alive.state;
        let Enter { asker, member, stream, ack } = enter;
        if self.removing || !state.is_inside(&asker.person.user) {
            return Err(Error::NotFound);
        }
        let entered = frames::entered(state).map_err(|error| Error::Corrupted(error.to_string()))?;
        let joined = Joined {
            room: state.room().clone(),
            tenant: state.tenant().clone(),
            resumed: entered.resumed,
            head: state.head(),
            seen_from: entered.seen_from,
        };
        let frames = ack.and_then(|ack| ack(&joined)).into_iter().chain([entered.frame]).collect();
        self.hub.seats.enter(state.room(), &asker.person.user, &member);
        self.hub.shards.add_member(AddMember {
            frames,
            progress: stream,
            ..AddMember::join(self.subject.clone(), member, state.head())
        });
        Ok(joined)
    }

    /// Sets a heartbeat, unless there is one. An actor that only waits has none.
    pub(super) fn beat(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.beating, true) {
            ctx.run_later(HEARTBEAT, Self::heartbeat);
        }
    }

    fn heartbeat(&mut self, ctx: &mut Context<Self>) {
        self.beating = false;
        let busy = self.batch.is_some() || matches!(self.phase, Phase::Loading) || self.removing;
        if busy {
            self.life.progress();
        }
        // What a client asked is answered in time, whatever the storage does.
        let (now, deadline) = (self.hub.clock.monotonic(), self.hub.deadline);
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
        if busy || !self.inbox.is_empty() {
            self.beat(ctx);
        }
    }

    /// For ops: never what was said.
    fn detail(&self) -> serde_json::Value {
        let (status, state) = match &self.phase {
            Phase::Loading => ("loading", None),
            Phase::Gone => ("gone", None),
            Phase::Alive(alive) => ("alive", Some(&alive.state)),
        };
        serde_json::json!({
            "status": status,
            "seq": state.map_or(0, |state| state.head().0),
            "tenantID": state.map(|state| state.tenant().as_str()),
            "queued": state.map_or(0, |state| state.facts().queue.len()),
            "answering": self.job.is_some(),
            "carryingOut": self.job.as_ref().is_some_and(|job| job.is_effect),
            "waiting": self.inbox.len(),
            "appending": self.batch.is_some(),
            "members": self.hub.shards.members(&self.subject),
        })
    }
}

impl Actor for RoomActor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.load(ctx);
    }
}

impl Handler<Deliver<RoomCommand>> for RoomActor {
    type Result = ();
    fn handle(&mut self, deliver: Deliver<RoomCommand>, ctx: &mut Context<Self>) {
        crash_point!("room.accepted");
        self.take(deliver, ctx);
    }
}

impl Handler<Control> for RoomActor {
    type Result = ();
    fn handle(&mut self, control: Control, ctx: &mut Context<Self>) {
        match control {
            Control::MayStop if self.is_idle() => self.stop(ctx),
            Control::MayStop => self.life.busy(),
            Control::Finish => {
                self.finishing = true;
                // A turn is made again by the next child; what was approved is brought to its end.
                if self.job.as_ref().is_some_and(|job| !job.is_effect) {
                    self.stop_job(ctx);
                }
                self.rest(ctx);
            }
            Control::Report => self.life.report(self.detail(), self.hub.clock.monotonic()),
            Control::Abandon => {
                self.life.replaced();
                ctx.terminate();
            }
        }
    }
}
