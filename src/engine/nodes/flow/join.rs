//! `join`: keys of the context under one name. That it waits for its edges is scheduling.

use std::{borrow::Cow, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    engine::{
        Fields, NodeError,
        definition::{Config, Faults},
        nodes::kind::{Ended, Left},
        value::{Lookup, truthy},
    },
    error::Code,
};

/// `join`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Join {
    keys: Vec<Arc<str>>,
    require_all: bool,
}

impl Join {
    pub(in crate::engine::nodes) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let mut keys = Vec::new();
        for (index, key) in config.list("sourceVariables", faults).iter().enumerate() {
            match key.as_str().map(bare) {
                Some("") => {}
                Some(key) if key.starts_with("__") => {
                    config.fault(&format!("sourceVariables[{index}]"), "must not begin with __", faults);
                }
                Some(key) => keys.push(Arc::from(key)),
                None => config.fault(&format!("sourceVariables[{index}]"), "must be a text", faults),
            }
        }
        Self { keys, require_all: config.value("requireAll").is_none_or(truthy) }
    }

    pub(in crate::engine::nodes) fn left(&self, ctx: &dyn Lookup, variable: &str) -> Ended {
        let mut joined = Map::new();
        let mut missing: Vec<&str> = Vec::new();
        for key in &self.keys {
            let value = ctx.member(key).map(Cow::into_owned);
            if value.is_none() {
                missing.push(key);
            }
            joined.insert(key.to_string(), value.unwrap_or_default());
        }
        if self.require_all && !missing.is_empty() {
            let message = format!("nothing has set {} (requireAll)", missing.join(", "));
            return Err(NodeError::new(Code::NodeFailed, message));
        }
        let mut output = Fields::new().with("success", true);
        output.insert(variable, Value::Object(joined));
        Ok(Left::from((output, Arc::from("output"))))
    }
}

/// A key, however it is written: `a`, `ctx.a`, `{{ctx.a}}`.
fn bare(key: &str) -> &str {
    let key = key.trim();
    let inside = key.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).map_or(key, str::trim);
    inside.strip_prefix("ctx.").unwrap_or(inside)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(data: &Value, ctx: &Fields) -> Result<Value, String> {
        let mut faults = Faults::default();
        let join = Join::parse(&Config::new("n", None, data.as_object().unwrap()), &mut faults);
        assert!(faults.is_empty());
        join.left(ctx, "joined").map(|left| left.output.to_value()).map_err(|error| error.message)
    }

    #[test]
    fn keys_come_under_one_name() {
        let ctx = Fields::new().with("a", 1).with("b", Value::Null);
        let data = json!({"sourceVariables": ["a", "{{ctx.b}}", ""]});
        assert_eq!(left(&data, &ctx), Ok(json!({"joined": {"a": 1, "b": null}, "success": true})));
        assert_eq!(left(&json!({}), &ctx), Ok(json!({"joined": {}, "success": true})));
    }

    #[test]
    fn what_is_missing_is_a_failure_or_null() {
        let ctx = Fields::new().with("a", 1);
        let data = json!({"sourceVariables": ["a", "x", "y"]});
        assert_eq!(left(&data, &ctx), Err("nothing has set x, y (requireAll)".to_owned()));
        let data = json!({"sourceVariables": ["a", "x"], "requireAll": false});
        assert_eq!(left(&data, &ctx), Ok(json!({"joined": {"a": 1, "x": null}, "success": true})));
    }

    #[test]
    fn faults_have_their_path() {
        let mut faults = Faults::default();
        let data = json!({"sourceVariables": [1, "__node_x"]});
        Join::parse(&Config::new("n", None, data.as_object().unwrap()), &mut faults);
        assert_eq!(faults.into_problems().len(), 2);
    }
}
