//! Templates and field paths resolved for somebody who is shown a context: never an error, and bounded,
//! because a short template may name a long value many times.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    fields::{Context, json_size},
    path::{Lookup, Path, walk_steps},
    template::Template,
};

impl Lookup for Context {
    fn member(&self, name: &str) -> Option<Cow<'_, Value>> {
        self.fields().get(name).map(|value| Cow::Borrowed(value.as_ref()))
    }
    fn whole(&self) -> Value {
        self.fields().to_value()
    }
}

/// Reads a user context for one answer of at most so many bytes.
pub struct Resolver<'a> {
    context: &'a Context,
    left: usize,
}

/// The answer would be too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what the templates give is too large")]
pub struct TooLarge;

impl<'a> Resolver<'a> {
    /// `most` bytes, about, of JSON.
    pub fn new(context: &'a Context, most: usize) -> Self {
        Self { context, left: most }
    }

    /// Templates in texts, in arrays and in the values of objects; a missing path is null.
    pub fn templates(&mut self, value: &Value) -> Result<Value, TooLarge> {
        self.each(value, Self::template)
    }

    /// The same, where a text without a template is a path into the context: `rows[0].name`, with or
    /// without `ctx.` before it; `rows[*].name` is the array of all of them.
    pub fn fields(&mut self, value: &Value) -> Result<Value, TooLarge> {
        self.each(
            value,
            |resolver, text| {
                if text.contains("{{") { resolver.template(text) } else { resolver.field(text) }
            },
        )
    }

    fn each(
        &mut self,
        value: &Value,
        text: fn(&mut Self, &str) -> Result<Value, TooLarge>,
    ) -> Result<Value, TooLarge> {
        match value {
            Value::String(string) => text(self, string),
            Value::Array(items) => {
                let items: Result<Vec<Value>, TooLarge> =
                    items.iter().map(|item| self.each(item, text)).collect();
                items.map(Value::Array)
            }
            Value::Object(map) => {
                let mut out = Map::new();
                for (key, item) in map {
                    self.charge(key.len())?;
                    out.insert(key.clone(), self.each(item, text)?);
                }
                Ok(Value::Object(out))
            }
            other => self.take(other),
        }
    }

    fn template(&mut self, text: &str) -> Result<Value, TooLarge> {
        let Ok(template) = Template::parse(text) else { return self.take(&Value::from(text)) };
        match template.whole() {
            Some(path) => match path.get(self.context) {
                Some(found) => self.take(&found),
                None => self.take(&Value::Null),
            },
            None => {
                let resolved = template.resolve(self.context).unwrap_or_default();
                self.charge(json_size(&resolved))?;
                Ok(resolved)
            }
        }
    }

    fn field(&mut self, text: &str) -> Result<Value, TooLarge> {
        let mut parts = text.trim().split("[*]");
        let first = parts.next().unwrap_or_default();
        let rooted = first == "ctx" || first.starts_with("ctx.") || first.starts_with("ctx[");
        let path = match first {
            "" => None,
            first if rooted => Path::parse(first),
            first => Path::parse(&format!("ctx.{first}")),
        };
        let rest: Option<Vec<Path>> = parts.map(|part| Path::parse(&format!("ctx{part}"))).collect();
        let (Some(path), Some(rest)) = (path, rest) else { return self.take(&Value::Null) };
        match path.get(self.context) {
            Some(found) => self.spread(&found, &rest),
            None => self.take(&Value::Null),
        }
    }

    /// Each path is followed from every item of the array before it.
    fn spread(&mut self, found: &Value, paths: &[Path]) -> Result<Value, TooLarge> {
        let Some((path, rest)) = paths.split_first() else { return self.take(found) };
        let Value::Array(items) = found else { return self.take(&Value::Null) };
        let each = items.iter().map(|item| match walk_steps(item, path) {
            Some(found) => self.spread(&found, rest),
            None => self.take(&Value::Null),
        });
        let all: Result<Vec<Value>, TooLarge> = each.collect();
        all.map(Value::Array)
    }

    fn take(&mut self, value: &Value) -> Result<Value, TooLarge> {
        self.charge(json_size(value))?;
        Ok(value.clone())
    }

    fn charge(&mut self, bytes: usize) -> Result<(), TooLarge> {
        // A comma, a colon, a bracket.
        self.left = self.left.checked_sub(bytes.saturating_add(1)).ok_or(TooLarge)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::Fields;

    fn context() -> Context {
        let rows = json!([{ "m": "Jan", "v": [1, 2] }, { "m": "Feb", "v": [3] }, { "v": [] }]);
        Context::new(Fields::new().with("rows", rows).with("n", 42).with("who", "ann"))
    }

    #[test]
    fn templates_keep_types_and_miss_with_null() {
        let context = context();
        let config = json!({ "t": "Sales of {{ctx.who}}", "data": "{{ctx.rows}}", "n": "{{ctx.n}}", "no": "{{ctx.gone}}",
            "kept": ["{{ctx.a || 1}}", true, null, 1.5] });
        let resolved = Resolver::new(&context, 10_000).templates(&config).unwrap();
        assert_eq!(resolved["t"], "Sales of ann");
        assert_eq!((&resolved["data"][1]["m"], &resolved["n"]), (&json!("Feb"), &json!(42)));
        assert_eq!(resolved["no"], Value::Null);
        assert_eq!(resolved["kept"], json!(["{{ctx.a || 1}}", true, null, 1.5]));
    }

    #[test]
    fn a_plain_field_is_a_path() {
        let context = context();
        let cases = [
            ("n", json!(42)),
            ("ctx.n", json!(42)),
            ("rows[0].m", json!("Jan")),
            ("rows[*].m", json!(["Jan", "Feb", null])),
            ("rows[*].v[*]", json!([[1, 2], [3], []])),
            ("rows[*]", json!([{ "m": "Jan", "v": [1, 2] }, { "m": "Feb", "v": [3] }, { "v": [] }])),
            ("n[*].x", Value::Null),
            ("gone[*].x", Value::Null),
            ("no path at all", Value::Null),
            ("", Value::Null),
            ("[*]", Value::Null),
            ("{{ctx.who}}!", json!("ann!")),
            ("rows.__proto__", Value::Null),
        ];
        for (text, expected) in cases {
            let resolved = Resolver::new(&context, 10_000).fields(&json!({ "f": [text] })).unwrap();
            assert_eq!(resolved["f"][0], expected, "{text}");
        }
    }

    #[test]
    fn many_mentions_of_a_large_value_are_too_large() {
        let context = Context::new(Fields::new().with("big", "x".repeat(100_000)));
        let config = json!(vec!["{{ctx.big}}"; 20]);
        assert_eq!(Resolver::new(&context, 1_000_000).templates(&config), Err(TooLarge));
        assert!(Resolver::new(&context, 2_100_000).templates(&config).is_ok());
    }
}
