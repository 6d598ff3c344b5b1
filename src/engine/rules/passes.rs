//! Loops: each item a pass of the body, one after the other (`contract.md` 5.5).

use std::sync::Arc;

use serde_json::Value;

use super::work::{Place, Work};
use crate::{
    engine::{
        Fields, Iterated, NodeError, Pass, RunEvent,
        definition::Node,
        nodes::{Kind, later},
        value::json_size,
    },
    error::Code,
};

impl Work<'_> {
    /// A visit of a loop begins.
    pub(super) fn enter(&mut self, node: &Node, place: &Place, items: &[Arc<Value>]) {
        if items.is_empty() || !self.state().definition.has_body(&node.id) {
            return self.went_through(node, place, items.len(), Value::Array(Vec::new()));
        }
        self.go_to(place, 0, 0, None);
    }

    /// The pass of the loop at that place is over: the next one, or the loop's result.
    pub(super) fn turn(&mut self, at: usize) {
        let definition = self.state().definition.clone();
        let Some(node) = definition.nodes().get(at) else { return };
        let Kind::Loop(plan) = &node.kind else { return };
        let state = self.state();
        let Some((facts, looping)) = state.facts.nodes.get(&node.id).zip(state.looping(at)) else { return };
        let place = Place {
            node: node.id.clone(),
            visit: facts.visit,
            attempt: looping.attempt,
            iteration: facts.iteration,
        };
        let pass = state.pass_of(at);
        let result = state.result(&pass);
        let most = state.limits.max_context;
        let bytes = looping.bytes.saturating_add(json_size(&result));
        if bytes.saturating_add(state.context_in(node.scope).bytes()) > most {
            let message = format!(
                "the context and the loop's results would have more than {most} bytes (workflow.max_context)"
            );
            return self.failed(node, &place, NodeError::new(Code::ContextTooLarge, message));
        }
        let (total, next) = (looping.items.len(), looping.iteration.saturating_add(1));
        if usize::try_from(next).is_ok_and(|next| next < total) {
            return self.go_to(&place, next, plan.pause_ms(), Some(pass));
        }
        let results = looping.results_with(result);
        self.went_through(node, &place, total, results);
    }

    /// The wait before an item is over.
    pub(super) fn paused(&mut self, at: usize, place: &Place) {
        if let Some(iteration) = self.state().looping(at).map(|looping| looping.iteration) {
            self.go_to(place, iteration, 0, None);
        }
    }

    fn go_to(&mut self, place: &Place, iteration: u32, pause_ms: u64, pass: Option<Pass>) {
        let until = (pause_ms > 0).then(|| later(self.now, pause_ms)).flatten();
        let (node, visit) = (place.node.clone(), place.visit);
        self.push(RunEvent::Iterated(Iterated { node, visit, iteration, until, pass }));
    }

    fn went_through(&mut self, node: &Node, place: &Place, total: usize, results: Value) {
        let mut output = Fields::new().with("totalItems", total).with("success", true);
        output.insert(node.output_variable.clone().unwrap_or_else(|| Arc::from("loopResults")), results);
        self.ended(place, Ok((output, Arc::from("completed")).into()));
    }
}
