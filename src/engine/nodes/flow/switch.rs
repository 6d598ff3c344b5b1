//! `switch`: the first case that fits a value is taken. A case is a branch of a condition whose left
//! side is the same for all.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::{
    Fields,
    definition::{Config, Faults},
    nodes::condition::Condition,
    value::{Lookup, resolve},
};

/// `switch`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Switch {
    value: Value,
    cases: Condition,
}

impl Switch {
    pub(in crate::engine::nodes) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let value = config.value("switchValue").cloned().unwrap_or_default();
        config.templates(&value, "switchValue", faults);
        let mut cases = Condition::without_branches("default");
        for (index, case) in config.list("cases", faults).iter().enumerate() {
            let at = format!("cases[{index}]");
            let Some(case) = case.as_object() else {
                config.fault(&at, "must be an object", faults);
                continue;
            };
            let text = |name: &str| case.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            // The reference skips a case without an id.
            let Some(id) = text("id") else { continue };
            let label = text("label").unwrap_or(id);
            let operator = text("operator").unwrap_or("equals");
            let right = case.get("matchValue").cloned().unwrap_or_default();
            if operator == "expression" {
                cases.add_truth(id, label, text("matchValue").unwrap_or("false"));
            } else {
                config.templates(&right, &format!("{at}.matchValue"), faults);
                cases.add_comparison(id, label, value.clone(), operator, right);
            }
        }
        Self { value, cases }
    }

    /// JavaScript of its cases.
    pub(in crate::engine::nodes) fn expressions(&self) -> &[Arc<str>] {
        &self.cases.expressions
    }

    /// The case taken; `None` = it hangs on expressions, which `values` does not hold.
    pub(in crate::engine::nodes) fn decide(
        &self,
        ctx: &dyn Lookup,
        values: Option<&[Option<Value>]>,
    ) -> Option<(Fields, Arc<str>)> {
        let (mut output, handle) = self.cases.decide(ctx, values)?;
        if output.get("success").is_none() {
            output.insert("label", Value::from("default"));
            output.insert("success", Value::Bool(true));
        }
        output.insert("value", resolve(&self.value, ctx).unwrap_or_default());
        Some((output, handle))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn taken(data: &Value, ctx: &Fields, values: Option<&[Option<Value>]>) -> Option<(Value, String)> {
        let mut faults = Faults::default();
        let switch = Switch::parse(&Config::new("n", None, data.as_object().unwrap()), &mut faults);
        assert!(faults.is_empty());
        switch.decide(ctx, values).map(|(output, handle)| (output.to_value(), handle.to_string()))
    }

    #[test]
    fn the_first_case_that_fits_is_taken() {
        let ctx = Fields::new().with("n", 5);
        let data = json!({"switchValue": "{{ctx.n}}", "cases": [
            {"label": "no id", "matchValue": 5},
            {"id": "four", "matchValue": 4},
            {"id": "big", "label": "Big", "operator": "greater_than", "matchValue": "3"},
            {"id": "five", "matchValue": "{{ctx.n}}"}]});
        let (output, handle) = taken(&data, &ctx, None).unwrap();
        assert_eq!(handle, "big");
        assert_eq!(output, json!({"matched": "big", "label": "Big", "value": 5, "success": true}));
        let (output, handle) = taken(&json!({"switchValue": "x", "cases": []}), &ctx, None).unwrap();
        assert_eq!(handle, "default");
        assert_eq!(output, json!({"matched": "default", "label": "default", "value": "x", "success": true}));
        let (output, handle) =
            taken(&json!({"cases": [{"id": "empty", "operator": "is_empty"}]}), &ctx, None).unwrap();
        assert_eq!((output["label"].as_str(), handle.as_str()), (Some("empty"), "empty"));
    }

    #[test]
    fn a_case_may_be_code() {
        let ctx = Fields::new();
        let data = json!({"switchValue": 1, "cases": [
            {"id": "code", "operator": "expression", "matchValue": "ctx.n > 1"}, {"id": "one", "matchValue": 1}]});
        assert_eq!(taken(&data, &ctx, None), None);
        assert_eq!(taken(&data, &ctx, Some(&[Some(json!(true))])).unwrap().1, "code");
        assert_eq!(taken(&data, &ctx, Some(&[None])).unwrap().1, "one", "what throws is false");
    }

    #[test]
    fn faults_have_their_path() {
        let mut faults = Faults::default();
        let data = json!({"switchValue": "{{x}}", "cases": [7, {"id": "a", "matchValue": "{{ctx.a||1}}"}]});
        Switch::parse(&Config::new("n", None, data.as_object().unwrap()), &mut faults);
        assert_eq!(faults.into_problems().len(), 3);
    }
}
