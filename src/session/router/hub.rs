//! The table of events.

use std::{cell::RefCell, collections::HashMap, rc::Rc, sync::Arc};

use futures_util::future::LocalBoxFuture;
use serde::Serialize;

use super::{
    chat::{self, Chatting},
    connect,
    rates::TenantRates,
    revoked,
    rooms::{self, Entered},
    runs::{self, Watched},
    unserved, widgets,
};
use crate::{
    auth::{Auth, Identity},
    chat::Rooms,
    clock::Clock,
    config::sections::Limits,
    error::{Code, Coded},
    ids::{ChatRoomId, RunId, SocketId, WidgetId},
    listener::{Listeners, Room},
    metrics::{KindLabel, metrics},
    protocol::{
        events::{Client, Refused, Server},
        frame::Frame,
        socketio::{AckId, Event, ack_error, ack_frame},
    },
    session::{Accepted, Connect, ConnectRefused, Left, Outcome, Service, Socket},
    widget::Widgets,
    workflow::Runs,
};

/// Namespace of runs, chat, widgets and listeners.
pub(super) const MAIN: &str = "/";
/// Namespace of operators.
pub(super) const MONITOR: &str = "/monitor";

/// What stands behind the hub's sessions. Cheap to clone; one a worker thread.
#[derive(Clone)]
pub struct Router(pub(super) Rc<Inner>);

pub(super) struct Inner {
    pub(super) auth: Auth,
    pub(super) runs: Runs,
    pub(super) widgets: Widgets,
    pub(super) listeners: Listeners,
    pub(super) chats: Rooms,
    pub(super) rates: Arc<TenantRates>,
    pub(super) clock: Clock,
    /// Runs that a socket may watch, rooms that it may be in, and widgets that it may have, at once.
    pub(super) max_joins: usize,
    /// Largest input of a widget, and what may be said about one.
    pub(super) max_inputs: usize,
    /// Who is connected on this worker, for what is taken from them.
    pub(super) sockets: RefCell<HashMap<SocketId, Socket>>,
}

/// What a socket carries.
pub(super) struct Seat {
    pub(super) identity: Identity,
    /// [`Auth::revoked`] before it was verified.
    pub(super) verified_at: u64,
    /// Runs that it watches; some may have ended.
    pub(super) joined: RefCell<HashMap<RunId, Watched>>,
    /// Rooms of listeners that it is in.
    pub(super) rooms: RefCell<HashMap<Room, Entered>>,
    /// Chat rooms that it is in.
    pub(super) chats: RefCell<HashMap<ChatRoomId, Chatting>>,
    /// Its widgets.
    pub(super) widgets: RefCell<HashMap<WidgetId, Held>>,
}

/// A registration that a socket has.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) run: RunId,
    pub(super) watched: Watched,
}

/// The doors of the domain that events are handed through.
#[derive(Clone)]
pub struct Doors {
    /// Runs.
    pub runs: Runs,
    /// Registrations.
    pub widgets: Widgets,
    /// Rooms of listeners.
    pub listeners: Listeners,
    /// Chat rooms.
    pub chats: Rooms,
}

impl Router {
    /// For one worker, on its thread; `rates` are shared by all.
    pub fn new(auth: Auth, doors: Doors, rates: Arc<TenantRates>, clock: Clock, limits: &Limits) -> Self {
        let Doors { runs, widgets, listeners, chats } = doors;
        let inner = Rc::new(Inner {
            auth,
            runs,
            widgets,
            listeners,
            chats,
            rates,
            clock,
            max_joins: limits.joins,
            max_inputs: *limits.inputs,
            sockets: RefCell::default(),
        });
        revoked::watch(&inner);
        Self(inner)
    }
}

impl Service for Router {
    fn connect(&self, connect: Connect) -> LocalBoxFuture<'static, Result<Accepted, ConnectRefused>> {
        let router = self.clone();
        Box::pin(async move { connect::admit(&router.0, connect).await.map(Accepted::with) })
    }

    fn connected(&self, socket: &Socket) {
        self.0.sockets.borrow_mut().insert(socket.id().clone(), socket.clone());
        revoked::arrived(&self.0, socket);
    }

    fn disconnected(&self, socket: &Socket, _: Left) {
        self.0.sockets.borrow_mut().remove(socket.id());
        self.0.widgets.gone(socket.id());
        self.0.chats.gone(socket.id());
    }

    fn limited(&self, socket: &Socket, event: &Event, retry_after_ms: u64) {
        if let Some(id) = event.ack {
            let message = format!("too many events: try again in {retry_after_ms} ms");
            socket.emit(ack_error(socket.namespace(), id, Code::RateLimited, &message));
        }
        let Some(seat) = socket.data::<Rc<Seat>>().cloned() else { return };
        if let Some(name) = Client::from_name(&event.name) {
            let from = From { socket: socket.clone(), seat, ack: None, now: self.0.clock.now() };
            widgets::limited(&from, name, &event.first(), retry_after_ms);
            chat::limited(&from, name, &event.first(), retry_after_ms);
        }
    }

    fn event(&self, socket: &Socket, event: Event) -> Outcome {
        let Some(name) = Client::from_name(&event.name).filter(|name| name.namespace() == socket.namespace())
        else {
            metrics().sessions.events_in.get_or_create(&KindLabel { kind: "unknown" }).inc();
            return Outcome::Done;
        };
        metrics().sessions.events_in.get_or_create(&KindLabel { kind: name.as_str() }).inc();
        let Some(seat) = socket.data::<Rc<Seat>>().cloned() else { return Outcome::Done };
        let router = Rc::clone(&self.0);
        let from = From { socket: socket.clone(), seat, ack: event.ack, now: self.0.clock.now() };
        match name {
            Client::RunJoin => {
                Outcome::Later(Box::pin(async move { runs::join(&router, &from, &event.first()).await }))
            }
            Client::RunLeave => {
                runs::leave(&router, &from, &event.first());
                Outcome::Done
            }
            Client::RoomJoin => {
                Outcome::Later(Box::pin(async move { rooms::join(&router, &from, &event.first()).await }))
            }
            Client::RoomLeave => {
                rooms::leave(&router, &from, &event.first());
                Outcome::Done
            }
            Client::ChatRoomJoin => {
                Outcome::Later(Box::pin(async move { chat::join(&router, &from, &event.first()).await }))
            }
            Client::ChatUserMessage => {
                Outcome::Later(Box::pin(async move { chat::say(&router, &from, &event.first()).await }))
            }
            Client::ChatRoomDisconnect => {
                chat::leave(&router, &from, &event.first());
                Outcome::Done
            }
            Client::ChatCancel => {
                Outcome::Later(Box::pin(async move { chat::cancel(&router, &from, &event.first()).await }))
            }
            Client::WidgetConnect => Outcome::Later(Box::pin(async move {
                widgets::connect(&router, &from, &event.first()).await;
            })),
            Client::WidgetInput => {
                Outcome::Later(Box::pin(async move { widgets::input(&router, &from, &event.first()).await }))
            }
            Client::WidgetRefresh => Outcome::Later(Box::pin(async move {
                widgets::refresh(&router, &from, &event.first()).await;
            })),
            Client::WidgetDisconnect => Outcome::Later(Box::pin(async move {
                widgets::disconnect(&router, &from, &event.first()).await;
            })),
            Client::AuthRefresh | Client::Filter => {
                unserved::quiet(&from, name);
                Outcome::Done
            }
        }
    }
}

/// Who sent an event.
pub(super) struct From {
    pub(super) socket: Socket,
    pub(super) seat: Rc<Seat>,
    pub(super) ack: Option<AckId>,
    pub(super) now: jiff::Timestamp,
}

impl From {
    /// Answers the ack, if one is waited for.
    pub(super) fn acknowledge(&self, body: &impl Serialize) {
        if let Some(id) = self.ack {
            self.send(ack_frame(self.socket.namespace(), id, body));
        }
    }

    /// Answers the ack, if one is waited for, that the event was refused.
    pub(super) fn refuse(&self, error: &(impl Coded + ?Sized)) {
        self.acknowledge(&Refused::of(error));
    }

    /// An event to this socket alone.
    pub(super) fn emit(&self, name: Server, body: &impl Serialize) {
        self.send(Frame::event(self.socket.namespace(), name.as_str(), body));
    }

    fn send(&self, frame: Result<Frame, serde_json::Error>) {
        match frame {
            Ok(frame) => {
                self.socket.emit(frame);
            }
            Err(error) => log::error!("an answer cannot be written: {error}"),
        }
    }
}
