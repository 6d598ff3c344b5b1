//! Node types with the fields of their `data` (`contract.md` 5.5), as JSON Schema for editors.

use serde_json::{Map, Value, json};

use crate::{
    error::Code,
    http::{Answer, Asked, Failure},
};

/// `GET …/workflows/schemas?nodeType=`.
pub(super) async fn list(asked: Asked) -> Result<Answer, Failure> {
    let mut schemas = all();
    if let Some(wanted) = asked.query.get("nodeType").filter(|text| !text.is_empty()) {
        schemas.retain(|name, _| name == wanted);
        if schemas.is_empty() {
            return Err(Failure::of(Code::SchemaNotFound));
        }
    }
    Answer::field("schemas", &schemas)?.and("message", &"Schemas of node types.")
}

fn all() -> Map<String, Value> {
    let template = json!({ "type": "string", "description": "may be a template {{ctx.path}}" });
    let branch = json!({
        "type": "object",
        "required": ["id"],
        "properties": {
            "id": { "type": "string" },
            "label": { "type": "string" },
            "conditionLogic": { "enum": ["AND", "OR"], "default": "AND" },
            "conditions": { "type": "array", "items": {
                "type": "object",
                "properties": { "leftValue": {}, "operator": { "enum": OPERATORS }, "rightValue": {} },
            } },
        },
    });
    let types = [
        ("start", json!({}), json!([])),
        (
            "end",
            json!({
                "status": { "enum": ["success", "error", "failed"], "default": "success" },
                "outputParameters": { "type": "array", "items": {
                    "type": "object",
                    "required": ["name", "sourceVariable"],
                    "properties": { "name": { "type": "string" }, "sourceVariable": template },
                } },
            }),
            json!([]),
        ),
        (
            "javascript",
            json!({
                "code": { "type": "string", "description": "an async function body over ctx and args" },
                "outputVariable": { "type": "string", "default": "jsResult" },
            }),
            json!(["code"]),
        ),
        (
            "condition",
            json!({
                "branches": { "type": "array", "items": branch },
                "defaultBranch": { "type": "string", "default": "default" },
            }),
            json!(["branches"]),
        ),
        (
            "delay",
            json!({
                "delayType": { "enum": ["fixed", "dynamic", "until"], "default": "fixed" },
                "delayMinutes": { "type": "integer", "minimum": 0, "maximum": 1440, "default": 0 },
                "delaySeconds": { "type": "integer", "minimum": 0, "maximum": 59, "default": 0 },
                "delayMs": { "type": "integer", "minimum": 0, "maximum": 999, "default": 0 },
                "delayVariable": template,
                "untilTime": template,
            }),
            json!([]),
        ),
    ];
    types.into_iter().map(|(name, own, required)| (name.to_owned(), schema(name, own, &required))).collect()
}

const OPERATORS: &[&str] = &[
    "equals",
    "not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "ends_with",
    "greater_than",
    "less_than",
    "greater_or_equal",
    "less_or_equal",
    "is_empty",
    "is_not_empty",
    "matches_regex",
    "expression",
];

/// The fields that all types have, and its own.
fn schema(name: &str, own: Value, required: &Value) -> Value {
    let mut properties = json!({
        "title": { "type": "string" },
        "description": { "type": "string" },
        "outputVariable": { "type": "string", "pattern": "^[a-zA-Z_][a-zA-Z0-9_]*$" },
        "timeoutSeconds": { "type": "integer", "minimum": 1, "maximum": 3600 },
        "retryLimit": { "type": "integer", "minimum": 0, "maximum": 10 },
        "retryDelaySeconds": { "type": "integer", "minimum": 0, "maximum": 300 },
        "errorHandling": { "enum": [
            "continue", "continue_default", "skip_item", "fail_workflow", "retry_then_fail", "retry_then_continue"
        ] },
        "joinMode": { "enum": ["all", "any"], "default": "all" },
        "isDisabled": { "type": "boolean", "default": false },
    });
    if let (Some(all), Value::Object(own)) = (properties.as_object_mut(), own) {
        all.extend(own);
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": name,
        "type": "object",
        "properties": properties,
        "required": required,
    })
}
