//! The events of chat rooms.

mod client;
mod examples;
mod server;

pub(super) use examples::{client_examples, server_examples};

pub use client::{ChatAction, ChatRoomJoin, ChatRoomName, ChatText, ChatUserMessage};
pub use server::{
    ChatBotDelta, ChatBotMessage, ChatCancelAck, ChatError, ChatHistoryItem, ChatJoinAck, ChatMessageAck,
    ChatProposal, ChatRole, ChatRoomEntered, ChatTable,
};
