//! Decide, append, then carry out: one append in flight, everything else after its commit.

use std::time::Instant;

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};
use jiff::Timestamp;

use super::{
    rows::{from_where, new_row, projections, sent, sent_key},
    shell::{Alive, Phase, RoomActor},
};
use crate::{
    chat::{
        Accepted, Error,
        commands::{Ask, Change, Reply, Saying, Wake, answer},
        frames,
        room::{self, BotMessage, Closed, Ended, Refusal, RoomCommand as Decide, RoomEvent, Step},
    },
    crash_point,
    delivery::Publish,
    ids::{ProposalId, Seq},
    metrics::{KindLabel, invariant_violated, metrics},
    store::{
        self, Append, Appended, Origin, Unique,
        tables::{audit, chat, keys},
    },
    supervise::Ticket,
};

/// A command that is not carried out yet.
pub(super) struct Work {
    what: What,
    pub(super) origin: Origin,
    pub(super) since: Instant,
    /// Given back when the command is finished with.
    _ticket: Option<Ticket>,
}

enum What {
    /// By the hub: an answer, a timer. Nobody waits.
    Decide(Box<Decide>),
    Say(Box<Saying>, Reply<Accepted>),
    Cancel(crate::chat::Asker, Reply<bool>),
    Change(Box<Decide>, Reply<()>),
    Delete(crate::chat::Asker, Reply<()>),
    Forget(Timestamp, Reply<bool>),
}

/// What is being appended.
pub(super) struct Batch {
    work: Work,
    step: Step,
}

impl Work {
    pub(super) fn by_hub(command: Decide, since: Instant) -> Self {
        Self { what: What::Decide(Box::new(command)), origin: Origin::Hub, since, _ticket: None }
    }

    pub(super) fn of(ask: Ask, ticket: Ticket, since: Instant) -> Self {
        let (what, origin) = match ask {
            Ask::Wake(Wake::Timer(key)) => {
                let proposal = ProposalId::trusted(&key);
                (What::Decide(Box::new(Decide::Expire { proposal })), Origin::Hub)
            }
            Ask::Wake(Wake::GoOn) | Ask::Enter(..) => (What::Decide(Box::new(Decide::Resume)), Origin::Hub),
            Ask::Say(saying, reply) => (What::Say(saying, reply), Origin::Client),
            Ask::Cancel(by, reply) => (What::Cancel(by, reply), Origin::Client),
            Ask::Change(by, change, reply) => {
                let command = match change {
                    Change::Add(member) => Decide::AddMember { by, member },
                    Change::Remove(user) => Decide::RemoveMember { by, user },
                    Change::Rename(title) => Decide::Rename { by, title },
                    Change::Archive(archived) => Decide::Archive { by, archived },
                };
                (What::Change(Box::new(command), reply), Origin::Client)
            }
            Ask::Delete(by, reply) => (What::Delete(by, reply), Origin::Client),
            Ask::Forget(before, reply) => (What::Forget(before, reply), Origin::Hub),
        };
        Self { what, origin, since, _ticket: Some(ticket) }
    }

    pub(super) fn refuse(self, why: Error) {
        match self.what {
            What::Decide(_) => {}
            What::Say(_, reply) => answer(reply, Err(why)),
            What::Cancel(_, reply) | What::Forget(_, reply) => answer(reply, Err(why)),
            What::Change(_, reply) | What::Delete(_, reply) => answer(reply, Err(why)),
        }
    }
}

impl RoomActor {
    /// Decides what waits and appends it, unless an append is in flight.
    pub(super) fn pump(&mut self, ctx: &mut Context<Self>) {
        while self.batch.is_none() && !self.removing {
            let Phase::Alive(alive) = &self.phase else { return };
            let Some(work) = self.inbox.pop_front() else { return self.rest(ctx) };
            let now = self.hub.clock.now();
            if let What::Forget(before, _) = &work.what
                && !is_old(&alive.state, *before)
            {
                done(work, &[]);
                continue;
            }
            let command = match self.command(alive, &work.what) {
                Ok(Some(command)) => command,
                Ok(None) => return self.remove(work, ctx),
                Err(error) => {
                    work.refuse(error);
                    continue;
                }
            };
            match room::step(&alive.state, &command, now) {
                Ok(step) if step.rows.is_empty() => {
                    let resumed = matches!(command, Decide::Resume);
                    done(work, &[]);
                    if resumed {
                        self.resumed(ctx);
                    }
                }
                Ok(step) => self.append(work, step, now, ctx),
                Err(Refusal::Repeated(accepted)) => match work.what {
                    What::Say(saying, reply) => {
                        // Sent again by a page that came back: now it is this socket that waits.
                        if let Some(from) = saying.from
                            && alive
                                .state
                                .facts()
                                .queue
                                .iter()
                                .any(|waits| waits.said.message == accepted.message)
                        {
                            self.senders.insert(accepted.message.clone(), from);
                        }
                        answer(reply, Ok(accepted));
                    }
                    _ => work.refuse(Error::Lost),
                },
                Err(refusal) => work.refuse(refusal.into()),
            }
        }
    }

    /// What the pure part is asked; none for a removal.
    fn command(&self, alive: &Alive, what: &What) -> Result<Option<Decide>, Error> {
        let state = &alive.state;
        Ok(Some(match what {
            What::Decide(command) | What::Change(command, _) => (**command).clone(),
            What::Say(saying, _) => {
                if saying.tenant.as_ref().is_some_and(|tenant| tenant != state.tenant()) {
                    return Err(Error::NotFound);
                }
                Decide::Say(Box::new(saying.said.clone()))
            }
            What::Cancel(by, _) => {
                let partial = self.job.as_ref().map(|job| job.told.lock().clone()).unwrap_or_default();
                Decide::Cancel { by: by.clone(), partial }
            }
            What::Delete(by, _) if !state.is_inside(&by.person.user) => return Err(Error::NotFound),
            What::Delete(by, _) if !state.is_owner(&by.person.user) => {
                return Err(Refusal::NotOwner.into());
            }
            What::Delete(..) => return Ok(None),
            What::Forget(..) => return Ok(None),
        }))
    }

    fn append(&mut self, work: Work, step: Step, now: Timestamp, ctx: &mut Context<Self>) {
        let Phase::Alive(alive) = &self.phase else { return };
        let append = Append {
            stream: self.subject.clone(),
            create: false,
            expected_head: alive.state.head(),
            owner_version: alive.owner_version,
            projections: projections(&step, now),
            rows: step.rows.iter().map(|(_, event)| new_row(event, now)).collect(),
            origin: work.origin,
        };
        self.batch = Some(Box::new(Batch { work, step }));
        self.beat(ctx);
        let journal = self.hub.store.journal().clone();
        let append = async move { journal.append(append).await };
        ctx.spawn(append.into_actor(self).map(Self::appended));
    }

    fn appended(result: Result<Appended, store::Error>, actor: &mut Self, ctx: &mut Context<Self>) {
        let Some(batch) = actor.batch.take().map(|batch| *batch) else { return };
        match result {
            Ok(appended) => actor.committed(batch, appended, ctx),
            Err(error @ (store::Error::Busy | store::Error::Unavailable(_)))
                if batch.work.origin == Origin::Client =>
            {
                batch.work.refuse(Error::Store(error));
                actor.pump(ctx);
            }
            Err(store::Error::Duplicate(Unique::IdempotencyKey)) => actor.repeated(batch.work, ctx),
            Err(store::Error::Unknown) => {
                // The rows may be there or not: the journal says. Then it is decided again.
                actor.stop_job(ctx);
                actor.inbox.push_front(batch.work);
                actor.load(ctx);
            }
            Err(error) => {
                batch.work.refuse(Error::Lost);
                actor.fail(error, ctx);
            }
        }
    }

    /// A client's name of a message that was sent long ago: the table knows which it was.
    fn repeated(&mut self, work: Work, ctx: &mut Context<Self>) {
        let What::Say(saying, reply) = work.what else {
            work.refuse(Error::Lost);
            return self.pump(ctx);
        };
        let scope = self.subject.as_str().to_owned();
        let said = &saying.said;
        let key = sent_key(&said.by.person.user, said.client_id.as_deref().unwrap_or_default());
        let store = self.hub.store.clone();
        actix_rt::spawn(async move {
            let found = store.read(move |db| keys::idempotent(db, &scope, &key)).await;
            let before = found.map(|found| found.as_deref().and_then(sent));
            answer(reply, before.map_err(Error::Store).and_then(|before| before.ok_or(Error::Lost)));
        });
        self.pump(ctx);
    }

    fn committed(&mut self, batch: Batch, appended: Appended, ctx: &mut Context<Self>) {
        let Phase::Alive(alive) = &mut self.phase else { return };
        let Batch { work, step } = batch;
        if appended.head != step.state.head() {
            invariant_violated("N2", "rows got other seqs than they were decided for");
            work.refuse(Error::Lost);
            return self.fail("rows got other seqs than they were decided for", ctx);
        }
        let resumed = matches!(&work.what, What::Decide(command) if matches!(**command, Decide::Resume));
        let Step { rows, state, effects } = step;
        alive.state = state;
        if let What::Say(saying, _) = &work.what
            && let Some(from) = &saying.from
        {
            self.senders.insert(saying.said.message.clone(), from.clone());
        }
        for (seq, event) in &rows {
            match event {
                RoomEvent::Told(told) => {
                    self.publish(*seq, told);
                    self.regret(told, &work.what);
                }
                RoomEvent::Removed(it) => self.hub.expel(self.life.id(), Some(&it.member.user)),
                RoomEvent::Closed(closed) => count(closed),
                _ => {}
            }
        }
        done(work, &rows);
        crash_point!("room.committed");
        if resumed {
            self.resumed(ctx);
        } else {
            self.carry_out(effects, ctx);
        }
        self.pump(ctx);
    }

    /// Shows an answer to whoever is in the room; nothing is encoded for nobody.
    pub(super) fn publish(&self, seq: Seq, told: &BotMessage) {
        if self.hub.shards.members(&self.subject) == 0 {
            return;
        }
        match frames::told(self.life.id(), seq, told) {
            Ok(frame) => self.hub.shards.publish(Publish::event(self.subject.clone(), seq, frame)),
            Err(error) => log::error!(room:% = self.life.id(); "an answer cannot be written: {error}"),
        }
    }

    /// Who asked is told as well that there is no answer (`contract.md` 2.2).
    fn regret(&mut self, told: &BotMessage, what: &What) {
        let Some(from) = self.senders.remove(&told.in_reply_to) else { return };
        let What::Decide(command) = what else { return };
        let Decide::Failed { message, failure } = &**command else { return };
        if *message == told.in_reply_to
            && let Ok(frame) = frames::unanswered(self.life.id(), &failure.error)
        {
            self.hub.shards.direct(&from, frame);
        }
    }

    /// Removes the room with its journal.
    fn remove(&mut self, work: Work, ctx: &mut Context<Self>) {
        let Phase::Alive(alive) = &self.phase else { return work.refuse(Error::NotFound) };
        let tenant = alive.state.tenant().clone();
        self.removing = true;
        self.stop_job(ctx);
        self.beat(ctx);
        let (store, now) = (self.hub.store.clone(), self.hub.clock.now());
        let room = self.life.id().clone();
        let by = match &work.what {
            What::Delete(by, _) => Some(by.clone()),
            _ => None,
        };
        let removed = async move {
            store
                .write(move |db| {
                    chat::remove(db, &room)?;
                    let actor = by.as_ref().map_or("hub", |by| by.person.subject.as_str());
                    let detail = by.as_ref().map(|by| from_where(by, serde_json::json!({})));
                    let request = by.as_ref().and_then(|by| by.request.clone());
                    audit::record(
                        db,
                        &audit::NewEntry {
                            at: now,
                            tenant: Some(&tenant),
                            actor,
                            action: "chat.room.delete",
                            subject: &format!("chatroom:{room}"),
                            detail: detail.unwrap_or_else(|| serde_json::json!({})),
                            request: request.as_ref(),
                        },
                    )
                })
                .await
        };
        ctx.spawn(removed.into_actor(self).map(move |removed, actor, ctx| {
            actor.removing = false;
            match removed {
                Ok(()) | Err(store::Error::NotFound) => {
                    actor.hub.expel(actor.life.id(), None);
                    match work.what {
                        What::Delete(_, reply) => answer(reply, Ok(())),
                        What::Forget(_, reply) => answer(reply, Ok(true)),
                        _ => {}
                    }
                    actor.gone(ctx);
                }
                Err(error) => {
                    work.refuse(Error::Store(error));
                    actor.resumed(ctx);
                    actor.pump(ctx);
                }
            }
        }));
    }
}

/// Nothing waits, and nothing was said since then. That the room itself is older was looked at before.
fn is_old(state: &room::RoomState, before: Timestamp) -> bool {
    !state.attention() && state.facts().last_message_at.is_none_or(|at| at < before)
}

/// Answers a command whose rows are committed, or that had none.
fn done(work: Work, rows: &[(Seq, RoomEvent)]) {
    match work.what {
        What::Decide(_) => {}
        What::Say(saying, reply) => {
            let row = rows.iter().find(|(_, event)| matches!(event, RoomEvent::Said(_)));
            let accepted =
                row.map(|(seq, _)| Accepted { message: saying.said.message, seq: *seq, repeated: false });
            answer(reply, accepted.ok_or(Error::Lost));
        }
        What::Cancel(_, reply) => {
            let stopped = |event: &RoomEvent| match event {
                RoomEvent::Told(told) => told.ended == Ended::Cancelled,
                _ => false,
            };
            answer(reply, Ok(rows.iter().any(|(_, event)| stopped(event))));
        }
        What::Change(_, reply) | What::Delete(_, reply) => answer(reply, Ok(())),
        What::Forget(_, reply) => answer(reply, Ok(false)),
    }
}

fn count(closed: &Closed) {
    use crate::chat::ProposalStatus;
    let kind = match closed.status {
        ProposalStatus::Done => "done",
        ProposalStatus::Failed => "failed",
        ProposalStatus::Rejected => "rejected",
        ProposalStatus::Superseded => "superseded",
        ProposalStatus::Expired => "expired",
        ProposalStatus::Unknown => "unknown",
        ProposalStatus::Open | ProposalStatus::Approved => return,
    };
    metrics().chat.proposals.get_or_create(&KindLabel { kind }).inc();
}
