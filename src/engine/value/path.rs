//! Paths: `ctx.a.b`, `ctx.a[0].b`, `ctx.a["k"]`. Own members only; nothing is called.

use std::{borrow::Cow, sync::Arc};

use serde_json::Value;

/// Where a path begins: the members of `ctx`.
pub(in crate::engine) trait Lookup {
    /// The member of that name.
    fn member(&self, name: &str) -> Option<Cow<'_, Value>>;
    /// All of `ctx` that clients may see.
    fn whole(&self) -> Value;
}

#[derive(Debug, Clone, PartialEq)]
enum Step {
    Key(Arc<str>),
    Index(usize),
}

/// A path into `ctx`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Path(Vec<Step>);

/// Longest path; more is no path of a person.
const MAX_STEPS: usize = 64;

impl Path {
    /// Reads `ctx…`; `None` for anything that is not a path from that root.
    pub(in crate::engine) fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix("ctx")?;
        let mut steps = Vec::new();
        while !rest.is_empty() {
            if steps.len() == MAX_STEPS {
                return None;
            }
            let (step, after) = match rest.strip_prefix('.') {
                Some(dotted) => Self::key(dotted)?,
                None => Self::bracket(rest.strip_prefix('[')?)?,
            };
            steps.push(step);
            rest = after;
        }
        Some(Self(steps))
    }

    /// The names that it begins with.
    pub(in crate::engine) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map_while(|step| match step {
            Step::Key(key) => Some(key.as_ref()),
            Step::Index(_) => None,
        })
    }

    fn key(text: &str) -> Option<(Step, &str)> {
        // Hyphens and leading digits are no JavaScript, but node ids have them (`ctx.__node_1f-2`).
        let end = text
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$' || c == '-'))
            .unwrap_or(text.len());
        let (key, rest) = text.split_at_checked(end)?;
        (!key.is_empty()).then(|| (Step::Key(Arc::from(key)), rest))
    }

    fn bracket(text: &str) -> Option<(Step, &str)> {
        let text = text.trim_start();
        let quote = text.chars().next().filter(|c| *c == '"' || *c == '\'');
        let Some(quote) = quote else {
            let (digits, rest) = text.split_once(']')?;
            return Some((Step::Index(digits.trim_end().parse().ok()?), rest));
        };
        let mut key = String::new();
        let mut chars = text.char_indices().skip(1);
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => key.push(chars.next()?.1),
                c if c == quote => {
                    let rest = text.get(at + 1..)?.trim_start().strip_prefix(']')?;
                    return Some((Step::Key(Arc::from(key)), rest));
                }
                c => key.push(c),
            }
        }
        None
    }

    /// The value there; `None` = missing.
    pub(in crate::engine) fn get<'a>(&self, ctx: &'a dyn Lookup) -> Option<Cow<'a, Value>> {
        let Some((first, rest)) = self.0.split_first() else { return Some(Cow::Owned(ctx.whole())) };
        let Step::Key(name) = first else { return None };
        match ctx.member(name)? {
            Cow::Borrowed(value) => walk(value, rest),
            Cow::Owned(value) => walk(&value, rest).map(|found| Cow::Owned(found.into_owned())),
        }
    }
}

/// The value that a path from `ctx` names when `value` stands in the place of `ctx`.
pub(super) fn walk_steps<'a>(value: &'a Value, path: &Path) -> Option<Cow<'a, Value>> {
    walk(value, &path.0)
}

fn walk<'a>(value: &'a Value, steps: &[Step]) -> Option<Cow<'a, Value>> {
    let mut at = value;
    for (place, step) in steps.iter().enumerate() {
        let next = match (at, step) {
            (Value::Object(map), Step::Key(key)) if key.as_ref() != "__proto__" => map.get(key.as_ref()),
            (Value::Object(map), Step::Index(index)) => map.get(&index.to_string()),
            (Value::Array(items), Step::Index(index)) => items.get(*index),
            // The one own member of arrays and texts that has a name.
            (Value::Array(items), Step::Key(key)) if key.as_ref() == "length" => {
                return (place + 1 == steps.len()).then(|| Cow::Owned(Value::from(items.len())));
            }
            (Value::String(text), Step::Key(key)) if key.as_ref() == "length" => {
                return (place + 1 == steps.len())
                    .then(|| Cow::Owned(Value::from(text.encode_utf16().count())));
            }
            (Value::Array(items), Step::Key(key)) => {
                key.parse::<usize>().ok().and_then(|index| items.get(index))
            }
            _ => None,
        };
        at = next?;
    }
    Some(Cow::Borrowed(at))
}
