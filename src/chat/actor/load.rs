//! From the journal to a living room.

use std::{sync::Arc, time::Duration};

use actix::{ActorFutureExt, AsyncContext, Context, WrapFuture};

use super::shell::{Alive, Phase, RoomActor};
use crate::{
    chat::{
        Error, hub,
        hub::Hub,
        room::{About, BotMessage, RoomEvent, RoomMember, RoomState, apply},
    },
    ids::{ChatRoomId, Seq, StreamId},
    store::{self, tables::chat},
};

/// Wait between two tries when the store cannot answer.
const RETRY: Duration = Duration::from_millis(500);
/// Longest wait for the workers to say what members have.
const RESYNC: Duration = Duration::from_secs(2);
/// Rows of a page.
const PAGE_ROWS: usize = 256;
/// Bytes of a page.
const PAGE_BYTES: usize = 512 << 10;
/// How far before a row its last snapshot is looked for first.
const REACH: i64 = 256;

/// What a room's row says that never changes.
fn about(row: &chat::ChatRoom) -> About {
    About {
        room: row.chat_room_id.clone(),
        tenant: row.tenant_id.clone(),
        owner: RoomMember { user: row.owner_id.clone(), subject: row.subject.clone() },
    }
}

/// Where a room goes on.
pub(super) struct Loaded {
    pub(super) alive: Alive,
    /// Answers that members may not have.
    pub(super) unseen: Vec<(Seq, Box<BotMessage>)>,
}

impl RoomActor {
    /// Folds the rows; commands wait meanwhile.
    pub(super) fn load(&mut self, ctx: &mut Context<Self>) {
        self.phase = Phase::Loading;
        self.beat(ctx);
        self.life.doing(|| "reading its rows".to_owned());
        let (hub, id) = (Arc::clone(&self.hub), self.life.id().clone());
        let load = async move {
            loop {
                match load(&hub, &id).await {
                    Err(Error::Store(error)) if error.is_transient() => {
                        log::warn!(room:% = id; "a chat room cannot be read, trying again: {error}");
                        tokio::time::sleep(RETRY).await;
                    }
                    loaded => return loaded,
                }
            }
        };
        ctx.spawn(load.into_actor(self).map(|loaded, actor, ctx| match loaded {
            Ok(loaded) => actor.begin(loaded, ctx),
            Err(Error::NotFound) => actor.gone(ctx),
            Err(error) => actor.fail(error, ctx),
        }));
    }
}

async fn load(hub: &Hub, id: &ChatRoomId) -> Result<Loaded, Error> {
    let key = id.clone();
    let row = hub.store.read(move |db| chat::find(db, &key)).await?.ok_or(Error::NotFound)?;
    let stream = hub::subject(id);
    // From here on nobody else writes; what was queued before is in the rows.
    let owner = hub.store.journal().acquire(&stream).await.map_err(|error| match error {
        store::Error::NotFound => Error::NotFound,
        error => Error::Store(error),
    })?;
    let seen = members_have(hub, &stream).await;
    let near = seen.map_or(owner.head, |seen| seen.min(owner.head));
    let mut state = RoomState::new(about(&row), Arc::clone(&hub.limits));
    let mut after = snapshot_before(hub, &stream, near).await?;
    let mut unseen = Vec::new();
    while after < owner.head {
        let page = hub.store.journal().read(&stream, after, PAGE_ROWS, PAGE_BYTES).await?;
        for row in &page.rows {
            let event = RoomEvent::read(&row.kind, &row.payload)
                .map_err(|error| Error::Corrupted(format!("row {} of {stream}: {error}", row.seq)))?;
            apply(&mut state, &event, row.seq);
            after = row.seq;
            if let RoomEvent::Told(told) = event
                && seen.is_some_and(|seen| row.seq > seen)
            {
                unseen.push((row.seq, told));
            }
        }
        tokio::task::yield_now().await;
    }
    Ok(Loaded { alive: Alive { state, owner_version: owner.owner_version }, unseen })
}

/// Behind which row the fold begins: right before the last snapshot at or before `near`.
async fn snapshot_before(hub: &Hub, stream: &StreamId, near: Seq) -> Result<Seq, Error> {
    let (mut until, mut reach) = (near.0, REACH);
    while until > REACH {
        let from = (until - reach).max(0);
        let (mut after, mut found) = (Seq(from), None);
        while after.0 < until {
            let page = hub.store.journal().read(stream, after, PAGE_ROWS, PAGE_BYTES).await?;
            for row in page.rows.iter().filter(|row| row.seq.0 <= until) {
                if row.kind == "ROOM_SNAPSHOT" {
                    found = Some(Seq(row.seq.0 - 1));
                }
            }
            let Some(last) = page.rows.last() else { break };
            after = last.seq;
        }
        if let Some(found) = found {
            return Ok(found);
        }
        (until, reach) = (from, reach * 2);
    }
    Ok(Seq::ZERO)
}

/// The lowest row that all members have; none without members.
async fn members_have(hub: &Hub, stream: &StreamId) -> Option<Seq> {
    if hub.shards.members(stream) == 0 {
        return None;
    }
    match tokio::time::timeout(RESYNC, hub.shards.resync(stream)).await {
        Ok(Ok(lowest)) => lowest,
        // Nobody could say: everything again, a shard skips what its members have.
        Ok(Err(_)) | Err(_) => Some(Seq::ZERO),
    }
}
