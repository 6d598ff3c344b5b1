//! Bounds of a room. They are looked at by `decide` only, but for the history: what a state remembers of it
//! is no more than this.

use std::time::Duration;

use crate::config::sections::{Ai, Chat};

/// Bounds of a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Messages of persons without an answer, the one that is being answered not counted.
    pub queue: usize,
    /// Messages that an assistant is shown with a new one.
    pub history: usize,
    /// How long a proposal waits.
    pub proposal_expiry: Duration,
    /// Most people beside the owner.
    pub members: usize,
    /// Bytes of a message of a person.
    pub text: usize,
    /// Tokens that a model may use for the room, ever; 0: no bound.
    pub tokens: u64,
}

impl Limits {
    /// From the settings; `text` is `limits.chat_text`.
    pub fn new(ai: &Ai, chat: &Chat, text: usize) -> Self {
        Self {
            queue: ai.queue_per_room,
            history: ai.history,
            proposal_expiry: *ai.proposal_expiry,
            members: chat.max_members,
            text,
            tokens: ai.room_tokens,
        }
    }
}
