//! The end of a session: in order, or at once.

use actix::{ActorContext, Context, Handler};

use super::{
    client::{Session, count_rule},
    messages::{End, PollAnswer, SlotClosed, ToTransport, Transport},
    upgrade::Upgrade,
};
use crate::{
    delivery::CloseReason,
    metrics::{Reason, metrics},
    protocol::frame::{Frame, RECORD_SEPARATOR},
    session::close::Close,
};

/// Bytes of one polling answer.
pub(super) const BATCH: usize = 1 << 20;

impl Session {
    /// Ends the session: its sockets now, its transport when it has been told.
    pub(super) fn close(&mut self, why: Close) {
        if self.closing.is_some() {
            return;
        }
        self.closing = Some(why);
        count_rule(why);
        metrics().sessions.closed.get_or_create(&Reason { reason: why.code() }).inc();
        log::debug!(
            session = self.id.log_id().as_str(), reason = why.code(), rule = why.rule().unwrap_or("");
            "session closed"
        );
        self.end_sockets(why);
        self.fail_upgrade();
        let (board, slot, reason) = (self.worker.board.clone(), self.slot, CloseReason::from(why));
        let directory = &self.worker.shared().directory;
        match &mut self.transport {
            Transport::Polling(pending) => match pending.take() {
                Some(pending) => {
                    pending.taker.cancel();
                    directory.remove(self.id);
                    let mut body = Vec::new();
                    if why != Close::Client {
                        board.take(slot, BATCH).iter().for_each(|frame| frame.write_polling(&mut body));
                    }
                    // the client that closes has a GET to end; any other hears of the end
                    let last = if why == Close::Client { b'6' } else { b'1' };
                    if !body.is_empty() {
                        body.push(RECORD_SEPARATOR);
                    }
                    body.push(last);
                    let _ = pending.answer.send(PollAnswer::Packets(body));
                    board.abort(slot, reason);
                }
                None if why.is_orderly() => board.close(slot, reason, Some(Frame::engine("1"))),
                None => {
                    directory.remove(self.id);
                    board.abort(slot, reason);
                }
            },
            Transport::Websocket => {
                directory.remove(self.id);
                if why.is_lost() {
                    board.abort(slot, reason);
                } else {
                    let last = Frame::control(8, &why.websocket_code().to_be_bytes());
                    board.close(slot, reason, Some(last));
                }
            }
            Transport::Mounted(_) => {
                directory.remove(self.id);
                if why.is_lost() {
                    board.abort(slot, reason);
                } else {
                    board.close(slot, reason, None);
                }
            }
        }
    }

    /// The slot is gone: nothing is left to do.
    fn finish(&mut self, reason: CloseReason, ctx: &mut Context<Self>) {
        if self.closing.is_none() {
            // the switchboard ended it: a client that does not read
            let why = Close::from(reason);
            self.closing = Some(why);
            metrics().sessions.closed.get_or_create(&Reason { reason: why.code() }).inc();
            log::info!(session = self.id.log_id().as_str(), reason = why.code(); "session cut");
            self.end_sockets(why);
            self.fail_upgrade();
        }
        self.worker.shared().directory.remove(self.id);
        if let Transport::Polling(pending) = &mut self.transport
            && let Some(pending) = pending.take()
        {
            let _ = pending.answer.send(PollAnswer::Gone);
        }
        self.end_transport(self.closing.map_or(1011, Close::websocket_code));
        ctx.stop();
    }

    /// A mounted transport is told to close, and made to if it is frozen.
    fn end_transport(&mut self, code: u16) {
        let Transport::Mounted(mounted) = &mut self.transport else { return };
        if let Some(recipient) = mounted.recipient.take() {
            recipient.do_send(ToTransport::End(code));
        }
        if let Some(descriptor) = mounted.descriptor.take() {
            let grace = std::time::Duration::from_secs(3);
            actix_rt::spawn(async move {
                actix_rt::time::sleep(grace).await;
                if let Some(descriptor) = descriptor.upgrade() {
                    descriptor.shutdown();
                }
            });
        }
    }
}

/// A session that ends by a panic leaves nothing behind.
impl Drop for Session {
    fn drop(&mut self) {
        self.count(-1);
        self.worker.shared().directory.remove(self.id);
        if self.closing.is_none() {
            metrics().sessions.closed.get_or_create(&Reason { reason: Close::Failed.code() }).inc();
        }
        self.worker.board.abort(self.slot, Close::Failed.into());
        if let Some(Upgrade { probe, .. }) = self.upgrade.take() {
            probe.refuse();
        }
        if let Transport::Mounted(mounted) = &mut self.transport
            && let Some(recipient) = mounted.recipient.take()
        {
            recipient.do_send(ToTransport::End(Close::Failed.websocket_code()));
        }
    }
}

impl Handler<End> for Session {
    type Result = ();

    fn handle(&mut self, End(why): End, _: &mut Context<Self>) {
        self.close(why);
    }
}

impl Handler<SlotClosed> for Session {
    type Result = ();

    fn handle(&mut self, SlotClosed(reason): SlotClosed, ctx: &mut Context<Self>) {
        self.finish(reason, ctx);
    }
}
