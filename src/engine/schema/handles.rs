//! On which handles a node of a type can end (`contract.md` 5.5).

use serde_json::{Map, Value};

/// Handles that every node of the type has.
pub(super) fn fixed(kind: &str) -> &'static [&'static str] {
    match kind {
        "start" => &["output"],
        "javascript" | "dataQuery" | "subWorkflow" => &["success", "error"],
        "condition" | "switch" => &["default", "error"],
        "delay" | "dataCollection" | "join" => &["output", "error"],
        "loop" => &["loop", "completed", "error"],
        "approval" => &["approved", "rejected", "expired", "error"],
        "fanout" => &["error"],
        _ => &[],
    }
}

/// The fields whose members' `id`, or whose text, are further handles.
pub(super) fn listed_in(kind: &str) -> &'static [&'static str] {
    match kind {
        "condition" => &["branches", "defaultBranch"],
        "switch" => &["cases"],
        "fanout" => &["branches"],
        "dataCollection" => &["timeoutHandle"],
        _ => &[],
    }
}

/// All handles of a node.
pub(super) fn of<'a>(kind: &str, data: &'a Map<String, Value>) -> Vec<&'a str> {
    let mut all: Vec<&'a str> = fixed(kind).to_vec();
    for field in listed_in(kind) {
        match data.get(*field) {
            Some(Value::Array(items)) => {
                all.extend(items.iter().filter_map(|item| item.get("id").and_then(Value::as_str)));
            }
            Some(Value::String(name)) if !name.is_empty() => all.push(name),
            _ => {}
        }
    }
    all
}

/// Whether an edge on that handle can fire: the handle is the node's, or edges on it are followed
/// when nothing else fits (`contract.md` 5.6).
pub(super) fn can_fire(kind: &str, data: &Map<String, Value>, handle: &str) -> bool {
    let chooses = matches!(kind, "condition" | "switch");
    let falls_back = matches!(handle, "output" | "success") && !chooses && kind != "end";
    falls_back || of(kind, data).contains(&handle)
}
