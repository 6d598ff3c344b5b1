//! What an assistant answers.

use super::ToolCall;
use crate::ids::RunId;

/// Rows for people, as the wire has them.
pub use crate::protocol::events::ChatTable as Table;

/// The end of a turn: one message to the room.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Never empty.
    pub text: String,
    /// What is proposed, if something is.
    pub proposal: Option<Draft>,
    /// Rows that belong to the text.
    pub data: Option<Table>,
    /// A run that the text is about.
    pub run: Option<RunId>,
    /// Tokens that a model counted, in and out.
    pub tokens: u64,
}

/// A proposal that has no id yet.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// What would be done, exactly.
    pub call: ToolCall,
    /// The same in words, for who decides.
    pub summary: String,
    /// A digest of what the call would run as it is saved now. The room puts it in.
    pub seal: Option<String>,
}
