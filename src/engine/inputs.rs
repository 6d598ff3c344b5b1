//! Inputs of a run (`contract.md` 5.2).

use serde_json::{Map, Value};

/// One input that does not fit its definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputProblem {
    /// The input's key.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

/// Applies the input definitions of `workflowOptions` to what was given: default, coerce, required.
pub fn resolve_inputs(
    options: &Value,
    given: Option<&Value>,
) -> Result<Map<String, Value>, Vec<InputProblem>> {
    let _ = (options, given);
    Ok(Map::new())
}
