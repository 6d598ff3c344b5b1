//! Over the time: rooms that were at work are woken at start, rooms in which nothing is said any more go.

use std::time::Duration;

use jiff::SignedDuration;

use super::{
    Error, Rooms,
    commands::{Ask, Wake},
};
use crate::store::tables::chat;

/// Rooms read at once, and on their way up at once.
const PAGE: usize = 256;
/// Longest time between two looks for old rooms.
const EVERY: Duration = Duration::from_secs(3600);
/// Between two removals.
const PACE: Duration = Duration::from_millis(20);

impl Rooms {
    /// Wakes the rooms in which a message waits for its answer; how many.
    pub async fn recover(&self) -> Result<usize, Error> {
        let (mut after, mut woken) = (None, 0);
        loop {
            let from = after.clone();
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX);
            let page =
                self.hub.store.read(move |db| chat::needing_attention(db, from.as_ref(), limit)).await?;
            let full = page.len() == PAGE;
            for room in page {
                let mut wake = Wake::GoOn;
                while let Err(back) = self.wake(&room, wake) {
                    wake = back;
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                woken += 1;
                while self.registry.open() >= PAGE {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                after = Some(room);
            }
            if !full {
                return Ok(woken);
            }
        }
    }

    /// Removes a few rooms in which nothing was said for `retention.chat`; how many.
    pub(super) async fn forget_some(&self) -> Result<usize, Error> {
        let kept = SignedDuration::try_from(self.hub.retention).unwrap_or(SignedDuration::MAX);
        let Ok(before) = self.hub.clock.now().checked_sub(kept) else { return Ok(0) };
        let old = self.hub.store.read(move |db| chat::idle_since(db, before, 100)).await?;
        let mut gone = 0;
        for room in old {
            match self.ask(&room, |reply| Ask::Forget(before, reply)).await {
                Ok(true) => gone += 1,
                Ok(false) | Err(Error::NotFound) => {}
                Err(error) => log::warn!(room:% = room; "an old chat room cannot be removed now: {error}"),
            }
            tokio::time::sleep(PACE).await;
        }
        Ok(gone)
    }
}

/// Runs as long as the hub.
pub(super) async fn forget_old(rooms: Rooms) {
    if rooms.hub.retention.is_zero() {
        return;
    }
    loop {
        match rooms.forget_some().await {
            Ok(0) => tokio::time::sleep(EVERY).await,
            Ok(gone) => log::info!(gone; "chat rooms in which nothing was said for long are removed"),
            Err(error) => {
                log::warn!("old chat rooms cannot be looked for now: {error}");
                tokio::time::sleep(EVERY).await;
            }
        }
    }
}
