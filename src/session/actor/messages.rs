//! What transports and the slot tell a session.

use std::{net::TcpStream, os::fd::OwnedFd, sync::Arc};

use actix::{Message, Recipient};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{
    delivery::{CloseReason, Deadline},
    ids::SocketId,
    protocol::{
        engineio::{Packet, Violation},
        frame::Frame,
    },
    session::close::Close,
};

/// Packets of a websocket, in order; then, perhaps, its end.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) struct Incoming {
    pub packets: Vec<Packet>,
    /// What was counted at the gate.
    pub cost: usize,
    pub end: Option<Close>,
}

/// The session ends.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) struct End(pub Close);

/// A GET that waits for packets.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) struct Poll {
    /// Tells it from others of the process.
    pub number: u64,
    pub answer: oneshot::Sender<PollAnswer>,
}

/// The answer of a GET.
#[derive(Debug)]
pub(in crate::session) enum PollAnswer {
    Packets(Vec<u8>),
    /// 400 without a body: two at once, or the takeover was quicker.
    Refused,
    /// The session is not there any more: code 1.
    Gone,
    /// It has another transport: code 3.
    Upgraded,
}

/// Nobody waits for that GET any more.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) struct PollLost(pub u64);

/// The body of a POST.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) struct Post {
    pub packets: Vec<Packet>,
    pub violation: Option<Violation>,
    pub answer: oneshot::Sender<PostAnswer>,
}

/// The answer of a POST.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::session) enum PostAnswer {
    Ok,
    /// 400: a packet was bad, the session is gone.
    Bad,
    /// Code 1.
    Gone,
    /// Code 3.
    Upgraded,
}

/// A websocket that wants to take the session over.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) enum Probe {
    /// On its own socket, taken out of the worker that accepted it. `head` answers its request, `rest`
    /// came behind that.
    Owned { socket: TcpStream, head: Vec<u8>, rest: Bytes },
    /// Mounted, wherever it lives.
    Mounted { transport: Recipient<ToTransport>, descriptor: Option<Arc<Descriptor>> },
}

/// How far a probe has come.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) enum Probed {
    /// It said `2probe`.
    Begun,
    /// It said `5`: the session is its own now.
    Done,
    /// It said something else, or is gone.
    Failed,
}

/// A mounted transport has started; the session may send to it.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) struct Attach {
    pub transport: Recipient<ToTransport>,
    pub descriptor: Option<Arc<Descriptor>>,
}

/// A mounted transport has written what it was given, and takes more.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) struct Credit;

/// What a session tells a mounted transport.
#[derive(Message)]
#[rtype(result = "()")]
pub(in crate::session) enum ToTransport {
    Batch(Vec<Frame>),
    /// Close with this code; nothing follows.
    End(u16),
}

/// A second descriptor of a socket that a host application owns, to close it when its writer is
/// frozen (`protocol.md` 7.5).
#[derive(Debug)]
pub(in crate::session) struct Descriptor(pub OwnedFd);

impl Descriptor {
    /// Ends the connection for whoever holds it.
    pub fn shutdown(&self) {
        let _ = rustix::net::shutdown(&self.0, rustix::net::Shutdown::Both);
    }
}

/// The slot is gone.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct SlotClosed(pub CloseReason);

/// A deadline has passed.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Due(pub Deadline);

/// The service ends a socket.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Leave(pub SocketId);

/// How bytes move.
pub(super) enum Transport {
    Polling(Option<Pending>),
    /// Its socket is the ear's and the switchboard's.
    Websocket,
    Mounted(Mounted),
}

/// A GET that waits.
pub(super) struct Pending {
    pub number: u64,
    pub answer: oneshot::Sender<PollAnswer>,
    pub taker: super::run::Running,
}

/// A transport in somebody else's application. It takes a batch, and then says that it takes more.
#[derive(Default)]
pub(super) struct Mounted {
    /// Not there before it has started.
    pub recipient: Option<Recipient<ToTransport>>,
    pub descriptor: Option<std::sync::Weak<Descriptor>>,
    pub taker: Option<super::run::Running>,
}
