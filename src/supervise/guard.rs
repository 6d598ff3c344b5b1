//! The child's end of its entry: it tells the registry how the child is, and its drop how the
//! child ended.

use std::{fmt, time::Instant};

use serde::Serialize;

use super::{
    handle::Handle,
    inspect::Observation,
    messages::{Generation, Kind, Says, Word},
};

/// How a child ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It panicked; what it said it was doing, if anything.
    Panic(Option<String>),
    /// It ended because it was asked to, or had nothing left to do.
    Stopped,
    /// It could not go on and said why (its store was unreadable, it was fenced).
    Failed(String),
    /// It made no progress and another took its place.
    Replaced,
    /// It is gone without a word (its thread ended).
    Vanished,
}

impl Exit {
    pub(super) fn is_planned(&self) -> bool {
        matches!(self, Exit::Stopped)
    }
}

/// Given to a child at birth and kept by it as a field: id, words to the registry, and the guard
/// whose drop says how the child ended. actix drops an actor's value while its panic unwinds
/// (`protocol.md` 7.1), which is how a panic is told from an end.
pub struct Life<K: Kind> {
    id: K::Id,
    generation: Generation,
    registry: Handle<K>,
    ready: bool,
    doing: Option<String>,
    exit: Option<Exit>,
}

impl<K: Kind> Life<K> {
    pub(super) fn new(id: K::Id, generation: Generation, registry: Handle<K>) -> Self {
        Self { id, generation, registry, ready: false, doing: None, exit: None }
    }

    /// Whose life.
    pub fn id(&self) -> &K::Id {
        &self.id
    }

    /// The registry of this kind, for messages that a child sends to its own kind.
    pub fn registry(&self) -> &Handle<K> {
        &self.registry
    }

    /// The state is loaded: held messages may come.
    pub fn ready(&mut self) {
        self.ready = true;
        self.doing = None;
        self.say(Word::Ready);
    }

    /// What the child is about to do, named in `last_exit` if it panics over it ("row 17").
    pub fn doing(&mut self, what: impl FnOnce() -> String) {
        self.doing = Some(what());
    }

    /// Nothing is being done that would need a name.
    pub fn done(&mut self) {
        self.doing = None;
    }

    /// Something that takes long goes on (a long journal is read, storage is asked again): not stuck.
    pub fn progress(&self) {
        self.say(Word::Progress);
    }

    /// Answer to `MayStop`: not now.
    pub fn busy(&self) {
        self.say(Word::Busy);
    }

    /// Nothing is left to do: the registry may passivate this child before its idle time.
    pub fn rest(&self) {
        self.say(Word::Rest);
    }

    /// Answer to `Report`: a small JSON object for ops, never payloads.
    pub fn report(&self, detail: serde_json::Value, now: Instant) {
        if self.ready {
            self.say(Word::Ready);
        }
        self.say(Word::Report(Observation { detail, at: now }));
    }

    /// The end that follows is a planned one; the child stops its context next.
    pub fn stopped(&mut self) {
        self.exit = Some(Exit::Stopped);
    }

    /// The end that follows has this reason and counts as a crash.
    pub fn failed(&mut self, why: impl fmt::Display) {
        self.exit = Some(Exit::Failed(why.to_string()));
    }

    /// Another child has taken over; the end that follows concerns nobody.
    pub fn replaced(&mut self) {
        self.exit = Some(Exit::Replaced);
    }

    fn say(&self, word: Word) {
        self.registry.say(Says { id: self.id.clone(), generation: self.generation, word });
    }
}

impl<K: Kind> Drop for Life<K> {
    fn drop(&mut self) {
        let exit = if std::thread::panicking() {
            Exit::Panic(self.doing.take())
        } else {
            self.exit.take().unwrap_or(Exit::Vanished)
        };
        self.say(Word::Ended(exit));
    }
}
