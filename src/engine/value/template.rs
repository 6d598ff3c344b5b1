//! Templates: text with `{{ctx.path}}`, nothing else.

use std::borrow::Cow;

use serde_json::Value;

use super::{
    js::text,
    path::{Lookup, Path},
};

/// A template that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{{{{{0}}}}} is not a path like {{{{ctx.name}}}}, {{{{ctx.list[0].name}}}} or {{{{ctx.map[\"key\"]}}}}"
)]
pub(in crate::engine) struct TemplateError(String);

#[derive(Debug, Clone, PartialEq)]
enum Part<'a> {
    Text(&'a str),
    Path(Path),
}

/// A text in parts.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Template<'a> {
    parts: Vec<Part<'a>>,
    whole: bool,
}

impl<'a> Template<'a> {
    /// Reads a text; braces without an end are text.
    pub(in crate::engine) fn parse(text: &'a str) -> Result<Self, TemplateError> {
        // White space around a single template does not make it a text.
        let text = if text.trim_start().starts_with("{{") && text.trim_end().ends_with("}}") {
            text.trim()
        } else {
            text
        };
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, inside, after)) = next(rest) {
            if !before.is_empty() {
                parts.push(Part::Text(before));
            }
            parts.push(Part::Path(Path::parse(inside).ok_or_else(|| TemplateError(shorten(inside)))?));
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest));
        }
        let whole = matches!(parts.as_slice(), [Part::Path(_)]);
        Ok(Self { parts, whole })
    }

    /// The path of a text that is one template and nothing else.
    pub(in crate::engine) fn whole(&self) -> Option<&Path> {
        match self.parts.as_slice() {
            [Part::Path(path)] if self.whole => Some(path),
            _ => None,
        }
    }

    /// The paths in it.
    pub(in crate::engine) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().filter_map(|part| match part {
            Part::Path(path) => Some(path),
            Part::Text(_) => None,
        })
    }

    /// The value: of a whole template with its type (`None` = missing path), else a text.
    pub(in crate::engine) fn resolve(&self, ctx: &dyn Lookup) -> Option<Value> {
        if let Some(path) = self.whole() {
            return path.get(ctx).map(Cow::into_owned);
        }
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => out.push_str(plain),
                Part::Path(path) => {
                    if let Some(value) = path.get(ctx) {
                        out.push_str(&text(&value));
                    }
                }
            }
        }
        Some(Value::String(out))
    }
}

fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("{{")?;
    let (inside, after) = rest.split_once("}}")?;
    Some((before, inside, after))
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= 80 { text.to_owned() } else { text.chars().take(80).chain(['…']).collect() }
}

/// Resolves templates in texts, and in the values of arrays and objects; `None` = the whole is one
/// template and its path is missing. A text that is no template (it was refused at validation)
/// stays as it is.
pub(in crate::engine) fn resolve(value: &Value, ctx: &dyn Lookup) -> Option<Value> {
    match value {
        Value::String(text) => match Template::parse(text) {
            Ok(template) => template.resolve(ctx),
            Err(_) => Some(value.clone()),
        },
        Value::Array(items) => {
            Some(items.iter().map(|item| resolve(item, ctx).unwrap_or(Value::Null)).collect())
        }
        Value::Object(map) => Some(Value::Object(
            map.iter()
                .map(|(key, value)| (key.clone(), resolve(value, ctx).unwrap_or(Value::Null)))
                .collect(),
        )),
        other => Some(other.clone()),
    }
}

/// Calls back with each bad template in a value and its path below `path`.
pub(in crate::engine) fn templates_in(value: &Value, path: &str, bad: &mut dyn FnMut(&str, TemplateError)) {
    match value {
        Value::String(text) => {
            if let Err(error) = Template::parse(text) {
                bad(path, error);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                templates_in(item, &format!("{path}[{index}]"), bad);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                templates_in(item, &format!("{path}.{key}"), bad);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::engine::Fields;

    impl Lookup for Fields {
        fn member(&self, name: &str) -> Option<Cow<'_, Value>> {
            self.get(name).map(|value| Cow::Borrowed(value.as_ref()))
        }
        fn whole(&self) -> Value {
            self.to_value()
        }
    }

    fn ctx() -> Fields {
        Fields::new()
            .with("n", 42)
            .with("f", 1.5)
            .with("s", "a $& b")
            .with("null", Value::Null)
            .with("list", json!([{"b": "first"}, "two"]))
            .with("map", json!({"k k": 1, "a": {"b": [1, 2]}, "quo\"te": 2, "7": "seven"}))
            .with("__node_1f-2", json!({"output": {"x": 9}}))
    }

    #[test]
    fn the_table_of_templates() {
        let cases = [
            ("{{ctx.n}}", Some(json!(42))),
            ("  {{ ctx.n }}\n", Some(json!(42))),
            ("{{ctx.list[0].b}}", Some(json!("first"))),
            ("{{ctx.list[ 1 ]}}", Some(json!("two"))),
            ("{{ctx.list.0.b}}", Some(json!("first"))),
            ("{{ctx.list[9]}}", None),
            ("{{ctx.list.length}}", Some(json!(2))),
            ("{{ctx.s.length}}", Some(json!(6))),
            ("{{ctx.map[\"k k\"]}}", Some(json!(1))),
            ("{{ctx.map['k k']}}", Some(json!(1))),
            ("{{ctx.map[\"quo\\\"te\"]}}", Some(json!(2))),
            ("{{ctx.map[7]}}", Some(json!("seven"))),
            ("{{ctx[\"n\"]}}", Some(json!(42))),
            ("{{ctx.map.a}}", Some(json!({"b": [1, 2]}))),
            ("{{ctx.__node_1f-2.output.x}}", Some(json!(9))),
            ("{{ctx.missing.deeper}}", None),
            ("{{ctx.null}}", Some(json!(null))),
            ("{{ctx.null.x}}", None),
            ("{{ctx.constructor}}", None),
            ("{{ctx.map.__proto__}}", None),
            ("{{ctx.n.constructor}}", None),
            ("n={{ctx.n}} f={{ctx.f}} s={{ctx.s}}", Some(json!("n=42 f=1.5 s=a $& b"))),
            (
                "[{{ctx.missing}}|{{ctx.null}}|{{ctx.map.a}}|{{ctx.list}}]",
                Some(json!("[||{\"b\":[1,2]}|[{\"b\":\"first\"},\"two\"]]")),
            ),
            ("{{ctx.n}}{{ctx.n}}", Some(json!("4242"))),
            (" {{ctx.n}} {{ctx.n}} ", Some(json!("42 42"))),
            ("plain", Some(json!("plain"))),
            (" plain ", Some(json!(" plain "))),
            ("", Some(json!(""))),
            ("open {{ctx.n", Some(json!("open {{ctx.n"))),
        ];
        for (template, expected) in cases {
            assert_eq!(resolve(&json!(template), &ctx()), expected, "{template}");
        }
    }

    #[test]
    fn nothing_but_paths_is_taken() {
        let refused = [
            "{{ constructor.constructor(\"return process\")() }}",
            "{{ctx.a || ctx.b}}",
            "{{ctx.a ? 1 : 2}}",
            "{{() => 1}}",
            "{{...ctx.a}}",
            "{{ctx[ctx.n]}}",
            "{{ctx[`a`]}}",
            "{{ctx.a()}}",
            "{{ctx?.a}}",
            "{{ctx.}}",
            "{{ctx..a}}",
            "{{ctx[-1]}}",
            "{{ctx[\"a]}}",
            "{{}}",
            "{{ }}",
            "{{input.a}}",
            "{{ctxa}}",
            "{{$json.a}}",
            "{{env.SECRET}}",
            "{{ctx .a}}",
            "{{{ctx.a}}}",
        ];
        for template in refused {
            assert!(Template::parse(template).is_err(), "{template}");
        }
    }

    #[test]
    fn values_resolve_inside_but_results_do_not() {
        let ctx = ctx().with("evil", "{{ctx.n}}");
        let value = json!({"a": ["{{ctx.n}}", "{{ctx.evil}}", "{{ctx.gone}}"], "{{ctx.n}}": 1});
        assert_eq!(resolve(&value, &ctx), Some(json!({"a": [42, "{{ctx.n}}", null], "{{ctx.n}}": 1})));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[{} .\\[\\]\"'\\\\a-cétx0-9$_-]{0,40}") {
            let _ = resolve(&Value::String(text), &ctx());
        }
        #[test]
        fn a_text_without_braces_is_itself(text in "[^{}]{0,40}") {
            prop_assert_eq!(resolve(&json!(&text), &ctx()), Some(json!(text)));
        }
    }
}
