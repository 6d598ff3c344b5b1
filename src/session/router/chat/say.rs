//! What is said, and what is stopped.

use serde_json::value::RawValue;

use super::{
    enter::{Chatting, asker, authorize},
    refusal::{Refusal, refuse},
};
use crate::{
    chat::{Action, Consent, Say},
    ids::{ChatRoomId, TenantId},
    protocol::events::{ChatAction, ChatCancelAck, ChatMessageAck, ChatRoomName, ChatUserMessage},
    session::router::hub::{From, Inner},
};

/// Says something; the answer is an event to the room.
pub(in crate::session::router) async fn say(router: &Inner, from: &From, argument: &RawValue) {
    let named = ChatUserMessage::room_of(argument);
    let refusal = match ChatUserMessage::parse(argument) {
        Ok(said) => match try_say(router, from, said).await {
            Ok(ack) => return from.acknowledge(&ack),
            Err(refusal) => refusal,
        },
        Err(error) => Refusal::Payload(error),
    };
    refuse(from, named.as_ref(), &refusal);
}

async fn try_say(router: &Inner, from: &From, said: ChatUserMessage) -> Result<ChatMessageAck, Refusal> {
    let (room, chatting) = room(from, said.room)?;
    let tenant = tenant_of(router, &room, chatting.as_ref()).await?;
    if said.tenant.is_some_and(|named| named != tenant) {
        return Err(Refusal::NotFound);
    }
    let asker = asker(from)?;
    authorize(router, &from.seat, &tenant, true).await?;
    router.rates.take(&tenant).map_err(Refusal::TooFast)?;
    let action = said.message.action.map(|action| match action {
        ChatAction::Approve => Action::Approve,
        ChatAction::Reject => Action::Reject,
        ChatAction::Test => Action::Test,
    });
    let proposal = said.message.proposal;
    let say = Say {
        room: room.clone(),
        tenant: Some(tenant),
        asker,
        text: said.message.text,
        consent: action.map(|action| Consent { action, proposal }),
        from: Some(from.socket.member().clone()),
        client_id: said.client_message.map(|id| id.as_str().to_owned()),
        seen_from: chatting.map(|chatting| chatting.seen_from),
    };
    let accepted = router.chats.say(say).await?;
    let (message, seq, repeated) = (accepted.message, accepted.seq, accepted.repeated);
    Ok(ChatMessageAck { ok: true, room, message, seq, repeated })
}

/// Stops the answer that is being made.
pub(in crate::session::router) async fn cancel(router: &Inner, from: &From, argument: &RawValue) {
    let named = ChatUserMessage::room_of(argument);
    let refusal = match ChatRoomName::parse(argument) {
        Ok(stop) => match try_cancel(router, from, stop.room).await {
            Ok(cancelled) => return from.acknowledge(&ChatCancelAck { ok: true, cancelled }),
            Err(refusal) => refusal,
        },
        Err(error) => Refusal::Payload(error),
    };
    refuse(from, named.as_ref(), &refusal);
}

async fn try_cancel(router: &Inner, from: &From, named: Option<ChatRoomId>) -> Result<bool, Refusal> {
    let (room, chatting) = room(from, named)?;
    let tenant = tenant_of(router, &room, chatting.as_ref()).await?;
    let asker = asker(from)?;
    authorize(router, &from.seat, &tenant, true).await?;
    router.rates.take(&tenant).map_err(Refusal::TooFast)?;
    Ok(router.chats.cancel(&room, asker).await?)
}

/// The room that is meant: the named one, else the only one that this socket is in.
fn room(from: &From, named: Option<ChatRoomId>) -> Result<(ChatRoomId, Option<Chatting>), Refusal> {
    let chats = from.seat.chats.borrow();
    match named {
        Some(room) => {
            let chatting = chats.get(&room).cloned();
            Ok((room, chatting))
        }
        None => {
            let mut all = chats.iter();
            match (all.next(), all.next()) {
                (Some((room, chatting)), None) => Ok((room.clone(), Some(chatting.clone()))),
                _ => Err(Refusal::NoRoom),
            }
        }
    }
}

async fn tenant_of(
    router: &Inner,
    room: &ChatRoomId,
    chatting: Option<&Chatting>,
) -> Result<TenantId, Refusal> {
    match chatting {
        Some(chatting) => Ok(chatting.tenant.clone()),
        None => router.chats.tenant_of(room).await?.ok_or(Refusal::NotFound),
    }
}
