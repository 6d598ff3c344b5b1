//! The door to registrations.

use std::{collections::HashMap, sync::Arc, time::Duration};

use actix_rt::ArbiterHandle;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{
    Error, Host, RegistrationId, WidgetKind,
    ledger::Ledger,
    messages::{Ask, Connect, Connected, Disconnect, Refresh, Reply, WidgetCommand},
};
use crate::{
    clock::Clock,
    config::sections::Supervise,
    delivery::{Member, Shards},
    ids::{HubId, SocketId, WidgetId},
    protocol::frame::Frame,
    store::{Store, tables::registrations},
    supervise::{Handle, Limits},
};

/// What [`Widgets`] is made of.
pub struct Parts {
    /// The store.
    pub store: Store,
    /// Where sockets are reached.
    pub shards: Shards,
    /// The runs.
    pub host: Arc<dyn Host>,
    /// The clock.
    pub clock: Clock,
    /// `[supervise]`.
    pub supervise: Supervise,
    /// This process.
    pub hub: HubId,
}

/// Shared by all registrations.
pub(super) struct Hub {
    pub(super) store: Store,
    pub(super) shards: Shards,
    pub(super) host: Arc<dyn Host>,
    pub(super) ledger: Ledger,
    pub(super) clock: Clock,
    pub(super) id: HubId,
    /// What each socket has asked for; true when there is a row of it.
    pub(super) known: Mutex<HashMap<SocketId, HashMap<WidgetId, bool>>>,
    deadline: Duration,
}

impl Hub {
    /// Whether there may be a row.
    pub(super) fn has_row(&self, id: &RegistrationId) -> bool {
        let known = self.known.lock();
        known.get(&id.socket).and_then(|widgets| widgets.get(&id.widget)).copied().unwrap_or(false)
    }

    /// There is a row now.
    pub(super) fn registered(&self, id: &RegistrationId) {
        let mut known = self.known.lock();
        // Not of a socket that is gone: nobody would take it out.
        if let Some(has_row) = known.get_mut(&id.socket).and_then(|widgets| widgets.get_mut(&id.widget)) {
            *has_row = true;
        }
    }

    /// There is none any more.
    pub(super) fn forget(&self, id: &RegistrationId) {
        let mut known = self.known.lock();
        if let Some(widgets) = known.get_mut(&id.socket) {
            widgets.remove(&id.widget);
            if widgets.is_empty() {
                known.remove(&id.socket);
            }
        }
    }
}

/// Connects, refreshes and disconnects widgets. Cheap to clone; any thread.
#[derive(Clone)]
pub struct Widgets {
    hub: Arc<Hub>,
    registry: Handle<WidgetKind>,
}

impl Widgets {
    /// Starts the registry of registrations on `home`, with its children on `arbiters` (at least one),
    /// and removes what an earlier process left.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub async fn launch(
        parts: Parts,
        home: ArbiterHandle,
        arbiters: Vec<ArbiterHandle>,
    ) -> Result<Self, Error> {
        let (store, hub) = (parts.store.clone(), parts.hub.clone());
        let earlier = store.write(move |db| registrations::forget_others(db, &hub)).await?;
        if earlier > 0 {
            log::info!(earlier; "registrations of an earlier process are gone with their sockets");
        }
        let (ledger, writer) = Ledger::new(parts.store.clone(), parts.hub.clone(), parts.clock.clone());
        home.spawn(writer);
        let limits = Limits::new(&parts.supervise);
        let hub = Arc::new(Hub {
            store: parts.store,
            shards: parts.shards,
            host: parts.host,
            ledger,
            clock: parts.clock.clone(),
            id: parts.hub,
            known: Mutex::default(),
            deadline: *parts.supervise.command_deadline,
        });
        let kind = WidgetKind { hub: Arc::clone(&hub) };
        let registry = Handle::start(kind, limits, parts.clock, home, arbiters);
        Ok(Self { hub, registry })
    }

    /// The registry, for ops: list, inspect, restart.
    pub fn registry(&self) -> &Handle<WidgetKind> {
        &self.registry
    }

    /// Registers a widget in the place of the socket's registration of that name, or tells it once
    /// where a run is. Its frames are on their way when this ends.
    ///
    /// # Errors
    /// When nothing has changed.
    pub async fn connect(&self, widget: &WidgetId, connect: Connect) -> Result<Connected, Error> {
        let id = RegistrationId { socket: connect.member.socket().clone(), widget: widget.clone() };
        self.hub.known.lock().entry(id.socket.clone()).or_default().entry(widget.clone()).or_default();
        self.ask(id, |reply| Ask::Connect(Box::new(connect), reply)).await
    }

    /// Starts a new run of the workflow of a registration and moves the registration there.
    ///
    /// # Errors
    /// When nothing has changed.
    pub async fn refresh(&self, widget: &WidgetId, refresh: Refresh) -> Result<Connected, Error> {
        let id = RegistrationId { socket: refresh.member.socket().clone(), widget: widget.clone() };
        self.ask(id, |reply| Ask::Refresh(refresh, reply)).await
    }

    /// Ends a registration, if there is one.
    ///
    /// # Errors
    /// When its actor cannot be reached.
    pub async fn disconnect(&self, widget: &WidgetId, disconnect: Disconnect) -> Result<(), Error> {
        let id = RegistrationId { socket: disconnect.member.socket().clone(), widget: widget.clone() };
        self.ask(id, |reply| Ask::Disconnect(disconnect, reply)).await
    }

    /// Frames to a socket, behind all that its registrations were told.
    pub fn tell(&self, member: &Member, frames: Vec<Frame>) {
        for frame in frames {
            self.hub.shards.direct(member, frame);
        }
    }

    /// A socket is gone, and its memberships with it: so are its registrations.
    pub fn gone(&self, socket: &SocketId) {
        let Some(widgets) = self.hub.known.lock().remove(socket) else { return };
        for widget in widgets.into_keys() {
            let id = RegistrationId { socket: socket.clone(), widget };
            if self.registry.send(id.clone(), WidgetCommand(Ask::Gone)).is_err() {
                self.hub.ledger.remove(id);
            }
        }
    }

    async fn ask<T>(&self, id: RegistrationId, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Error> {
        let (reply, answer) = oneshot::channel();
        self.registry.ask(id, WidgetCommand(ask(reply)));
        // No answer in time is no silence: the command may have been carried out or not.
        let answer = tokio::time::timeout(self.hub.deadline, answer).await;
        answer.ok().and_then(Result::ok).unwrap_or(Err(Error::Lost))
    }
}
