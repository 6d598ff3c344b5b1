//! What sockets see of a room. Pure.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    Proposal, lines,
    room::{BotMessage, Ended, RoomState, UserMessage},
};
use crate::{
    ai,
    ids::{ChatRoomId, MessageId, Seq},
    protocol::{
        events::{
            ChatBotDelta, ChatBotMessage, ChatError, ChatHistoryItem, ChatProposal, ChatRole,
            ChatRoomEntered, Server, WireTime,
        },
        frame::Frame,
    },
};

/// Where rooms are.
pub(super) const NAMESPACE: &str = "/";
/// Messages that who enters is shown.
const SHOWN: usize = 50;

/// A proposal as clients read it.
pub(super) fn proposal(proposal: &Proposal) -> ChatProposal<'_> {
    let mut call = serde_json::to_value(&proposal.call).unwrap_or_default();
    let arguments = call.get_mut("arguments").map(Value::take).unwrap_or_default();
    let tool = call.get("tool").and_then(Value::as_str).unwrap_or_default().to_owned();
    ChatProposal {
        id: proposal.id.clone(),
        id_again: proposal.id.clone(),
        tool: Cow::Owned(tool),
        arguments,
        summary: Cow::Borrowed(&proposal.summary),
        expires_at: WireTime(proposal.expires_at),
    }
}

/// The answer to a message.
pub(super) fn told(room: &ChatRoomId, seq: Seq, told: &BotMessage) -> Result<Frame, serde_json::Error> {
    let text = lines::shown(told);
    let body = ChatBotMessage {
        message: Cow::Borrowed(&text),
        room: room.clone(),
        message_id: told.message.clone(),
        in_reply_to: told.in_reply_to.clone(),
        seq,
        proposal: told.proposal.as_ref().map(proposal),
        data: told.data.as_ref().map(Cow::Borrowed),
        instance_id: told.run.clone(),
        error_code: told.error_code.as_deref().filter(|_| told.ended != Ended::Ok).map(Cow::Borrowed),
        text: Cow::Borrowed(&text),
    };
    Frame::event(NAMESPACE, Server::ChatBotMessage.as_str(), &body)
}

/// A piece of an answer that grows.
pub(super) fn delta(room: &ChatRoomId, message: &MessageId, text: &str) -> Result<Frame, serde_json::Error> {
    let body = ChatBotDelta { room: room.clone(), in_reply_to: message.clone(), text: Cow::Borrowed(text) };
    Frame::event(NAMESPACE, Server::ChatBotDelta.as_str(), &body)
}

/// That a message has no answer but words of regret: for programs.
pub(super) fn unanswered(room: &ChatRoomId, error: &ai::Error) -> Result<Frame, serde_json::Error> {
    Frame::event(NAMESPACE, Server::ChatError.as_str(), &ChatError::of(Some(room), error))
}

/// What a room was before somebody entered.
pub(super) struct Entered {
    pub(super) frame: Frame,
    pub(super) resumed: bool,
    /// The lowest row that it shows; what follows when it shows none.
    pub(super) seen_from: Seq,
}

/// What who enters is told.
pub(super) fn entered(state: &RoomState) -> Result<Entered, serde_json::Error> {
    let facts = state.facts();
    let mut items: Vec<ChatHistoryItem<'_>> = Vec::new();
    for exchange in &facts.exchanges {
        items.push(of_person(exchange.said_at, &exchange.said));
        let open = state.open().filter(|open| open.seq == exchange.told_at);
        items.push(ChatHistoryItem {
            role: ChatRole::Assistant,
            text: lines::shown(&exchange.told),
            seq: exchange.told_at,
            at: WireTime(exchange.told.at),
            message_id: exchange.told.message.clone(),
            in_reply_to: Some(exchange.told.in_reply_to.clone()),
            proposal: open.map(|open| proposal(&open.proposal)),
        });
    }
    items.extend(facts.queue.iter().map(|pending| of_person(pending.seq, &pending.said)));
    items.sort_by_key(|item| item.seq);
    let over = items.len().saturating_sub(SHOWN);
    let items = items.split_off(over);
    let resumed = !items.is_empty();
    let seen_from = items.first().map_or(state.head().next(), |item| item.seq);
    let body = ChatRoomEntered {
        room: state.room().clone(),
        resumed: Some(resumed),
        history: resumed.then_some(items),
    };
    let frame = Frame::event(NAMESPACE, Server::ChatRoomId.as_str(), &body)?;
    Ok(Entered { frame, resumed, seen_from })
}

fn of_person(seq: Seq, said: &UserMessage) -> ChatHistoryItem<'_> {
    ChatHistoryItem {
        role: ChatRole::User,
        text: match (said.text.as_str(), said.action) {
            ("", Some(action)) => Cow::Borrowed(action.as_str()),
            (text, _) => Cow::Borrowed(text),
        },
        seq,
        at: WireTime(said.at),
        message_id: said.message.clone(),
        in_reply_to: None,
        proposal: None,
    }
}
