//! What is written with the rows of a room.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    chat::{
        Asker, hub,
        room::{Audit, Effect, Membership, RoomEvent, RoomState, Step},
    },
    ids::{ChatRoomId, Seq},
    store::{
        NewRow, Projection,
        tables::{
            audit::{NoteEntry, detail_of},
            chat::{MemberChange, RoomChange},
        },
    },
};

/// An event as a row.
pub(in crate::chat) fn new_row(event: &RoomEvent, at: Timestamp) -> NewRow {
    NewRow { kind: Cow::Borrowed(event.kind().as_str()), payload: event.payload(), at }
}

/// The head of the room after these rows.
pub(in crate::chat) fn changed(state: &RoomState, at: Timestamp) -> Projection {
    let facts = state.facts();
    let change = RoomChange {
        title: facts.title.clone(),
        is_archived: facts.archived,
        attention: state.attention(),
        messages: i64::try_from(facts.messages).unwrap_or(i64::MAX),
        last_message_at: facts.last_message_at,
        at,
    };
    Projection::RoomChanged { room: state.room().clone(), change: Box::new(change) }
}

/// What must be true if and only if the rows are there.
pub(super) fn projections(step: &Step, at: Timestamp) -> Vec<Projection> {
    let state = &step.state;
    let mut out = vec![changed(state, at)];
    for (seq, event) in &step.rows {
        match event {
            RoomEvent::Added(it) => out.push(member(state.room(), it, true)),
            RoomEvent::Removed(it) => out.push(member(state.room(), it, false)),
            RoomEvent::Said(said) => {
                if let Some(client_id) = &said.client_id {
                    out.push(Projection::IdempotencyKey {
                        scope: hub::subject(state.room()).as_str().to_owned(),
                        key: sent_key(&said.who.person.user, client_id),
                        value: sent_value(&said.message, *seq),
                        at,
                    });
                }
            }
            _ => {}
        }
    }
    out.extend(step.effects.iter().filter_map(|effect| match effect {
        Effect::SetTimer { proposal, due_at } => {
            Some(Projection::Timer { key: proposal.to_string(), due_at: *due_at })
        }
        Effect::ClearTimer { proposal } => Some(Projection::TimerDone { key: proposal.to_string() }),
        Effect::Audit(audit) => Some(Projection::Audit(Box::new(note(state, audit)))),
        _ => None,
    }));
    out
}

/// How a client's name of a message is kept.
pub(super) fn sent_key(user: &crate::ids::UserId, client_id: &str) -> String {
    format!("{user}/{client_id}")
}

fn sent_value(message: &crate::ids::MessageId, seq: Seq) -> String {
    format!("{seq} {message}")
}

/// The message that a client sent under its name before.
pub(super) fn sent(value: &str) -> Option<crate::chat::Accepted> {
    let (seq, message) = value.split_once(' ')?;
    let message = crate::ids::MessageId::trusted(message);
    Some(crate::chat::Accepted { message, seq: Seq(seq.parse().ok()?), repeated: true })
}

fn member(room: &ChatRoomId, it: &Membership, inside: bool) -> Projection {
    Projection::ChatMember(Box::new(MemberChange {
        room: room.clone(),
        user: it.member.user.clone(),
        subject: it.member.subject.clone(),
        inside,
        by: it.by.person.user.clone(),
        at: it.at,
    }))
}

fn note(state: &RoomState, audit: &Audit) -> NoteEntry {
    let Audit { action, subject, by, detail, at } = audit;
    NoteEntry {
        at: *at,
        tenant: state.tenant().clone(),
        actor: by.person.subject.clone(),
        action,
        subject: subject.clone(),
        detail: from_where(by, detail.clone()),
        request: by.request.clone(),
    }
}

/// More about what a person did, with their address.
pub(super) fn from_where(by: &Asker, detail: Value) -> Value {
    detail_of(by.address.map(|address| address.to_string()).as_deref(), detail)
}
