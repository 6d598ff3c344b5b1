//! An engine: sessions at one path, on all workers.

use std::{
    cell::RefCell,
    rc::{Rc, Weak},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    actor::End,
    admission::Admission,
    close::Close,
    directory::Directory,
    service::{RawService, Service},
    settings::Settings,
    transport::Rules,
};
use crate::{
    clock::Clock,
    delivery::{self, Shards, Switchboard},
    protocol::{engineio::Terms, frame::Frame, socketio},
};

type MakeService = dyn Fn(&Rc<Switchboard>) -> Rc<dyn Service> + Send + Sync;
type MakeRaw = dyn Fn(&Rc<Switchboard>) -> Rc<dyn RawService> + Send + Sync;

/// Sessions at one path. Cheap to clone; any thread may hold it.
#[derive(Clone)]
pub struct Engine(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub settings: Settings,
    pub clock: Clock,
    pub shards: Shards,
    pub directory: Directory,
    pub admission: Arc<Admission>,
    /// Bytes of POST bodies that are being read.
    pub bodies: AtomicUsize,
    draining: AtomicBool,
    make: Make,
}

enum Make {
    SocketIo(Box<MakeService>),
    Raw(Box<MakeRaw>),
}

/// What an engine is on one worker thread.
pub(super) struct Worker {
    pub engine: Engine,
    pub board: Rc<Switchboard>,
    pub layer: Layer,
    pub terms: Terms,
    pub rules: Rules,
    pub packets: socketio::Limits,
    pub ping: Frame,
}

/// What stands behind the sessions.
pub(super) enum Layer {
    SocketIo(Rc<dyn Service>),
    Raw(Rc<dyn RawService>),
}

thread_local! {
    static WORKERS: RefCell<Vec<Weak<Worker>>> = const { RefCell::new(Vec::new()) };
}

impl Engine {
    /// Socket.IO. `make` is called once on each worker thread; `shards` has a place for each of them.
    pub fn new(
        settings: Settings,
        shards: Shards,
        clock: Clock,
        make: impl Fn(&Rc<Switchboard>) -> Rc<dyn Service> + Send + Sync + 'static,
    ) -> Self {
        Self::build(settings, shards, clock, Make::SocketIo(Box::new(make)))
    }

    /// Plain Engine.IO.
    pub fn raw(
        settings: Settings,
        shards: Shards,
        clock: Clock,
        make: impl Fn(&Rc<Switchboard>) -> Rc<dyn RawService> + Send + Sync + 'static,
    ) -> Self {
        Self::build(settings, shards, clock, Make::Raw(Box::new(make)))
    }

    fn build(settings: Settings, shards: Shards, clock: Clock, make: Make) -> Self {
        let admission = Admission::new(settings.limits.clone(), clock.clone());
        Self(Arc::new(Shared {
            settings,
            clock,
            shards,
            directory: Directory::default(),
            admission,
            bodies: AtomicUsize::new(0),
            draining: AtomicBool::new(false),
            make,
        }))
    }

    /// Where it is mounted.
    pub fn path(&self) -> &str {
        &self.0.settings.path
    }

    /// Open sessions.
    pub fn sessions(&self) -> usize {
        self.0.admission.open()
    }

    /// From now on no session is opened; those that are open go on.
    pub fn drain(&self) {
        self.0.draining.store(true, Ordering::Release);
    }

    pub(super) fn is_draining(&self) -> bool {
        self.0.draining.load(Ordering::Acquire)
    }

    /// Ends all sessions, `batch` at a time with a pause between, so that clients do not all come back
    /// at one moment. It returns when all were told; [`Engine::sessions`] says when they are gone.
    pub async fn close_all(&self, batch: usize, pause: Duration) {
        self.drain();
        let all = self.0.directory.all();
        for entries in all.chunks(batch.max(1)) {
            for entry in entries {
                entry.addr.do_send(End(Close::Stopping));
            }
            actix_rt::time::sleep(pause).await;
        }
    }

    /// The engine on this thread; made by the first call.
    pub(super) fn worker(&self) -> Result<Rc<Worker>, delivery::Error> {
        let here = WORKERS.with_borrow_mut(|workers| {
            workers.retain(|worker| worker.strong_count() > 0);
            workers.iter().filter_map(Weak::upgrade).find(|worker| Arc::ptr_eq(&worker.engine.0, &self.0))
        });
        if let Some(worker) = here {
            return Ok(worker);
        }
        let shared = &self.0;
        let board = match Switchboard::current() {
            Some(board) => board,
            None => Switchboard::start(&shared.shards, shared.settings.delivery(), shared.clock.clone())?,
        };
        let layer = match &shared.make {
            Make::SocketIo(make) => Layer::SocketIo(make(&board)),
            Make::Raw(make) => Layer::Raw(make(&board)),
        };
        let worker = Rc::new(Worker {
            engine: self.clone(),
            board,
            layer,
            terms: shared.settings.terms(),
            rules: shared.settings.rules(),
            packets: shared.settings.packets(),
            ping: Frame::engine("2"),
        });
        WORKERS.with_borrow_mut(|workers| workers.push(Rc::downgrade(&worker)));
        Ok(worker)
    }
}

impl Worker {
    pub fn shared(&self) -> &Shared {
        &self.engine.0
    }

    pub fn settings(&self) -> &Settings {
        &self.engine.0.settings
    }
}
