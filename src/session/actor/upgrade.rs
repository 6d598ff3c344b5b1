//! From polling to websocket (`protocol.md` 1.7): until the websocket says `5` polling works as ever,
//! and a probe that fails leaves it alone.

use std::{rc::Rc, sync::Arc, sync::atomic::Ordering, time::Duration};

use actix::{AsyncContext, Context, Handler, Recipient, SpawnHandle};

use super::{
    client::Session,
    messages::{Attach, Descriptor, Mounted, PollAnswer, Probe, Probed, ToTransport, Transport},
};
use crate::{
    crash_point,
    delivery::Deadline,
    session::{
        close::Close,
        transport::{Pump, Wire},
    },
};

/// How often a GET that waits is ended during an upgrade.
const NOOPS: Duration = Duration::from_millis(100);

/// An upgrade under way.
pub(super) struct Upgrade {
    pub probe: Probing,
    noops: Option<SpawnHandle>,
}

/// The websocket that wants to take over.
pub(super) enum Probing {
    Owned(Rc<Wire>),
    Mounted { transport: Recipient<ToTransport>, descriptor: Option<Arc<Descriptor>> },
}

impl Probing {
    /// Closes it; the session has nothing to do with it.
    pub fn refuse(self) {
        match self {
            Self::Owned(wire) => wire.refuse(Close::Forced.websocket_code()),
            Self::Mounted { transport, .. } => {
                transport.do_send(ToTransport::End(Close::Forced.websocket_code()));
            }
        }
    }
}

impl Session {
    /// The probe is over and polling goes on; nothing when there is none.
    pub(super) fn fail_upgrade(&mut self) {
        if let Some(upgrade) = self.upgrade.take() {
            self.worker.board.clear_deadline(self.slot, Deadline::UpgradeTimeout);
            upgrade.probe.refuse();
            self.entry.upgrading.store(false, Ordering::Release);
        }
    }

    fn take_over(&mut self, ctx: &mut Context<Self>) {
        let Some(upgrade) = self.upgrade.take() else { return };
        let board = self.worker.board.clone();
        board.clear_deadline(self.slot, Deadline::UpgradeTimeout);
        if self.closing.is_some() {
            upgrade.probe.refuse();
            return;
        }
        crash_point!("upgrade.before_switch");
        self.entry.upgraded();
        if let Some(pending) = self.take_pending() {
            // a client that keeps to the dance has none open
            let _ = pending.answer.send(PollAnswer::Refused);
        }
        self.count(-1);
        match upgrade.probe {
            Probing::Owned(wire) => {
                self.transport = Transport::Websocket;
                self.ear.wire(wire.clone());
                board.attach(self.slot, wire);
            }
            Probing::Mounted { transport, descriptor } => {
                self.transport = Transport::Mounted(Mounted::default());
                ctx.notify(Attach { transport, descriptor });
            }
        }
        self.count(1);
        self.entry.upgrading.store(false, Ordering::Release);
    }
}

impl Handler<Probe> for Session {
    type Result = ();

    fn handle(&mut self, probe: Probe, _: &mut Context<Self>) {
        let probe = match probe {
            Probe::Owned { socket, head, rest } => {
                match Pump::probe(socket, &head, rest, &self.worker, &self.entry, self.slot) {
                    Ok(wire) => Probing::Owned(wire),
                    Err(error) => {
                        log::debug!(session = self.id.log_id().as_str(); "a probe was lost: {error}");
                        self.entry.upgrading.store(false, Ordering::Release);
                        return;
                    }
                }
            }
            Probe::Mounted { transport, descriptor } => Probing::Mounted { transport, descriptor },
        };
        if self.closing.is_some()
            || self.upgrade.is_some()
            || !matches!(self.transport, Transport::Polling(_))
        {
            probe.refuse();
            return;
        }
        let by = self.now() + self.worker.settings().session.upgrade_timeout.get();
        self.worker.board.set_deadline(self.slot, Deadline::UpgradeTimeout, by);
        self.upgrade = Some(Upgrade { probe, noops: None });
    }
}

impl Handler<Probed> for Session {
    type Result = ();

    fn handle(&mut self, probed: Probed, ctx: &mut Context<Self>) {
        match probed {
            Probed::Begun => {
                if let Some(upgrade) = &mut self.upgrade {
                    upgrade.noops = Some(ctx.run_interval(NOOPS, |session, _| {
                        if session.upgrade.is_some() {
                            session.answer_noop();
                        }
                    }));
                }
            }
            Probed::Done => {
                let noops = self.upgrade.as_mut().and_then(|upgrade| upgrade.noops.take());
                self.take_over(ctx);
                if let Some(noops) = noops {
                    ctx.cancel_future(noops);
                }
            }
            Probed::Failed => {
                let noops = self.upgrade.as_mut().and_then(|upgrade| upgrade.noops.take());
                self.fail_upgrade();
                if let Some(noops) = noops {
                    ctx.cancel_future(noops);
                }
            }
        }
    }
}
