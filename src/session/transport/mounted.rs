//! A websocket in somebody else's actix-web application, where no socket can be owned: an actor of
//! actix-web-actors, which is named in this file and nowhere else.
//!
//! Its body is not polled while its peer does not read (`protocol.md` 7.5), so it takes batches by
//! credit: the queue stays with the switchboard, where its bounds hold. Whatever it says to its
//! session travels by message, since the session may live on another worker.

use std::{
    any::Any,
    cell::Cell,
    collections::VecDeque,
    os::fd::AsFd,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use actix::{Actor, ActorContext, Addr, AsyncContext, Handler, StreamHandler};
use actix_http::{error::PayloadError, ws::Item};
use actix_web::{HttpRequest, HttpResponse, dev::Extensions, web};
use actix_web_actors::ws::{
    CloseCode, CloseReason, Message, ProtocolError, WebsocketContext, WsResponseBuilder,
};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use tokio::net::TcpStream;

use super::{
    frames::{Rules, Scanner, Violation},
    handshake::{Asked, Refusal, Verdict},
};
use crate::{
    buckets::Bucket,
    config::Rate,
    protocol::{
        engineio::{Packet, Str, decode},
        frame::{Frame, Message as Outgoing},
    },
    session::{
        actor::{
            Attach, Credit, Descriptor, End, Gate, Incoming, Opening, PACKET, Probe, Probed, Session,
            ToTransport,
        },
        close::Close,
        engine::Engine,
    },
};

type WsContext = WebsocketContext<Mounted>;

/// For `HttpServer::on_connect` of the host application: with it the hub can close a connection whose
/// writer is frozen, because its peer reads nothing; without it only the kernel does.
pub fn keep_descriptor(connection: &dyn Any, extensions: &mut Extensions) {
    if let Some(socket) = connection.downcast_ref::<TcpStream>()
        && let Ok(descriptor) = socket.as_fd().try_clone_to_owned()
    {
        extensions.insert(Arc::new(Descriptor(descriptor)));
    }
}

enum Stage {
    Probe { begun: bool },
    Open,
    Over,
}

struct Mounted {
    session: Addr<Session>,
    gate: Arc<Gate>,
    descriptor: Option<Arc<Descriptor>>,
    stage: Stage,
    engine: Engine,
    control: Bucket,
    /// Fragments of the message that is open.
    message: Option<(bool, BytesMut)>,
    broken: Rc<Cell<Option<Violation>>>,
}

/// Lets a websocket in.
pub(super) fn start(
    engine: &Engine,
    asked: &Asked<'_>,
    verdict: Verdict,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let now = engine.0.clock.monotonic();
    asked.websocket_key()?;
    let (entry, stage) = match verdict {
        Verdict::Open => {
            let (admitted, peer) = asked.admit(engine)?;
            let worker = engine.worker().map_err(|_| Refusal::REQUEST)?;
            let opened = Session::open(&worker, peer, admitted, Opening::Mounted, now);
            worker.board.push(opened.slot, Frame::engine(&opened.open));
            (opened.entry, Stage::Open)
        }
        Verdict::Session(entry) => {
            if !entry.claim_upgrade() {
                return Err(Refusal::REQUEST);
            }
            (entry, Stage::Probe { begun: false })
        }
    };
    let (session, gate) = (entry.addr.clone(), entry.gate.clone());
    let broken = Rc::new(Cell::new(None));
    let rules = engine.0.settings.rules();
    let guarded =
        Guarded { body, scanner: Scanner::default(), rules, gate: gate.clone(), broken: broken.clone() };
    let mounted = Mounted {
        session: session.clone(),
        gate,
        descriptor: request.conn_data::<Arc<Descriptor>>().cloned(),
        stage,
        control: Bucket::full(&control_rate(engine), now),
        engine: engine.clone(),
        message: None,
        broken,
    };
    let size = usize::try_from(rules.max_payload).unwrap_or(usize::MAX);
    WsResponseBuilder::new(mounted, request, guarded).frame_size(size).start().map_err(|_| {
        session.do_send(End(Close::Gone));
        Refusal::REQUEST
    })
}

fn control_rate(engine: &Engine) -> Rate {
    let most = engine.0.settings.session.max_control_frames as u64;
    Rate::per_second(most, most)
}

/// The request's body, judged by the headers of its frames before the framework's codec keeps them,
/// and not read while too much waits.
struct Guarded {
    body: web::Payload,
    scanner: Scanner,
    rules: Rules,
    gate: Arc<Gate>,
    broken: Rc<Cell<Option<Violation>>>,
}

impl Stream for Guarded {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.broken.get().is_some() {
            return Poll::Pending;
        }
        if this.gate.poll_open(cx).is_pending() {
            return Poll::Pending;
        }
        let next = Pin::new(&mut this.body).poll_next(cx);
        if let Poll::Ready(Some(Ok(bytes))) = &next
            && let Err(violation) = this.scanner.scan(bytes, &this.rules)
        {
            this.broken.set(Some(violation));
            return Poll::Ready(Some(Err(PayloadError::Overflow)));
        }
        next
    }
}

impl Mounted {
    fn text(&mut self, text: &str, ctx: &mut WsContext) {
        match decode(Str::copy_from_slice(text), false) {
            Ok(packet) => self.packet(packet, ctx),
            Err(violation) => self.over(Close::Packet(violation.label()), ctx),
        }
    }

    fn packet(&mut self, packet: Packet, ctx: &mut WsContext) {
        match (&self.stage, &packet) {
            (Stage::Over, _) => {}
            (Stage::Open, _) => {
                let cost = PACKET
                    + match &packet {
                        Packet::Message(text) => text.len(),
                        Packet::Binary(bytes) => bytes.len(),
                        _ => 0,
                    };
                self.gate.sent(cost);
                self.session.do_send(Incoming { packets: vec![packet], cost, end: None });
            }
            (Stage::Probe { begun: false }, Packet::Probe) => {
                ctx.text("3probe");
                self.stage = Stage::Probe { begun: true };
                self.session.do_send(Probed::Begun);
            }
            (Stage::Probe { begun: true }, Packet::Upgrade) => {
                self.stage = Stage::Open;
                self.session.do_send(Probed::Done);
            }
            (Stage::Probe { .. }, _) => self.over(Close::Packet("probe"), ctx),
        }
    }

    /// The websocket ends by its own doing.
    fn over(&mut self, why: Close, ctx: &mut WsContext) {
        match self.stage {
            Stage::Over => return,
            Stage::Probe { .. } => {
                self.session.do_send(Probed::Failed);
                self.end(why.websocket_code(), ctx);
            }
            Stage::Open => self.session.do_send(Incoming { packets: Vec::new(), cost: 0, end: Some(why) }),
        }
        self.stage = Stage::Over;
    }

    fn end(&mut self, code: u16, ctx: &mut WsContext) {
        self.stage = Stage::Over;
        ctx.close(Some(CloseReason::from(CloseCode::from(code))));
        ctx.stop();
    }

    fn control(&mut self, ctx: &mut WsContext) -> bool {
        let now = self.engine.0.clock.monotonic();
        let within = self.control.take(&control_rate(&self.engine), 1, now).is_ok();
        if !within {
            self.over(Close::Frame(1008, "ws_control_flood"), ctx);
        }
        within
    }

    fn fragment(&mut self, item: Item, ctx: &mut WsContext) {
        match item {
            Item::FirstText(bytes) => self.message = Some((false, BytesMut::from(&bytes[..]))),
            Item::FirstBinary(bytes) => self.message = Some((true, BytesMut::from(&bytes[..]))),
            Item::Continue(bytes) => {
                if let Some((_, message)) = &mut self.message {
                    message.extend_from_slice(&bytes);
                }
            }
            Item::Last(bytes) => {
                let Some((binary, mut message)) = self.message.take() else { return };
                message.extend_from_slice(&bytes);
                if binary {
                    return self.packet(Packet::Binary(message.freeze()), ctx);
                }
                match std::str::from_utf8(&message) {
                    Ok(text) => self.text(text, ctx),
                    Err(_) => self.over(Close::Frame(1007, "ws_not_utf8"), ctx),
                }
            }
        }
    }
}

impl Actor for Mounted {
    type Context = WsContext;

    fn started(&mut self, ctx: &mut WsContext) {
        let (transport, descriptor) = (ctx.address().recipient(), self.descriptor.clone());
        if matches!(self.stage, Stage::Open) {
            self.session.do_send(Attach { transport, descriptor });
        } else {
            self.session.do_send(Probe::Mounted { transport, descriptor });
        }
    }

    fn stopped(&mut self, ctx: &mut WsContext) {
        self.over(Close::Gone, ctx);
    }
}

impl Handler<ToTransport> for Mounted {
    type Result = ();

    fn handle(&mut self, message: ToTransport, ctx: &mut WsContext) {
        match message {
            ToTransport::Batch(frames) => {
                for message in frames.iter().flat_map(|frame| frame.messages().collect::<VecDeque<_>>()) {
                    match message {
                        Outgoing::Binary(bytes) => ctx.binary(bytes),
                        Outgoing::Text(bytes) => {
                            if let Ok(text) = bytes.try_into() {
                                ctx.write_raw(Message::Text(text));
                            }
                        }
                    }
                }
                // this runs only while the peer reads: that is the credit
                self.session.do_send(Credit);
            }
            ToTransport::End(code) => self.end(code, ctx),
        }
    }
}

impl StreamHandler<Result<Message, ProtocolError>> for Mounted {
    fn handle(&mut self, message: Result<Message, ProtocolError>, ctx: &mut WsContext) {
        match message {
            Ok(Message::Text(text)) => self.text(&text, ctx),
            Ok(Message::Binary(bytes)) => self.packet(Packet::Binary(bytes), ctx),
            Ok(Message::Continuation(item)) => self.fragment(item, ctx),
            Ok(Message::Ping(payload)) => {
                if self.control(ctx) {
                    ctx.pong(&payload);
                }
            }
            Ok(Message::Pong(_)) => {
                self.control(ctx);
            }
            Ok(Message::Close(_)) => self.over(Close::Client, ctx),
            Ok(Message::Nop) => {}
            Err(error) => {
                let why = match (self.broken.get(), error) {
                    (Some(violation), _) => Close::Frame(violation.code, violation.rule),
                    (None, ProtocolError::Io(_)) => Close::Gone,
                    (None, _) => Close::Frame(1002, "ws_frame"),
                };
                self.over(why, ctx);
            }
        }
    }

    fn finished(&mut self, ctx: &mut WsContext) {
        self.over(Close::Gone, ctx);
        ctx.stop();
    }
}
