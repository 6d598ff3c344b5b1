//! Socket.IO: namespaces, events, acks. Commands of one session are carried out in order; one that
//! takes its time lets the others wait.

use std::{
    collections::VecDeque,
    rc::Rc,
    time::{Duration, Instant},
};

use actix::{Context, Handler};
use serde_json::{Map, Value};
use tokio::sync::oneshot;

use super::{
    client::Session,
    messages::{Leave, PostAnswer},
    run::Running,
};
use crate::{
    buckets::Bucket,
    config::sections::Limits,
    delivery::{Deadline, Member},
    error::Code,
    ids::{MAX_ID_BYTES, SocketId},
    protocol::{
        engineio,
        socketio::{Decoder, Event, Packet, connect, connect_error, disconnect},
    },
    session::{
        close::Close,
        engine::Layer,
        service::{Accepted, Connect, ConnectRefused, Left, Outcome, Service},
        socket::{AskError, Shared, Socket},
    },
};

/// Refused events in [`STRIKE_WINDOW`] that end a session.
const STRIKES: usize = 3;
const STRIKE_WINDOW: Duration = Duration::from_secs(10);

/// The Socket.IO side of a session.
pub(super) struct Commands {
    pub shared: Rc<Shared>,
    /// The answer of a POST that waits until the backlog is smaller.
    pub held: Option<oneshot::Sender<PostAnswer>>,
    decoder: Decoder,
    sockets: Vec<Socket>,
    /// Namespaces that the hub ended: events on their way are no crime.
    ended: Vec<Rc<str>>,
    backlog: VecDeque<Packet>,
    backlog_cost: usize,
    running: Option<Running>,
    events: Bucket,
    bytes: Bucket,
    strikes: VecDeque<Instant>,
}

impl Commands {
    pub fn new(shared: Rc<Shared>, limits: &Limits, now: Instant) -> Self {
        Self {
            shared,
            held: None,
            decoder: Decoder::default(),
            sockets: Vec::new(),
            ended: Vec::new(),
            backlog: VecDeque::new(),
            backlog_cost: 0,
            running: None,
            events: Bucket::full(&limits.events, now),
            bytes: Bucket::full(&limits.event_bytes, now),
            strikes: VecDeque::new(),
        }
    }

    pub fn backlog(&self) -> usize {
        self.backlog_cost
    }

    fn socket(&self, namespace: &str) -> Option<&Socket> {
        self.sockets.iter().find(|socket| socket.namespace() == namespace)
    }

    fn remove(&mut self, is: impl Fn(&Socket) -> bool) -> Option<Socket> {
        let at = self.sockets.iter().position(is)?;
        Some(self.sockets.swap_remove(at))
    }
}

fn cost(packet: &Packet) -> usize {
    super::gate::PACKET
        + match packet {
            Packet::Connect(namespace, _) | Packet::Disconnect(namespace) => namespace.len(),
            Packet::Event(_, event) => event.cost(),
            Packet::Ack(_, ack) => ack.arguments().len(),
        }
}

impl Session {
    fn service(&self) -> Option<Rc<dyn Service>> {
        match &self.worker.layer {
            Layer::SocketIo(service) => Some(service.clone()),
            Layer::Raw(_) => None,
        }
    }

    /// A message of Engine.IO becomes a command, or waits for its attachments.
    pub(super) fn decode(&mut self, message: engineio::Packet, ctx: &mut Context<Self>) {
        let worker = self.worker.clone();
        let Some(commands) = &mut self.commands else { return };
        let was_waiting = commands.decoder.is_waiting();
        let decoded = match message {
            engineio::Packet::Message(text) => commands.decoder.text(text, &worker.packets),
            engineio::Packet::Binary(bytes) => commands.decoder.binary(bytes, &worker.packets),
            _ => return,
        };
        let waits = commands.decoder.is_waiting();
        if waits && !was_waiting {
            let by = self.now() + worker.settings().session.attachment_timeout.get();
            worker.board.set_deadline(self.slot, Deadline::AttachmentTimeout, by);
        } else if was_waiting && !waits {
            worker.board.clear_deadline(self.slot, Deadline::AttachmentTimeout);
        }
        match decoded {
            Ok(Some(packet)) => self.command(packet, ctx),
            Ok(None) => {}
            Err(violation) => self.close(Close::Protocol(violation.label())),
        }
    }

    fn command(&mut self, packet: Packet, ctx: &mut Context<Self>) {
        let Some(commands) = &mut self.commands else { return };
        if commands.running.is_some() {
            commands.backlog_cost += cost(&packet);
            commands.backlog.push_back(packet);
            return;
        }
        self.carry_out(packet, ctx);
    }

    /// A command is done: the next ones.
    fn go_on(&mut self, ctx: &mut Context<Self>) {
        while self.closing.is_none() {
            let Some(commands) = &mut self.commands else { break };
            if commands.running.is_some() {
                break;
            }
            let Some(packet) = commands.backlog.pop_front() else { break };
            commands.backlog_cost = commands.backlog_cost.saturating_sub(cost(&packet));
            self.carry_out(packet, ctx);
        }
        self.entry.gate.arrived(0, self.backlog());
        self.release_post();
        self.worker.board.flush(self.slot);
    }

    fn carry_out(&mut self, packet: Packet, ctx: &mut Context<Self>) {
        match packet {
            Packet::Connect(namespace, auth) => self.join(&namespace, auth, ctx),
            Packet::Disconnect(namespace) => {
                let Some(commands) = &mut self.commands else { return };
                match commands.remove(|socket| socket.namespace() == &*namespace) {
                    Some(socket) => self.left(&socket, Left::Client),
                    None => self.not_joined(&namespace),
                }
            }
            Packet::Event(namespace, event) => self.event(&namespace, event, ctx),
            Packet::Ack(namespace, ack) => {
                let Some(commands) = &self.commands else { return };
                if commands.socket(&namespace).is_none() {
                    return self.not_joined(&namespace);
                }
                let waiting = commands
                    .shared
                    .acks
                    .borrow_mut()
                    .answer(ack.id, |waiting| *waiting.namespace == *namespace);
                if let Some(waiting) = waiting {
                    let _ = waiting.answer.send(Ok(ack));
                }
            }
        }
    }

    fn not_joined(&mut self, namespace: &str) {
        let ended = |commands: &super::commands::Commands| commands.ended.iter().any(|n| **n == *namespace);
        if !self.commands.as_ref().is_some_and(ended) {
            self.close(Close::Protocol("not_joined"));
        }
    }

    fn join(&mut self, namespace: &str, auth: Map<String, Value>, ctx: &mut Context<Self>) {
        let Some(service) = self.service() else { return };
        let Some(commands) = &mut self.commands else { return };
        if commands.socket(namespace).is_some() {
            return self.close(Close::Protocol("joined_twice"));
        }
        if namespace.len() > MAX_ID_BYTES || namespace.chars().any(char::is_control) {
            return self.refuse(namespace, &ConnectRefused::invalid_namespace());
        }
        if commands.sockets.len() >= self.worker.settings().limits.namespaces {
            let refused = ConnectRefused::coded(Code::RateLimited, "too many namespaces: limits.namespaces");
            return self.refuse(namespace, &refused);
        }
        let peer = commands.shared.peer.clone();
        let member = self.worker.board.member(self.slot, SocketId::generate());
        let namespace: Rc<str> = namespace.into();
        let asked = Connect { namespace: namespace.to_string(), auth, peer, member: member.clone() };
        let answer = service.connect(asked);
        let later = {
            let (namespace, member) = (namespace.clone(), member.clone());
            move |session: &mut Self, answer, ctx: &mut Context<Self>| {
                session.stopped_running();
                session.joined(namespace, member, answer);
                session.go_on(ctx);
            }
        };
        match self.run(answer, later, ctx) {
            Ok(answer) => self.joined(namespace, member, answer),
            Err(running) => self.runs(running),
        }
    }

    fn joined(&mut self, namespace: Rc<str>, member: Member, answer: Result<Accepted, ConnectRefused>) {
        if self.closing.is_some() {
            return;
        }
        let Some(service) = self.service() else { return };
        match answer {
            Err(refused) => {
                self.worker.board.leave_all(self.slot, member.socket());
                self.refuse(&namespace, &refused);
            }
            Ok(accepted) => {
                self.worker.board.clear_deadline(self.slot, Deadline::ConnectTimeout);
                self.admitted.joined();
                self.push(connect(&namespace, member.socket()));
                let Some(commands) = &mut self.commands else { return };
                commands.ended.retain(|ended| *ended != namespace);
                let socket = Socket::new(commands.shared.clone(), namespace, member, accepted.data);
                commands.sockets.push(socket.clone());
                service.connected(&socket);
            }
        }
    }

    fn refuse(&mut self, namespace: &str, refused: &ConnectRefused) {
        self.push(connect_error(namespace, &refused.message, refused.data.as_ref()));
    }

    fn event(&mut self, namespace: &str, event: Event, ctx: &mut Context<Self>) {
        let Some(service) = self.service() else { return };
        let Some(socket) = self.commands.as_ref().and_then(|commands| commands.socket(namespace)).cloned()
        else {
            return self.not_joined(namespace);
        };
        if let Err(wait) = self.within_rates(&event) {
            let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX).max(1);
            service.limited(&socket, &event, wait);
            return self.strike();
        }
        let Outcome::Later(done) = service.event(&socket, event) else { return };
        let later = |session: &mut Self, (), ctx: &mut Context<Self>| {
            session.stopped_running();
            session.go_on(ctx);
        };
        if let Err(running) = self.run(done, later, ctx) {
            self.runs(running);
        }
    }

    fn within_rates(&mut self, event: &Event) -> Result<(), Duration> {
        let now = self.now();
        let limits = &self.worker.settings().limits;
        let Some(commands) = &mut self.commands else { return Ok(()) };
        commands.events.take(&limits.events, 1, now)?;
        commands.bytes.take(&limits.event_bytes, event.cost() as u64, now)
    }

    /// Refused once more; a client that goes on regardless is closed.
    fn strike(&mut self) {
        let now = self.now();
        let Some(commands) = &mut self.commands else { return };
        commands.strikes.retain(|at| now.saturating_duration_since(*at) < STRIKE_WINDOW);
        commands.strikes.push_back(now);
        if commands.strikes.len() >= STRIKES {
            self.close(Close::RateLimited);
        }
    }

    fn runs(&mut self, running: Running) {
        if let Some(commands) = &mut self.commands {
            commands.running = Some(running);
        }
    }

    fn stopped_running(&mut self) {
        if let Some(commands) = &mut self.commands {
            commands.running = None;
        }
    }

    /// A socket has left: its memberships end, its acks never come.
    fn left(&mut self, socket: &Socket, why: Left) {
        self.worker.board.leave_all(self.slot, socket.id());
        if let Some(service) = self.service() {
            service.disconnected(socket, why);
        }
    }

    /// All sockets leave; what runs or waits is dropped.
    pub(super) fn end_sockets(&mut self, why: Close) {
        let Some(commands) = &mut self.commands else { return };
        if let Some(running) = commands.running.take() {
            running.cancel();
        }
        commands.backlog.clear();
        commands.backlog_cost = 0;
        commands.shared.acks.replace(crate::session::acks::Acks::new(0));
        let sockets = std::mem::take(&mut commands.sockets);
        for socket in &sockets {
            self.left(socket, Left::Session(why));
        }
        self.release_post();
    }

    pub(super) fn expire_acks(&mut self) {
        let now = self.now();
        let Some(commands) = &self.commands else { return };
        let (expired, next) = {
            let mut acks = commands.shared.acks.borrow_mut();
            (acks.expired(now), acks.next_deadline())
        };
        if let Some(next) = next {
            self.worker.board.set_deadline(self.slot, Deadline::AckTimeout, next);
        }
        for waiting in expired {
            let _ = waiting.answer.send(Err(AskError::TimedOut));
        }
    }
}

impl Handler<Leave> for Session {
    type Result = ();

    fn handle(&mut self, Leave(id): Leave, _: &mut Context<Self>) {
        let Some(commands) = &mut self.commands else { return };
        if let Some(socket) = commands.remove(|socket| *socket.id() == id) {
            commands.ended.push(socket.namespace().into());
            self.push(disconnect(socket.namespace()));
            self.left(&socket, Left::Hub);
        }
    }
}
