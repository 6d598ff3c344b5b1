//! `dataQuery`: a saved query of the tenant.

use serde_json::{Map, Value};

use crate::{
    engine::{
        NodeError,
        definition::{Config, Faults},
        value::{Lookup, resolve, text},
    },
    error::Code,
    ids::DataQueryId,
};

/// `dataQuery`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct DataQuery {
    query: Value,
    inputs: Value,
}

impl DataQuery {
    pub(in crate::engine::nodes) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let query = name(config, "dataQueryID", faults);
        let names = ["inputValues", "inputArgs", "args"];
        let given = names.into_iter().find_map(|name| config.value(name).map(|value| (name, value)));
        let inputs = match given {
            Some((name, value)) => mapping(config, name, value, faults),
            None => Value::Null,
        };
        Self { query, inputs }
    }

    /// Which query with which inputs: a missing path leaves its input out, so that its default counts.
    pub(in crate::engine::nodes) fn call(
        &self,
        ctx: &dyn Lookup,
    ) -> Result<(DataQueryId, Map<String, Value>), NodeError> {
        let query = named(&self.query, ctx);
        let query = DataQueryId::parse(&query).map_err(|error| {
            NodeError::new(Code::InputInvalid, format!("dataQueryID {query:?} names no query: {error}"))
        })?;
        let inputs = match &self.inputs {
            Value::Object(inputs) => {
                inputs.iter().filter_map(|(key, value)| Some((key.clone(), resolve(value, ctx)?))).collect()
            }
            inputs => object(resolve(inputs, ctx), "inputValues")?,
        };
        Ok((query, inputs))
    }
}

/// A field that names something: needed, with templates.
pub(super) fn name(config: &Config<'_>, field: &str, faults: &mut Faults) -> Value {
    let value = config.value(field).cloned().unwrap_or_default();
    match &value {
        Value::Null => config.fault(field, "is missing", faults),
        Value::String(text) if text.trim().is_empty() => config.fault(field, "is missing", faults),
        Value::String(_) | Value::Number(_) => config.templates(&value, field, faults),
        _ => config.fault(field, "must be a text", faults),
    }
    value
}

/// An object with templates, or one template that gives an object.
pub(super) fn mapping(config: &Config<'_>, field: &str, value: &Value, faults: &mut Faults) -> Value {
    match value {
        Value::Object(_) => {}
        Value::String(text) if text.trim().is_empty() => return Value::Null,
        Value::String(text) if text.contains("{{") => {}
        _ => config.fault(field, "must be an object", faults),
    }
    config.templates(value, field, faults);
    value.clone()
}

/// What a name resolves to.
pub(super) fn named(name: &Value, ctx: &dyn Lookup) -> String {
    resolve(name, ctx).map(|name| text(&name).trim().to_owned()).unwrap_or_default()
}

/// A value that must be an object; nothing is an empty one.
pub(super) fn object(value: Option<Value>, field: &str) -> Result<Map<String, Value>, NodeError> {
    match value {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(map)) => Ok(map),
        Some(_) => Err(NodeError::new(Code::InputInvalid, format!("{field} gives no object"))),
    }
}
