//! The form of a case file.

use std::{collections::BTreeMap, fs, path::Path};

use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A file of `cases/`.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    /// Its file's name.
    #[serde(skip)]
    pub name: String,
    /// What must hold, with its place in the contract.
    pub rule: String,
    /// What is run.
    #[serde(flatten)]
    pub graph: Graph,
    /// Workflows that it runs, by name: a text `@name` is the id of that child.
    #[serde(default)]
    pub children: BTreeMap<String, Graph>,
    /// Saved queries over a table of orders, by name: their `dataQueryOptions`; a text `@name` is the id of
    /// that query. The case runs once on each database that is there.
    #[serde(default)]
    pub queries: BTreeMap<String, Value>,
    /// `inputValues`.
    #[serde(default)]
    pub inputs: Value,
    /// What people do, in order.
    #[serde(default)]
    pub script: Vec<Act>,
    /// The run is not accepted: the code.
    #[serde(default)]
    pub refused: Option<String>,
    /// Rows of nodes, in order: `node word`, with `#iteration` in a loop. Rows between `[` and `]` come in
    /// any order.
    #[serde(default)]
    pub events: Vec<String>,
    /// What a real socket.io client is told that watches from the first row on: `node word`, with `#iteration` in a
    /// loop, `node asks`, and the status at the end.
    #[serde(default)]
    pub frames: Option<Vec<String>>,
    /// It joins with `progress`.
    #[serde(default)]
    pub progress: bool,
    /// At last.
    #[serde(default = "completed")]
    pub status: String,
    /// The run's output.
    #[serde(default)]
    pub output: Value,
    /// Members of the final context.
    #[serde(default)]
    pub context: Map<String, Value>,
    /// `errorCode`.
    #[serde(default)]
    pub code: Option<String>,
    /// Part of `error`.
    #[serde(default)]
    pub error: Option<String>,
    /// Also with a hub that is killed (SIGKILL) again and again.
    #[serde(default)]
    pub kill: bool,
}

fn completed() -> String {
    "COMPLETED".to_owned()
}

/// A definition in few words.
#[derive(Debug, Clone, Deserialize)]
pub struct Graph {
    /// By id: a type, or an object with `type` and the node's `data`.
    pub nodes: Map<String, Value>,
    /// `from->to`, `from:handle->to`.
    pub edges: Vec<String>,
    /// `workflowOptions`.
    #[serde(default)]
    pub options: Value,
}

/// What somebody does.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Act {
    /// Answers the open request of a node.
    Submit {
        /// The node that asks.
        node: String,
        /// `submittedData`.
        data: Value,
        /// It is refused with this code, and the request stays open.
        #[serde(default)]
        refused: Option<String>,
    },
    /// Looks at what an open request says.
    Asked {
        /// The node that asks.
        node: String,
        /// Members of its `collectionConfig`; null: it has none of that name.
        config: Map<String, Value>,
        /// Whether it expires.
        expires: bool,
    },
    /// Waits until a request has expired, then answers it: refused with this code.
    TooLate {
        /// The node that asks.
        node: String,
        /// The code.
        refused: String,
    },
    /// Stops the run when this node waits.
    StopAt(String),
}

impl Graph {
    /// The client form.
    pub fn body(&self, title: &str, ids: &BTreeMap<String, String>) -> Value {
        let nodes: Vec<Value> = self.nodes.iter().map(|(id, node)| client_node(id, node, ids)).collect();
        let edges: Vec<Value> = self.edges.iter().map(|edge| client_edge(edge)).collect();
        json!({ "title": title, "nodes": nodes, "edges": edges, "workflowOptions": self.options })
    }
}

fn client_node(id: &str, node: &Value, ids: &BTreeMap<String, String>) -> Value {
    let mut data = node.as_object().cloned().unwrap_or_default();
    let kind = data.remove("type").unwrap_or_else(|| node.clone());
    json!({ "id": id, "type": kind, "data": with_ids(&Value::Object(data), ids) })
}

fn client_edge(edge: &str) -> Value {
    let (from, to) = edge.split_once("->").unwrap_or_else(|| panic!("{edge}: no arrow"));
    match from.split_once(':') {
        Some((from, handle)) => json!({ "id": edge, "source": from, "target": to, "sourceHandle": handle }),
        None => json!({ "id": edge, "source": from, "target": to }),
    }
}

fn with_ids(value: &Value, ids: &BTreeMap<String, String>) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('@').and_then(|name| ids.get(name)) {
            Some(id) => json!(id),
            None => value.clone(),
        },
        Value::Array(items) => items.iter().map(|item| with_ids(item, ids)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, one)| (name.clone(), with_ids(one, ids))).collect())
        }
        other => other.clone(),
    }
}

/// All of them, by name; `JETHUB_CASE` names a part of those wanted.
pub fn all() -> Vec<Case> {
    let wanted = std::env::var("JETHUB_CASE").unwrap_or_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/workflow/cases");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let case: Result<Case, _> = serde_json::from_str(&fs::read_to_string(path).unwrap());
        Case { name: name.clone(), ..case.unwrap_or_else(|error| panic!("{name}: {error}")) }
    };
    files.iter().map(read).filter(|case| case.name.contains(&wanted)).collect()
}
