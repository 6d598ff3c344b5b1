//! Step 2 of a frame (next: `session/router/runs.rs`): the session's state, its opening, and what it does with packets
//! of Engine.IO.

use std::{rc::Rc, sync::Arc, time::Instant};

use actix::{Actor, AsyncContext, Context, Handler};

use super::{
    commands::Commands,
    ear::{Door, Ear},
    messages::{Due, Incoming, Mounted, Transport},
    upgrade::Upgrade,
};
use crate::{
    delivery::{Deadline, Slot},
    ids::SessionId,
    metrics::{KindLabel, Reason, metrics},
    protocol::{
        engineio::{Packet, open_packet},
        frame::{Frame, Message},
    },
    session::{
        acks::Acks,
        admission::Admitted,
        close::Close,
        directory::{Entry, Kind},
        engine::{Layer, Worker},
        heartbeat::Heartbeat,
        service::Peer,
        socket::Shared,
        transport::Wire,
    },
};

/// One client.
pub(in crate::session) struct Session {
    pub(super) worker: Rc<Worker>,
    pub(super) id: SessionId,
    pub(super) entry: Arc<Entry>,
    pub(super) slot: Slot,
    pub(super) ear: Rc<Ear>,
    pub(super) heartbeat: Heartbeat,
    pub(super) transport: Transport,
    pub(super) upgrade: Option<Upgrade>,
    /// Why it ends, once it does.
    pub(super) closing: Option<Close>,
    /// `None` for plain Engine.IO.
    pub(super) commands: Option<Commands>,
    pub(super) admitted: Admitted,
}

/// By which transport a session begins.
pub(in crate::session) enum Opening {
    Polling,
    /// On its own socket. It is written from now on.
    Owned(Rc<Wire>),
    /// It says when it has started.
    Mounted,
}

/// A session that was just opened, for its transport.
pub(in crate::session) struct Opened {
    pub entry: Arc<Entry>,
    pub slot: Slot,
    /// The first packet.
    pub open: String,
}

impl Session {
    /// Opens a session on this thread. `now` is the instant of the handshake.
    pub fn open(
        worker: &Rc<Worker>,
        peer: Peer,
        admitted: Admitted,
        opening: Opening,
        now: Instant,
    ) -> Opened {
        let id = SessionId::generate();
        let kind = match &opening {
            Opening::Polling => Kind::Polling,
            Opening::Owned(_) | Opening::Mounted => Kind::Websocket,
        };
        let mut parts = None;
        Self::create(|ctx| {
            let addr = ctx.address();
            let entry = Arc::new(Entry::new(id, addr.clone(), kind));
            let ear = Ear::new(addr.clone());
            let slot = worker.board.open(ear.clone());
            let settings = &worker.settings().session;
            let shared = Rc::new(Shared {
                board: worker.board.clone(),
                slot,
                peer: Rc::new(peer),
                acks: Acks::new(settings.pending_acks).into(),
                ack_timeout: settings.ack_timeout.get(),
                clock: worker.shared().clock.clone(),
                owner: Rc::new(Door(addr)),
            });
            let commands = match &worker.layer {
                Layer::SocketIo(_) => Some(Commands::new(shared, &worker.settings().limits, now)),
                Layer::Raw(_) => None,
            };
            let heartbeat = Heartbeat::start(now, worker.terms.ping_interval, worker.terms.ping_timeout);
            worker.board.set_deadline(slot, Deadline::PingDue, heartbeat.ping_due());
            if commands.is_some() {
                let by = now + settings.connect_timeout.get();
                worker.board.set_deadline(slot, Deadline::ConnectTimeout, by);
            }
            worker.shared().directory.insert(entry.clone());
            let transport = match opening {
                Opening::Polling => Transport::Polling(None),
                Opening::Owned(wire) => {
                    ear.wire(wire);
                    Transport::Websocket
                }
                Opening::Mounted => Transport::Mounted(Mounted::default()),
            };
            let session = Self {
                worker: worker.clone(),
                id,
                entry: entry.clone(),
                slot,
                ear,
                heartbeat,
                transport,
                upgrade: None,
                closing: None,
                commands,
                admitted,
            };
            session.count(1);
            let open = open_packet(id, kind == Kind::Polling, &worker.terms);
            parts = Some(Opened { entry, slot, open });
            session
        });
        #[expect(clippy::expect_used, reason = "create calls its closure before it returns")]
        parts.expect("the session was made")
    }

    pub(super) fn count(&self, by: i64) {
        let kind = match self.transport {
            Transport::Polling(_) => "polling",
            Transport::Websocket => "websocket",
            Transport::Mounted(_) => "mounted",
        };
        metrics().sessions.open.get_or_create(&KindLabel { kind }).inc_by(by);
    }

    pub(super) fn now(&self) -> Instant {
        self.worker.shared().clock.monotonic()
    }

    /// Queues a frame of the session's own.
    pub(super) fn push(&self, frame: Frame) {
        self.worker.board.push(self.slot, frame);
    }

    /// What one packet of a client means. Nothing after the end counts.
    pub(super) fn packet(&mut self, packet: Packet, ctx: &mut Context<Self>) {
        if self.closing.is_some() {
            return;
        }
        match packet {
            Packet::Message(_) | Packet::Binary(_) => self.message(packet, ctx),
            Packet::Pong => self.pong(),
            Packet::Close => self.close(Close::Client),
            Packet::Probe => self.close(Close::Packet("wrong_direction")),
            Packet::Upgrade | Packet::Noop => {}
        }
    }

    fn message(&mut self, message: Packet, ctx: &mut Context<Self>) {
        let worker = self.worker.clone();
        let service = match &worker.layer {
            Layer::SocketIo(_) => return self.decode(message, ctx),
            Layer::Raw(service) => service,
        };
        let message = match message {
            Packet::Message(text) => Message::Text(text.into()),
            Packet::Binary(bytes) => Message::Binary(bytes),
            _ => return,
        };
        service.message(message, &mut |frame| {
            worker.board.push(self.slot, frame);
        });
    }

    fn pong(&mut self) {
        if self.heartbeat.pong(self.now()) {
            self.worker.board.clear_deadline(self.slot, Deadline::PongMissing);
            self.worker.board.set_deadline(self.slot, Deadline::PingDue, self.heartbeat.ping_due());
        }
    }

    /// Bytes of commands that wait.
    pub(super) fn backlog(&self) -> usize {
        self.commands.as_ref().map_or(0, Commands::backlog)
    }
}

impl Actor for Session {
    type Context = Context<Self>;
}

impl Handler<Incoming> for Session {
    type Result = ();

    fn handle(&mut self, incoming: Incoming, ctx: &mut Context<Self>) {
        if matches!(self.transport, Transport::Polling(_)) {
            // the takeover was refused: its packets are nobody's
            return;
        }
        let worker = self.worker.clone();
        // answers to one read are one write
        let _cork = worker.board.cork(self.slot);
        for packet in incoming.packets {
            self.packet(packet, ctx);
        }
        self.entry.gate.arrived(incoming.cost, self.backlog());
        if let Some(why) = incoming.end {
            self.close(why);
        }
    }
}

impl Handler<Due> for Session {
    type Result = ();

    fn handle(&mut self, Due(what): Due, _: &mut Context<Self>) {
        match what {
            Deadline::PingDue => {
                self.heartbeat.pinged();
                self.worker.board.set_deadline(self.slot, Deadline::PongMissing, self.heartbeat.pong_by());
                self.push(self.worker.ping.clone());
            }
            Deadline::PongMissing => self.close(Close::PingTimeout),
            Deadline::ConnectTimeout => self.close(Close::ConnectTimeout),
            Deadline::AttachmentTimeout => self.close(Close::AttachmentTimeout),
            Deadline::UpgradeTimeout => self.fail_upgrade(),
            Deadline::AckTimeout => self.expire_acks(),
            Deadline::Stall => {}
        }
    }
}

/// Counts a broken rule; the session's log line has it too.
pub(super) fn count_rule(close: Close) {
    if let Some(reason) = close.rule() {
        metrics().sessions.protocol_errors.get_or_create(&Reason { reason }).inc();
    }
}
