//! Projections into their tables, in the transaction of their rows.

use super::Projection;
use crate::{
    ids::StreamId,
    store::{
        Connection, Error,
        tables::{audit, chat, collection, keys, registrations, runs, timers},
    },
};

pub(super) fn apply(
    connection: &mut Connection,
    stream: &StreamId,
    projection: &Projection,
) -> Result<(), Error> {
    match projection {
        Projection::RunInserted(new) => runs::insert(connection, new),
        Projection::RunChanged { run, change } => runs::update(connection, run, change),
        Projection::RunAttention { run, on } => runs::set_attention(connection, run, *on),
        Projection::Timer { key, due_at } => timers::set(connection, stream, key, *due_at),
        Projection::TimerDone { key } => timers::clear(connection, stream, key),
        Projection::TimersCleared => timers::clear_all(connection, stream),
        Projection::IdempotencyKey { scope, key, value, at } => {
            keys::insert_idempotent(connection, scope, key, value, *at)
        }
        Projection::IngestKey { run, key, seq } => keys::insert_ingested(connection, run, key, *seq),
        Projection::RequestOpened(new) => collection::insert(connection, new),
        Projection::RequestClosed { request, close } => collection::close(connection, request, close),
        Projection::RoomInserted(new) => chat::insert(connection, new),
        Projection::RoomChanged { room, change } => chat::update(connection, room, change),
        Projection::ChatMember(change) => chat::set_member(connection, change),
        Projection::Audit(entry) => audit::note(connection, entry),
        Projection::Registered { row, hub, at } => registrations::put(connection, row, hub, *at),
    }
}
