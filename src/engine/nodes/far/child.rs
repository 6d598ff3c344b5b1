//! `subWorkflow`: a saved workflow of the tenant as a run of its own.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::query::{mapping, name, named, object};
use crate::{
    engine::{
        ChildEnd, Fields, NodeError, RunStatus,
        definition::{Config, Faults},
        nodes::kind::{Ended, Left},
        value::{Lookup, resolve, truthy},
    },
    error::Code,
    ids::WorkflowId,
};

/// How deep by default.
const DEPTH: f64 = 5.0;
/// How deep whatever is configured.
const DEEPEST: f64 = 100.0;

/// `subWorkflow`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct SubWorkflow {
    workflow: Value,
    inputs: Value,
    merge: bool,
    max_depth: u32,
}

/// A child to be started.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct Call {
    pub(in crate::engine) workflow: WorkflowId,
    pub(in crate::engine) inputs: Map<String, Value>,
    pub(in crate::engine) max_depth: u32,
    /// How many runs are above this one.
    pub(in crate::engine) depth: u32,
}

impl SubWorkflow {
    pub(in crate::engine::nodes) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let workflow = name(config, "childWorkflowID", faults);
        let inputs = match config.value("inputMapping") {
            Some(value) => mapping(config, "inputMapping", value, faults),
            None => Value::Null,
        };
        let depth = config.number_of("maxDepth", faults).unwrap_or(DEPTH).clamp(1.0, DEEPEST);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..100")]
        let max_depth = depth as u32;
        Self { workflow, inputs, merge: config.value("mergeOutputs").is_some_and(truthy), max_depth }
    }

    /// Which workflow with which inputs; a missing path is null.
    pub(in crate::engine::nodes) fn call(&self, ctx: &dyn Lookup) -> Result<Call, NodeError> {
        let depth = ctx.member("__subDepth").and_then(|depth| depth.as_u64()).unwrap_or(0);
        let depth = u32::try_from(depth).unwrap_or(u32::MAX);
        if depth >= self.max_depth {
            let message = format!(
                "a child would be run number {} below the first, maxDepth allows {}",
                depth + 1,
                self.max_depth
            );
            return Err(NodeError::new(Code::NodeFailed, message));
        }
        let workflow = named(&self.workflow, ctx);
        let workflow = WorkflowId::parse(&workflow).map_err(|error| {
            NodeError::new(
                Code::InputInvalid,
                format!("childWorkflowID {workflow:?} names no workflow: {error}"),
            )
        })?;
        let inputs = object(resolve(&self.inputs, ctx), "inputMapping")?;
        Ok(Call { workflow, inputs, max_depth: self.max_depth, depth })
    }

    /// The child is over.
    pub(in crate::engine::nodes) fn left(&self, variable: &str, end: &ChildEnd) -> Ended {
        if end.status != RunStatus::Completed {
            let why = end.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            let message = format!("the child run {} ended as {}{why}", end.instance, end.status);
            return Err(NodeError::new(Code::NodeFailed, message));
        }
        let mut output = Fields::new();
        let mut merged = Vec::new();
        if self.merge {
            let own = |key: &str| key == "input" || key == variable || key.starts_with("__");
            for (key, value) in end.context.iter().filter(|(key, _)| !own(key)) {
                output.insert(key.clone(), value.clone());
                merged.push(key.clone());
            }
        }
        for (key, value) in [
            ("childInstanceID", Value::from(end.instance.as_str())),
            ("childStatus", Value::from(end.status.as_str())),
            ("success", Value::Bool(true)),
        ] {
            // A key of the child that has this name is in no output, so it is merged by nobody.
            merged.retain(|merged: &Arc<str>| merged.as_ref() != key);
            output.insert(key, value);
        }
        output.insert(variable, end.output.clone().unwrap_or_default());
        Ok(Left { output, handles: vec![Arc::from("success")], merged })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ids::RunId;

    fn parse(data: &Value) -> (SubWorkflow, usize) {
        let mut faults = Faults::default();
        let node = SubWorkflow::parse(&Config::new("n", None, data.as_object().unwrap()), &mut faults);
        (node, faults.into_problems().len())
    }

    #[test]
    fn a_child_sees_what_is_mapped() {
        let ctx = Fields::new().with("a", 1).with("id", "w2");
        let data = json!({"childWorkflowID": "{{ctx.id}}", "inputMapping": {"x": "{{ctx.a}}", "y": "{{ctx.gone}}", "z": 3}});
        let call = parse(&data).0.call(&ctx).unwrap();
        assert_eq!(call.workflow.as_str(), "w2");
        assert_eq!(Value::Object(call.inputs), json!({"x": 1, "y": null, "z": 3}));
        assert_eq!((call.max_depth, call.depth), (5, 0));
        assert_eq!(
            parse(&json!({"childWorkflowID": "{{ctx.gone}}"})).0.call(&ctx).unwrap_err().code,
            "INPUT_INVALID"
        );
    }

    #[test]
    fn depth_is_bounded() {
        let ctx = Fields::new().with("__subDepth", 1);
        assert!(parse(&json!({"childWorkflowID": "w", "maxDepth": 2})).0.call(&ctx).is_ok());
        assert_eq!(
            parse(&json!({"childWorkflowID": "w", "maxDepth": 1})).0.call(&ctx).unwrap_err().code,
            "NODE_FAILED"
        );
    }

    #[test]
    fn what_a_child_leaves() {
        let end = ChildEnd {
            instance: RunId::trusted("c"),
            status: RunStatus::Completed,
            output: Some(json!({"t": 1})),
            context: Fields::new().with("input", json!({})).with("a", 2).with("childStatus", 3),
            error: None,
        };
        let left = parse(&json!({"childWorkflowID": "w"})).0.left("sub", &end).unwrap();
        let plain =
            json!({"sub": {"t": 1}, "childInstanceID": "c", "childStatus": "COMPLETED", "success": true});
        assert_eq!((left.output.to_value(), left.merged.len()), (plain, 0));
        let left = parse(&json!({"childWorkflowID": "w", "mergeOutputs": true})).0.left("sub", &end).unwrap();
        assert_eq!(left.output.to_value()["a"], 2);
        assert_eq!(left.merged.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["a"]);
        let failed = ChildEnd { status: RunStatus::Failed, error: Some("no".to_owned()), ..end };
        let error = parse(&json!({"childWorkflowID": "w"})).0.left("sub", &failed).unwrap_err();
        assert_eq!(error.message, "the child run c ended as FAILED: no");
    }

    #[test]
    fn faults() {
        assert_eq!(parse(&json!({})).1, 1);
        assert_eq!(parse(&json!({"childWorkflowID": [1], "inputMapping": 3})).1, 2);
    }
}
