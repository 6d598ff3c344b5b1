//! `{{name}}` in texts of a request.

use serde_json::{Map, Value};

use crate::datasource::sql::text_of;

/// A text in parts.
pub(super) enum Part<'a> {
    Text(&'a str),
    Input(&'a str),
}

/// Reads a text; `Err` has what is no name.
pub(super) fn parse(text: &str) -> Result<Vec<Part<'_>>, String> {
    let (mut out, mut rest) = (Vec::new(), text);
    while let Some((before, behind)) = rest.split_once("{{") {
        let (name, after) = behind.split_once("}}").ok_or("{{ has no }}")?;
        let name = name.trim();
        let valid = name.chars().all(|c| c == '_' || c.is_alphanumeric())
            && name.chars().next().is_some_and(|c| !c.is_ascii_digit());
        if !valid {
            return Err(format!("{{{{{name}}}}} is not the name of an input"));
        }
        if !before.is_empty() {
            out.push(Part::Text(before));
        }
        out.push(Part::Input(name));
        rest = after;
    }
    if !rest.is_empty() {
        out.push(Part::Text(rest));
    }
    Ok(out)
}

/// The text with each input as `encode` writes it.
pub(super) fn fill(text: &str, inputs: &Map<String, Value>, encode: impl Fn(&str) -> String) -> String {
    let Ok(parts) = parse(text) else { return text.to_owned() };
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(plain) => out.push_str(plain),
            Part::Input(name) => out.push_str(&encode(&text_of(inputs.get(name).unwrap_or(&Value::Null)))),
        }
    }
    out
}

/// The input, if the whole text is one template.
pub(super) fn whole<'i>(text: &str, inputs: &'i Map<String, Value>) -> Option<Option<&'i Value>> {
    match parse(text.trim()).ok()?.as_slice() {
        [Part::Input(name)] => Some(inputs.get(*name)),
        _ => None,
    }
}

/// A JSON value with its texts filled: a whole template keeps the input's type.
pub(super) fn fill_json(value: &Value, inputs: &Map<String, Value>) -> Value {
    match value {
        Value::String(text) => match whole(text, inputs) {
            Some(input) => input.cloned().unwrap_or_default(),
            None => Value::from(fill(text, inputs, str::to_owned)),
        },
        Value::Array(items) => items.iter().map(|item| fill_json(item, inputs)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, item)| (key.clone(), fill_json(item, inputs))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

/// Calls back with each text in a value and its path.
pub(super) fn texts<'v>(value: &'v Value, path: &str, each: &mut dyn FnMut(&str, &'v str)) {
    match value {
        Value::String(text) => each(path, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                texts(item, &format!("{path}[{index}]"), each);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                texts(item, &format!("{path}.{key}"), each);
            }
        }
        _ => {}
    }
}
