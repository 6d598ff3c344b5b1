//! A replay that is too long for one step, by the joiner's own task: pages of frames, the next one
//! when the session's queue has room.

use super::{
    Encoder,
    join::{Join, ack_frame, encode, weight},
    pages::FRESH,
};
use crate::{
    crash_point,
    engine::{self, RunState, Update},
    ids::Seq,
    protocol::frame::Frame,
    workflow::{Error, fold::Fold, hub::Hub, view::engine_status},
};

/// Bytes of a page, about.
const PAGE_BYTES: usize = 256 << 10;
/// Frames of a page.
const PAGE_FRAMES: usize = 100;

/// How far a socket has been sent a run.
pub(super) struct Reached {
    /// The last row that it was told of.
    pub(super) seq: Seq,
    /// That was the last one of the run.
    pub(super) terminal: bool,
    /// Where to go on reading.
    fold: Option<Fold>,
}

/// Sends frames of one join in pages.
struct Pager<'a> {
    hub: &'a Hub,
    join: &'a Join,
    encoder: Encoder,
    page: Vec<Frame>,
    bytes: usize,
}

impl<'a> Pager<'a> {
    fn new(hub: &'a Hub, join: &'a Join) -> Self {
        let encoder = Encoder::new(&join.run.run.instance_id);
        Self { hub, join, encoder, page: Vec::new(), bytes: 0 }
    }

    async fn send(&mut self, updates: &[Update]) -> Result<(), Error> {
        for update in updates {
            self.bytes += weight(update);
            self.page.extend(encode(&self.encoder, std::slice::from_ref(update), self.join.progress));
            if self.bytes >= PAGE_BYTES || self.page.len() >= PAGE_FRAMES {
                self.flush().await?;
            }
        }
        Ok(())
    }

    /// Sends what is there and waits until there is room for more.
    async fn flush(&mut self) -> Result<(), Error> {
        if self.page.is_empty() {
            return Ok(());
        }
        self.bytes = 0;
        let room = self.hub.shards.page(&self.join.member, std::mem::take(&mut self.page));
        crash_point!("replay.mid");
        // The session is gone: nobody waits for the rest.
        room.await.map_err(|_| Error::Gone)
    }
}

/// The snapshot of a state.
pub(super) async fn snapshot(hub: &Hub, join: &Join, state: &RunState) -> Result<Reached, Error> {
    let mut pager = Pager::new(hub, join);
    let run = &join.run.run;
    let status = if state.status().is_terminal() { state.status() } else { engine_status(run.status) };
    pager.page = ack_frame(&run.instance_id, status, state.seq(), join.ack.as_ref());
    pager.send(&engine::joiner(state, join.progress)).await?;
    pager.flush().await?;
    Ok(Reached { seq: state.seq(), terminal: state.status().is_terminal(), fold: None })
}

/// What the journal has behind what was sent: of a first call everything after `since`, or the
/// snapshot at the head.
pub(super) async fn journal(hub: &Hub, join: &Join, before: Option<Reached>) -> Result<Reached, Error> {
    let run = &join.run.run;
    let first = before.is_none();
    let (sent, fold) = match before {
        Some(reached) => (Some(reached.seq), reached.fold),
        None => (join.since, None),
    };
    // A storm of joins reads each page once. Who was told that rows are missing needs newer ones.
    let now = hub.clock.monotonic();
    let not_before = if first { now.checked_sub(FRESH).unwrap_or(now) } else { now };
    let mut fold = match fold {
        Some(fold) => fold,
        None => Fold::begin_shared(hub, run, sent.unwrap_or(Seq::ZERO), Some(not_before)).await?,
    };
    fold.not_before(not_before);
    let mut pager = Pager::new(hub, join);
    let mut acked = !first;
    loop {
        let mut updates = Vec::new();
        let more = fold
            .page(hub, |state, event, row| {
                if sent.is_some_and(|sent| row.seq > sent) {
                    updates.extend(engine::update(state, event, row.seq));
                }
            })
            .await?;
        if sent.is_none() && !more {
            return snapshot(hub, join, fold.state()?).await;
        }
        // A page that only looked for a snapshot tells nothing yet.
        if !acked
            && sent.is_some()
            && let Ok(state) = fold.state()
        {
            acked = true;
            let ended = !more && state.status().is_terminal();
            let status = if ended { state.status() } else { engine_status(run.status) };
            pager.page = ack_frame(&run.instance_id, status, fold.head(), join.ack.as_ref());
        }
        pager.send(&updates).await?;
        if !more {
            pager.flush().await?;
            let terminal = fold.state()?.status().is_terminal();
            // Who asks for less than there is gets no more than that.
            let seq = sent.map_or(fold.seq(), |sent| sent.max(fold.seq()));
            return Ok(Reached { seq, terminal, fold: Some(fold) });
        }
    }
}
