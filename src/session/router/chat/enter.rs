//! Into a room and out of it.

use std::sync::Arc;

use serde_json::value::RawValue;

use super::refusal::{Refusal, refuse};
use crate::{
    ai::Person,
    auth::{self, Permission, Permissions},
    chat::{self, AckFrame, Asker, Join, Joined},
    ids::{ChatRoomId, Seq, TenantId},
    protocol::{
        events::{AckBody, ChatJoinAck, ChatRoomJoin, ChatRoomName, ChatUserMessage},
        socketio::ack_frame,
    },
    session::router::{
        hub::{From, Inner, Seat},
        revoked,
    },
};

/// A room that a socket is in.
#[derive(Clone)]
pub(in crate::session::router) struct Chatting {
    pub(in crate::session::router) tenant: TenantId,
    /// The lowest row of a message that it was sent.
    pub(super) seen_from: Seq,
    /// Which join of this socket was the last.
    order: u64,
}

impl Chatting {
    /// What it takes to stay.
    pub(in crate::session::router) fn is_allowed(permissions: Permissions) -> bool {
        permissions.contains(Permission::AiChat)
    }
}

/// Enters a room.
pub(in crate::session::router) async fn join(router: &Inner, from: &From, argument: &RawValue) {
    let named = ChatUserMessage::room_of(argument);
    let refusal = match ChatRoomJoin::parse(argument) {
        Ok(join) => match try_join(router, from, join).await {
            Ok(()) => return,
            Err(refusal) => refusal,
        },
        Err(error) => Refusal::Payload(error),
    };
    refuse(from, named.as_ref(), &refusal);
}

async fn try_join(router: &Inner, from: &From, join: ChatRoomJoin) -> Result<(), Refusal> {
    let revoked = router.auth.revoked();
    let tenant = match &join.room {
        // Whose it is decides; what the payload says may only agree.
        Some(room) => {
            let tenant = router.chats.tenant_of(room).await?.ok_or(Refusal::NotFound)?;
            if join.tenant.as_ref().is_some_and(|named| *named != tenant) {
                return Err(Refusal::NotFound);
            }
            tenant
        }
        None => match join.tenant {
            Some(tenant) => tenant,
            None => only_tenant(router, &from.seat).await?,
        },
    };
    let asker = asker(from)?;
    authorize(router, &from.seat, &tenant, join.room.is_some()).await?;
    router.rates.take(&tenant).map_err(Refusal::TooFast)?;
    let current = current(&from.seat, &tenant);
    let full = {
        let chats = from.seat.chats.borrow();
        let known = join.room.as_ref().or(current.as_ref()).is_some_and(|room| chats.contains_key(room));
        chats.len() >= router.max_joins && !known
    };
    if full {
        return Err(Refusal::TooMany(router.max_joins));
    }
    let ack: Option<AckFrame> = from.ack.map(|ack| {
        let namespace = from.socket.namespace().to_owned();
        let frame = move |joined: &Joined| {
            let body = ChatJoinAck {
                ok: true,
                room: joined.room.clone(),
                resumed: joined.resumed,
                seq: joined.head,
            };
            ack_frame(&namespace, ack, &body).ok()
        };
        Arc::new(frame) as AckFrame
    });
    let member = from.socket.member().clone();
    let ChatRoomJoin { room, stream, .. } = join;
    let join = |current| {
        let (tenant, asker, room) = (tenant.clone(), asker.clone(), room.clone());
        router.chats.join(Join {
            tenant,
            asker,
            room,
            current,
            member: member.clone(),
            stream,
            ack: ack.clone(),
        })
    };
    let joined = match (join(current.clone()).await, current) {
        // It was removed meanwhile, or the person is not in it any more.
        (Err(chat::Error::NotFound), Some(gone)) if room.is_none() => {
            from.seat.chats.borrow_mut().remove(&gone);
            join(None).await?
        }
        (joined, _) => joined?,
    };
    {
        let mut chats = from.seat.chats.borrow_mut();
        let order = chats.values().map(|chat| chat.order).max().unwrap_or(0) + 1;
        // A second join is sent less than the first had already: what was seen once stays seen.
        let seen_from =
            chats.get(&joined.room).map_or(joined.seen_from, |chat| chat.seen_from.min(joined.seen_from));
        chats.insert(joined.room, Chatting { tenant: joined.tenant, seen_from, order });
    }
    if router.auth.revoked() != revoked {
        // The right may have been taken while it was entered.
        revoked::look_at(router, &from.socket, &from.seat).await;
    }
    Ok(())
}

/// Who speaks. Nobody without a user's row has a tenant.
pub(super) fn asker(from: &From) -> Result<Asker, Refusal> {
    let identity = &from.seat.identity;
    let user = identity.user.clone().ok_or(Refusal::NoTenant)?;
    let person = Person { user, subject: identity.subject.clone(), api_key: identity.api_key().cloned() };
    Ok(Asker { person, address: Some(from.socket.peer().ip), request: None })
}

/// The tenant of who is in one only.
async fn only_tenant(router: &Inner, seat: &Seat) -> Result<TenantId, Refusal> {
    if let Some(tenant) = seat.identity.api_key_tenant() {
        return Ok(tenant.clone());
    }
    let user = seat.identity.user.clone().ok_or(Refusal::NoTenant)?;
    let mut memberships = router.auth.directory().memberships(user).await.map_err(Refusal::Auth)?.into_iter();
    match (memberships.next(), memberships.next()) {
        (Some(only), None) => Ok(only.tenant),
        _ => Err(Refusal::NoTenant),
    }
}

/// The right to chat. Of a room that was named a stranger hears that there is none; of a tenant, that it is none
/// of theirs.
pub(super) async fn authorize(
    router: &Inner,
    seat: &Seat,
    tenant: &TenantId,
    of_room: bool,
) -> Result<(), Refusal> {
    match router.auth.permissions(&seat.identity, tenant).await {
        Ok(permissions) if Chatting::is_allowed(permissions) => Ok(()),
        Ok(_) | Err(auth::Error::Denied) => Err(Refusal::Denied),
        Err(auth::Error::NotAMember) if of_room => Err(Refusal::NotFound),
        Err(auth::Error::NotAMember) => Err(Refusal::NoTenant),
        Err(error) => Err(Refusal::Auth(error)),
    }
}

/// The room of the tenant that this socket entered last.
fn current(seat: &Seat, tenant: &TenantId) -> Option<ChatRoomId> {
    let chats = seat.chats.borrow();
    let of_tenant = chats.iter().filter(|(_, chat)| chat.tenant == *tenant);
    of_tenant.max_by_key(|(_, chat)| chat.order).map(|(room, _)| room.clone())
}

/// Leaves a room, or all of them; history stays. There is no answer but the ack.
pub(in crate::session::router) fn leave(router: &Inner, from: &From, argument: &RawValue) {
    match ChatRoomName::parse(argument) {
        Ok(named) => {
            let mut chats = from.seat.chats.borrow_mut();
            let left: Vec<ChatRoomId> = match named.room {
                Some(room) => vec![room],
                None => chats.keys().cloned().collect(),
            };
            for room in left {
                if chats.remove(&room).is_some() {
                    router.chats.leave(&room, from.socket.member());
                }
            }
            drop(chats);
            from.acknowledge(&AckBody::DONE);
        }
        Err(error) => from.refuse(&error),
    }
}
