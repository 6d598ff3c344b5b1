//! A node's configuration, read with faults.

use serde_json::{Map, Value};

use super::{Faults, Words};
use crate::{
    engine::value::{number, templates_in},
    ids::NodeId,
};

/// A node's `data`, and where it stands.
pub(in crate::engine) struct Config<'a> {
    path: String,
    node: Option<&'a NodeId>,
    data: &'a Map<String, Value>,
    options: &'a Value,
}

impl<'a> Config<'a> {
    pub(in crate::engine) fn new(
        path: impl Into<String>,
        node: Option<&'a NodeId>,
        data: &'a Map<String, Value>,
    ) -> Self {
        Self { path: path.into(), node, data, options: &Value::Null }
    }
    /// Within a workflow of these options.
    #[must_use]
    pub(in crate::engine) fn within(self, options: &'a Value) -> Self {
        Self { options, ..self }
    }
    /// A member of `workflowOptions` that is there and not null.
    pub(in crate::engine) fn option(&self, name: &str) -> Option<&'a Value> {
        self.options.get(name).filter(|value| !value.is_null())
    }
    /// A fault at a field.
    pub(in crate::engine) fn fault(&self, name: &str, words: impl Into<Words>, faults: &mut Faults) {
        faults.push(format!("{}.{name}", self.path), self.node, words);
    }
    /// A field that is there and not null.
    pub(in crate::engine) fn value(&self, name: &str) -> Option<&'a Value> {
        self.data.get(name).filter(|value| !value.is_null())
    }
    /// A field that is a text.
    pub(in crate::engine) fn text(&self, name: &str) -> Option<&'a str> {
        self.value(name).and_then(Value::as_str)
    }
    /// A field that is a list; absent is empty.
    pub(in crate::engine) fn list(&self, name: &str, faults: &mut Faults) -> &'a [Value] {
        match self.value(name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.fault(name, "must be a list", faults);
                &[]
            }
        }
    }
    /// A field that is a number, or a text of one; blank is absent.
    pub(in crate::engine) fn number_of(&self, name: &str, faults: &mut Faults) -> Option<f64> {
        let value = self.value(name).filter(|value| value.as_str() != Some(""))?;
        let found = if value.is_array() || value.is_object() { f64::NAN } else { number(value) };
        if found.is_nan() {
            self.fault(name, "must be a number", faults);
            return None;
        }
        Some(found)
    }
    /// The same with a range.
    pub(in crate::engine) fn number(
        &self,
        name: &str,
        least: f64,
        most: f64,
        faults: &mut Faults,
    ) -> Option<f64> {
        let found = self.number_of(name, faults)?;
        if found < least || found > most {
            self.fault(name, format!("must be from {least} to {most}"), faults);
            return None;
        }
        Some(found)
    }
    /// Faults of the templates in a value.
    pub(in crate::engine) fn templates(&self, value: &Value, name: &str, faults: &mut Faults) {
        let path = format!("{}.{name}", self.path);
        templates_in(value, &path, &mut |path, error| faults.push(path, self.node, error.to_string()));
    }
}
