//! The fields of each node type (`contract.md` 5.5), as JSON Schema 2020-12.

use serde_json::{Map, Value, json};

use super::handles;
use crate::engine::{
    definition::HANDLING,
    nodes::{OPERATORS, TypeRow, type_row, type_rows},
};

/// A schema's own name.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Names of output variables and of a loop's variables.
const NAME: &str = "^[a-zA-Z_][a-zA-Z0-9_]*$";
/// Those that are taken.
const TAKEN: &str = "^(input$|__)";

/// The schemas of all types, by name.
pub fn node_schemas() -> Map<String, Value> {
    type_rows().map(|row| (row.name.to_owned(), schema(row))).collect()
}

/// The schema of a type's `data`; none for a type that nobody knows.
pub fn node_schema(name: &str) -> Option<Value> {
    type_row(name).map(schema)
}

/// What a type has beyond the common fields.
struct Own {
    /// What it is for.
    about: &'static str,
    fields: Value,
    required: &'static [&'static str],
}

fn schema(row: &TypeRow) -> Value {
    let own = own(row.name);
    let mut properties = common(row);
    if let Value::Object(fields) = own.fields {
        properties.extend(fields);
    }
    json!({
        "$schema": DIALECT,
        "title": row.name,
        "description": own.about,
        "type": "object",
        "properties": properties,
        "required": own.required,
        "x-handles": handles::fixed(row.name),
        "x-handlesOf": handles::listed_in(row.name),
    })
}

/// Fields of all types.
fn common(row: &TypeRow) -> Map<String, Value> {
    let runs_something = !matches!(row.name, "start" | "end");
    let mut fields = json!({
        "title": { "type": "string", "description": "for people" },
        "description": { "type": "string", "description": "for people" },
        "joinMode": {
            "enum": ["all", "any"],
            "default": if row.any { "any" } else { "all" },
            "description": "of several incoming edges: ready with the last that fires, or with the first",
        },
    });
    let Some(all) = fields.as_object_mut() else { return Map::new() };
    let mut add = |name: &str, field: Value| all.insert(name.to_owned(), field);
    if row.name != "end" {
        let mut variable = json!({
            "type": "string",
            "pattern": NAME,
            "not": { "pattern": TAKEN },
            "description": "where the result goes in ctx",
        });
        if let (Some(default), Some(variable)) = (row.output_variable, variable.as_object_mut()) {
            variable.insert("default".to_owned(), json!(default));
        }
        add("outputVariable", variable);
    }
    if runs_something {
        let mut timeout = number(1.0, row.longest_s.unwrap_or(3600) as f64, None, "longest attempt, seconds");
        if let (Some(default), Some(timeout)) = (row.timeout_s, timeout.as_object_mut()) {
            timeout.insert("default".to_owned(), json!(default));
        }
        add("timeoutSeconds", timeout);
        add(
            "retryLimit",
            number(0.0, 10.0, Some(0.0), "attempts beyond the first, where a failure is retried"),
        );
        add("retryDelaySeconds", number(0.0, 300.0, Some(5.0), "wait before the next attempt"));
        add(
            "errorHandling",
            json!({
                "enum": HANDLING,
                "description": "unset: continue if an edge leaves on error, else fail_workflow",
            }),
        );
        add("isDisabled", flag(false, "not executed; the run goes on at the normal handle"));
    }
    fields.as_object().cloned().unwrap_or_default()
}

fn number(least: f64, most: f64, default: Option<f64>, about: &str) -> Value {
    let mut field =
        json!({ "type": "number", "minimum": whole(least), "maximum": whole(most), "description": about });
    if let (Some(default), Some(field)) = (default, field.as_object_mut()) {
        field.insert("default".to_owned(), whole(default));
    }
    field
}

/// Bounds are whole numbers, and look like it.
#[expect(clippy::cast_possible_truncation, reason = "bounds of this file")]
fn whole(number: f64) -> Value {
    json!(number as i64)
}

fn flag(default: bool, about: &str) -> Value {
    json!({ "type": "boolean", "default": default, "description": about })
}

fn text(default: Option<&str>, about: &str) -> Value {
    match default {
        Some(default) => json!({ "type": "string", "default": default, "description": about }),
        None => json!({ "type": "string", "description": about }),
    }
}

/// A value in which templates are resolved.
fn templated(about: &str) -> Value {
    json!({ "description": format!("{about}; a text may hold templates {{{{ctx.path}}}}") })
}

fn name(default: Option<&str>, about: &str) -> Value {
    let mut field = json!({ "type": "string", "pattern": NAME, "description": about });
    if let (Some(default), Some(field)) = (default, field.as_object_mut()) {
        field.insert("default".to_owned(), json!(default));
    }
    field
}

/// Inputs by name.
fn inputs(about: &str) -> Value {
    json!({ "type": "object", "description": format!("{about}; values may hold templates {{{{ctx.path}}}}") })
}

/// An older name of another field.
fn alias(of: &str) -> Value {
    json!({ "deprecated": true, "description": format!("an older name of {of}") })
}

fn test() -> Value {
    json!({
        "type": "object",
        "properties": {
            "leftValue": templated("what is compared; with the operator expression: JavaScript over ctx"),
            "operator": { "enum": OPERATORS, "default": "equals" },
            "rightValue": templated("what it is compared with"),
            "condition": alias("leftValue with the operator expression"),
            "expression": alias("leftValue with the operator expression"),
            "leftOperand": alias("leftValue"),
            "conditionType": alias("operator"),
            "rightOperand": alias("rightValue"),
        },
    })
}

fn own(kind: &str) -> Own {
    let of = |about, fields, required| Own { about, fields, required };
    match kind {
        "start" => of("where a run begins", json!({}), &[]),
        "end" => of(
            "ends the run",
            json!({
                "status": {
                    "type": "string", "default": "success", "examples": ["success", "error", "failed"],
                    "description": "error and failed end the run as FAILED",
                },
                "outputParameters": { "type": "array", "items": {
                    "type": "object",
                    "required": ["name"],
                    "properties": {
                        "name": { "type": "string", "minLength": 1 },
                        "sourceVariable": templated("the value"),
                    },
                } },
            }),
            &[],
        ),
        "javascript" => of(
            "runs code",
            json!({ "code": { "type": "string", "minLength": 1, "description": "body of an async function over ctx and args" } }),
            &["code"],
        ),
        "dataQuery" => of(
            "runs a saved query",
            json!({
                "dataQueryID": { "type": "string", "minLength": 1, "description": "the saved query" },
                "inputValues": inputs("inputs of the query"),
                "args": alias("inputValues"),
                "inputArgs": alias("inputValues"),
            }),
            &["dataQueryID"],
        ),
        "condition" => of(
            "takes the first branch that holds",
            json!({
                "branches": { "type": "array", "items": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": { "type": "string", "minLength": 1, "description": "its handle" },
                        "label": text(None, "for people"),
                        "name": alias("label"),
                        "conditionLogic": { "enum": ["AND", "OR"], "default": "AND" },
                        "conditions": { "type": "array", "items": test() },
                        "condition": alias("conditions"),
                        "expression": alias("conditions"),
                        "leftOperand": alias("conditions"),
                        "conditionType": alias("conditions"),
                        "rightOperand": alias("conditions"),
                    },
                } },
                "defaultBranch": text(Some("default"), "the handle when no branch holds"),
            }),
            &["branches"],
        ),
        "switch" => of(
            "takes the first case that fits",
            json!({
                "switchValue": templated("what is compared"),
                "cases": { "type": "array", "items": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": { "type": "string", "minLength": 1, "description": "its handle" },
                        "label": text(None, "for people"),
                        "operator": { "enum": OPERATORS, "default": "equals" },
                        "matchValue": templated("what it is compared with"),
                    },
                } },
            }),
            &[],
        ),
        "delay" => of(
            "goes on later, at most a day",
            json!({
                "delayType": { "enum": ["fixed", "dynamic", "until"], "default": "fixed" },
                "delayMinutes": number(0.0, 1440.0, Some(0.0), "fixed: minutes"),
                "delaySeconds": number(0.0, 59.0, Some(0.0), "fixed: seconds"),
                "delayMs": number(0.0, 999.0, Some(0.0), "fixed: milliseconds"),
                "delayVariable": templated("dynamic: milliseconds"),
                "untilTime": templated("until: RFC 3339, or milliseconds since 1970"),
            }),
            &[],
        ),
        "loop" => of(
            "runs its body once an item",
            json!({
                "sourceVariable": templated("the items"),
                "arrayExpression": alias("sourceVariable"),
                "itemVariable": name(Some("item"), "the item in ctx"),
                "loopVariable": alias("itemVariable"),
                "indexVariable": name(Some("index"), "the index in ctx"),
                "maxIterations": number(1.0, 100_000.0, Some(1000.0), "more items fail the node"),
                "delayBetweenItems": number(0.0, 60_000.0, Some(0.0), "milliseconds"),
            }),
            &[],
        ),
        "dataCollection" => of(
            "waits for a form",
            json!({
                "collectionType": text(Some("form"), "form or api"),
                "title": text(Some("Input required"), "of the form"),
                "formSchema": { "type": "object", "description": "JSON Schema of what is submitted" },
                "formUischema": { "type": "object", "description": "how pages draw it" },
                "expiryMinutes": { "type": "number", "minimum": 0, "default": 60, "description": "0 = never" },
                "timeoutHandle": text(None, "the handle at expiry; none: the node fails"),
                "onTimeout": { "type": "string", "description": "fail: the node fails at expiry" },
            }),
            &[],
        ),
        "approval" => of(
            "waits for a decision",
            json!({
                "approvers": { "description": "who may answer: emails or user ids, as a list or separated by commas" },
                "requireComment": flag(false, "an answer needs a comment"),
                "approveLabel": text(Some("Accept"), "of the button"),
                "rejectLabel": text(Some("Reject"), "of the button"),
                "cancelLabel": text(None, "of the button"),
                "expiryMinutes": { "type": "number", "minimum": 0, "default": 60, "description": "0 = never" },
                "onTimeout": { "enum": ["expired", "fail"], "default": "expired" },
            }),
            &[],
        ),
        "fanout" => of(
            "takes all its branches",
            json!({
                "branches": { "type": "array", "minItems": 1, "items": {
                    "type": "object",
                    "required": ["id"],
                    "properties": {
                        "id": { "type": "string", "minLength": 1, "description": "its handle" },
                        "name": text(None, "for people"),
                    },
                } },
            }),
            &["branches"],
        ),
        "join" => of(
            "brings branches together",
            json!({
                "sourceVariables": { "type": "array", "items": { "type": "string" }, "description": "keys of ctx" },
                "requireAll": flag(true, "a key that is missing fails the node"),
            }),
            &[],
        ),
        "subWorkflow" => of(
            "runs another workflow of the tenant",
            json!({
                "childWorkflowID": { "type": "string", "minLength": 1, "description": "the workflow" },
                "inputMapping": inputs("inputs of the child"),
                "mergeOutputs": flag(false, "adds the child's public context to this one's"),
                "maxDepth": { "type": "number", "minimum": 1, "default": 5, "description": "deepest nesting" },
            }),
            &["childWorkflowID"],
        ),
        _ => of("", json!({}), &[]),
    }
}
