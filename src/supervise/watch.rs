//! The registry's eye on its children and their threads: alarm, then replacement.

use std::time::Instant;

use actix::Context;

use super::{
    entry::State,
    messages::{Beat, Kind},
    registry::Registry,
};
use crate::metrics::{Reason, metrics};

impl<K: Kind> Registry<K> {
    pub(super) fn tick(&mut self, ctx: &mut Context<Self>) {
        let now = self.now();
        // After a stop of the whole process (SIGSTOP, a suspended machine) nothing is stuck.
        let pause = now.saturating_duration_since(self.ticked);
        let limits = self.handle.0.limits.clone();
        self.ticked = now;
        if pause > limits.stall_alarm / 2 {
            self.beats.fill(now);
            self.slots.values_mut().for_each(|slot| slot.moved = now);
        }
        self.beat(now);
        let ids: Vec<K::Id> = self.slots.keys().cloned().collect();
        for id in ids {
            self.watch(&id, now, ctx);
            let open = self.slots.get(&id).map_or(0, |slot| slot.load.open());
            self.change(&id, ctx, |entry, now| {
                entry.tick(open, limits.passivate_after, limits.deadline, &limits.policy, now)
            });
        }
    }

    /// Asks each arbiter for a sign of life; one that is silent for `replace_after` is blocked: a
    /// new thread takes its place for new children.
    fn beat(&mut self, now: Instant) {
        let limits = &self.handle.0.limits;
        let mut arbiters = self.handle.0.arbiters.lock();
        for (at, arbiter) in arbiters.iter_mut().enumerate() {
            let silent = self.beats.get(at).map(|beat| now.saturating_duration_since(*beat));
            if silent.is_some_and(|silent| silent >= limits.replace_after) {
                log::error!(actor_kind = K::NAME, arbiter = at; "a domain thread is blocked: its actors move to a new one");
                *arbiter = actix_rt::Arbiter::new().handle();
                self.placement.set_blocked(at, false);
                self.slots.values_mut().filter(|slot| slot.home == at).for_each(|slot| {
                    // Every child on it is stuck from now on, whatever it had to do.
                    slot.moved = now.checked_sub(limits.replace_after).unwrap_or(now);
                    slot.alarmed = true;
                });
                if let Some(beat) = self.beats.get_mut(at) {
                    *beat = now;
                }
            }
            let handle = self.handle.clone();
            arbiter.spawn_fn(move || {
                let _ = handle.tell(Beat(at));
            });
        }
    }

    /// Looks whether a child makes progress.
    fn watch(&mut self, id: &K::Id, now: Instant, ctx: &mut Context<Self>) {
        let limits = &self.handle.0.limits;
        let Some(slot) = self.slots.get_mut(id) else { return };
        let state = slot.entry.state();
        if matches!(state, State::CrashLooping { .. }) {
            return;
        }
        let done = slot.load.done();
        let waits = match state {
            // It was asked to stop and has not answered: its work or its answer must come.
            State::Stopping | State::Restarting | State::Starting => true,
            State::Alive | State::CrashLooping { .. } => slot.load.open() > 0,
        };
        let dead = slot.alarmed && slot.moved + limits.replace_after <= now;
        if !dead && (done != slot.done || !waits) {
            slot.done = done;
            slot.moved = now;
            slot.alarmed = false;
            return;
        }
        let still = now.saturating_duration_since(slot.moved);
        if still >= limits.replace_after {
            log::error!(actor_kind = K::NAME, actor_id:% = id, state = state.name(), still_ms = still.as_millis() as u64;
                "actor without progress is replaced");
            metrics().actors.restarts.get_or_create(&Reason { reason: "stuck" }).inc();
            let policy = limits.policy;
            slot.moved = now;
            self.change(id, ctx, |entry, now| entry.replace(&policy, now));
            // Held back instead of started: what the abandoned child says concerns nobody.
            let generation = self.handle.next_generation();
            if let Some(slot) = self.slots.get_mut(id)
                && matches!(slot.entry.state(), State::CrashLooping { .. })
            {
                slot.generation = generation;
                slot.addr = None;
            }
        } else if still >= limits.stall_alarm && !slot.alarmed {
            slot.alarmed = true;
            log::warn!(actor_kind = K::NAME, actor_id:% = id, state = state.name(), arbiter = slot.home, queue = slot.load.open();
                "actor makes no progress");
        }
    }
}
