//! What may be saved.

use serde_json::Value;
use serde_json_path::JsonPath;
use url::Url;

use super::template::{Part, parse, texts};
use crate::datasource::{Problem, settings::problem};

/// Methods that a query may have.
pub(super) const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// The address of a source.
pub(super) fn base(options: &Value) -> Option<Url> {
    let text = ["url", "baseUrl"].into_iter().find_map(|key| options.get(key)?.as_str())?;
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (["http", "https"].contains(&url.scheme()) && url.has_host() && plain && !text.contains("{{"))
        .then_some(url)
}

/// What is wrong with the options of a source.
pub(in crate::datasource) fn source_problems(options: &Value) -> Vec<Problem> {
    let mut out = Vec::new();
    if base(options).is_none() {
        let hint = "for example \"https://api.example.com/v1\"; no user, no template, no fragment";
        out.push(problem("url", "url", "must be an http or https address", hint));
    }
    headers(options, &mut out);
    let auth = options.get("auth").filter(|auth| !auth.is_null());
    let kind = auth.and_then(|auth| auth.get("type")).and_then(Value::as_str);
    let text = |key: &str| auth.and_then(|auth| auth.get(key)).and_then(Value::as_str).unwrap_or_default();
    match (auth, kind) {
        (None, _) | (_, Some("none" | "bearer")) => {}
        (_, Some("basic")) if !text("username").is_empty() => {}
        (_, Some("basic")) => {
            out.push(problem(
                "auth.username",
                "missing",
                "must be a text",
                "the password is the credential password",
            ));
        }
        (_, Some("apiKey")) if !text("name").is_empty() && matches!(text("in"), "" | "header" | "query") => {}
        (_, Some("apiKey")) => {
            let hint = "auth: { type: \"apiKey\", name: \"X-API-Key\", in: \"header\" or \"query\" }; the key is the credential apiKey";
            out.push(problem("auth", "auth", "needs a name, and in must be header or query", hint));
        }
        _ => {
            let hint = "one of none, bearer (credential token), basic (username, credential password), apiKey (credential apiKey)";
            out.push(problem("auth.type", "auth", "is none of its words", hint));
        }
    }
    out
}

/// What is wrong with a query.
pub(in crate::datasource) fn query_problems(options: &Value) -> Vec<Problem> {
    let mut out = Vec::new();
    let text = |key: &str| options.get(key).filter(|value| !value.is_null());
    let method = text("method").map_or(Some("GET"), Value::as_str).unwrap_or_default();
    if !METHODS.contains(&method) {
        out.push(problem(
            "method",
            "method",
            "is none of its words",
            format!("one of {}", METHODS.join(", ")),
        ));
    }
    match text("path").map_or(Some(""), Value::as_str) {
        Some(path) if path.contains("://") || path.starts_with("//") || path.contains(['#', '\\']) => {
            let hint = "a path below the source's address, like \"/orders/{{id}}\"; the query string is the object query";
            out.push(problem("path", "path", "is no path", hint));
        }
        Some(path) if path.split('?').skip(1).any(|rest| rest.contains("{{")) => {
            let hint = "put it into the object query: { \"name\": \"{{input}}\" }";
            out.push(problem(
                "path",
                "template_in_query",
                "a template stands behind the question mark",
                hint,
            ));
        }
        Some(_) => {}
        None => out.push(problem("path", "type", "must be a text", "for example \"/orders/{{id}}\"")),
    }
    if text("query").is_some_and(|query| !query.is_object()) {
        out.push(problem("query", "type", "must be an object", "{ \"page\": \"{{page}}\" }"));
    }
    headers(options, &mut out);
    match text("bodyType").map_or(Some("json"), Value::as_str) {
        Some("json") => {}
        Some("form") if text("body").is_none_or(Value::is_object) => {}
        Some("text") if text("body").is_none_or(Value::is_string) => {}
        Some("form") => out.push(problem("body", "type", "must be an object", "of the form's fields")),
        Some("text") => out.push(problem("body", "type", "must be a text", "")),
        _ => out.push(problem("bodyType", "body", "is none of its words", "one of json, form, text")),
    }
    if !matches!(text("responseType").map_or(Some("json"), Value::as_str), Some("json" | "text")) {
        out.push(problem("responseType", "type", "is none of its words", "one of json, text"));
    }
    if let Some(path) = text("resultPath")
        && path.as_str().and_then(|path| JsonPath::parse(path).ok()).is_none()
    {
        out.push(problem(
            "resultPath",
            "path",
            "is no JSON path (RFC 9535)",
            "for example \"$.data[*].name\"",
        ));
    }
    templates(options, &mut out);
    out
}

/// Names and values must be texts; names are never made from inputs.
fn headers(options: &Value, out: &mut Vec<Problem>) {
    let Some(headers) = options.get("headers").filter(|headers| !headers.is_null()) else { return };
    let Some(headers) = headers.as_object() else {
        out.push(problem("headers", "type", "must be an object", "{ \"Accept-Language\": \"de\" }"));
        return;
    };
    for (name, value) in headers {
        let path = format!("headers.{name}");
        let token = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let plain = value.as_str().is_some_and(|text| !text.contains(['\r', '\n', '\0']));
        if !token || !plain {
            out.push(problem(
                path,
                "invalid_header",
                "is no header",
                "letters, digits and - ; the value a text of one line",
            ));
        }
    }
}

fn templates(options: &Value, out: &mut Vec<Problem>) {
    let list = ["inputDefinitions", "args"].into_iter().find_map(|key| options.get(key)?.as_array());
    let keys: Option<Vec<&str>> = list.filter(|list| !list.is_empty()).map(|list| {
        list.iter().filter_map(|one| one.get("key").or_else(|| one.get("name"))?.as_str()).collect()
    });
    for field in ["path", "query", "headers", "body"] {
        let Some(value) = options.get(field) else { continue };
        texts(value, field, &mut |path, text| match parse(text) {
            Err(message) => {
                out.push(problem(
                    path,
                    "template",
                    message,
                    "write {{name}}, where name is an input of the query",
                ));
            }
            Ok(parts) => {
                for part in parts {
                    if let (Part::Input(name), Some(keys)) = (part, &keys)
                        && !keys.contains(&name)
                    {
                        let message = format!("{{{{{name}}}}} is no input of the query");
                        out.push(problem(path, "unknown_input", message, "declare it in inputDefinitions"));
                    }
                }
            }
        });
    }
}
