//! Inputs of a run (`contract.md` 5.2): default, coerce, required.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::engine::value::{number, number_value, text, truthy};

/// One input that does not fit its definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputProblem {
    /// The input's key.
    pub key: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for InputProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.message)
    }
}

/// Applies the input definitions of `workflowOptions` to what was given: for each in order the
/// default (if absent or null), the coercion, the required check. With definitions unknown keys
/// are dropped and missing optional ones become null; without them everything passes.
pub fn resolve_inputs(
    options: &Value,
    given: Option<&Value>,
) -> Result<Map<String, Value>, Vec<InputProblem>> {
    let nothing = Map::new();
    let given = match given {
        None | Some(Value::Null) => &nothing,
        Some(Value::Object(given)) => given,
        Some(_) => {
            let message = "must be an object".to_owned();
            return Err(vec![InputProblem { key: "inputValues".to_owned(), message }]);
        }
    };
    let definitions: Vec<(&str, &Map<String, Value>)> = definitions(options).collect();
    if definitions.is_empty() {
        return Ok(given.clone());
    }
    let (mut inputs, mut problems) = (Map::new(), Vec::new());
    for (key, definition) in definitions {
        match one(definition, given.get(key)) {
            Ok(value) => drop(inputs.insert(key.to_owned(), value)),
            Err(message) => problems.push(InputProblem { key: key.to_owned(), message }),
        }
    }
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}

/// `inputDefinitions`, or `args` of older definitions.
fn definitions(options: &Value) -> impl Iterator<Item = (&str, &Map<String, Value>)> {
    let list = ["inputDefinitions", "args"].into_iter().find_map(|name| options.get(name)?.as_array());
    list.into_iter().flatten().filter_map(|definition| {
        let definition = definition.as_object()?;
        let key = ["key", "name"].into_iter().find_map(|name| definition.get(name)?.as_str())?;
        (!key.is_empty()).then_some((key, definition))
    })
}

fn one(definition: &Map<String, Value>, given: Option<&Value>) -> Result<Value, String> {
    let default = || definition.get("default").or_else(|| definition.get("defaultValue"));
    let value = given.filter(|value| !value.is_null()).or_else(default).unwrap_or(&Value::Null);
    let kind = definition.get("type").and_then(Value::as_str).unwrap_or_default();
    let value = coerce(value, kind)?;
    let required = definition.get("required").is_some_and(truthy);
    if required && (value.is_null() || value.as_str() == Some("")) {
        return Err("is required".to_owned());
    }
    Ok(value)
}

fn coerce(value: &Value, kind: &str) -> Result<Value, String> {
    if value.is_null() {
        return Ok(Value::Null);
    }
    match kind {
        "string" => Ok(Value::String(text(value).into_owned())),
        "number" => match value {
            Value::String(text) if text.trim().is_empty() => Ok(Value::Null),
            Value::Array(_) | Value::Object(_) => Err("must be a number".to_owned()),
            Value::Number(_) => Ok(value.clone()),
            other => number_value(number(other)).ok_or_else(|| "must be a number".to_owned()),
        },
        "boolean" => Ok(Value::Bool(match value {
            Value::String(text) if text == "false" => false,
            other => truthy(other),
        })),
        "object" => structured(value, Value::is_object, Value::Null, "must be an object"),
        "array" => structured(value, Value::is_array, Value::Array(Vec::new()), "must be an array"),
        _ => Ok(value.clone()),
    }
}

fn structured(value: &Value, fits: fn(&Value) -> bool, blank: Value, wrong: &str) -> Result<Value, String> {
    let parsed = match value {
        Value::String(text) if text.trim().is_empty() => return Ok(blank),
        Value::String(text) => {
            serde_json::from_str(text).map_err(|_| format!("{wrong}; the text is no JSON"))?
        }
        other => other.clone(),
    };
    if fits(&parsed) { Ok(parsed) } else { Err(wrong.to_owned()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn single(definition: Value, given: Value) -> Result<Value, String> {
        let mut definition = definition;
        definition["key"] = json!("k");
        let options = json!({"inputDefinitions": [definition]});
        match resolve_inputs(&options, Some(&json!({"k": given, "unknown": 1}))) {
            Ok(inputs) => {
                assert_eq!(inputs.len(), 1, "unknown keys are dropped");
                Ok(inputs["k"].clone())
            }
            Err(problems) => Err(problems[0].message.clone()),
        }
    }

    #[test]
    fn the_table_of_coercions() {
        let fits = [
            ("string", json!(5), json!("5")),
            ("string", json!({"a": 1}), json!("{\"a\":1}")),
            ("string", json!(null), json!(null)),
            ("number", json!(""), json!(null)),
            ("number", json!("12"), json!(12)),
            ("number", json!("1.5"), json!(1.5)),
            ("number", json!(7), json!(7)),
            ("number", json!(true), json!(1)),
            ("boolean", json!("true"), json!(true)),
            ("boolean", json!(1), json!(true)),
            ("boolean", json!("false"), json!(false)),
            ("boolean", json!(0), json!(false)),
            ("boolean", json!(""), json!(false)),
            ("boolean", json!("yes"), json!(true)),
            ("object", json!("{\"a\":1}"), json!({"a": 1})),
            ("object", json!(" "), json!(null)),
            ("array", json!("[1]"), json!([1])),
            ("array", json!(""), json!([])),
            ("array", json!([2]), json!([2])),
            ("", json!({"any": 1}), json!({"any": 1})),
        ];
        for (kind, given, expected) in fits {
            assert_eq!(single(json!({"type": kind}), given.clone()), Ok(expected), "{kind} {given}");
        }
        let wrong = [
            ("number", json!("x")),
            ("number", json!([1])),
            ("number", json!("Infinity")),
            ("object", json!([1])),
            ("object", json!("[1]")),
            ("object", json!("{")),
            ("array", json!({"a": 1})),
            ("array", json!(3)),
        ];
        for (kind, given) in wrong {
            assert!(single(json!({"type": kind}), given.clone()).is_err(), "{kind} {given}");
        }
    }

    #[test]
    fn defaults_come_before_the_required_check() {
        assert_eq!(
            single(json!({"type": "number", "default": "3", "required": true}), json!(null)),
            Ok(json!(3))
        );
        assert_eq!(single(json!({"type": "string", "defaultValue": "d"}), json!(null)), Ok(json!("d")));
        assert_eq!(single(json!({"type": "string", "default": "d"}), json!("")), Ok(json!("")));
        for blank in [json!(null), json!("")] {
            assert!(single(json!({"type": "string", "required": true}), blank).is_err());
        }
    }

    #[test]
    fn without_definitions_everything_passes() {
        let given = json!({"x": 1, "y": {"z": 2}});
        for options in [json!({}), json!(null), json!({"inputDefinitions": []})] {
            assert_eq!(resolve_inputs(&options, Some(&given)).map(Value::Object), Ok(given.clone()));
        }
        assert_eq!(resolve_inputs(&json!({}), None), Ok(Map::new()));
        assert!(resolve_inputs(&json!({}), Some(&json!([1]))).is_err());
    }

    #[test]
    fn every_problem_is_told_and_older_forms_count() {
        let options = json!({"args": [
            {"name": "a", "type": "number"}, {"name": "b", "required": true}, {"name": "c"}, "garbage", {"type": "string"}]});
        let problems = resolve_inputs(&options, Some(&json!({"a": "x"}))).unwrap_err();
        assert_eq!(
            problems.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["a: must be a number", "b: is required"]
        );
        let inputs = resolve_inputs(&options, Some(&json!({"b": 1}))).unwrap();
        assert_eq!(Value::Object(inputs), json!({"a": null, "b": 1, "c": null}));
    }
}
