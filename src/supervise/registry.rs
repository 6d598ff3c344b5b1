//! Step 4 of a frame: finds or starts the one actor that owns the subject and holds messages while
//! it restarts (next: the child, `workflow/actor.rs`). The shell around `entry`.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

use actix::{Actor, Addr, AsyncContext, Context, Handler, prelude::SendError};
use tokio::sync::oneshot;

use super::{
    entry::{Do, Entry, State},
    guard::{Exit, Life},
    handle::{Handle, Kept, RestartRefused},
    inspect::{Inspect, Observation},
    messages::{
        Beat, Command, Control, Deliver, Generation, Kind, Load, Look, Refused, Restart, Route, Says, Ticket,
        Word,
    },
    placement::Placement,
    policy::Verdict,
};
use crate::{
    crash_point,
    metrics::{KindLabel, Reason, metrics},
};

/// A message with its place in the queues.
pub(super) struct Post<C> {
    command: C,
    ticket: Ticket,
}

/// An entry with what is not pure about it.
pub(super) struct Slot<K: Kind> {
    pub(super) entry: Entry<Post<K::Command>>,
    pub(super) generation: Generation,
    pub(super) addr: Option<Addr<K::Child>>,
    pub(super) home: usize,
    pub(super) load: Arc<Load>,
    /// Progress as last seen, and since when it stands still.
    pub(super) done: u64,
    pub(super) moved: Instant,
    pub(super) alarmed: bool,
    pub(super) seen: Option<Observation>,
    pub(super) waiters: Vec<oneshot::Sender<Result<(), RestartRefused>>>,
}

/// Somebody waits for a look at children that were asked how they are.
struct Query<I> {
    number: u64,
    ids: Vec<I>,
    missing: BTreeSet<I>,
    reply: oneshot::Sender<Vec<Inspect>>,
}

/// The registry of one kind.
pub(super) struct Registry<K: Kind> {
    pub(super) handle: Handle<K>,
    /// Boxed: a tree is half empty, and there may be many.
    pub(super) slots: BTreeMap<K::Id, Box<Slot<K>>>,
    pub(super) placement: Placement,
    pub(super) beats: Vec<Instant>,
    queries: Vec<Query<K::Id>>,
    next_query: u64,
    pub(super) ticked: Instant,
}

impl<K: Kind> Registry<K> {
    /// Starts a registry (the first, or one in the place of one that ended) and makes it the one
    /// that `handle` reaches.
    pub(super) fn launch(handle: Handle<K>) {
        let home = handle.0.home.clone();
        let shared = Arc::clone(&handle.0);
        let addr = Self::start_in_arbiter(&home, move |ctx| {
            ctx.set_mailbox_capacity(0);
            let now = handle.0.clock.monotonic();
            let arbiters = handle.0.arbiters.lock().len();
            Self {
                placement: Placement::new(arbiters),
                beats: vec![now; arbiters],
                handle,
                slots: BTreeMap::new(),
                queries: Vec::new(),
                next_query: 0,
                ticked: now,
            }
        });
        *shared.registry.lock() = Some(addr);
    }

    pub(super) fn now(&self) -> Instant {
        self.handle.0.clock.monotonic()
    }

    /// Takes over the children of a registry that ended: each is asked how it is; until it answers,
    /// its messages are held.
    fn adopt(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        let kept: Vec<(K::Id, Kept<K>)> =
            self.handle.0.roster.lock().iter().map(|(id, kept)| (id.clone(), kept.clone())).collect();
        for (id, kept) in kept {
            let alive = kept.addr.connected();
            self.slots.insert(
                id.clone(),
                Box::new(Slot {
                    entry: Entry::new(now),
                    generation: kept.generation,
                    addr: Some(kept.addr.clone()),
                    home: kept.home,
                    done: kept.load.done(),
                    load: kept.load,
                    moved: now,
                    alarmed: false,
                    seen: None,
                    waiters: Vec::new(),
                }),
            );
            if alive {
                let _ = kept.addr.try_send(Control::Report);
            } else {
                self.ended(&id, kept.generation, Exit::Vanished, ctx);
            }
        }
    }

    fn slot(&mut self, id: &K::Id, now: Instant, ctx: &mut Context<Self>) {
        if !self.slots.contains_key(id) {
            let slot = Slot {
                entry: Entry::new(now),
                generation: Generation(0),
                addr: None,
                home: self.placement.place(id),
                load: Arc::default(),
                done: 0,
                moved: now,
                alarmed: false,
                seen: None,
                waiters: Vec::new(),
            };
            self.slots.insert(id.clone(), Box::new(slot));
            self.carry_out(id, vec![Do::Start], ctx);
        }
    }

    /// Starts a child of a new generation; its address takes the old one's place.
    fn start_child(&mut self, id: &K::Id) {
        crash_point!("registry.before_respawn");
        let now = self.now();
        let generation = self.handle.next_generation();
        let Some(slot) = self.slots.get_mut(id) else { return };
        if self.placement.is_blocked(slot.home) {
            slot.home = self.placement.place(id);
        }
        let arbiter = self.handle.0.arbiters.lock().get(slot.home).cloned();
        let Some(arbiter) = arbiter else { return };
        let life = Life::new(id.clone(), generation, self.handle.clone());
        let kind = Arc::clone(&self.handle.0.kind);
        let addr = K::Child::start_in_arbiter(&arbiter, move |ctx| {
            // Bounded by tickets, and closed to commands until the child is ready.
            ctx.set_mailbox_capacity(0);
            kind.build(life)
        });
        let load: Arc<Load> = Arc::default();
        let kept = Kept { addr: addr.clone(), generation, home: slot.home, load: Arc::clone(&load) };
        self.handle.0.roster.lock().insert(id.clone(), kept);
        slot.generation = generation;
        slot.addr = Some(addr);
        slot.load = load;
        slot.done = 0;
        slot.moved = now;
        slot.alarmed = false;
        metrics().actors.alive.get_or_create(&KindLabel { kind: K::NAME }).inc();
    }

    fn carry_out(&mut self, id: &K::Id, todo: Vec<Do<Post<K::Command>>>, ctx: &mut Context<Self>) {
        for step in todo {
            match step {
                Do::Start => self.start_child(id),
                Do::Send(post) => self.send(id, post),
                Do::Ask(control) => {
                    if let Some(addr) = self.slots.get(id).and_then(|slot| slot.addr.as_ref()) {
                        let _ = addr.try_send(control);
                    }
                }
                Do::Refuse(post, why) => post.command.refuse(why),
                Do::Forget => {
                    if let Some(slot) = self.slots.remove(id) {
                        slot.waiters.into_iter().for_each(|reply| {
                            let _ = reply.send(Err(RestartRefused::Absent));
                        });
                    }
                    self.handle.0.roster.lock().remove(id);
                }
                Do::RetryAt(at) => {
                    metrics().actors.crash_looping.get_or_create(&KindLabel { kind: K::NAME }).inc();
                    if let Some(slot) = self.slots.get_mut(id) {
                        log::error!(actor_kind = K::NAME, actor_id:% = id, last_exit:? = slot.entry.last_exit();
                            "actor crashed too often and is held back");
                        for reply in slot.waiters.drain(..) {
                            let _ = reply.send(Err(RestartRefused::CrashLooping));
                        }
                    }
                    let id = id.clone();
                    ctx.run_later(at.saturating_duration_since(self.now()), move |registry, ctx| {
                        registry.change(&id, ctx, Entry::retry);
                    });
                }
            }
        }
    }

    fn send(&mut self, id: &K::Id, post: Post<K::Command>) {
        let Some(slot) = self.slots.get_mut(id) else { return post.command.refuse(Refused::Late) };
        let Some(addr) = slot.addr.as_ref() else { return post.command.refuse(Refused::Late) };
        let mailbox = self.handle.0.limits.mailbox;
        match post.ticket.with_child(&slot.load, mailbox) {
            Err(_) => post.command.refuse(Refused::Busy),
            Ok(ticket) => {
                if slot.load.open() == 1 {
                    slot.moved = self.handle.0.clock.monotonic();
                }
                // A child that has just ended drops the message: its reply channel closes.
                match addr.try_send(Deliver { command: post.command, ticket }) {
                    Ok(()) => {}
                    Err(SendError::Full(deliver) | SendError::Closed(deliver)) => {
                        deliver.command.refuse(Refused::Late);
                    }
                }
            }
        }
    }

    /// A transition of `id`'s entry, with what follows from it.
    pub(super) fn change(
        &mut self,
        id: &K::Id,
        ctx: &mut Context<Self>,
        transition: impl FnOnce(&mut Entry<Post<K::Command>>, Instant) -> Vec<Do<Post<K::Command>>>,
    ) {
        let now = self.now();
        let Some(slot) = self.slots.get_mut(id) else { return };
        let before = slot.entry.state();
        let todo = transition(&mut slot.entry, now);
        let after = slot.entry.state();
        if matches!(before, State::CrashLooping { .. }) && before != after {
            metrics().actors.crash_looping.get_or_create(&KindLabel { kind: K::NAME }).dec();
        }
        if after == State::Alive && before != after {
            slot.moved = now;
            for reply in slot.waiters.drain(..) {
                let _ = reply.send(Ok(()));
            }
        }
        self.carry_out(id, todo, ctx);
    }

    fn ended(&mut self, id: &K::Id, generation: Generation, exit: Exit, ctx: &mut Context<Self>) {
        metrics().actors.alive.get_or_create(&KindLabel { kind: K::NAME }).dec();
        let Some(slot) = self.slots.get_mut(id).filter(|slot| slot.generation == generation) else { return };
        slot.addr = None;
        let reason = match &exit {
            Exit::Stopped => (slot.entry.state() == State::Restarting).then_some("admin"),
            Exit::Panic(_) => Some("panic"),
            Exit::Failed(_) => Some("failed"),
            Exit::Replaced => Some("stuck"),
            Exit::Vanished => Some("vanished"),
        };
        if let Some(reason) = reason {
            metrics().actors.restarts.get_or_create(&Reason { reason }).inc();
        }
        if !exit.is_planned() {
            log::error!(actor_kind = K::NAME, actor_id:% = id, exit:? = exit; "actor ended");
        }
        let policy = self.handle.0.limits.policy;
        self.change(id, ctx, |entry, now| entry.ended(exit, &policy, now));
    }

    fn inspect(&self, id: &K::Id) -> Option<Inspect> {
        let slot = self.slots.get(id)?;
        let now = self.now();
        let wall = self.handle.0.clock.now();
        let age = now.saturating_duration_since(slot.entry.since());
        Some(Inspect {
            kind: K::NAME,
            id: id.to_string(),
            state: slot.entry.state().name(),
            restarts: slot.entry.restarts(),
            last_exit: slot.entry.last_exit().cloned(),
            queue: slot.entry.held() + slot.load.open(),
            since: wall.checked_sub(age).unwrap_or(wall),
            detail: slot.seen.as_ref().map_or(serde_json::Value::Null, |seen| seen.detail.clone()),
            detail_age_ms: slot.seen.as_ref().map(|seen| {
                u64::try_from(now.saturating_duration_since(seen.at).as_millis()).unwrap_or(u64::MAX)
            }),
        })
    }

    fn answer(&self, query: Query<K::Id>) {
        let rows = query.ids.iter().filter_map(|id| self.inspect(id)).collect();
        let _ = query.reply.send(rows);
    }
}

impl<K: Kind> Actor for Registry<K> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.adopt(ctx);
        ctx.run_interval(self.handle.0.limits.tick, Self::tick);
    }
}

impl<K: Kind> Drop for Registry<K> {
    /// A registry that panicked is built anew; the living children are adopted.
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let shared = &self.handle.0;
        let now = shared.clock.monotonic();
        if let Verdict::At(_) = shared.ends.lock().crash(&shared.limits.policy, now) {
            // Never half alive: everything recovers from the journal after a restart of the hub.
            log::error!(actor_kind = K::NAME; "the registry panics over and over; the hub ends");
            std::process::abort();
        }
        log::error!(actor_kind = K::NAME; "the registry panicked and is built anew");
        Self::launch(self.handle.clone());
    }
}

impl<K: Kind> Handler<Route<K>> for Registry<K> {
    type Result = ();
    fn handle(&mut self, route: Route<K>, ctx: &mut Self::Context) {
        let now = self.now();
        self.slot(&route.id, now, ctx);
        let Some(slot) = self.slots.get_mut(&route.id) else { return };
        if slot.entry.held() >= self.handle.0.limits.mailbox {
            return route.command.refuse(Refused::Busy);
        }
        let post = Post { command: route.command, ticket: route.ticket };
        match slot.entry.message(post, now) {
            Some(Do::Send(post)) => self.send(&route.id, post),
            Some(Do::Refuse(post, why)) => post.command.refuse(why),
            _ => {}
        }
    }
}

impl<K: Kind> Handler<Says<K>> for Registry<K> {
    type Result = ();
    fn handle(&mut self, says: Says<K>, ctx: &mut Self::Context) {
        if let Word::Ended(exit) = says.word {
            return self.ended(&says.id, says.generation, exit, ctx);
        }
        let Some(slot) = self.slots.get_mut(&says.id).filter(|slot| slot.generation == says.generation)
        else {
            return;
        };
        match says.word {
            Word::Ready => self.change(&says.id, ctx, Entry::ready),
            Word::Busy => self.change(&says.id, ctx, Entry::busy),
            Word::Rest => {
                let open = slot.load.open();
                self.change(&says.id, ctx, |entry, now| entry.rest(open, now).into_iter().collect());
            }
            Word::Report(observation) => {
                slot.seen = Some(observation);
                let mut complete = Vec::new();
                for query in &mut self.queries {
                    query.missing.remove(&says.id);
                    if query.missing.is_empty() {
                        complete.push(query.number);
                    }
                }
                for number in complete {
                    if let Some(at) = self.queries.iter().position(|query| query.number == number) {
                        let query = self.queries.swap_remove(at);
                        self.answer(query);
                    }
                }
            }
            Word::Progress => {
                slot.moved = self.handle.0.clock.monotonic();
                slot.alarmed = false;
            }
            Word::Ended(_) => {}
        }
    }
}

impl<K: Kind> Handler<Restart<K>> for Registry<K> {
    type Result = ();
    fn handle(&mut self, restart: Restart<K>, ctx: &mut Self::Context) {
        match self.slots.get_mut(&restart.id) {
            None => {
                let _ = restart.reply.send(Err(RestartRefused::Absent));
            }
            Some(slot) => {
                slot.waiters.push(restart.reply);
                self.change(&restart.id, ctx, Entry::restart);
            }
        }
    }
}

impl<K: Kind> Handler<Look<K>> for Registry<K> {
    type Result = ();
    fn handle(&mut self, look: Look<K>, ctx: &mut Self::Context) {
        let ids: Vec<K::Id> = match look.id {
            Some(id) => vec![id],
            None => self.slots.keys().take(look.limit).cloned().collect(),
        };
        let mut missing = BTreeSet::new();
        for id in &ids {
            let addr = self.slots.get(id).and_then(|slot| slot.addr.as_ref());
            if addr.is_some_and(|addr| addr.try_send(Control::Report).is_ok()) {
                missing.insert(id.clone());
            }
        }
        let number = self.next_query;
        self.next_query += 1;
        let query = Query { number, ids, missing, reply: look.reply };
        if query.missing.is_empty() {
            return self.answer(query);
        }
        self.queries.push(query);
        ctx.run_later(self.handle.0.limits.inspect_deadline, move |registry, _| {
            if let Some(at) = registry.queries.iter().position(|query| query.number == number) {
                let query = registry.queries.swap_remove(at);
                registry.answer(query);
            }
        });
    }
}

impl<K: Kind> Handler<Beat> for Registry<K> {
    type Result = ();
    fn handle(&mut self, beat: Beat, _: &mut Self::Context) {
        let now = self.now();
        if let Some(at) = self.beats.get_mut(beat.0) {
            *at = now;
        }
        self.placement.set_blocked(beat.0, false);
    }
}

/// Panics in the registry.
#[cfg(test)]
#[derive(actix::Message)]
#[rtype(result = "()")]
pub(super) struct Explode;

#[cfg(test)]
impl<K: Kind> Handler<Explode> for Registry<K> {
    type Result = ();
    fn handle(&mut self, _: Explode, _: &mut Self::Context) {
        panic!("told to");
    }
}
