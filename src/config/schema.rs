//! The schema of the settings, and the check of a value against it. Each fault is told with the
//! rule that it breaks and with what would do.

use serde_json::{Map, Value};

use super::{
    document::{join, parse_value},
    secret::REDACTED,
    sections::Config,
    values::{DurationSetting, Rate, Size},
};

/// One value that the schema does not allow.
#[derive(Debug)]
pub(super) struct Fault {
    pub path: String,
    pub value: Option<String>,
    pub rule: String,
    pub advice: String,
}

/// The schema of [`Config`].
#[derive(Debug)]
pub(super) struct Rules(Value);

impl Rules {
    pub fn of_config() -> Self {
        Self(schemars::schema_for!(Config).to_value())
    }

    /// The whole schema.
    pub fn root(&self) -> &Value {
        &self.0
    }

    /// Follows `$ref`, and the non-null part of an optional table.
    pub fn resolve<'s>(&'s self, node: &'s Value) -> &'s Value {
        if let Some(name) = node.get("$ref").and_then(Value::as_str) {
            let target = name.strip_prefix('#').and_then(|pointer| self.0.pointer(pointer));
            return target.map_or(node, |node| self.resolve(node));
        }
        match node.get("anyOf").and_then(Value::as_array).and_then(|any| any.first()) {
            Some(first) => self.resolve(first),
            None => node,
        }
    }

    /// The schema's node of `section.key`.
    pub fn setting(&self, section: &str, key: &str) -> Option<&Value> {
        let section = self.resolve(properties(&self.0)?.get(section)?);
        properties(section)?.get(key)
    }

    /// All settings as `(section, key)`, in the order of the structs.
    pub fn settings(&self) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for (section, node) in properties(&self.0).into_iter().flatten() {
            for key in properties(self.resolve(node)).into_iter().flat_map(Map::keys) {
                out.push((section.clone(), key.clone()));
            }
        }
        out
    }

    /// A text from the environment or a credential, as the type that the setting has. What cannot be
    /// read so stays a text: the check will say what is wrong with it.
    pub fn read_text(&self, node: &Value, text: &str) -> Value {
        let as_text = || Value::String(text.to_owned());
        let node = self.resolve(node);
        if node.get("x-kind").is_some() {
            return as_text();
        }
        match first_type(node) {
            "integer" => text.replace('_', "").parse::<i64>().map_or_else(|_| as_text(), Value::from),
            "boolean" => text.parse::<bool>().map_or_else(|_| as_text(), Value::from),
            "array" if text.trim_start().starts_with('[') => parse_value(text).unwrap_or_else(as_text),
            "array" => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                let items = node.get("items").unwrap_or(&Value::Null);
                Value::Array(parts.map(|part| self.read_text(items, part)).collect())
            }
            _ => as_text(),
        }
    }

    /// Everything that is wrong with `value`.
    pub fn check(&self, node: &Value, path: &str, value: &Value) -> Vec<Fault> {
        let mut faults = Vec::new();
        self.visit(node, path, value, &mut faults);
        faults
    }

    fn visit(&self, node: &Value, path: &str, value: &Value, faults: &mut Vec<Fault>) {
        let named = node;
        let node = self.resolve(node);
        let kind = node.get("x-kind").and_then(Value::as_str);
        let mut fail = |rule: String| {
            let value = Some(if kind == Some("secret") { format!("\"{REDACTED}\"") } else { show(value) });
            faults.push(Fault { path: path.to_owned(), value, rule, advice: advice(named) });
        };
        if let Some(allowed) = allowed(node) {
            if !value.as_str().is_some_and(|text| allowed.contains(&text)) {
                let list: Vec<_> = allowed.iter().map(|text| format!("\"{text}\"")).collect();
                fail(format!("must be {}", list.join(" or ")));
            }
            return;
        }
        if let Some(kind) = kind {
            if let Err(rule) = check_kind(kind, value, node, named) {
                fail(rule);
            }
            return;
        }
        match first_type(node) {
            "object" => match value {
                Value::Object(table) => self.visit_table(node, path, table, faults),
                _ => fail("must be a table".to_owned()),
            },
            "array" => match value {
                Value::Array(items) => {
                    let node = node.get("items").unwrap_or(&Value::Null);
                    for (index, item) in items.iter().enumerate() {
                        self.visit(node, &format!("{path}[{index}]"), item, faults);
                    }
                }
                _ => fail("must be a list".to_owned()),
            },
            "integer" => {
                let (min, max) = (bound(named, node, "minimum"), bound(named, node, "maximum"));
                match value.as_i64() {
                    None => fail("must be a whole number without quotes".to_owned()),
                    Some(n) if min.is_some_and(|min| n < min) || max.is_some_and(|max| n > max) => {
                        fail(range(min.map(|n| n.to_string()), max.map(|n| n.to_string())));
                    }
                    Some(_) => {}
                }
            }
            "boolean" if !value.is_boolean() => fail("must be true or false, without quotes".to_owned()),
            "string" if !value.is_string() => fail("must be a text in quotes".to_owned()),
            _ => {}
        }
    }

    fn visit_table(&self, node: &Value, path: &str, table: &Map<String, Value>, faults: &mut Vec<Fault>) {
        let empty = Map::new();
        let known = properties(node).unwrap_or(&empty);
        for (key, value) in table {
            let path = join(path, key);
            match known.get(key) {
                Some(node) => self.visit(node, &path, value, faults),
                None => {
                    let advice = suggest(key, known.keys().map(String::as_str));
                    faults.push(Fault { path, value: None, rule: "is not a setting".to_owned(), advice });
                }
            }
        }
        for key in node.get("required").and_then(Value::as_array).into_iter().flatten() {
            let Some(key) = key.as_str().filter(|key| !table.contains_key(*key)) else { continue };
            let advice = known.get(key).map(advice).unwrap_or_default();
            faults.push(Fault { path: join(path, key), value: None, rule: "is missing".to_owned(), advice });
        }
    }
}

/// Fields of a table's schema.
pub(super) fn properties(node: &Value) -> Option<&Map<String, Value>> {
    node.get("properties")?.as_object()
}

/// The first type that the schema names.
pub(super) fn first_type(node: &Value) -> &str {
    match node.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => names.first().and_then(Value::as_str).unwrap_or(""),
        _ => "",
    }
}

/// The texts that an enum allows.
pub(super) fn allowed(node: &Value) -> Option<Vec<&str>> {
    if let Some(list) = node.get("enum").and_then(Value::as_array) {
        return Some(list.iter().filter_map(Value::as_str).collect());
    }
    let list = node.get("oneOf")?.as_array()?;
    Some(list.iter().filter_map(|one| one.get("const")?.as_str()).collect())
}

/// Smallest and largest value as text, of a node with `x-min`, `x-max` or a range.
pub(super) fn limits(node: &Value) -> (Option<String>, Option<String>) {
    let text = |name: &str| node.get(name).and_then(Value::as_str).map(str::to_owned);
    let number = |name: &str| node.get(name).and_then(Value::as_i64).map(|n| n.to_string());
    (text("x-min").or_else(|| number("minimum")), text("x-max").or_else(|| number("maximum")))
}

fn bound(named: &Value, node: &Value, name: &str) -> Option<i64> {
    named.get(name).or_else(|| node.get(name)).and_then(Value::as_i64)
}

fn range(min: Option<String>, max: Option<String>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("must be {min} to {max}"),
        (Some(min), None) => format!("must be at least {min}"),
        (None, Some(max)) => format!("must be at most {max}"),
        (None, None) => "is out of range".to_owned(),
    }
}

fn check_kind(kind: &str, value: &Value, node: &Value, named: &Value) -> Result<(), String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if kind == "size" => number.to_string(),
        _ => String::new(),
    };
    let (min, max) = if named.get("x-kind").is_some() { limits(named) } else { limits(node) };
    fn within<T: std::str::FromStr<Err = super::BadValue> + PartialOrd>(
        text: &str,
        min: Option<String>,
        max: Option<String>,
    ) -> Result<(), String> {
        let value: T = text.parse().map_err(|error: super::BadValue| error.to_string())?;
        let read = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<T>().ok());
        let low = read(&min).is_some_and(|min| value < min);
        if low || read(&max).is_some_and(|max| value > max) { Err(range(min, max)) } else { Ok(()) }
    }
    match kind {
        "duration" => within::<DurationSetting>(&text, min, max),
        "size" => within::<Size>(&text, min, max),
        "rate" => text.parse::<Rate>().map(|_| ()).map_err(|error| error.to_string()),
        _ if value.is_string() => Ok(()),
        _ => Err("must be a text in quotes".to_owned()),
    }
}

/// A value as a message shows it.
pub(super) fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// What would do: the default, or an example.
pub(super) fn advice(node: &Value) -> String {
    if let Some(example) = node.get("x-example") {
        return format!("for example {example}");
    }
    match node.get("default") {
        Some(Value::Null | Value::Object(_)) | None => String::new(),
        Some(default) => format!("the default is {default}"),
    }
}

/// "did you mean", or the list of what there is.
pub(super) fn suggest<'k>(given: &str, known: impl Iterator<Item = &'k str>) -> String {
    let known: Vec<_> = known.collect();
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), strsim::jaro_winkler(given, name), *name))
        .filter(|(distance, likeness, name)| *distance <= 2.max(name.len() / 4) || *likeness > 0.9)
        .min_by_key(|(distance, ..)| *distance);
    match near {
        Some((.., name)) => format!("did you mean {name}?"),
        None if known.len() <= 20 => format!("there are {}", known.join(", ")),
        None => "see jethub config reference".to_owned(),
    }
}
