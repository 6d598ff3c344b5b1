//! `end`: what a run answers.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::{
    clock,
    engine::{
        Fields,
        definition::{Config, Faults},
        value::{Lookup, resolve},
    },
};

/// `end`.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::engine) struct End {
    status: Arc<str>,
    parameters: Vec<(String, Value)>,
}

impl End {
    pub(super) fn parse(config: &Config<'_>, faults: &mut Faults) -> Self {
        let mut parameters = Vec::new();
        for (index, parameter) in config.list("outputParameters", faults).iter().enumerate() {
            let at = format!("outputParameters[{index}]");
            match parameter.get("name").and_then(Value::as_str) {
                Some(name) if !name.trim().is_empty() => {
                    let source = parameter.get("sourceVariable").unwrap_or(&Value::Null);
                    config.templates(source, &format!("{at}.sourceVariable"), faults);
                    parameters.push((name.trim().to_owned(), source.clone()));
                }
                _ => config.fault(&format!("{at}.name"), "is missing", faults),
            }
        }
        let status = config.text("status").filter(|status| !status.trim().is_empty()).unwrap_or("success");
        Self { status: Arc::from(status.trim()), parameters }
    }

    /// As it was configured.
    pub(in crate::engine) fn status(&self) -> &str {
        &self.status
    }

    /// The run fails with it.
    pub(in crate::engine) fn fails(&self) -> bool {
        matches!(self.status.as_ref(), "error" | "failed")
    }

    pub(super) fn output(&self, ctx: &dyn Lookup, now: Timestamp) -> (Fields, Arc<str>) {
        let output: Map<String, Value> = self
            .parameters
            .iter()
            .map(|(name, source)| (name.clone(), resolve(source, ctx).unwrap_or(Value::Null)))
            .collect();
        let fields = Fields::new()
            .with("status", self.status.as_ref())
            .with("workflowOutput", output)
            .with("completedAt", clock::to_wire(now));
        (fields, Arc::from("output"))
    }
}
