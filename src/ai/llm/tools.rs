//! What a model may ask for: JSON Schemas made from the catalogue, and how its calls are read. Pure.

use serde_json::{Map, Value, json};

use super::chunk::Call;
use crate::ai::ToolCall;

/// Largest arguments of a call.
const MOST_ARGUMENTS: usize = 16 * 1024;

/// What the catalogue found, as the model is told of it: the `value` of a `search_catalogue`.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Ids of queries.
    pub queries: Vec<String>,
    /// Ids of workflows.
    pub workflows: Vec<String>,
    /// Ids of SQL data sources that the person may read.
    pub sources: Vec<String>,
}

impl Found {
    /// Takes in what a search gave.
    pub fn take(&mut self, value: &Value) {
        let entries = value.get("entries").and_then(Value::as_array);
        for entry in entries.into_iter().flatten() {
            let Some(id) = entry.get("id").and_then(Value::as_str) else { continue };
            let list = match entry.get("kind").and_then(Value::as_str) {
                Some("query") => &mut self.queries,
                Some("workflow") => &mut self.workflows,
                Some("datasource") => &mut self.sources,
                _ => continue,
            };
            if !list.iter().any(|known| known == id) {
                list.push(id.to_owned());
            }
        }
    }
}

/// The tools with their parameters, as an endpoint takes them.
pub(super) fn schemas(found: &Found) -> Vec<Value> {
    let id = |known: &[String], of: &str| {
        let mut schema =
            json!({ "type": "string", "description": format!("the id of {of}, from the catalogue") });
        if !known.is_empty() {
            schema["enum"] = json!(known);
        }
        schema
    };
    let inputs = json!({
        "type": "object",
        "description": "its inputs by key, as the catalogue lists them; ask the user for a required one that is not known",
        "additionalProperties": true,
    });
    let mut tools = vec![
        tool(
            "search_catalogue",
            "Finds saved queries and workflows by words. Use it when the entries that you were shown do not fit.",
            json!({ "text": { "type": "string", "description": "a few words" } }),
            &["text"],
        ),
        tool(
            "run_query",
            "Runs a saved query. One that only reads may be run at once; another is proposed to the user.",
            json!({ "dataQueryID": id(&found.queries, "the query"), "inputValues": inputs }),
            &["dataQueryID"],
        ),
        tool(
            "start_workflow",
            "Proposes to start a workflow; the user decides.",
            json!({ "workflowID": id(&found.workflows, "the workflow"), "inputValues": inputs }),
            &["workflowID"],
        ),
        tool(
            "read_run",
            "Says where a run of a workflow is and what it gave.",
            json!({ "instanceID": { "type": "string", "description": "the id of the run" } }),
            &["instanceID"],
        ),
    ];
    if !found.sources.is_empty() {
        tools.push(tool(
            "draft_query",
            "Proposes SQL that is saved nowhere, when no saved query fits. It may only read; the user decides.",
            json!({
                "datasourceID": id(&found.sources, "the data source"),
                "statement": { "type": "string", "description": "one SELECT statement" },
            }),
            &["datasourceID", "statement"],
        ));
    }
    tools
}

fn tool(name: &str, description: &str, properties: Value, required: &[&str]) -> Value {
    json!({ "type": "function", "function": {
        "name": name,
        "description": description,
        "parameters": {
            "type": "object", "properties": properties, "required": required, "additionalProperties": false,
        },
    }})
}

/// Reads a call; the words are for the model.
pub(super) fn read(call: &Call) -> Result<ToolCall, String> {
    const KNOWN: &[&str] = &["search_catalogue", "run_query", "start_workflow", "read_run", "draft_query"];
    if !KNOWN.contains(&call.name.as_str()) {
        return Err(format!("there is no tool of that name; the tools are {}", KNOWN.join(", ")));
    }
    if call.arguments.len() > MOST_ARGUMENTS {
        return Err(format!("the arguments have more than {MOST_ARGUMENTS} bytes"));
    }
    let text = if call.arguments.trim().is_empty() { "{}" } else { call.arguments.as_str() };
    let arguments: Map<String, Value> =
        serde_json::from_str(text).map_err(|_| "the arguments are no JSON object".to_owned())?;
    let whole = json!({ "tool": call.name, "arguments": arguments });
    serde_json::from_value(whole).map_err(|error| format!("the arguments do not fit: {error}"))
}
