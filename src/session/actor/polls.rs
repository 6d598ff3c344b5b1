//! GET and POST of long polling, and batches of a mounted transport: all that takes frames out of the
//! queue instead of having them written.

use actix::{Context, Handler};
use tokio::sync::oneshot;

use super::{
    client::Session,
    life::BATCH,
    messages::{
        Attach, Credit, Mounted, Pending, Poll, PollAnswer, PollLost, Post, PostAnswer, ToTransport,
        Transport,
    },
};
use crate::{
    crash_point,
    protocol::frame::{Frame, RECORD_SEPARATOR},
    session::close::Close,
};

/// Backlog at which the answer of a POST waits, so that its client does.
const HELD: usize = 256 * 1024;

fn payload(frames: &[Frame]) -> Vec<u8> {
    let mut body = Vec::with_capacity(frames.iter().map(Frame::cost).sum());
    frames.iter().for_each(|frame| frame.write_polling(&mut body));
    body
}

/// The close packet is the last one.
fn says_the_end(body: &[u8]) -> bool {
    matches!(body, [b'1'] | [.., RECORD_SEPARATOR, b'1'])
}

impl Session {
    /// A timer may be late: what is over is over.
    fn check_heartbeat(&mut self) {
        if self.closing.is_none() && self.heartbeat.is_over(self.now()) {
            self.close(Close::PingTimeout);
        }
    }

    /// The session answers a GET with these frames. When they tell of the end, its sid goes first, so
    /// that whoever reads the answer finds it gone.
    fn answer_poll(&mut self, frames: Option<Vec<Frame>>, answer: oneshot::Sender<PollAnswer>) {
        let Some(frames) = frames else {
            let _ = answer.send(PollAnswer::Gone);
            return;
        };
        let body = payload(&frames);
        crash_point!("poll.body_taken");
        if self.closing.is_some() && says_the_end(&body) {
            self.worker.shared().directory.remove(self.id);
        }
        if answer.send(PollAnswer::Packets(body)).is_err() {
            // aborted in this very moment: the packets are lost
            self.close(Close::TransportError);
        }
    }

    /// Answers the GET that waits with `6`, so that its client can switch.
    pub(super) fn answer_noop(&mut self) {
        if let Some(pending) = self.take_pending() {
            let _ = pending.answer.send(PollAnswer::Packets(b"6".to_vec()));
        }
    }

    pub(super) fn take_pending(&mut self) -> Option<Pending> {
        let Transport::Polling(pending) = &mut self.transport else { return None };
        let pending = pending.take()?;
        pending.taker.cancel();
        Some(pending)
    }

    /// Gives a mounted transport its next batch when there is one.
    fn give_batch(&mut self, ctx: &mut Context<Self>) {
        let Transport::Mounted(Mounted { recipient: Some(_), .. }) = &self.transport else { return };
        let (board, slot) = (self.worker.board.clone(), self.slot);
        let next = std::future::poll_fn(move |cx| board.poll_take(slot, BATCH, cx));
        match self.run(Box::pin(next), |session, frames, _| session.send_batch(frames), ctx) {
            Ok(frames) => self.send_batch(frames),
            Err(running) => {
                if let Transport::Mounted(mounted) = &mut self.transport {
                    mounted.taker = Some(running);
                }
            }
        }
    }

    fn send_batch(&mut self, frames: Option<Vec<Frame>>) {
        let Transport::Mounted(Mounted { recipient: Some(recipient), .. }) = &self.transport else { return };
        if let Some(frames) = frames {
            recipient.do_send(ToTransport::Batch(frames));
        }
    }

    /// The POST that was held back may be answered.
    pub(super) fn release_post(&mut self) {
        let backlog = self.backlog();
        if let Some(commands) = &mut self.commands
            && (backlog <= HELD || self.closing.is_some())
            && let Some(answer) = commands.held.take()
        {
            let _ = answer.send(PostAnswer::Ok);
        }
    }
}

impl Handler<Poll> for Session {
    type Result = ();

    fn handle(&mut self, Poll { number, answer }: Poll, ctx: &mut Context<Self>) {
        self.check_heartbeat();
        let Transport::Polling(pending) = &self.transport else {
            let _ = answer.send(PollAnswer::Upgraded);
            return;
        };
        if pending.is_some() {
            self.close(Close::Overlap);
            let _ = answer.send(PollAnswer::Refused);
            return;
        }
        let (board, slot) = (self.worker.board.clone(), self.slot);
        let next = std::future::poll_fn(move |cx| board.poll_take(slot, BATCH, cx));
        let later = |session: &mut Self, frames, _: &mut Context<Self>| {
            if let Some(pending) = session.take_pending() {
                session.answer_poll(frames, pending.answer);
            }
        };
        match self.run(Box::pin(next), later, ctx) {
            Ok(frames) => self.answer_poll(frames, answer),
            Err(taker) => self.transport = Transport::Polling(Some(Pending { number, answer, taker })),
        }
    }
}

impl Handler<PollLost> for Session {
    type Result = ();

    fn handle(&mut self, PollLost(number): PollLost, _: &mut Context<Self>) {
        if let Transport::Polling(Some(pending)) = &self.transport
            && pending.number == number
        {
            self.take_pending();
            self.close(Close::TransportError);
        }
    }
}

impl Handler<Post> for Session {
    type Result = ();

    fn handle(&mut self, post: Post, ctx: &mut Context<Self>) {
        self.check_heartbeat();
        if !matches!(self.transport, Transport::Polling(_)) {
            let _ = post.answer.send(PostAnswer::Upgraded);
            return;
        }
        if let Some(why) = self.closing {
            // a client may not have heard of an orderly end
            let _ = post.answer.send(if why.is_orderly() { PostAnswer::Ok } else { PostAnswer::Gone });
            return;
        }
        for packet in post.packets {
            self.packet(packet, ctx);
        }
        if let Some(violation) = post.violation
            && self.closing.is_none()
        {
            self.close(Close::Packet(violation.label()));
            let _ = post.answer.send(PostAnswer::Bad);
            return;
        }
        // `2probe` in a body is found here and not by the codec
        if matches!(self.closing, Some(Close::Packet(_))) {
            let _ = post.answer.send(PostAnswer::Bad);
            return;
        }
        match &mut self.commands {
            Some(commands) => commands.held = Some(post.answer),
            None => {
                let _ = post.answer.send(PostAnswer::Ok);
            }
        }
        self.release_post();
    }
}

impl Handler<Attach> for Session {
    type Result = ();

    fn handle(&mut self, attach: Attach, ctx: &mut Context<Self>) {
        if let Transport::Mounted(mounted) = &mut self.transport {
            mounted.recipient = Some(attach.transport);
            mounted.descriptor = attach.descriptor.as_ref().map(std::sync::Arc::downgrade);
            self.give_batch(ctx);
        }
    }
}

impl Handler<Credit> for Session {
    type Result = ();

    fn handle(&mut self, _: Credit, ctx: &mut Context<Self>) {
        self.give_batch(ctx);
    }
}
