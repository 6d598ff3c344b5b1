//! A whole definition as JSON Schema: the client form, each node's `data` by its type.

use serde_json::{Map, Value, json};

use super::types::{DIALECT, node_schemas};

/// The schema of what create, update and test take.
pub fn definition_schema() -> Value {
    let types = node_schemas();
    let names: Vec<&String> = types.keys().collect();
    let by_type: Vec<Value> = types
        .keys()
        .map(|name| {
            json!({
                "if": { "properties": { "type": { "const": name } }, "required": ["type"] },
                "then": { "properties": { "data": { "$ref": format!("#/$defs/{name}") } } },
            })
        })
        .collect();
    let defaults: Map<String, Value> =
        types.keys().map(|name| (name.clone(), json!({ "$ref": "#/$defs/nodeDefaults" }))).collect();
    let seconds = |most: u32| json!({ "type": "number", "minimum": 0, "maximum": most });
    let defaults_of_a_type = json!({
        "type": "object",
        "properties": {
            "timeoutSeconds": { "type": "number", "minimum": 1, "maximum": 3600 },
            "retryLimit": { "type": "number", "minimum": 0, "maximum": 10 },
            "retryDelaySeconds": seconds(300),
        },
    });
    let mut defs: Map<String, Value> = types
        .clone()
        .into_iter()
        .map(|(name, mut schema)| {
            // One document, one dialect.
            if let Some(schema) = schema.as_object_mut() {
                schema.remove("$schema");
            }
            (name, schema)
        })
        .collect();
    defs.insert("nodeDefaults".to_owned(), defaults_of_a_type);
    defs.insert("id".to_owned(), json!({ "type": "string", "minLength": 1, "maxLength": 128 }));
    defs.insert(
        "node".to_owned(),
        json!({
            "type": "object",
            "required": ["id", "type"],
            "properties": {
                "id": { "$ref": "#/$defs/id" },
                "type": { "enum": names },
                "data": { "type": "object" },
                "position": { "type": "object", "properties": { "x": { "type": "number" }, "y": { "type": "number" } } },
                "width": { "type": "number" },
                "height": { "type": "number" },
            },
            "allOf": by_type,
        }),
    );
    let handle = json!({ "type": ["string", "null"] });
    defs.insert(
        "edge".to_owned(),
        json!({
            "type": "object",
            "required": ["source", "target"],
            "properties": {
                "id": { "type": "string" },
                "source": { "$ref": "#/$defs/id" },
                "target": { "$ref": "#/$defs/id" },
                "sourceHandle": handle,
                "targetHandle": handle,
                "type": { "type": ["string", "null"], "default": "smoothstep" },
            },
        }),
    );
    defs.insert(
        "input".to_owned(),
        json!({
            "type": "object",
            "required": ["key"],
            "properties": {
                "key": { "type": "string", "minLength": 1 },
                "type": { "enum": ["string", "number", "boolean", "object", "array"] },
                "required": { "type": "boolean", "default": false },
                "default": {},
            },
        }),
    );
    json!({
        "$schema": DIALECT,
        "title": "definition",
        "description": "a workflow as create, update and test take it",
        "type": "object",
        "properties": {
            "title": { "type": "string", "minLength": 1, "maxLength": 255 },
            "workflowDescription": { "type": ["string", "null"] },
            "folderID": { "type": ["string", "null"] },
            "nodes": { "type": "array", "items": { "$ref": "#/$defs/node" } },
            "edges": { "type": "array", "items": { "$ref": "#/$defs/edge" } },
            "workflowOptions": {
                "type": "object",
                "properties": {
                    "inputDefinitions": { "type": "array", "items": { "$ref": "#/$defs/input" } },
                    "nodeDefaults": { "type": "object", "properties": defaults },
                    "defaultNodeTimeoutSeconds": seconds(3600),
                    "defaultRetryLimit": seconds(10),
                    "defaultRetryDelaySeconds": seconds(300),
                    "workflowRunTimeout": {
                        "type": ["number", "string"],
                        "description": "seconds, or a number with a unit: 90 minutes, 7d",
                    },
                },
            },
        },
        "required": ["nodes", "edges"],
        "$defs": defs,
    })
}
