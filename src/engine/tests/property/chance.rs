//! A definition read off a tape of random bytes: whatever the bytes, it is a valid one, and fewer
//! bytes are a smaller one.

use serde_json::{Map, Value, json};

use crate::engine::{Source, nodes::type_row};

/// Random bytes; at their end there are zeros.
pub(super) struct Tape<'a>(std::slice::Iter<'a, u8>);

impl<'a> Tape<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }
    /// A number below `most`.
    pub(super) fn below(&mut self, most: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % most.max(1)
    }
    /// One of these.
    pub(super) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A graph in the making.
struct Draft<'a> {
    tape: Tape<'a>,
    nodes: Vec<Value>,
    edges: Vec<Value>,
    /// Nodes that may still be added.
    left: usize,
}

const HANDLES: [&str; 12] = [
    "success",
    "output",
    "error",
    "default",
    "yes",
    "no",
    "approved",
    "rejected",
    "expired",
    "late",
    "",
    "completed",
];
const TYPES: [&str; 14] = [
    "javascript",
    "javascript",
    "delay",
    "condition",
    "javascript",
    "switch",
    "fanout",
    "join",
    "dataQuery",
    "dataCollection",
    "approval",
    "subWorkflow",
    "end",
    "delay",
];
const MODES: [&str; 8] = [
    "continue_default",
    "continue",
    "skip_item",
    "retry_then_continue",
    "continue_default",
    "continue_default",
    "",
    "retry_then_fail",
];

/// A valid definition.
pub(super) fn definition(bytes: &[u8]) -> Source {
    let mut draft = Draft { tape: Tape::new(bytes), nodes: Vec::new(), edges: Vec::new(), left: 18 };
    draft.nodes.push(json!({"id": "s", "type": "start"}));
    draft.scope("s", &["", "output"], 0);
    Source { nodes: json!(draft.nodes), edges: json!(draft.edges), options: json!({}) }
}

impl Draft<'_> {
    fn edge(&mut self, from: &str, handle: &str, to: &str) {
        let handle = Some(handle).filter(|handle| !handle.is_empty());
        self.edges.push(json!({"source": from, "target": to, "sourceHandle": handle}));
    }

    /// A handle of a node: more often than not one that it takes.
    fn handle(&mut self, from: &str) -> &'static str {
        let kind = self.nodes.iter().find(|node| node["id"] == json!(from)).map(|node| node["type"].clone());
        let likely = self.tape.below(4) > 0;
        match kind.as_ref().and_then(Value::as_str).unwrap_or_default() {
            // On `loop` it would be of that body.
            "loop" => self.tape.one(&["completed", "done", "", "error"]),
            "condition" | "switch" if likely => self.tape.one(&["default", "yes"]),
            "approval" if likely => self.tape.one(&["approved", "rejected"]),
            "fanout" if likely => self.tape.one(&["yes", "no"]),
            _ if likely => self.tape.one(&["", "success", "output"]),
            _ => self.tape.one(&HANDLES),
        }
    }

    /// Nodes each of which is reached from one before it, or from the first by one of these handles.
    fn scope(&mut self, first: &str, by: &[&str], depth: usize) -> Vec<String> {
        let mut here: Vec<String> = Vec::new();
        let many = 2 + self.tape.below(5);
        while here.len() < many && self.left > 0 {
            self.left -= 1;
            let id = format!("n{}", self.nodes.len());
            let is_loop = depth < 3 && self.tape.below(3) == 2;
            let node = if is_loop { self.a_loop(&id) } else { self.a_node(&id) };
            self.nodes.push(node);
            for _ in 0..1 + self.tape.below(2) {
                let from = self.tape.below(here.len() + 1);
                match here.get(from).cloned() {
                    Some(from) => {
                        let handle = self.handle(&from);
                        self.edge(&from, handle, &id);
                    }
                    None => {
                        let handle = self.tape.one(by);
                        self.edge(first, handle, &id);
                    }
                }
            }
            if is_loop {
                let body = self.scope(&id, &["loop"], depth + 1);
                for node in body {
                    // Back to the loop, where the body would end anyhow.
                    if self.tape.below(3) == 2 {
                        let handle = self.handle(&node);
                        self.edge(&node, handle, &id);
                    }
                }
            }
            here.push(id);
        }
        here
    }

    fn common(&mut self, data: Value) -> Map<String, Value> {
        let Value::Object(mut data) = data else { panic!("an object") };
        data.insert("errorHandling".to_owned(), json!(self.tape.one(&MODES)));
        data.insert("isDisabled".to_owned(), json!(self.tape.below(12) == 11));
        data.insert("retryLimit".to_owned(), json!(self.tape.below(2)));
        data.insert("retryDelaySeconds".to_owned(), json!(self.tape.one(&[1, 0])));
        if let Some(mode) = self.tape.one(&[None, Some("all"), Some("any")]) {
            data.insert("joinMode".to_owned(), json!(mode));
        }
        if self.tape.below(3) > 0 {
            data.insert("outputVariable".to_owned(), json!(self.tape.one(&["v", "w", "x", "item"])));
        }
        data
    }

    fn a_loop(&mut self, id: &str) -> Value {
        let source = self.tape.one(&[
            "{{ctx.input.list}}",
            "{{ctx.input.list}}",
            "{{ctx.input.short}}",
            "{{ctx.item}}",
            "{{ctx.v}}",
            "{{ctx.gone}}",
        ]);
        let data = json!({
            "sourceVariable": source,
            "maxIterations": self.tape.one(&[10, 10, 2]),
            "delayBetweenItems": self.tape.one(&[0, 0, 1500]),
            "itemVariable": self.tape.one(&["item", "row"]),
        });
        json!({"id": id, "type": "loop", "data": self.common(data)})
    }

    fn a_node(&mut self, id: &str) -> Value {
        let kind = self.tape.one(&TYPES);
        let kind = if type_row(kind).is_some_and(|row| row.parse.is_some()) { kind } else { "javascript" };
        let plain = |id: &str, left: &str, right: &str| json!({"id": id, "label": id, "conditions": [{"leftValue": left, "operator": "equals", "rightValue": right}]});
        let data = match kind {
            "javascript" => json!({"code": "return ctx.__node_s"}),
            "delay" => json!({"delaySeconds": self.tape.one(&[0, 2])}),
            "condition" => match self.tape.below(3) {
                0 => json!({"branches": [plain("yes", "{{ctx.item}}", "1")]}),
                1 => json!({"branches": [plain("yes", "{{ctx.index}}", "0"), plain("no", "{{ctx.v}}", "1")]}),
                _ => {
                    json!({"branches": [{"id": "yes", "conditions": [{"leftValue": "ctx.v", "operator": "expression"}]}]})
                }
            },
            "switch" => {
                json!({"switchValue": "{{ctx.item}}", "cases": [{"id": "yes", "label": "yes", "matchValue": "1"}, {"id": "no", "label": "no", "operator": "greater_than", "matchValue": "1"}]})
            }
            "fanout" => json!({"branches": [{"id": "yes", "name": "one"}, {"id": "no", "name": "two"}]}),
            "join" => json!({"sourceVariables": ["v", "w"], "requireAll": self.tape.below(2) == 0}),
            "dataQuery" => json!({"dataQueryID": "q", "inputValues": {"a": "{{ctx.item}}"}}),
            "dataCollection" => {
                json!({"title": "more", "expiryMinutes": self.tape.one(&[1, 0]), "timeoutHandle": self.tape.one(&[None, Some("late")])})
            }
            "approval" => {
                json!({"title": "sure?", "expiryMinutes": self.tape.one(&[1, 0]), "onTimeout": self.tape.one(&["expired", "fail"])})
            }
            "subWorkflow" => {
                json!({"childWorkflowID": "w", "inputMapping": {"a": "{{ctx.item}}"}, "mergeOutputs": self.tape.below(2) == 1})
            }
            // Most of them would end the run before anything happens.
            "end" if self.tape.below(3) > 0 => {
                return json!({"id": id, "type": "javascript", "data": {"code": "return 1"}});
            }
            "end" => {
                json!({"status": self.tape.one(&["success", "error"]), "outputParameters": [{"name": "at", "sourceVariable": "{{ctx.item}}"}]})
            }
            other => panic!("{other}"),
        };
        json!({"id": id, "type": kind, "data": self.common(data)})
    }
}
