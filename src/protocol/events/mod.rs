//! What clients send and what they are sent: one serde type an event, as `contract.md` 2 and 3 name
//! them, with parsing, JSON Schema and examples. Pure.
//!
//! The wire has its own words (`instanceID`, `runId`, `success`); they are translated here and
//! nowhere deeper. [`Client`] and [`Server`] list every event of the contract, also those that this
//! hub does not serve yet, so that a router matches without a wildcard. Fields that nobody knows are
//! ignored; identity fields (`firebaseID` …) are not even read.
//!
//! The router of `session` parses, `workflow` builds the answers, `asyncapi` describes all of
//! it from the same types. Nothing here knows who may do what.

mod ack;
pub mod asyncapi;
mod chat;
mod error;
mod examples;
mod listener;
mod names;
mod read;
mod widget;
mod wire;
mod workflow;

pub use ack::{AckBody, ErrorBody, JoinAck, Refusal, RefusalData, Refused};
pub use chat::{
    ChatAction, ChatBotDelta, ChatBotMessage, ChatCancelAck, ChatError, ChatHistoryItem, ChatJoinAck,
    ChatMessageAck, ChatProposal, ChatRole, ChatRoomEntered, ChatRoomJoin, ChatRoomName, ChatTable, ChatText,
    ChatUserMessage,
};
pub use error::Error;
pub use examples::{Example, examples};
pub use listener::{ListenerEvent, ListenerTestEvent, RoomName};
pub use names::{Client, Server};
pub use widget::{
    WidgetConnect, WidgetConnected, WidgetContextUpdate, WidgetDisconnect, WidgetDisconnected, WidgetError,
    WidgetErrorBody, WidgetInput, WidgetInputAck, WidgetInputReceived, WidgetMode, WidgetNode,
    WidgetNodeKind, WidgetRefresh, WidgetStatus, WorkflowMeta,
};
pub use wire::{Object, WireTime};
pub use workflow::{
    CollectionRequest, EndStatus, NodeStatus, NodeUpdate, RunError, RunJoin, RunLeave, RunStatus,
    StatusUpdate,
};
