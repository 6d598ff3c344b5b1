//! The client form and its aliases.

use serde_json::Value;

/// A definition as clients send it and the store keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// `nodes`: an array of nodes.
    pub nodes: Value,
    /// `edges`: an array of edges.
    pub edges: Value,
    /// `workflowOptions`: an object, or null.
    pub options: Value,
}
