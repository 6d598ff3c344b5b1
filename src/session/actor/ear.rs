//! What a session hears of its slot.

use std::{cell::RefCell, rc::Rc};

use actix::Addr;

use super::{
    client::Session,
    messages::{Due, End, Leave, SlotClosed},
};
use crate::{
    delivery::{CloseReason, Deadline, Outlet},
    ids::SocketId,
    session::{close::Close, socket::Owner, transport::Wire},
};

/// Passes on what the switchboard says: to the session by message, to its socket at once.
pub(in crate::session) struct Ear {
    addr: Addr<Session>,
    wire: RefCell<Option<Rc<Wire>>>,
}

impl Ear {
    pub fn new(addr: Addr<Session>) -> Rc<Self> {
        Rc::new(Self { addr, wire: RefCell::default() })
    }

    /// The session has a socket of its own now.
    pub fn wire(&self, wire: Rc<Wire>) {
        *self.wire.borrow_mut() = Some(wire);
    }
}

impl Outlet for Ear {
    fn closed(&self, why: CloseReason) {
        if let Some(wire) = self.wire.borrow_mut().take() {
            wire.end();
        }
        self.addr.do_send(SlotClosed(why));
    }

    fn deadline(&self, what: Deadline) {
        self.addr.do_send(Due(what));
    }

    fn blocked(&self) {
        if let Some(wire) = &*self.wire.borrow() {
            wire.blocked();
        }
    }
}

/// What a socket may ask of its session.
pub(super) struct Door(pub Addr<Session>);

impl Owner for Door {
    fn leave(&self, socket: &SocketId) {
        self.0.do_send(Leave(socket.clone()));
    }

    fn close(&self) {
        self.0.do_send(End(Close::Forced));
    }
}
