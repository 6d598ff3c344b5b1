//! Node types with the fields of their `data` (`contract.md` 5.5), as JSON Schema for editors.

use serde_json::Map;

use crate::{
    engine::{definition_schema, node_schema, node_schemas},
    error::Code,
    http::{Answer, Asked, Failure},
};

/// `GET …/workflows/schemas?nodeType=`.
pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let wanted = asked.query.get("nodeType").filter(|text| !text.is_empty());
    let schemas = match wanted {
        None => node_schemas(),
        Some(name) => {
            let schema = node_schema(name).ok_or_else(|| Failure::of(Code::SchemaNotFound))?;
            Map::from_iter([(name.clone(), schema)])
        }
    };
    let answer = Answer::field("schemas", &schemas)?.and("message", &"Schemas of node types.")?;
    // The whole goes beside the types, not among them: pages take each of those for a node.
    if wanted.is_none() { answer.and("definition", &definition_schema()) } else { Ok(answer) }
}
