//! Futures that a session waits for without stopping its mailbox.

use std::{cell::Cell, rc::Rc, task::Context};

use actix::{ActorFutureExt, AsyncContext, WrapFuture};
use futures_util::future::LocalBoxFuture;

use super::client::Session;

/// One that runs; dropped with its handle's [`Running::cancel`] or when it is done.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Rc<Cell<bool>>);

impl Running {
    /// Whatever it finds from now on is not taken.
    pub fn cancel(&self) {
        self.0.set(true);
    }

    fn is_cancelled(&self) -> bool {
        self.0.get()
    }
}

impl Session {
    /// Tries `future` at once: its value if it is there. If it is not, `done` gets it later, unless the
    /// handle is cancelled.
    pub(super) fn run<T: 'static>(
        &mut self,
        mut future: LocalBoxFuture<'static, T>,
        done: impl FnOnce(&mut Self, T, &mut actix::Context<Self>) + 'static,
        ctx: &mut actix::Context<Self>,
    ) -> Result<T, Running> {
        let mut at_once = Context::from_waker(std::task::Waker::noop());
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut at_once) {
            return Ok(value);
        }
        let running = Running::default();
        let handle = running.clone();
        // a cancelled future is not polled again, so that it cannot take what nobody will get
        let guarded = std::future::poll_fn(move |cx| {
            if handle.is_cancelled() {
                std::task::Poll::Ready(None)
            } else {
                future.as_mut().poll(cx).map(Some)
            }
        });
        ctx.spawn(guarded.into_actor(self).map(|value, session, ctx| {
            if let Some(value) = value {
                done(session, value, ctx);
            }
        }));
        Err(running)
    }
}
