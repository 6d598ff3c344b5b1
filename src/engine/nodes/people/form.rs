//! Answers against the JSON Schema of their form. Patterns are linear, nothing is fetched, and a schema
//! is as large as a definition lets it be.

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

/// Most issues that are told.
const MOST: usize = 50;
/// Largest compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;
/// Largest schema, bytes of JSON.
pub(super) const SCHEMA_BYTES: usize = 256 << 10;

/// Why an answer does not fit its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormIssue {
    /// A JSON pointer into the answer; empty = all of it.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

/// Why an answer does not fit a form: nothing if it does.
pub fn form_issues(schema: &Value, answer: &Value) -> Vec<FormIssue> {
    match compile(schema) {
        Ok(validator) => validator
            .iter_errors(answer)
            .take(MOST)
            .map(|error| FormIssue { path: error.instance_path().to_string(), message: error.to_string() })
            .collect(),
        Err(message) => vec![FormIssue { path: String::new(), message }],
    }
}

/// A schema that says no dialect is read as pages read it, by draft 7.
pub(super) fn compile(schema: &Value) -> Result<Validator, String> {
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
    let options = jsonschema::options().offline().with_pattern_options(patterns);
    let options = if schema.get("$schema").is_some() { options } else { options.with_draft(Draft::Draft7) };
    options.build(schema).map_err(|error| format!("the form's schema is none: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_answer_is_held_against_its_form() {
        let schema = json!({"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string", "pattern": "^[a-z]+$"}, "n": {"type": "integer"}, "size": {"enum": ["s", "l"]}}});
        assert_eq!(form_issues(&schema, &json!({"name": "x", "n": 1, "size": "s"})), []);
        let issues = form_issues(&schema, &json!({"n": "1", "size": "xl"}));
        let paths: Vec<&str> = issues.iter().map(|issue| issue.path.as_str()).collect();
        assert_eq!(paths.len(), 3, "{issues:?}");
        assert!(paths.contains(&"/n") && paths.contains(&"/size") && paths.contains(&""));
        assert_eq!(form_issues(&json!({}), &json!({"any": 1})), []);
    }

    #[test]
    fn hostile_schemas_are_refused_or_cheap() {
        assert!(compile(&json!({"$ref": "http://127.0.0.1:1/x.json"})).is_err());
        assert!(compile(&json!({"$ref": "file:///etc/passwd"})).is_err());
        assert!(compile(&json!({"pattern": "((a{1000}){1000}){1000}"})).is_err());
        assert!(compile(&json!({"type": "sausage"})).is_err());
        let text = json!("a".repeat(100_000) + "!");
        // An engine that backtracks would not come back from this.
        assert_eq!(form_issues(&json!({"pattern": "^(a+)+$"}), &text).len(), 1);
        let round = json!({"$ref": "#/definitions/a", "definitions": {"a": {"properties": {"x": {"$ref": "#/definitions/a"}}}}});
        assert_eq!(form_issues(&round, &json!({"x": {"x": {}}})), []);
    }
}
