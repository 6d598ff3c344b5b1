//! Chat rooms: `ai_chat_room_join`, `ai_chat_user_message`, `ai_chat_room_disconnect`, `ai_chat_cancel`
//! (`contract.md` 2.1 to 2.3). A refusal is one `ai_chat_error`, and the ack.

mod enter;
mod refusal;
mod say;

pub(super) use self::{
    enter::{Chatting, join, leave},
    refusal::limited,
    say::{cancel, say},
};
