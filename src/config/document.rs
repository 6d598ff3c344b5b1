//! A TOML text as JSON, with the line of every key.

use std::{collections::HashMap, ops::Range};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

/// What a file says. Keys of `lines` are paths such as `auth.issuers[0].url`.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub value: Map<String, Value>,
    pub lines: HashMap<String, usize>,
    /// Line and message of everything that is not TOML.
    pub syntax: Vec<(usize, String)>,
}

/// Reads a text to its end, whatever is wrong with it.
pub(super) fn parse(text: &str) -> Document {
    let (table, errors) = DeTable::parse_recoverable(text);
    let mut document = Document::default();
    for error in errors {
        let line = error.span().map_or(0, |span| line_of(text, &span));
        let message = (line, error.message().replace('\n', ", "));
        // One fault often has several words for it: the first of a line is enough.
        if document.syntax.last().is_none_or(|(last, _)| *last != line) {
            document.syntax.push(message);
        }
    }
    let mut reader = Reader { text, lines: &mut document.lines };
    document.value = reader.table(table.get_ref(), "");
    document
}

/// A single TOML value, for lists in the environment.
pub(super) fn parse_value(text: &str) -> Option<Value> {
    let text = format!("value = {text}");
    let mut document = parse(&text);
    if document.syntax.is_empty() { document.value.remove("value") } else { None }
}

fn line_of(text: &str, span: &Range<usize>) -> usize {
    let before = text.get(..span.start.min(text.len())).unwrap_or(text);
    before.bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// `section` and `key` joined.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

struct Reader<'t> {
    text: &'t str,
    lines: &'t mut HashMap<String, usize>,
}

impl Reader<'_> {
    fn table(&mut self, table: &DeTable<'_>, path: &str) -> Map<String, Value> {
        let mut out = Map::new();
        for (key, value) in table.iter() {
            let path = join(path, key.get_ref());
            self.lines.entry(path.clone()).or_insert_with(|| line_of(self.text, &key.span()));
            let value = self.value(value.get_ref(), &path);
            out.insert(key.get_ref().to_string(), value);
        }
        out
    }

    fn value(&mut self, value: &DeValue<'_>, path: &str) -> Value {
        match value {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Integer(integer) => {
                let number = i64::from_str_radix(integer.as_str(), integer.radix());
                number.map_or_else(|_| Value::String(integer.to_string()), Value::from)
            }
            DeValue::Float(float) => {
                let number = float.as_str().parse::<f64>().ok();
                number.map_or_else(|| Value::String(float.to_string()), Value::from)
            }
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Datetime(time) => Value::String(time.to_string()),
            DeValue::Array(items) => {
                let mut out = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let path = format!("{path}[{index}]");
                    self.lines.insert(path.clone(), line_of(self.text, &item.span()));
                    out.push(self.value(item.get_ref(), &path));
                }
                Value::Array(out)
            }
            DeValue::Table(table) => Value::Object(self.table(table, path)),
        }
    }
}
