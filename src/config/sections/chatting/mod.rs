//! Chat rooms and their assistant.

mod ai;
mod chat;

pub use ai::{Ai, AiTenant, AssistantKind};
pub use chat::{Chat, Retention};
