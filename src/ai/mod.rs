//! Assistants: who answers in a chat room.
//!
//! [`Assistant`] is the one door: a [`Turn`] goes in, an [`Answer`] comes out. Two stand behind it:
//! `catalogue` finds what a tenant has by its words, fills its inputs from the sentence, asks for what is missing,
//! and calls nobody; `llm` asks an OpenAI-compatible endpoint. Neither does anything itself: what they call goes through a [`Desk`], which is `chat`'s, asks for the rights of the
//! person each time, and refuses whatever has an effect. That is only proposed ([`Draft`]), and a
//! person decides.

mod answer;
mod assistant;
pub mod catalogue;
mod error;
pub mod llm;
mod tool;
mod turn;

pub use answer::{Answer, Draft, Table};
pub use assistant::{Assistant, Desk, Tell};
pub use error::{Error, Failure};
pub use tool::{Called, Output, Tool, ToolCall, ToolError};
pub use turn::{Person, Said, Speaker, Turn};
