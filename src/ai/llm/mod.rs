//! The assistant that asks a model: any OpenAI-compatible endpoint, streaming, with tools.
//!
//! `endpoint` makes one call and bounds it, `chunk` is what comes back, `prompt` what a model is told (pure: the
//! turn's own room, nothing else), `tools` what it may ask for and how that is read, `assistant` the
//! turn: calls of tools until there is an answer or something to propose.
//! Never: carries anything out itself (that is the [`Desk`](super::Desk)'s), believes what a tool gave back.

mod assistant;
mod chunk;
mod endpoint;
mod prompt;
#[cfg(test)]
mod tests;
mod tools;

pub use assistant::LlmAssistant;
pub use endpoint::Endpoint;
