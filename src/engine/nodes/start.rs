//! `start`: where a run begins.

use std::sync::Arc;

use serde_json::Value;

use crate::engine::{Fields, value::Lookup};

pub(super) fn output(ctx: &dyn Lookup) -> (Fields, Arc<str>) {
    let given = ctx.member("input").is_some_and(|input| input.as_object().is_some_and(|map| !map.is_empty()));
    (Fields::new().with("started", true).with("inputReceived", Value::Bool(given)), Arc::from("output"))
}
