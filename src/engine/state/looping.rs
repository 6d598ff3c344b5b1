//! A loop that goes through its items.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{NodeFacts, Phase, RunState, apply::domain, chunks::Chunks};
use crate::{
    engine::{Context, Iterated, Pass, definition::Node, nodes::Kind, value::json_size},
    ids::{Attempt, Seq},
};

/// A loop that goes through its items.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Looping {
    pub(in crate::engine) attempt: Attempt,
    pub(in crate::engine) items: Arc<[Arc<Value>]>,
    /// The item at hand.
    pub(in crate::engine) iteration: u32,
    pub(in crate::engine) stage: Stage,
    results: Chunks<Arc<Value>>,
    /// The size of the results as JSON, a comma each.
    pub(in crate::engine) bytes: usize,
}

/// What it does with the item at hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) enum Stage {
    /// It goes to it at that time.
    Pause { until: Timestamp },
    /// Its body is at work: since that row, on this copy of the context.
    Pass {
        since: Seq,
        context: Context,
        /// A node failed in a way that ends the pass.
        over: Option<Pass>,
    },
}

impl Looping {
    /// The results, with the one of the pass at hand.
    pub(in crate::engine) fn results_with(&self, last: Option<Arc<Value>>) -> Value {
        self.results.iter().map(AsRef::as_ref).cloned().chain(last.as_deref().cloned()).collect()
    }

    /// Since when its body is at the item, and whether a failure has ended that.
    pub(in crate::engine) fn pass(&self) -> Option<(Seq, bool)> {
        match &self.stage {
            Stage::Pass { since, over, .. } => Some((*since, over.is_some())),
            Stage::Pause { .. } => None,
        }
    }

    fn keep(&mut self, result: Arc<Value>) {
        self.bytes = self.bytes.saturating_add(json_size(&result)).saturating_add(1);
        self.results.push(result);
    }

    pub(super) fn each_value(&mut self, change: &mut dyn FnMut(&Arc<Value>) -> Arc<Value>) {
        self.items = self.items.iter().map(&mut *change).collect();
        self.results = self.results.iter().map(&mut *change).collect();
        if let Stage::Pass { context, .. } = &mut self.stage {
            context.each_value(change);
        }
    }
}

impl RunState {
    /// The loop at that place, if it goes through its items.
    pub(in crate::engine) fn looping(&self, at: usize) -> Option<&Looping> {
        let node = self.definition.nodes().get(at)?;
        match &self.facts.nodes.get(&node.id)?.phase {
            Phase::Looping(looping) => Some(looping),
            _ => None,
        }
    }

    /// Since when the body of a loop is at its item; `None` = it is not.
    pub(in crate::engine) fn pass_since(&self, at: usize) -> Option<Seq> {
        self.looping(at)?.pass().map(|(since, _)| since)
    }

    /// The context that a node in the body of that loop sees; of no body the run's.
    pub(in crate::engine) fn context_in(&self, scope: Option<usize>) -> &Context {
        let pass = scope.and_then(|at| self.looping(at)).map(|looping| &looping.stage);
        match pass {
            Some(Stage::Pass { context, .. }) => context,
            _ => self.context(),
        }
    }

    /// What a node has done since its pass began; of no body: since the run did.
    pub(in crate::engine) fn facts_of(&self, node: &Node) -> Option<&NodeFacts> {
        let facts = self.facts.nodes.get(&node.id)?;
        match node.scope {
            None => Some(facts.as_ref()),
            Some(scope) => {
                self.pass_since(scope).filter(|since| facts.moved > *since).map(|_| facts.as_ref())
            }
        }
    }

    /// How the pass of a loop ended: its last node in the order of the graph says.
    pub(in crate::engine) fn pass_of(&self, at: usize) -> Pass {
        if let Some(Looping { stage: Stage::Pass { over: Some(over), .. }, .. }) = self.looping(at) {
            return over.clone();
        }
        let nodes = self.definition.order(Some(at)).iter().rev();
        let ended = |at: &usize| {
            let node = self.definition.nodes().get(*at)?;
            let phase = &self.facts_of(node)?.phase;
            let carried_out = matches!(phase, Phase::Done { .. } | Phase::Failed { .. }) && !node.disabled;
            carried_out.then(|| Pass::Of(node.id.clone()))
        };
        nodes.copied().find_map(|at| ended(&at)).unwrap_or(Pass::Empty)
    }

    /// The result of a pass; `None` = it is left out.
    pub(in crate::engine) fn result(&self, pass: &Pass) -> Option<Arc<Value>> {
        let output =
            |id| self.facts.nodes.get(id).and_then(|node| node.seen.as_ref()).map(|seen| &seen.output);
        match pass {
            Pass::Skipped(_) => None,
            Pass::Empty => Some(Arc::new(Value::Null)),
            Pass::Of(id) => Some(match output(id) {
                Some(output) => domain(output).unwrap_or_else(|| Arc::new(output.to_value())),
                None => Arc::new(Value::Null),
            }),
            Pass::Failed(id) => {
                let error = output(id).and_then(|output| output.get("error")).map(AsRef::as_ref);
                Some(Arc::new(json!({ "success": false, "error": error })))
            }
        }
    }
}

/// A loop goes to an item.
pub(super) fn iterate(state: &mut RunState, event: &Iterated, seq: Seq) {
    let definition = state.definition.clone();
    let Some(node) = definition.node(&event.node) else { return };
    let Kind::Loop(plan) = &node.kind else { return };
    let result = event.pass.as_ref().and_then(|pass| state.result(pass));
    let Some(phase) = state.facts.nodes.get(&event.node).map(|facts| &facts.phase) else { return };
    let mut looping = match phase {
        Phase::Looping(looping) => looping.clone(),
        Phase::Running { attempt, .. } => {
            let items = plan.items(&state.view(node)).into();
            let (results, stage) = (Chunks::default(), Stage::Pause { until: Timestamp::UNIX_EPOCH });
            Box::new(Looping { attempt: *attempt, items, iteration: 0, stage, results, bytes: 0 })
        }
        _ => return,
    };
    if let Some(result) = result {
        looping.keep(result);
    }
    looping.iteration = event.iteration;
    looping.stage = match event.until {
        Some(until) => Stage::Pause { until },
        None => {
            let none = Arc::new(Value::Null);
            let item =
                usize::try_from(event.iteration).ok().and_then(|at| looping.items.get(at)).unwrap_or(&none);
            let context = plan.pass(state.context_in(node.scope), item, event.iteration);
            Stage::Pass { since: seq, context, over: None }
        }
    };
    if let Some(facts) = state.facts.nodes.get_mut(&event.node) {
        Arc::make_mut(facts).phase = Phase::Looping(looping);
    }
}

/// The pass of the loop at that place is over before its end: what is at work or waits in its body,
/// and in bodies inside of it, is given up.
pub(super) fn give_up(state: &mut RunState, scope: usize, over: Pass, seq: Seq) {
    let definition = state.definition.clone();
    for node in definition.nodes().iter().filter(|node| definition.is_inside(node, scope)) {
        let Some(facts) = state.facts.nodes.get_mut(&node.id) else { continue };
        let was = match &facts.phase {
            Phase::Done { .. } | Phase::Failed { .. } | Phase::Discarded { .. } => continue,
            Phase::Looping(looping) => match looping.stage {
                Stage::Pause { until } => Phase::Suspended {
                    attempt: looping.attempt,
                    until: Some(until),
                    wait_ms: 0,
                    request: None,
                },
                Stage::Pass { .. } => Phase::Running { attempt: looping.attempt, timeout_ms: None },
            },
            phase => phase.clone(),
        };
        Arc::make_mut(facts).phase = Phase::Discarded { at: seq, was: Box::new(was) };
    }
    pass_mut(state, scope, |_, ended| *ended = Some(over));
}

/// Changes the pass of a loop, if it is at one.
pub(super) fn pass_mut(
    state: &mut RunState,
    scope: usize,
    change: impl FnOnce(&mut Context, &mut Option<Pass>),
) {
    let Some(node) = state.definition.nodes().get(scope) else { return };
    let Some(facts) = state.facts.nodes.get_mut(&node.id) else { return };
    if !matches!(facts.phase, Phase::Looping(_)) {
        return;
    }
    if let Phase::Looping(looping) = &mut Arc::make_mut(facts).phase
        && let Stage::Pass { context, over, .. } = &mut looping.stage
    {
        change(context, over);
    }
}
