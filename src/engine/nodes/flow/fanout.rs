//! `fanout`: all branches are taken.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::{
    Fields,
    definition::{Config, Faults},
    nodes::kind::Left,
};

/// `fanout`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Fanout {
    pub(in crate::engine::nodes) branches: Vec<Arc<str>>,
}

impl Fanout {
    pub(in crate::engine::nodes) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let mut branches: Vec<Arc<str>> = Vec::new();
        for (index, branch) in config.list("branches", faults).iter().enumerate() {
            match branch.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
                Some(id) if branches.iter().any(|known| known.as_ref() == id) => {
                    config.fault(
                        &format!("branches[{index}].id"),
                        "must be another than that of the branches before",
                        faults,
                    );
                }
                Some(id) => branches.push(Arc::from(id)),
                None => config.fault(&format!("branches[{index}].id"), "is missing", faults),
            }
        }
        if branches.is_empty()
            && config.value("branches").is_none_or(|list| list.as_array().is_some_and(Vec::is_empty))
        {
            config.fault("branches", "is missing", faults);
        }
        Self { branches }
    }

    pub(in crate::engine::nodes) fn left(&self) -> Left {
        let ids: Value = self.branches.iter().map(|id| Value::from(id.as_ref())).collect();
        let output = Fields::new().with("branches", ids).with("success", true);
        Left { output, handles: self.branches.clone(), merged: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn parse(data: &Value) -> (Fanout, usize) {
        let mut faults = Faults::default();
        let fanout = Fanout::parse(&Config::new("n", None, data.as_object().unwrap()), &mut faults);
        (fanout, faults.into_problems().len())
    }

    #[test]
    fn every_branch_is_taken() {
        let (fanout, faults) = parse(&json!({"branches": [{"id": "a", "name": "A"}, {"id": "b"}]}));
        assert_eq!(faults, 0);
        let left = fanout.left();
        assert_eq!(left.output.to_value(), json!({"branches": ["a", "b"], "success": true}));
        assert_eq!(left.handles.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["a", "b"]);
    }

    #[test]
    fn at_least_one_branch_and_no_two_of_one_name() {
        for (data, found) in [
            (json!({}), 1),
            (json!({"branches": []}), 1),
            (json!({"branches": 1}), 1),
            (json!({"branches": [{"name": "x"}]}), 1),
            (json!({"branches": [{"id": "a"}, {"id": "a"}]}), 1),
        ] {
            assert_eq!(parse(&data).1, found, "{data}");
        }
    }
}
