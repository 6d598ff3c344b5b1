//! A fault of a definition.

use serde::Serialize;

use crate::ids::NodeId;

/// A fault of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Where, in the client form: `nodes[2].data.code`.
    pub path: String,
    /// The node it concerns.
    #[serde(rename = "nodeID", skip_serializing_if = "Option::is_none")]
    pub node: Option<NodeId>,
    /// What is wrong, for people.
    pub message: String,
}
