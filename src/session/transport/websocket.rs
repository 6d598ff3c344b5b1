//! A websocket on a socket of our own.
//!
//! Step 1 of a frame (`ARCHITECTURE.md`): bytes arrive here, become packets of Engine.IO and go to
//! the session's actor (`session/actor`). What the client gets is written by the switchboard.
//!
//! One small task a connection reads, into a buffer that all connections of the worker share. An idle
//! one holds no bytes.

use std::{
    cell::{Cell, RefCell},
    io::{self, IoSlice},
    net::Shutdown,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll, Waker, ready},
    time::Duration,
};

use actix::Addr;
use actix_rt::time::Sleep;
use bytes::Bytes;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::TcpStream,
};

use super::frames::{Item, Reader, Violation};
use crate::{
    buckets::Bucket,
    config::Rate,
    crash_point,
    delivery::{Sink, Slot},
    protocol::{
        engineio::{Packet, Str, decode},
        frame::Frame,
    },
    session::{
        actor::{Gate, Incoming, Opened, Probed, Session},
        close::Close,
        directory::Entry,
        engine::Worker,
    },
};

/// The read buffer of a worker.
const BUFFER: usize = 64 * 1024;
/// Reads before other tasks get their turn.
const TURNS: usize = 16;
/// How long a closing socket is read on, so that unread bytes do not turn its close into a reset.
const LINGER: Duration = Duration::from_secs(2);
const CONTROL: Violation = Violation { code: 1008, rule: "ws_control_flood" };

thread_local! {
    static SHARED: RefCell<Vec<u8>> = RefCell::new(vec![0; BUFFER]);
}

/// The socket, as its switchboard writes it and its session ends it.
pub(in crate::session) struct Wire {
    stream: RefCell<TcpStream>,
    reader: RefCell<Option<Waker>>,
    blocked: Cell<bool>,
    ended: Cell<bool>,
}

impl Wire {
    pub fn new(stream: TcpStream) -> Rc<Self> {
        Rc::new(Self {
            stream: RefCell::new(stream),
            reader: RefCell::default(),
            blocked: Cell::new(false),
            ended: Cell::new(false),
        })
    }

    fn wake(&self) {
        if let Some(waker) = &*self.reader.borrow() {
            waker.wake_by_ref();
        }
    }

    /// The socket takes no more: its task tells when it does.
    pub fn blocked(&self) {
        self.blocked.set(true);
        self.wake();
    }

    /// Nothing is written any more: its task ends.
    pub fn end(&self) {
        self.ended.set(true);
        self.wake();
    }

    /// Closes a websocket that is no session's.
    pub fn refuse(&self, code: u16) {
        if !self.ended.get() {
            self.write_now(&Frame::control(8, &code.to_be_bytes()).websocket());
            self.end();
        }
    }

    /// A few bytes into an empty socket; false when it does not take them.
    fn write_now(&self, bytes: &[u8]) -> bool {
        self.stream.borrow().try_write(bytes).is_ok_and(|written| written == bytes.len())
    }

    fn shutdown(&self) {
        let _ = socket2::SockRef::from(&*self.stream.borrow()).shutdown(Shutdown::Write);
    }
}

impl Sink for Wire {
    fn try_write(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        Sink::try_write(&*self.stream.borrow(), bytes)
    }

    fn probe(&self, bytes: &[IoSlice<'_>]) -> io::Result<usize> {
        Sink::probe(&*self.stream.borrow(), bytes)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It wants to take a session over; `2probe` was said or not.
    Probe { begun: bool },
    /// It is a session's transport.
    Open,
    /// What comes is read and forgotten, until the end was written.
    Over,
    /// The end was written.
    Lingering,
}

/// Reads one websocket.
pub(in crate::session) struct Pump {
    wire: Rc<Wire>,
    worker: Rc<Worker>,
    session: Addr<Session>,
    slot: Slot,
    gate: Arc<Gate>,
    reader: Reader,
    control: Bucket,
    stage: Stage,
    at_end: bool,
    linger: Option<Pin<Box<Sleep>>>,
    first: Option<Bytes>,
}

/// What one turn of reading found.
#[derive(Default)]
struct Found {
    packets: Vec<Packet>,
    pings: Vec<Frame>,
    cost: usize,
    closed: bool,
}

impl Pump {
    /// Reads for a session that was opened on `wire`; `rest` came behind the request.
    pub fn start(wire: Rc<Wire>, worker: Rc<Worker>, opened: &Opened, rest: Bytes) {
        actix_rt::spawn(Self::new(wire, worker, &opened.entry, opened.slot, rest, Stage::Open));
    }

    /// Answers the request of a probe with `head` and reads for it, on the session's own thread.
    ///
    /// # Errors
    /// When the socket is gone.
    pub fn probe(
        socket: std::net::TcpStream,
        head: &[u8],
        rest: Bytes,
        worker: &Rc<Worker>,
        entry: &Entry,
        slot: Slot,
    ) -> io::Result<Rc<Wire>> {
        let wire = Wire::new(TcpStream::from_std(socket)?);
        {
            // a socket that was moved to another reactor is not known to be writable yet
            let mut head = head;
            while !head.is_empty() {
                let written = wire.probe(&[IoSlice::new(head)])?;
                head = head.get(written..).unwrap_or_default();
            }
        }
        let stage = Stage::Probe { begun: false };
        actix_rt::spawn(Self::new(wire.clone(), worker.clone(), entry, slot, rest, stage));
        Ok(wire)
    }

    fn new(wire: Rc<Wire>, worker: Rc<Worker>, entry: &Entry, slot: Slot, rest: Bytes, stage: Stage) -> Self {
        let control = Bucket::full(&control_rate(&worker), worker.shared().clock.monotonic());
        Self {
            wire,
            worker,
            session: entry.addr.clone(),
            slot,
            gate: entry.gate.clone(),
            reader: Reader::default(),
            control,
            stage,
            at_end: false,
            linger: None,
            first: Some(rest).filter(|rest| !rest.is_empty()),
        }
    }

    /// Tells the session that the websocket ends; what comes from now on is forgotten.
    fn over(&mut self, why: Close) {
        if matches!(self.stage, Stage::Probe { .. }) {
            self.session.do_send(Probed::Failed);
            self.wire.refuse(why.websocket_code());
        } else if self.stage == Stage::Open {
            self.session.do_send(Incoming { packets: Vec::new(), cost: 0, end: Some(why) });
        }
        self.stage = Stage::Over;
    }

    fn take(&mut self, bytes: &mut [u8]) {
        if matches!(self.stage, Stage::Over | Stage::Lingering) {
            return;
        }
        let rate = control_rate(&self.worker);
        let now = self.worker.shared().clock.monotonic();
        let (control, rules) = (&mut self.control, self.worker.rules);
        let mut found = Found::default();
        let mut broken = None;
        let fed = self.reader.feed(bytes, &rules, &mut |item| {
            let packet = match item {
                Item::Text(text) => match decode(Str::copy_from_slice(text), false) {
                    Ok(packet) => packet,
                    Err(violation) => {
                        broken.get_or_insert(Close::Packet(violation.label()));
                        return Ok(());
                    }
                },
                Item::Binary(bytes) => Packet::Binary(Bytes::copy_from_slice(bytes)),
                Item::Close => {
                    found.closed = true;
                    return Ok(());
                }
                Item::Ping(payload) => {
                    found.pings.push(Frame::control(10, payload));
                    return control.take(&rate, 1, now).map_err(|_| CONTROL);
                }
                Item::Pong => return control.take(&rate, 1, now).map_err(|_| CONTROL),
            };
            if broken.is_none() {
                found.cost += cost(&packet);
                found.packets.push(packet);
            }
            Ok(())
        });
        let violated = fed.err().map(|violation| Close::Frame(violation.code, violation.rule));
        self.hand_over(found, broken.or(violated));
    }

    /// Packets to the session, pongs to the socket, and then the end if there is one.
    fn hand_over(&mut self, mut found: Found, end: Option<Close>) {
        let mut packets = std::mem::take(&mut found.packets);
        if matches!(self.stage, Stage::Probe { .. }) {
            for pong in found.pings.drain(..) {
                self.wire.write_now(&pong.websocket());
            }
            let left = self.probing(packets);
            let Some(left) = left else { return };
            packets = left;
        }
        for pong in found.pings {
            self.worker.board.push(self.slot, pong);
        }
        if !packets.is_empty() {
            crash_point!("ws.frame_received");
            let cost = packets.iter().map(cost).sum();
            self.gate.sent(cost);
            self.session.do_send(Incoming { packets, cost, end: None });
        }
        if let Some(why) = end.or_else(|| found.closed.then_some(Close::Client)) {
            self.over(why);
        }
    }

    /// The dance of an upgrade; the packets behind it, or `None` when it is not (any more) a dance.
    fn probing(&mut self, packets: Vec<Packet>) -> Option<Vec<Packet>> {
        let mut packets = packets.into_iter();
        while let Stage::Probe { begun } = self.stage {
            match (packets.next(), begun) {
                (None, _) => return Some(Vec::new()),
                (Some(Packet::Probe), false) => {
                    self.stage = Stage::Probe { begun: true };
                    if !self.wire.write_now(&Frame::engine("3probe").websocket()) {
                        self.over(Close::TransportError);
                        return None;
                    }
                    self.session.do_send(Probed::Begun);
                }
                (Some(Packet::Upgrade), true) => {
                    self.stage = Stage::Open;
                    self.session.do_send(Probed::Done);
                }
                _ => {
                    self.over(Close::Packet("probe"));
                    return None;
                }
            }
        }
        Some(packets.collect())
    }

    /// One read into the shared buffer. Ready with false at the end of the stream.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<bool> {
        if let Some(first) = self.first.take() {
            self.take(&mut first.to_vec());
            return Poll::Ready(true);
        }
        SHARED.with_borrow_mut(|buffer| {
            let mut space = ReadBuf::new(buffer);
            let read = Pin::new(&mut *self.wire.stream.borrow_mut()).poll_read(cx, &mut space);
            match ready!(read) {
                Ok(()) if !space.filled().is_empty() => {
                    self.take(space.filled_mut());
                    Poll::Ready(true)
                }
                Ok(()) | Err(_) => Poll::Ready(false),
            }
        })
    }
}

fn control_rate(worker: &Worker) -> Rate {
    let most = worker.settings().session.max_control_frames as u64;
    Rate::per_second(most, most)
}

fn cost(packet: &Packet) -> usize {
    crate::session::actor::PACKET
        + match packet {
            Packet::Message(text) => text.len(),
            Packet::Binary(bytes) => bytes.len(),
            _ => 0,
        }
}

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        {
            let mut waker = this.wire.reader.borrow_mut();
            if !waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
                *waker = Some(cx.waker().clone());
            }
        }
        if this.wire.blocked.get() && !this.wire.ended.get() {
            let writable = this.wire.stream.borrow().poll_write_ready(cx);
            if writable.is_ready() {
                this.wire.blocked.set(false);
                this.worker.board.writable(this.slot);
            }
        }
        for _ in 0..TURNS {
            if this.wire.ended.get() && this.stage != Stage::Lingering {
                this.stage = Stage::Lingering;
                this.wire.shutdown();
                this.linger = Some(Box::pin(actix_rt::time::sleep(LINGER)));
            }
            if this.at_end || this.linger.as_mut().is_some_and(|sleep| sleep.as_mut().poll(cx).is_ready()) {
                return if this.stage == Stage::Lingering { Poll::Ready(()) } else { Poll::Pending };
            }
            if this.stage == Stage::Open {
                ready!(this.gate.poll_open(cx));
            }
            if !ready!(this.poll_read(cx)) {
                this.at_end = true;
                this.over(Close::Gone);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Its waker must not keep the task alive.
impl Drop for Pump {
    fn drop(&mut self) {
        self.wire.reader.borrow_mut().take();
    }
}
