//! Faults of a definition, collected.

use std::fmt;

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

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path)?;
        if let Some(node) = &self.node {
            write!(f, " (node {node})")?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Most faults that are listed: nobody reads the next thousand.
const MOST: usize = 100;

/// A list of faults without repeats, bounded.
#[derive(Debug, Default)]
pub(in crate::engine) struct Faults(Vec<Problem>);

impl Faults {
    pub(in crate::engine) fn push(
        &mut self,
        path: impl Into<String>,
        node: Option<&NodeId>,
        message: impl Into<String>,
    ) {
        if self.0.len() >= MOST {
            return;
        }
        let problem = Problem { path: path.into(), node: node.cloned(), message: message.into() };
        if !self.0.contains(&problem) {
            self.0.push(problem);
        }
    }
    pub(in crate::engine) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    pub(in crate::engine) fn into_problems(self) -> Vec<Problem> {
        self.0
    }
}
