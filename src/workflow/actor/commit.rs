//! Decide, append, then carry out: one append in flight, everything else after its commit.

use std::time::Instant;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use jiff::Timestamp;

use super::{
    shell::{Alive, Phase, RunActor, timer},
    written::{needs_attention, new_row, of_effects},
};
use crate::{
    crash_point,
    engine::{
        self, Effect, Ingested, Refusal, RunCommand as Decide, RunEvent, RunState, RunStatus, Update,
        invariants,
    },
    error::Coded,
    ids::{RunId, Seq},
    metrics::{KindLabel, Reason, invariant_violated, metrics},
    store::{
        self, Append, Appended, Origin, Projection, Unique,
        tables::runs::{self, RunChange},
    },
    supervise::Ticket,
    workflow::{
        Error,
        messages::{Ask, Reply, Wake, answer},
        watch,
    },
};

/// Rows of an append after which no further command joins it. What a command causes has about as many
/// at most (the engine goes on in a step of its own), so that an append stays below some hundred.
const MOST_ROWS: usize = 256;

/// How often rows of the hub's own are refused before that is believed, and the wait between.
const MOST_REFUSED: u32 = 3;
const REFUSED_AGAIN: std::time::Duration = std::time::Duration::from_millis(500);

/// A command that is not carried out yet.
pub(super) struct Work {
    pub(super) what: What,
    pub(super) origin: Origin,
    pub(super) since: Instant,
    /// Given back when the command is finished with.
    _ticket: Option<Ticket>,
}

/// What is asked.
pub(super) enum What {
    /// By the hub: a result, a timeout, a timer. Nobody waits.
    Decide(Decide),
    /// The run has a place.
    Admit,
    /// End it.
    Cancel(Option<String>, Reply<RunStatus>),
    /// Somebody answers.
    Submit(Box<engine::Submission>, Reply<Seq>),
    /// What a widget says.
    Input(Box<engine::WidgetInput>, Reply<Seq>),
    /// Events with their keys.
    Ingest(Vec<Ingested>, Vec<String>, Reply<Option<Vec<Seq>>>),
}

impl Work {
    pub(super) fn by_hub(command: Decide, since: Instant) -> Self {
        Self { what: What::Decide(command), origin: Origin::Hub, since, _ticket: None }
    }

    /// From a message; one that is not for the engine comes back.
    pub(super) fn of(ask: Ask, ticket: Ticket, since: Instant) -> Result<Self, Ask> {
        let (what, origin) = match ask {
            Ask::Wake(Wake::Admit) => (What::Admit, Origin::Hub),
            Ask::Wake(Wake::Timer(key)) => match timer(&key) {
                Some(command) => (What::Decide(command), Origin::Hub),
                None => return Err(Ask::Wake(Wake::Timer(key))),
            },
            Ask::Cancel { reason, reply } => (What::Cancel(reason, reply), Origin::Client),
            Ask::Ingest { events, keys, reply } => (What::Ingest(events, keys, reply), Origin::Client),
            Ask::Submit { submission, reply } => (What::Submit(submission, reply), Origin::Client),
            Ask::Input { input, reply } => (What::Input(input, reply), Origin::Client),
            ask @ (Ask::Wake(Wake::GoOn) | Ask::Children { .. } | Ask::Watch(..)) => return Err(ask),
        };
        Ok(Self { what, origin, since, _ticket: Some(ticket) })
    }

    pub(super) fn refuse(self, why: Error) {
        match self.what {
            What::Decide(_) | What::Admit => {}
            What::Cancel(_, reply) => answer(reply, Err(why)),
            What::Ingest(_, _, reply) => answer(reply, Err(why)),
            What::Input(_, reply) | What::Submit(_, reply) => answer(reply, Err(why)),
        }
    }
}

/// What is being appended.
pub(super) struct Batch {
    /// Each with the rows that it made.
    works: Vec<(Work, Vec<Seq>)>,
    /// Refused on a state that is not committed yet: answered when it is.
    refused: Vec<(Work, Refusal)>,
    state: RunState,
    pending: bool,
    attention: bool,
    effects: Vec<Effect>,
    updates: Vec<Update>,
    has_result: bool,
    /// It ends the run for want of a store that takes its rows: nothing else can be tried.
    is_last: bool,
    origin: Origin,
}

/// What a command comes to.
struct Decided {
    rows: Vec<(Seq, RunEvent)>,
    state: RunState,
    effects: Vec<Effect>,
    updates: Vec<Update>,
}

impl RunActor {
    /// Decides what waits and appends it, unless an append is in flight.
    pub(super) fn pump(&mut self, ctx: &mut Context<Self>) {
        if self.batch.is_some() || self.throttled || !matches!(self.phase, Phase::Alive(_)) {
            return;
        }
        if !self.inbox.is_empty() && self.hub.shards.is_behind() {
            // The workers have more than they can deliver: nothing new until they have caught up.
            self.throttled = true;
            self.beat(ctx);
            let shards = self.hub.shards.clone();
            ctx.spawn(async move { shards.caught_up().await }.into_actor(self).map(|(), actor, ctx| {
                actor.throttled = false;
                actor.pump(ctx);
            }));
            return;
        }
        let now = self.hub.clock.now();
        let Some((batch, rows)) = self.gather(now) else { return self.rest(ctx) };
        let Phase::Alive(alive) = &self.phase else { return };
        let append = Append {
            stream: self.subject.clone(),
            create: false,
            expected_head: alive.state.seq(),
            owner_version: alive.owner_version,
            projections: projections(self.life.id(), alive, &batch, now),
            rows: rows.iter().map(|(_, event)| new_row(event, now)).collect(),
            origin: batch.origin,
        };
        self.batch = Some(Box::new(batch));
        self.beat(ctx);
        let journal = self.hub.store.journal().clone();
        let append = async move { journal.append(append).await };
        ctx.spawn(append.into_actor(self).map(Self::appended));
    }

    /// Decides commands of one origin, one after the other. None when nothing changes.
    fn gather(&mut self, now: Timestamp) -> Option<(Batch, Vec<(Seq, RunEvent)>)> {
        let Phase::Alive(alive) = &self.phase else { return None };
        let (mut works, mut refused, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        let (mut effects, mut updates) = (Vec::new(), Vec::new());
        let (mut pending, mut has_result, mut is_last) = (alive.pending, false, false);
        let mut origin = Origin::Hub;
        // A copy of the state is dear: there is one only when something comes of a command.
        let mut state: Option<RunState> = None;
        while let Some(next) = self.inbox.front() {
            // The end for want of storage goes alone: what cannot be stored may wait behind it.
            if rows.len() >= MOST_ROWS || is_last || (!works.is_empty() && next.origin != origin) {
                break;
            }
            let Some(work) = self.inbox.pop_front() else { break };
            origin = work.origin;
            let before = state.as_ref().unwrap_or(&alive.state);
            match decide(before, pending, &work.what, now) {
                Ok(decided) => {
                    check(before, &decided.rows);
                    has_result |= matches!(work.what, What::Decide(Decide::Result(_)));
                    is_last |= matches!(work.what, What::Decide(Decide::Fail { .. }));
                    pending &= !matches!(work.what, What::Admit);
                    works.push((work, decided.rows.iter().map(|(seq, _)| *seq).collect()));
                    state = Some(decided.state);
                    effects.extend(decided.effects);
                    updates.extend(decided.updates);
                    rows.extend(decided.rows);
                }
                Err(refusal) if rows.is_empty() => self.refuse(work, refusal),
                Err(refusal) => refused.push((work, refusal)),
            }
        }
        let mut state = state?;
        if let Some(snapshot) = engine::snapshot_due(&state) {
            let seq = state.seq().next();
            engine::apply(&mut state, &snapshot, seq);
            rows.push((seq, snapshot));
        }
        let attention = needs_attention(&alive.meta, &state, pending);
        Some((
            Batch {
                works,
                refused,
                state,
                pending,
                attention,
                effects,
                updates,
                has_result,
                is_last,
                origin,
            },
            rows,
        ))
    }

    /// Answers a command that changes nothing; the state that refused it is committed.
    fn refuse(&self, work: Work, refusal: Refusal) {
        match (work.what, refusal) {
            (What::Cancel(_, reply), Refusal::Finished(status)) => answer(reply, Ok(status)),
            (What::Cancel(_, reply), refusal) => answer(reply, Err(told(&refusal))),
            (What::Ingest(_, _, reply), refusal) => answer(reply, Err(told(&refusal))),
            (What::Input(_, reply) | What::Submit(_, reply), refusal) => {
                answer(reply, Err(told(&refusal)));
            }
            (What::Decide(Decide::Timer { key }), Refusal::TooEarly { due_at }) => {
                self.hub.timers.set(self.life.id(), &key.to_string(), due_at);
            }
            (What::Decide(Decide::Result(_) | Decide::Timeout { .. }), _) => {
                metrics().runs.late_results.inc();
                log::info!(run_id:% = self.life.id(); "a late result is dropped");
            }
            (What::Decide(_) | What::Admit, _) => {}
        }
    }

    fn appended(result: Result<Appended, store::Error>, actor: &mut Self, ctx: &mut Context<Self>) {
        let Some(batch) = actor.batch.take().map(|batch| *batch) else { return };
        match result {
            Ok(appended) => actor.committed(batch, appended, ctx),
            Err(error @ (store::Error::Busy | store::Error::Unavailable(_)))
                if batch.origin == Origin::Client =>
            {
                actor.give_up(batch, |_| Error::Store(error.clone()));
                actor.pump(ctx);
            }
            Err(store::Error::Duplicate(Unique::IngestKey)) => {
                // A key was taken since its request was looked at: look again.
                for (work, _) in batch.works {
                    match work.what {
                        What::Ingest(_, _, reply) => answer(reply, Ok(None)),
                        _ => actor.inbox.push_back(work),
                    }
                }
                actor.inbox.extend(batch.refused.into_iter().map(|(work, _)| work));
                actor.pump(ctx);
            }
            Err(store::Error::Unknown) => actor.look_again(batch, ctx),
            Err(error) if error.is_final() && batch.origin == Origin::Client => {
                log::error!(run_id:% = actor.life.id(); "what a client asked of a run cannot be stored: {error}");
                actor.give_up(batch, |_| Error::Store(error.clone()));
                actor.pump(ctx);
            }
            Err(error) if error.is_final() && actor.refused < MOST_REFUSED => {
                log::warn!(run_id:% = actor.life.id(); "rows of a run were not stored, trying again: {error}");
                actor.try_again(batch, ctx);
            }
            Err(error) if error.is_final() && !batch.is_last => actor.unwritable(batch, &error, ctx),
            Err(error) => {
                actor.give_up(batch, |_| Error::Lost);
                actor.fail(error, ctx);
            }
        }
    }

    /// The words of a database do not always tell what passes from what stays: only what was refused again
    /// and again counts.
    fn try_again(&mut self, batch: Batch, ctx: &mut Context<Self>) {
        self.refused += 1;
        let again = batch.works.into_iter().map(|(work, _)| work);
        let again: Vec<Work> = again.chain(batch.refused.into_iter().map(|(work, _)| work)).collect();
        for work in again.into_iter().rev() {
            self.inbox.push_front(work);
        }
        self.throttled = true;
        self.beat(ctx);
        ctx.run_later(REFUSED_AGAIN, |actor, ctx| {
            actor.throttled = false;
            actor.pump(ctx);
        });
    }

    /// What has happened to the run cannot be stored, and never could: the next actor would try the same
    /// again. So the run ends here.
    fn unwritable(&mut self, batch: Batch, error: &store::Error, ctx: &mut Context<Self>) {
        log::error!(run_id:% = self.life.id(); "a run ends, because its next rows cannot be stored: {error}");
        self.give_up(batch, |_| Error::Store(error.clone()));
        let message = "the hub could not store what came of a node; its log has the reason".to_owned();
        let end = Decide::Fail { code: crate::error::Code::ServerError, message };
        self.inbox.push_front(Work::by_hub(end, self.hub.clock.monotonic()));
        self.pump(ctx);
    }

    fn give_up(&mut self, batch: Batch, why: impl Fn(&Work) -> Error) {
        for work in batch
            .works
            .into_iter()
            .map(|(work, _)| work)
            .chain(batch.refused.into_iter().map(|(work, _)| work))
        {
            let why = why(&work);
            work.refuse(why);
        }
    }

    /// The rows may be there or not: the journal says. Then what was asked is decided again.
    fn look_again(&mut self, batch: Batch, ctx: &mut Context<Self>) {
        let again = batch.works.into_iter().map(|(work, _)| work);
        let again = again.chain(batch.refused.into_iter().map(|(work, _)| work));
        for work in again.rev() {
            match work.what {
                What::Ingest(_, _, reply) => answer(reply, Ok(None)),
                _ => self.inbox.push_front(work),
            }
        }
        self.load(ctx);
    }

    fn committed(&mut self, batch: Batch, appended: Appended, ctx: &mut Context<Self>) {
        let Phase::Alive(alive) = &mut self.phase else { return };
        if appended.head != batch.state.seq() {
            invariant_violated("N2", "rows got other seqs than they were decided for");
            return self.fail("rows got other seqs than they were decided for", ctx);
        }
        self.refused = 0;
        self.hub.pages.forget(&self.subject);
        let was_pending = alive.pending;
        alive.state = batch.state;
        alive.pending = batch.pending;
        alive.attention = batch.attention;
        let tenant = alive.meta.tenant.clone();
        let ended = batch.effects.iter().find_map(ended);
        // Before anything that could end this actor; the next one would do it again, which is harmless.
        if was_pending && !batch.pending {
            self.hub.admission.begun(&tenant, self.life.id());
        }
        if let Some(status) = ended {
            metrics().runs.ended.get_or_create(&KindLabel { kind: status.as_str() }).inc();
            self.over(&tenant);
        }
        if batch.has_result {
            crash_point!("node.after_result_row");
        }
        self.publish(batch.updates);
        for (work, seqs) in batch.works {
            self.done(work, seqs);
        }
        for (work, refusal) in batch.refused {
            self.refuse(work, refusal);
        }
        if let Some(status) = ended {
            log::debug!(run_id:% = self.life.id(), tenant_id:% = tenant; "run {status}");
        }
        crash_point!("run.committed");
        self.carry_out(batch.effects, ctx);
        self.pump(ctx);
    }

    /// The run has ended: its place, or its place in the queue, is free, and who waits for it is told.
    pub(super) fn over(&self, tenant: &crate::ids::TenantId) {
        self.hub.admission.withdraw(tenant, self.life.id());
        self.hub.admission.leave(tenant, self.life.id());
        self.hub.admit_next(tenant);
        self.hub.children.ended(self.life.id());
    }

    /// Answers a command whose rows are committed.
    fn done(&self, work: Work, mut seqs: Vec<Seq>) {
        match work.what {
            What::Cancel(_, reply) => answer(reply, Ok(RunStatus::Cancelled)),
            What::Ingest(events, _, reply) => {
                seqs.truncate(events.len());
                answer(reply, Ok(Some(seqs)));
            }
            What::Input(_, reply) | What::Submit(_, reply) => {
                answer(reply, seqs.first().copied().ok_or(Error::Lost))
            }
            What::Decide(_) | What::Admit => {}
        }
    }

    /// Shows committed rows to whoever watches; nothing is encoded for nobody. All that one row tells
    /// is published at once.
    pub(super) fn publish(&mut self, updates: Vec<Update>) {
        for update in &updates {
            if let Update::Node(node) = update {
                let reason = if node.success { "success" } else { "failed" };
                metrics().runs.nodes.get_or_create(&Reason { reason }).inc();
            }
        }
        if updates.is_empty() || (!self.recent.is_on() && self.hub.shards.members(&self.subject) == 0) {
            return;
        }
        let at = self.hub.clock.now();
        for row in watch::rows(updates) {
            let Some(row) = self.encoder.row(row, at) else { continue };
            self.recent.push(&row);
            watch::publish(&self.hub.shards, &self.subject, row);
        }
    }
}

/// N2 and N3, before the rows are written.
fn check(before: &RunState, rows: &[(Seq, RunEvent)]) {
    let mut head = before.seq();
    for (seq, event) in rows {
        let broken = invariants::follows(head, *seq).and_then(|()| invariants::allows(before, event));
        if let Err(broken) = broken {
            invariant_violated(broken.id, &broken.what);
        }
        head = *seq;
    }
}

fn ended(effect: &Effect) -> Option<RunStatus> {
    match effect {
        Effect::Finished(finished) => Some(finished.status),
        _ => None,
    }
}

fn told(refusal: &Refusal) -> Error {
    match refusal {
        Refusal::Finished(_) | Refusal::NotStarted => Error::RunNotRunning,
        refusal => Error::Decided { code: refusal.code(), message: refusal.to_string() },
    }
}

fn projections(run: &RunId, alive: &Alive, batch: &Batch, at: Timestamp) -> Vec<Projection> {
    let mut projections = of_effects(run, &batch.effects, at);
    let ended = batch.state.status().is_terminal();
    if alive.pending && !batch.pending && !ended {
        let change = RunChange {
            status: runs::RunStatus::Running,
            attention: batch.attention,
            completed_at: None,
            error: None,
            error_code: None,
        };
        projections.push(Projection::RunChanged { run: run.clone(), change: Box::new(change) });
    } else if batch.attention != alive.attention && !ended {
        projections.push(Projection::RunAttention { run: run.clone(), on: batch.attention });
    }
    for (work, seqs) in &batch.works {
        if let What::Ingest(_, keys, _) = &work.what {
            let keys = keys.iter().zip(seqs);
            projections.extend(keys.map(|(key, seq)| Projection::IngestKey {
                run: run.clone(),
                key: key.clone(),
                seq: *seq,
            }));
        }
    }
    projections
}

fn decide(state: &RunState, pending: bool, what: &What, now: Timestamp) -> Result<Decided, Refusal> {
    let command = match what {
        What::Admit => return admit(state, now),
        What::Decide(command) => command.clone(),
        What::Cancel(reason, _) => Decide::Cancel { reason: reason.clone() },
        What::Ingest(..) | What::Input(..) | What::Submit(..) if pending => return Err(Refusal::NotStarted),
        What::Ingest(events, _, _) => Decide::Ingest(events.clone()),
        What::Submit(submission, _) => Decide::Submit(submission.as_ref().clone()),
        What::Input(input, _) => Decide::Input(input.as_ref().clone()),
    };
    let step = engine::step(state, &command, now)?;
    Ok(Decided { rows: step.rows, state: step.state, effects: step.effects, updates: step.updates })
}

/// The first row of a run that waited is there; what a start makes of it follows now.
fn admit(state: &RunState, now: Timestamp) -> Result<Decided, Refusal> {
    if state.status().is_terminal() {
        return Err(Refusal::Finished(state.status()));
    }
    let step = engine::step(state, &Decide::GoOn, now)?;
    Ok(Decided { rows: step.rows, state: step.state, effects: step.effects, updates: step.updates })
}
