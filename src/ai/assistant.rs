//! Who answers.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Answer, Called, Failure, ToolCall, Turn};

/// Told each further piece of a text while it grows; nobody may be listening.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// Answers turns. It keeps nothing of a room: what it may know of it is in the turn.
pub trait Assistant: Send + Sync + 'static {
    /// For logs and metrics: one lower-case word.
    fn name(&self) -> &'static str;

    /// Answers one turn. The future may be dropped at any time (cancelled, the hub stops): then
    /// nothing more is asked of anybody. It may be polled on an actor's thread: what blocks goes elsewhere.
    fn answer(
        &self,
        turn: Turn,
        desk: Arc<dyn Desk>,
        tell: Tell,
    ) -> BoxFuture<'static, Result<Answer, Failure>>;
}

/// Where an assistant's calls are carried out, as the person of the turn and in its tenant only.
pub trait Desk: Send + Sync + 'static {
    /// Carries out what has no effect. The rights of the person are asked first, then whether the call
    /// has an effect: with one, [`NeedsConsent`](super::ToolError::NeedsConsent).
    fn call(&self, call: ToolCall) -> BoxFuture<'static, Called>;
    /// Whether the call could be proposed: it is there, the person may do it, its arguments fit.
    /// Answers what it would do, in words.
    fn check(&self, call: ToolCall) -> BoxFuture<'static, Result<String, super::ToolError>>;
}
