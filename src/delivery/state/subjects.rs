//! Who watches what, on one worker. A session knows where it stands in each list and a list knows where
//! its session keeps that, so that a leave costs the same among ten members and ten thousand.

use std::{collections::HashMap, sync::Arc, time::Instant};

use super::{
    board::{Board, Place},
    registered::Registered,
    slots::Slots,
};
use crate::{
    delivery::{
        messages::{AddMember, Command, Ending, Page, Publish, Unregister},
        projection::{Register, guarded},
        queue::Pushed,
        types::{CloseReason, Slot, Subject},
    },
    ids::{Seq, SocketId},
    metrics::{invariant_violated, metrics},
    protocol::frame::Frame,
};

#[derive(Default)]
pub(in crate::delivery) struct Subjects {
    by_name: HashMap<Subject, u32>,
    lists: Slots<Watched>,
}

struct Watched {
    subject: Subject,
    watchers: Vec<Watcher>,
}

/// One member, as its subject sees it.
struct Watcher {
    socket: SocketId,
    /// The last row that it got.
    seq: Seq,
    /// Its session's place.
    index: u32,
    /// Where its session keeps this membership.
    kept_at: u32,
    progress: bool,
    /// It joined by itself; else it is here for its registrations only.
    joined: bool,
    /// A replay is on its way: what all get is in it.
    held: bool,
    /// Most have none.
    registered: Registered,
}

/// Why a socket is a member.
enum Why {
    Join { progress: bool },
    Register(Box<Register>),
}

impl Watcher {
    fn because(&mut self, why: Why) {
        match why {
            Why::Join { progress } => {
                (self.joined, self.held, self.progress) = (true, false, progress);
            }
            Why::Register(new) => self.registered.insert(*new),
        }
    }
}

/// One membership, as its session sees it.
pub(in crate::delivery) struct Membership {
    /// In `Subjects::lists`.
    list: u32,
    /// In `Watched::watchers`.
    at: u32,
}

impl Subjects {
    fn watchers(&self, subject: &Subject) -> Option<(u32, &Watched)> {
        let list = *self.by_name.get(subject)?;
        Some((list, self.lists.get(list)?))
    }

    fn list(&mut self, subject: &Subject) -> u32 {
        if let Some(list) = self.by_name.get(subject) {
            return *list;
        }
        let list = self.lists.insert(Watched { subject: subject.clone(), watchers: Vec::new() });
        self.by_name.insert(subject.clone(), list);
        list
    }

    fn watcher(&mut self, membership: &Membership) -> Option<&mut Watcher> {
        self.lists.get_mut(membership.list)?.watchers.get_mut(membership.at as usize)
    }

    /// Where a socket stands in a subject's list.
    fn find(&self, place: &Place, socket: &SocketId, subject: &Subject) -> Option<usize> {
        let list = *self.by_name.get(subject)?;
        let watched = self.lists.get(list)?;
        place.memberships.iter().position(|membership| {
            let watcher = watched.watchers.get(membership.at as usize);
            membership.list == list && watcher.is_some_and(|watcher| watcher.socket == *socket)
        })
    }
}

impl Board {
    /// Carries out one command of a domain actor. `now` is for sessions that are being closed.
    pub fn execute(&mut self, command: Command, now: Instant) {
        match command {
            Command::Direct(member, frame) => {
                if self.socket(member.slot, &member.socket).is_some() {
                    self.push(member.slot, frame);
                }
            }
            Command::Page(page) => self.page(*page),
            Command::Add(add) => self.add(*add),
            Command::Remove(subject, member) => self.leave(member.slot, &member.socket, &subject),
            Command::Hold(subject, member) => {
                if let Some(watcher) = self.watcher(member.slot, &member.socket, &subject) {
                    watcher.held = true;
                }
            }
            Command::Unregister(gone) => self.unregister(&gone),
            Command::Publish(publish) => self.publish(&publish),
            Command::Whisper(subject, frame) => self.whisper(&subject, &frame),
            Command::Resync(subject, lowest) => {
                let watched = self.subjects.watchers(&subject);
                let seqs = watched.iter().flat_map(|(_, watched)| &watched.watchers);
                if let Some(seq) = seqs.map(|watcher| watcher.seq).min() {
                    lowest.note(seq);
                }
            }
            Command::Close(ending) => {
                let Ending { member, why, last } = *ending;
                self.close(member.slot, why, last, now);
            }
            Command::CloseAll(ending) => {
                let (why, last) = *ending;
                self.close_all(&why, last.as_ref(), now);
            }
            // The total is looked at after every batch of commands.
            Command::Relieve => {}
        }
    }

    pub fn close_all(&mut self, why: &CloseReason, last: Option<&Frame>, now: Instant) {
        let slot = |(index, place): (u32, &Place)| Slot { index, generation: place.generation };
        let all: Vec<Slot> = self.places.iter().map(slot).collect();
        for slot in all {
            self.close(slot, why.clone(), last.cloned(), now);
        }
    }

    fn page(&mut self, page: Page) {
        let Page { member, frames, credit } = page;
        if self.socket(member.slot, &member.socket).is_none() {
            return;
        }
        for frame in frames {
            if !self.push(member.slot, frame) && self.living(member.slot).is_none() {
                return;
            }
        }
        let bounds = self.bounds;
        if let Some(place) = self.living(member.slot) {
            if place.queue.is_below_half(&bounds) {
                let _ = credit.send(());
            } else {
                place.credits.push(credit);
            }
        }
    }

    fn add(&mut self, add: AddMember) {
        let AddMember { subject, member, after_seq, frames, progress, register } = add;
        let mut joined = 0;
        if self.socket(member.slot, &member.socket).is_some() {
            if let Some(new) = &register
                && let Some(old) = &new.replaces
            {
                let gone =
                    Unregister { subject: old.clone(), member: member.clone(), key: Arc::clone(&new.key) };
                self.unregister(&gone);
            }
            let told = register.as_ref().map(|new| guarded(|| new.projection.joined(&new.snapshot)));
            for frame in frames.into_iter().chain(told.unwrap_or_default()) {
                self.push(member.slot, frame);
            }
            let why = match register {
                None => Some(Why::Join { progress }),
                Some(new) if !new.once && new.snapshot.ended.is_none() => Some(Why::Register(new)),
                // Nothing comes any more.
                Some(_) => None,
            };
            let made =
                why.is_some_and(|why| self.link(member.slot, &member.socket, &subject, after_seq, why));
            joined = u32::from(made);
        }
        let shared = Arc::clone(&self.shared);
        shared.presence.carried_out(&subject, self.shard, joined);
    }

    /// A join that its worker answers itself.
    pub fn join_here(
        &mut self,
        slot: Slot,
        socket: &SocketId,
        subject: &Subject,
        after_seq: Seq,
        progress: bool,
    ) -> bool {
        let place = self.places.get(slot.index).filter(|place| place.generation == slot.generation);
        if place.is_none_or(|place| self.subjects.find(place, socket, subject).is_some()) {
            return false;
        }
        let joined = self.link(slot, socket, subject, after_seq, Why::Join { progress });
        if joined {
            self.shared.presence.joined(subject, self.shard);
        }
        joined
    }

    /// True when a new membership was made; another reason of the same socket goes into the first.
    fn link(&mut self, slot: Slot, socket: &SocketId, subject: &Subject, after_seq: Seq, why: Why) -> bool {
        if let Some(watcher) = self.watcher(slot, socket, subject) {
            watcher.seq = watcher.seq.max(after_seq);
            watcher.because(why);
            return false;
        }
        let Some(place) = self
            .places
            .get_mut(slot.index)
            .filter(|place| place.generation == slot.generation && place.ending.is_none())
            .filter(|place| place.sockets.contains(socket))
        else {
            return false;
        };
        let list = self.subjects.list(subject);
        let Some(watched) = self.subjects.lists.get_mut(list) else { return false };
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let (at, kept_at) = (number(watched.watchers.len()), number(place.memberships.len()));
        place.memberships.push(Membership { list, at });
        let mut watcher = Watcher {
            socket: socket.clone(),
            seq: after_seq,
            index: slot.index,
            kept_at,
            progress: false,
            joined: false,
            held: false,
            registered: Registered::default(),
        };
        watcher.because(why);
        watched.watchers.push(watcher);
        metrics().delivery.members.inc();
        true
    }

    /// A socket's membership, if it is a member.
    fn watcher(&mut self, slot: Slot, socket: &SocketId, subject: &Subject) -> Option<&mut Watcher> {
        let place = self.places.get(slot.index).filter(|place| place.generation == slot.generation)?;
        let at = self.subjects.find(place, socket, subject)?;
        self.subjects.watcher(place.memberships.get(at)?)
    }

    fn publish(&mut self, publish: &Publish) {
        let Some(list) = self.subjects.by_name.get(&publish.subject).copied() else { return };
        let Some(watched) = self.subjects.lists.get_mut(list) else { return };
        // Away while queues are filled, which needs the rest of the board.
        let mut watchers = std::mem::take(&mut watched.watchers);
        let mut slow = Vec::new();
        for watcher in watchers.iter_mut().filter(|watcher| watcher.seq < publish.seq) {
            let before = std::mem::replace(&mut watcher.seq, publish.seq);
            if before >= publish.seq {
                invariant_violated("N4", "a member was about to get one seq twice");
            }
            if !self.tell(watcher, publish) {
                slow.push(watcher.index);
            }
        }
        if let Some(watched) = self.subjects.lists.get_mut(list) {
            watched.watchers = watchers;
        }
        if publish.terminal {
            self.end_subject(&publish.subject);
        }
        for index in slow {
            // A session with two sockets in this subject stands here twice; the second end finds
            // nothing, because no place is opened in between.
            self.end(index, CloseReason::SlowClient);
        }
    }

    /// Something of the moment, to those who asked for it; what nobody can take is dropped.
    fn whisper(&mut self, subject: &Subject, frame: &Frame) {
        let Some((_, watched)) = self.subjects.watchers(subject) else { return };
        let listening = watched.watchers.iter().filter(|watcher| watcher.progress && !watcher.held);
        let indices: Vec<u32> = listening.map(|watcher| watcher.index).collect();
        for index in indices {
            self.enqueue(index, frame.clone());
        }
    }

    /// What one member gets of a row; false when its queue is full.
    fn tell(&mut self, watcher: &Watcher, publish: &Publish) -> bool {
        let mut taken = true;
        if !watcher.held {
            let progress = publish.progress_frame.as_ref().filter(|_| watcher.progress);
            for frame in progress.into_iter().chain(&publish.frame) {
                taken = taken && self.enqueue(watcher.index, frame.clone()) != Pushed::Full;
            }
        }
        if let Some(row) = publish.row.as_ref().filter(|_| taken && !watcher.registered.is_empty()) {
            let mut is_first = watcher.held;
            for frame in watcher.registered.frames(row) {
                // The end of a run is one frame, however many registrations hear of it.
                if publish.terminal && !is_first {
                    self.enqueue_with(watcher.index, frame);
                } else if self.enqueue(watcher.index, frame) == Pushed::Full {
                    return false;
                }
                is_first = false;
            }
        }
        if let Some(tail) = publish.tail.as_ref().filter(|_| taken && !watcher.held) {
            taken = self.enqueue(watcher.index, tail.clone()) != Pushed::Full;
        }
        taken
    }

    fn end_subject(&mut self, subject: &Subject) {
        while let Some((_, watched)) = self.subjects.watchers(subject) {
            let Some(last) = watched.watchers.last() else { return };
            let (index, kept_at) = (last.index, last.kept_at);
            self.unlink(index, kept_at as usize);
        }
    }

    /// A socket takes its own join back.
    pub fn leave(&mut self, slot: Slot, socket: &SocketId, subject: &Subject) {
        if let Some(watcher) = self.watcher(slot, socket, subject) {
            (watcher.joined, watcher.progress, watcher.held) = (false, false, false);
            self.leave_if_idle(slot, socket, subject);
        }
    }

    fn unregister(&mut self, gone: &Unregister) {
        let Unregister { subject, member, key } = gone;
        if let Some(watcher) = self.watcher(member.slot, &member.socket, subject)
            && watcher.registered.remove(key)
        {
            self.leave_if_idle(member.slot, &member.socket, subject);
        }
    }

    /// Ends a membership that has no reason any more.
    fn leave_if_idle(&mut self, slot: Slot, socket: &SocketId, subject: &Subject) {
        let idle = self
            .watcher(slot, socket, subject)
            .is_some_and(|watcher| !watcher.joined && watcher.registered.is_empty());
        let place = self.places.get(slot.index).filter(|_| idle);
        if let Some(at) = place.and_then(|place| self.subjects.find(place, socket, subject)) {
            self.unlink(slot.index, at);
        }
    }

    /// The socket is gone: nothing for it is taken any more.
    pub fn leave_all(&mut self, slot: Slot, socket: &SocketId) {
        let Some(place) = self.place(slot) else { return };
        place.sockets.retain(|known| known != socket);
        let mut at = place.memberships.len();
        while at > 0 {
            at -= 1;
            let membership = self.places.get(slot.index).and_then(|place| place.memberships.get(at));
            let its = membership.and_then(|membership| {
                self.subjects.lists.get(membership.list)?.watchers.get(membership.at as usize)
            });
            if its.is_some_and(|watcher| watcher.socket == *socket) {
                self.unlink(slot.index, at);
            }
        }
    }

    /// All memberships of a session end.
    pub fn leave_everything(&mut self, index: u32) {
        while let Some(at) = self.places.get(index).and_then(|place| place.memberships.len().checked_sub(1)) {
            self.unlink(index, at);
        }
    }

    /// Ends the membership that the session at `index` keeps at `kept_at`: both lists close their gap
    /// with their last entry, which is told its new place.
    fn unlink(&mut self, index: u32, kept_at: usize) {
        let Some(place) = self.places.get_mut(index) else { return };
        if kept_at >= place.memberships.len() {
            return;
        }
        let Membership { list, at } = place.memberships.swap_remove(kept_at);
        if let Some(moved) = place.memberships.get(kept_at)
            && let Some(watcher) = self.subjects.watcher(moved)
        {
            watcher.kept_at = u32::try_from(kept_at).unwrap_or(u32::MAX);
        }
        metrics().delivery.members.dec();
        let Some(watched) = self.subjects.lists.get_mut(list) else { return };
        if (at as usize) < watched.watchers.len() {
            watched.watchers.swap_remove(at as usize);
        }
        if let Some(moved) = watched.watchers.get(at as usize) {
            let kept = self.places.get_mut(moved.index);
            if let Some(kept) = kept.and_then(|place| place.memberships.get_mut(moved.kept_at as usize)) {
                kept.at = at;
            }
        }
        let empty = watched.watchers.is_empty();
        self.shared.presence.left(&watched.subject, self.shard, 1);
        if empty && let Some(gone) = self.subjects.lists.remove(list) {
            self.subjects.by_name.remove(&gone.subject);
        }
    }
}
