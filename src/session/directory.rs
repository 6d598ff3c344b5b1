//! Which sessions there are: from the secret id to the session's actor, from any worker.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU8, Ordering},
    },
};

use actix::Addr;
use parking_lot::RwLock;

use super::actor::{Gate, Session};
use crate::ids::SessionId;

/// How a session's bytes move now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Polling,
    Websocket,
}

/// One session as requests see it.
pub(super) struct Entry {
    pub id: SessionId,
    pub addr: Addr<Session>,
    /// How much of its websocket's packets has not been carried out.
    pub gate: Arc<Gate>,
    kind: AtomicU8,
    /// A POST is being read.
    pub posting: AtomicBool,
    /// A websocket wants to take it over.
    pub upgrading: AtomicBool,
}

impl Entry {
    pub fn new(id: SessionId, addr: Addr<Session>, kind: Kind) -> Self {
        Self {
            id,
            addr,
            gate: Arc::default(),
            kind: AtomicU8::new(kind as u8),
            posting: AtomicBool::new(false),
            upgrading: AtomicBool::new(false),
        }
    }

    pub fn kind(&self) -> Kind {
        if self.kind.load(Ordering::Acquire) == Kind::Polling as u8 { Kind::Polling } else { Kind::Websocket }
    }

    /// One upgrade at a time, and none of a session that has its websocket.
    pub fn claim_upgrade(&self) -> bool {
        self.kind() == Kind::Polling && !self.upgrading.swap(true, Ordering::AcqRel)
    }

    pub fn upgraded(&self) {
        self.kind.store(Kind::Websocket as u8, Ordering::Release);
    }
}

/// All sessions of an engine.
#[derive(Default)]
pub(super) struct Directory(RwLock<HashMap<SessionId, Arc<Entry>>>);

impl Directory {
    pub fn insert(&self, entry: Arc<Entry>) {
        self.0.write().insert(entry.id, entry);
    }

    /// `None` for anything that no hub ever issued, too.
    pub fn find(&self, sid: &str) -> Option<Arc<Entry>> {
        let id = SessionId::parse(sid)?;
        self.0.read().get(&id).cloned()
    }

    /// From now on its sid is unknown.
    pub fn remove(&self, id: SessionId) {
        self.0.write().remove(&id);
    }

    pub fn all(&self) -> Vec<Arc<Entry>> {
        self.0.read().values().cloned().collect()
    }
}
